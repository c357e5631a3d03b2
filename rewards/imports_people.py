"""Ambassadors and customers from files.

An ambassador's line may name codes; they are made in its campaign and are theirs for good.  A
customer's line says which names of a customer belong together and which member they are; as
that may show a self-referral or an earlier purchase, the credit of their purchases is decided
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import members, recruits
from ambassadors.models import AmbassadorKind
from campaigns import campaigns
from core import clock
from core.db import db
from core.errors import ConflictError, DomainError, InvalidInputError, NotFoundError
from integrations import cells, facts
from integrations.order_files.formats import UnknownFormatError
from integrations.order_files.reading import refused
from integrations.order_files.shapes import Found, Person
from integrations.tables import Table
from referrals import codes, consents, customers
from referrals.models import Customer, Purchase
from rewards import imports, intake
from rewards.imports import CREATED, UNCHANGED, UPDATED, Counts, Taken

AMBASSADOR_COLUMNS = (
    "external_id", "email", "name", "kind", "country", "locale", "joined_on", "codes", "campaign",
)  # fmt: skip
CUSTOMER_COLUMNS = ("external_id", "email", "country", "member_external_id", "accepts_mail")

Verdict = str | DomainError


def ambassador_rows(table: Table, *, campaign: str | None) -> Iterator[Found]:
    """Return the ambassadors of a file.

    Args:
        table: With the columns of `AMBASSADOR_COLUMNS`, in any order; `name` at least.
        campaign: Slug for lines that name none.

    Raises:
        UnknownFormatError: No column of names, or nothing to know people by.
    """
    _require(table, {"name"}, {"external_id", "email"})
    return _rows(table, AMBASSADOR_COLUMNS, {"campaign": campaign or ""})


def customer_rows(table: Table, *, source: str) -> Iterator[Found]:
    """Return the customers of a file.

    Args:
        table: With the columns of `CUSTOMER_COLUMNS`, in any order.
        source: The shop whose ids they are.

    Raises:
        UnknownFormatError: Nothing to know customers by.
    """
    _require(table, set(), {"external_id", "email"})
    return _rows(table, CUSTOMER_COLUMNS, {"source": source})


def take_ambassadors(batch: Sequence[Found], counts: Counts) -> Taken:
    """Enrol a batch, make its codes, and return what became of it."""
    people = [item for item in batch if isinstance(item, Person)]
    asked = [_recruit(person.told) for person in people]
    outcomes = iter(recruits.record([r for r in asked if isinstance(r, recruits.Recruit)]))
    verdicts: list[Verdict] = []
    for person, recruit in zip(people, asked, strict=True):
        if isinstance(recruit, DomainError):
            verdicts.append(recruit)
            continue
        outcome = next(outcomes)
        if outcome.ambassador_id is None:
            verdicts.append(outcome.problem or UNCHANGED)
        else:
            verdicts.append(_with_codes(person.told, outcome.ambassador_id, outcome.state))
    return imports.sort_out(batch, people, verdicts, counts)


def take_customers(batch: Sequence[Found], counts: Counts) -> Taken:
    """Make, merge and link the customers of a batch, and return what became of it."""
    people = [item for item in batch if isinstance(item, Person)]
    facts_ = [_identity_fact(person.told) for person in people]
    named = [fact for fact in facts_ if isinstance(fact, facts.Purchase)]
    before = db.session.scalar(sa.select(sa.func.max(Customer.id))) or 0
    resolved = customers.resolve(named)
    ids = iter(resolved.customer_ids)
    verdicts: list[Verdict] = []
    changed: set[int] = set()
    for person, fact in zip(people, facts_, strict=True):
        if isinstance(fact, DomainError):
            verdicts.append(fact)
            continue
        customer_id = next(ids)
        assert customer_id is not None  # noqa: S101  it has a name
        verdict = _link(customer_id, fact.country, person.told)
        if verdict == UPDATED:
            changed.add(customer_id)
        is_new = customer_id > before and verdict in {UPDATED, UNCHANGED}
        verdicts.append(CREATED if is_new else verdict)
    _decide_again(changed, resolved.disturbed)
    consents.record(consents.of_customers(named))
    return imports.sort_out(batch, people, verdicts, counts)


def _require(table: Table, all_of: set[str], one_of: set[str]) -> None:
    names = {name.strip().casefold() for name in table.header}
    missing = sorted(all_of - names) + ([] if one_of & names else [" / ".join(sorted(one_of))])
    if missing:
        raise UnknownFormatError(
            _("The file has no column %(missing)s. It has: %(columns)s.",
              missing=", ".join(missing), columns=", ".join(table.header[:40]))
        )  # fmt: skip


def _rows(table: Table, names: tuple[str, ...], defaults: Mapping[str, str]) -> Iterator[Found]:
    places = {name.strip().casefold(): place for place, name in enumerate(table.header)}
    for row in table:
        if row.problem:
            yield refused((row,), row.problem)
            continue
        told = {name: row.cells[places[name]].strip() for name in names if name in places}
        filled = {name: text for name, text in told.items() if text}
        yield Person((row,), {**defaults, **filled})


def _recruit(told: Mapping[str, str]) -> recruits.Recruit | DomainError:
    try:
        return recruits.Recruit(
            person=members.Person(
                name=told.get("name", ""), email=told.get("email"),
                external_id=told.get("external_id"), country=_country(told.get("country")),
                locale=told.get("locale"), joined_on=_day(told.get("joined_on")),
            ),
            kind=_kind(told.get("kind", "customer")),
        )  # fmt: skip
    except DomainError as error:
        return error


def _kind(text: str) -> AmbassadorKind:
    try:
        return AmbassadorKind(text.lower())
    except ValueError:
        kinds = ", ".join(AmbassadorKind)
        raise InvalidInputError(
            _("“%(text)s” is not a kind of ambassador; one of %(kinds)s.", text=text, kinds=kinds)
        ) from None


def _country(text: str | None) -> str | None:
    return (cells.country(text) or text) if text else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInputError(
            _("“%(text)s” is not a day such as 2026-03-31.", text=text)
        ) from None


def _with_codes(told: Mapping[str, str], ambassador_id: int, state: str) -> Verdict:
    """Make the codes of a line that do not exist yet."""
    try:
        for text in told.get("codes", "").replace(",", " ").split():
            if _has_code(text, told.get("campaign"), ambassador_id) and state == UNCHANGED:
                state = UPDATED
    except DomainError as problem:
        return problem
    return state


def _has_code(text: str, campaign: str | None, ambassador_id: int) -> bool:
    """Make sure that an ambassador has a code; tell whether it had to be made.

    Raises:
        DomainError: It is somebody else's, cannot be a code, or has no campaign.
    """
    known = codes.find(text)
    if known is not None and known.ambassador_id == ambassador_id:
        return False
    if known is not None:
        raise ConflictError(_("The code %(code)s is somebody else's.", code=text))
    if not campaign:
        raise InvalidInputError(_("Name the campaign of the code %(code)s.", code=text))
    with db.session.begin_nested():  # a code that is refused leaves the batch as it was
        codes.create(text, campaign_id=campaigns.get(campaign).id, ambassador_id=ambassador_id)
    return True


def _identity_fact(told: Mapping[str, str]) -> facts.Purchase | DomainError:
    """Return the names of a customer in the form in which purchases tell them, or what is wrong."""
    country = cells.country(told.get("country", ""))
    if told.get("country") and country is None:
        return InvalidInputError(_("“%(text)s” is not a country.", text=told["country"]))
    if len(told.get("external_id", "")) > 150:
        return InvalidInputError(_("Write an id of at most %(n)s characters.", n=150))
    fact = facts.Purchase(
        source=told["source"], external_id="-", occurred_at=clock.now(), currency="EUR", total=0,
        customer_external_id=told.get("external_id"), email=told.get("email"), country=country,
        accepts_mail=cells.yes_or_no(told.get("accepts_mail", "")),
    )  # fmt: skip
    if not customers.identities(fact):
        return InvalidInputError(_("Give the shop's id or an e-mail address."))
    return fact


def _link(customer_id: int, country: str | None, told: Mapping[str, str]) -> Verdict:
    """Write what a line says of a customer."""
    customer = db.session.get_one(Customer, customer_id)
    verdict = UNCHANGED
    if country and customer.country != country:
        customer.country, verdict = country, UPDATED
    if name := told.get("member_external_id"):
        member = members.find(external_id=name)
        if member is None:
            return NotFoundError(_("There is no member %(name)s.", name=name))
        if customer.member_id not in {None, member.id}:
            return ConflictError(_("This customer is linked to another member already."))
        if customer.member_id is None:
            customer.member_id, verdict = member.id, UPDATED
    return verdict


def _decide_again(customer_ids: set[int], disturbed: set[int]) -> None:
    """Decide the credit of purchases whose customer is now better known."""
    db.session.flush()  # the links count for what follows
    purchases = sa.select(Purchase.id, Purchase.customer_id).where(
        sa.or_(Purchase.customer_id.in_(customer_ids), Purchase.id.in_(disturbed))
    )
    rows = db.session.execute(purchases).all()
    moved = customers.refresh_first({row.customer_id for row in rows if row.customer_id})
    ids = {row.id for row in rows}
    ids |= {i for pair in moved.values() for i in pair if i is not None}
    intake.decide_again(ids)
