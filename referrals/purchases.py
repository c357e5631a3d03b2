"""Purchases: every order of the shop, once, whoever brought it.

`record` takes a list and issues a constant number of statements.  An order is
known by `(source, external_id)`: the same facts again change nothing, a status
may move forward (pending, paid, cancelled), and other facts are refused, or
kept out quietly where a shop is known to repeat itself in other words.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from core import changes, clock, emails, likeness, money
from core.db import db, many, run, upsert_dialect
from core.errors import ConflictError, DomainError
from integrations import facts
from referrals import customers, disposable, purchase_faults
from referrals.models import OrderAlias, Purchase, PurchaseLine, PurchaseStatus

_FORWARD = {  # a status moves to the right only
    PurchaseStatus.PENDING: 0,
    PurchaseStatus.PAID: 1,
    PurchaseStatus.CANCELLED: 2,
}

Key = tuple[str, str]  # source, external id


class OtherFactsError(ConflictError):
    """The order is recorded already, with other facts."""

    code = "other_facts"


class State(StrEnum):
    """What became of one fact."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one purchase of a list, in the list's order."""

    key: Key
    state: State
    purchase_id: int | None = None
    problem: DomainError | None = None


@dataclass(slots=True)
class Recorded:
    """What became of a list of purchases.

    `to_credit` names every purchase whose credit has to be decided (again):
    the new and changed ones, and those that are no longer a first purchase.
    """

    outcomes: list[Outcome]
    to_credit: set[int] = field(default_factory=set)

    @property
    def created(self) -> frozenset[int]:
        """The purchases of this transaction: nobody else has seen them, or written about them."""
        ids = (one.purchase_id for one in self.outcomes if one.state is State.CREATED)
        return frozenset(id_ for id_ in ids if id_ is not None)


def record(purchases: Sequence[facts.Purchase], *, on_other_facts: str = "refuse") -> Recorded:
    """Record purchases; one that is wrong harms no other.

    Args:
        purchases: Facts in any order; the same order may come twice.
        on_other_facts: `refuse` answers a contradiction with a problem; `keep`
            keeps the amounts of the first telling and adds the codes, click and
            customer that only the second one knows; `agree` keeps where currency
            and total are the same, and refuses otherwise.
    """
    wrong = {
        index: problem
        for index, fact in enumerate(purchases)
        if (problem := purchase_faults.problem(fact))
    }
    batch: dict[Key, facts.Purchase] = {}
    for index, fact in enumerate(purchases):
        if index not in wrong:
            batch.setdefault(_key(fact), fact)
    recorded = Recorded([])
    known = _known(batch)
    made = _create([fact for key, fact in batch.items() if key not in known], recorded)
    known |= _known(key for key in batch if key not in known and key not in made)
    _lock_changing([fact for i, fact in enumerate(purchases) if i not in wrong], known)
    for index, fact in enumerate(purchases):
        outcome = (
            Outcome(_key(fact), State.REFUSED, problem=wrong[index])
            if index in wrong
            else _outcome(fact, made, known, recorded, on_other_facts)
        )
        recorded.outcomes.append(outcome)
        if outcome.state in {State.CREATED, State.UPDATED} and outcome.purchase_id:
            recorded.to_credit.add(outcome.purchase_id)
    db.session.flush()  # the first purchase and the credit are decided on what is stored
    _after(recorded)
    return recorded


def find(source: str, external_id: str) -> Purchase | None:
    """Return an order by its own id or by another name its shop uses for it."""
    alias = sa.select(OrderAlias.external_id).where(
        OrderAlias.source == source, OrderAlias.alias == external_id
    )
    return db.session.scalar(
        sa.select(Purchase)
        .where(
            Purchase.source == source,
            sa.or_(
                Purchase.external_id == external_id,
                Purchase.external_id == alias.scalar_subquery(),
            ),
        )
        .limit(1)
    )


def of_customers(customer_ids: Sequence[int]) -> list[int]:
    """Return every purchase of these customers."""
    query = sa.select(Purchase.id).where(Purchase.customer_id.in_(customer_ids))
    return list(db.session.scalars(query)) if customer_ids else []


_INSTANTS = sa.select(Purchase.occurred_at).where(Purchase.id.in_(many()))


def mark_changed(purchase_ids: Iterable[int]) -> None:
    """Say that the months of these purchases have to be read again by the reports."""
    ids = sorted(set(purchase_ids))
    timezone = program.current().timezone
    months: set[str] = set()
    for start in range(0, len(ids), 5000):
        instants = run(_INSTANTS, {"ids": ids[start : start + 5000]}).scalars()
        months |= {clock.local_month(instant, timezone) for instant in instants}
    changes.mark("purchases", months)


def _key(fact: facts.Purchase) -> Key:
    return fact.source, fact.external_id


_BY_NAME = sa.select(Purchase).where(
    Purchase.source == sa.bindparam("source"), Purchase.external_id.in_(many())
)


def _known(keys: Iterable[Key]) -> dict[Key, Purchase]:
    by_source: dict[str, list[str]] = {}
    for source, external_id in keys:
        by_source.setdefault(source, []).append(external_id)
    found: dict[Key, Purchase] = {}
    for source, ids in by_source.items():
        rows = db.session.scalars(_BY_NAME, {"source": source, "ids": ids})
        found |= {(row.source, row.external_id): row for row in rows}
    return found


def _lock_changing(told: Iterable[facts.Purchase], known: dict[Key, Purchase]) -> None:
    """Lock the orders that may change, after their customers, and read them again.

    What two messages say of one order at the same moment is held against each other.
    """
    changing = [
        known[_key(fact)]
        for fact in told
        if _key(fact) in known and _may_change(fact, known[_key(fact)])
    ]
    if not changing:
        return
    customers.lock(purchase.customer_id for purchase in changing)
    db.session.scalars(
        sa.select(Purchase)
        .where(Purchase.id.in_(sorted({purchase.id for purchase in changing})))
        .order_by(Purchase.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()


def _may_change(fact: facts.Purchase, purchase: Purchase) -> bool:
    is_forward = _FORWARD[PurchaseStatus(fact.status)] > _FORWARD[purchase.status]
    return is_forward or purchase.fact_hash != _fact_hash(fact)


@functools.cache
def _insert(dialect: Any) -> Any:
    return (
        dialect.insert(Purchase)
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(Purchase.id, Purchase.source, Purchase.external_id)
    )


def _create(new: list[facts.Purchase], recorded: Recorded) -> dict[Key, int]:
    """Insert purchases that nobody knows, with lines and aliases; return their ids."""
    if not new:
        return {}
    resolved = customers.resolve_locked(new)
    recorded.to_credit |= resolved.disturbed
    rows = [_row(fact, who) for fact, who in zip(new, resolved.customer_ids, strict=True)]
    inserted = run(_insert(upsert_dialect()), rows)
    made = {(row.source, row.external_id): row.id for row in inserted}
    _add_lines(new, made)
    _add_aliases(fact for fact in new if _key(fact) in made)
    return made


def _row(fact: facts.Purchase, customer_id: int | None) -> dict[str, Any]:
    return {
        "source": fact.source,
        "external_id": fact.external_id,
        "occurred_at": fact.occurred_at,
        "currency": money.require_currency(fact.currency),
        "total": fact.total,
        "discount": fact.discount,
        "tax": fact.tax,
        "shipping": fact.shipping,
        "net_amount": fact.total - fact.tax - fact.shipping,
        "refunded": 0,
        "status": PurchaseStatus(fact.status),
        "is_test": fact.is_test,
        "customer_id": customer_id,
        "customer_key": emails.digest(fact.email) if fact.email else None,
        "country": fact.country.upper() if fact.country else None,
        "codes": [*fact.codes, *(f"stripe:{code}" for code in fact.promotion_codes)],
        "click_token": fact.click_token,
        "heard_from": fact.heard_from,
        "subscription": fact.subscription,
        "period_index": fact.period_index,
        "name_key": likeness.of_mailbox(fact.email),
        "is_disposable": disposable.is_disposable(fact.email),
        "fact_hash": _fact_hash(fact),
        "recorded_at": clock.now(),
    }


def _fact_hash(fact: facts.Purchase) -> str:
    """Return a digest of what the shop said of the order, less the status, which may move."""
    said = msgspec.to_builtins(fact)
    said.pop("status")
    said.pop("accepts_mail")  # of the customer, who may change their mind
    said["occurred_at"] = fact.occurred_at.timestamp()
    said["currency"] = money.require_currency(fact.currency)
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def _add_lines(new: list[facts.Purchase], made: dict[Key, int]) -> None:
    rows = [
        {
            "purchase_id": made[_key(fact)],
            "position": position,
            "sku": line.sku[:100],
            "quantity": line.quantity,
            "amount": line.amount,
        }
        for fact in new
        if _key(fact) in made
        for position, line in enumerate(fact.lines)
    ]
    if rows:
        run(sa.insert(PurchaseLine), rows)


def _add_aliases(told: Iterable[facts.Purchase]) -> None:
    rows = [
        {"source": fact.source, "alias": alias, "external_id": fact.external_id}
        for fact in told
        for alias in fact.aliases
        if alias != fact.external_id
    ]
    if rows:
        db.session.execute(upsert_dialect().insert(OrderAlias).on_conflict_do_nothing(), rows)


def _outcome(
    fact: facts.Purchase,
    made: dict[Key, int],
    known: dict[Key, Purchase],
    recorded: Recorded,
    on_other_facts: str,
) -> Outcome:
    key = _key(fact)
    if key in made:
        return Outcome(key, State.CREATED, made.pop(key))  # the same again is held against it
    if key not in known:
        known |= _known([key])
    return _compare(fact, known[key], recorded, on_other_facts)


def _compare(
    fact: facts.Purchase, purchase: Purchase, recorded: Recorded, on_other_facts: str
) -> Outcome:
    """Hold a fact against the purchase as it is recorded."""
    key, is_changed = _key(fact), False
    if purchase.fact_hash != _fact_hash(fact):
        if on_other_facts == "refuse" or (
            on_other_facts == "agree" and not _same_money(fact, purchase)
        ):
            problem = OtherFactsError(
                _(
                    "Order %(order)s is recorded already with other facts; nothing changed.",
                    order=fact.external_id,
                )
            )
            return Outcome(key, State.REFUSED, purchase.id, problem)
        is_changed = _add_what_is_missing(purchase, fact, recorded)
    status = PurchaseStatus(fact.status)
    if _FORWARD[status] > _FORWARD[purchase.status]:
        purchase.status, is_changed = status, True
    if not is_changed:
        return Outcome(key, State.UNCHANGED, purchase.id)
    return Outcome(key, State.UPDATED, purchase.id)


def _same_money(fact: facts.Purchase, purchase: Purchase) -> bool:
    return (fact.currency.upper(), fact.total) == (purchase.currency, purchase.total)


def _add_what_is_missing(purchase: Purchase, fact: facts.Purchase, recorded: Recorded) -> bool:
    """Add what only the second telling of an order knows; amounts stay."""
    _add_aliases([fact])
    told = _row(fact, None)
    unknown = [code for code in told["codes"] if code not in purchase.codes]
    is_changed = bool(unknown)
    if unknown:
        purchase.codes = [*purchase.codes, *unknown]
    for name in ("click_token", "heard_from", "subscription", "period_index", "country"):
        if getattr(purchase, name) is None and told[name] is not None:
            setattr(purchase, name, told[name])
            is_changed = True
    if purchase.customer_id is None and customers.identities(fact):
        resolved = customers.resolve_locked([fact])
        recorded.to_credit |= resolved.disturbed
        purchase.customer_id = resolved.customer_ids[0]
        for name in ("customer_key", "name_key", "is_disposable"):
            setattr(purchase, name, told[name])
        is_changed = True
    return is_changed


_CUSTOMERS = sa.select(Purchase.customer_id).where(Purchase.id.in_(many())).distinct()


def _after(recorded: Recorded) -> None:
    """Point customers at their first purchase and tell the reports what changed."""
    if not recorded.to_credit:
        return
    known = run(_CUSTOMERS, {"ids": sorted(recorded.to_credit)}).scalars()
    touched = {i for i in known if i is not None}
    linked = customers.link_members(touched)
    recorded.to_credit |= set(of_customers(linked))  # with their own code: a self-referral now
    for old, new in customers.refresh_first(touched).values():
        recorded.to_credit |= {i for i in (old, new) if i is not None}
    mark_changed(recorded.to_credit)
