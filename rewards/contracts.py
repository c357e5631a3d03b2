"""Contracts with ambassadors: written from a template, signed in the portal, then kept as they are.

One contract is about one objective in one calendar year.  Its text is filled in once, from
variables only, and never changes; who signs types a name under the text whose hash they saw.
A signed contract outlives an erasure, for the law asks to keep it; an unsigned one does not.

Source: rule 28; loi n° 2023-451, art. 8; GDPR, article 17(3)(b).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador, Member
from campaigns import wording as campaign_words
from campaigns.models import Campaign, Objective
from campaigns.terms import reward_of
from core import clock, i18n, mails
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.i18n import LANGUAGES
from referrals.models import Code, Link
from rewards import contract_meter
from rewards.contract_meter import Level, Reading
from rewards.models import Commission
from rewards.models_contracts import Contract, ContractTemplate

VARIABLES = (
    "brand", "ambassador", "objective", "year", "from", "until", "pay", "pay_so_far",
    "gifts_so_far", "threshold",
)  # fmt: skip
NEEDED = ("brand", "ambassador", "objective", "from", "until", "pay")
LONGEST = 40_000  # letters of a template
_HOLE = re.compile(r"\{([^{}]*)\}")


class SignedError(ConflictError):
    """The contract was signed already, or another one took its place."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an ambassador stands with one objective in one year."""

    name: str
    reading: Reading
    contract: Contract | None

    @property
    def state(self) -> str:
        """What is so, one word: signed, to_sign, needs_contract, near or under."""
        if self.contract is not None:
            return "signed" if self.contract.signed_at else "to_sign"
        if self.reading.level is Level.REACHED:
            return "needs_contract"
        return "near" if self.reading.level is Level.NEAR else "under"


def template() -> ContractTemplate:
    """Return the version of the words that new contracts are written from."""
    query = sa.select(ContractTemplate).order_by(ContractTemplate.version.desc()).limit(1)
    return db.session.scalars(query).one()


def publish(*, text_en: str, text_fr: str) -> ContractTemplate:
    """Put another version of the template in force; the same texts again change nothing.

    Raises:
        InvalidInputError: A text is missing, too long, or names a variable that there is not.
        ConflictError: Somebody published another at this moment.
    """
    texts = {"text_en": _clean(text_en), "text_fr": _clean(text_fr)}
    faults = [Fault(f"/{name}", fault) for name, text in texts.items() for fault in _faults(text)]
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    last = template()
    if (last.text_en, last.text_fr) == (texts["text_en"], texts["text_fr"]):
        return last
    made = db.session.scalar(
        upsert_dialect()
        .insert(ContractTemplate)
        .values(version=last.version + 1, published_at=clock.now(), **texts)
        .on_conflict_do_nothing(index_elements=["version"])
        .returning(ContractTemplate.id)
    )
    if made is None:
        raise ConflictError(_("Somebody published another version just now. Read it first."))
    audit.record("contract_template.publish", "contract_template", last.version + 1, {})
    return db.session.get_one(ContractTemplate, made)


def standings(year: int, *, from_level: Level = Level.NEAR) -> list[Standing]:
    """Return who is near a year's threshold or above it, the highest first."""
    wanted = {Level.NEAR, Level.REACHED} if from_level is not Level.UNDER else set(Level)
    found = [one for one in contract_meter.readings(year) if one.level in wanted]
    ids = {one.ambassador_id for one in found}
    names = _names(ids)
    known = {(one.ambassador_id, one.objective): one for one in _current(ids, year)}
    return [
        Standing(names[one.ambassador_id], one, known.get((one.ambassador_id, one.objective)))
        for one in found
    ]


def prepare(ambassador_id: int, objective: Objective, year: int, *, by: str) -> Contract:
    """Write a contract and tell the ambassador; what was not signed yet is replaced.

    Args:
        ambassador_id: Whose.
        objective: Of the campaigns it is about.
        year: The calendar year it is about.
        by: Who does it, as the audit log names people.

    Raises:
        NotFoundError: There is no such ambassador.
        SignedError: The contract was signed already.
    """
    one = db.session.get(Ambassador, ambassador_id)
    if one is None:
        raise NotFoundError(_("There is no such ambassador."))
    words = template()
    language = one.member.locale if one.member.locale in LANGUAGES else program.current().locale
    text = _filled(words, one, objective, year, language)
    known = next(iter(_current({ambassador_id}, year, objective)), None)
    if known is not None and known.signed_at is None and known.text == text:
        return known
    if known is not None:
        _replace(known)
    contract = _insert(one, objective, year, words.version, language, text, by)
    audit.record(
        "contract.prepare", "contract", contract.id,
        {"ambassador": ambassador_id, "objective": objective.value, "year": year,
         "template": words.version, "text_hash": contract.text_hash},
    )  # fmt: skip
    _tell(contract, "prepared")
    return contract


def remind(contract_id: int) -> Contract:
    """Tell an ambassador once more that a contract waits, at most once a day.

    Raises:
        NotFoundError: There is no such contract.
        SignedError: It does not wait to be signed.
    """
    contract = get(contract_id)
    if contract.signed_at is not None or contract.replaced_at is not None:
        raise SignedError(_("This contract does not wait to be signed."))
    today = clock.local_day(clock.now(), program.current().timezone)
    contract.reminded_at = clock.now()
    _tell(contract, str(today))
    audit.record("contract.remind", "contract", contract.id, {"on": str(today)})
    db.session.flush()
    return contract


def sign(contract_id: int, ambassador_id: int, *, name: str, seen: str) -> Contract:
    """Sign a contract by typing one's name; once signed it never changes.

    Args:
        contract_id: Of the contract.
        ambassador_id: Who signs; another's contract answers as one that does not exist.
        name: As it was typed.
        seen: The hash of the text that was shown.

    Raises:
        NotFoundError: There is no such contract of theirs.
        InvalidInputError: No name was typed.
        SignedError: It was signed already, or another text took its place.
    """
    contract = find(contract_id, ambassador_id)
    typed = " ".join(name.split())
    if not 3 <= len(typed) <= 200 or not typed.isprintable():
        detail = _("Type your first and last name: that is your signature.")
        raise InvalidInputError(detail, faults=[Fault("/name", detail)])
    done = db.session.execute(
        sa.update(Contract)
        .where(
            Contract.id == contract_id, Contract.text_hash == seen,
            Contract.signed_at.is_(None), Contract.replaced_at.is_(None),
        )
        .values(signed_at=clock.now(), signed_name=typed)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if not affected(done):
        raise SignedError(_("This contract was signed or changed meanwhile. Read it once more."))
    audit.record("contract.sign", "contract", contract_id, {"text_hash": seen})
    db.session.refresh(contract)
    return contract


def get(contract_id: int) -> Contract:
    """Return a contract; raises NotFoundError if there is none."""
    found = db.session.get(Contract, contract_id)
    if found is None:
        raise NotFoundError(_("There is no such contract."))
    return found


def find(contract_id: int, ambassador_id: int) -> Contract:
    """Return an ambassador's own contract; raises NotFoundError for any other."""
    found = get(contract_id)
    if found.ambassador_id != ambassador_id:
        raise NotFoundError(_("There is no such contract."))
    return found


def of_ambassador(ambassador_id: int) -> list[Contract]:
    """Return an ambassador's contracts, those to sign first, without the replaced ones."""
    query = (
        sa.select(Contract)
        .where(Contract.ambassador_id == ambassador_id, Contract.replaced_at.is_(None))
        .order_by(Contract.signed_at.is_not(None), Contract.id.desc())
    )
    return list(db.session.scalars(query))


def forget(ambassador_id: int) -> None:
    """Take away what an ambassador never signed."""
    db.session.execute(
        sa.delete(Contract).where(
            Contract.ambassador_id == ambassador_id, Contract.signed_at.is_(None)
        )
    )


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in hexadecimal figures."""
    return hashlib.sha256(text.encode()).hexdigest()


def _current(ids: Collection[int], year: int, objective: Objective | None = None) -> list[Contract]:
    query = sa.select(Contract).where(
        Contract.ambassador_id.in_(ids), Contract.year == year, Contract.replaced_at.is_(None)
    )
    if objective is not None:
        query = query.where(Contract.objective == objective)
    return list(db.session.scalars(query))


def _names(ids: Collection[int]) -> dict[int, str]:
    rows = db.session.execute(
        sa.select(Ambassador.id, Member.name)
        .join(Member, Member.id == Ambassador.member_id)
        .where(Ambassador.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def _replace(known: Contract) -> None:
    done = db.session.execute(
        sa.update(Contract)
        .where(Contract.id == known.id, Contract.signed_at.is_(None))
        .values(replaced_at=clock.now())
    )
    if not affected(done):
        raise SignedError(_("This contract was signed already; it stays as it is."))


def _insert(
    one: Ambassador, objective: Objective, year: int, version: int, language: str, text: str,
    by: str,
) -> Contract:  # fmt: skip
    contract = Contract(
        ambassador_id=one.id, objective=objective, year=year, template_version=version,
        language=language, text=text, text_hash=hash_of(text), prepared_at=clock.now(),
        prepared_by=by,
    )  # fmt: skip
    db.session.add(contract)
    db.session.flush()  # the audit log and the mail name it
    return contract


def _filled(
    words: ContractTemplate, one: Ambassador, objective: Objective, year: int, language: str
) -> str:
    """Return the template's text with its variables filled in."""
    zone = program.current().timezone
    begins = max(date(year, 1, 1), clock.local_day(one.enrolled_at, zone))
    reading = next(
        (r for r in contract_meter.readings(year, only=[one.id]) if r.objective is objective), None
    )
    with force_locale(language):
        told = {
            "brand": program.current().name, "ambassador": one.member.name,
            "objective": str(campaign_words.OBJECTIVES[objective]), "year": str(year),
            "from": i18n.day(begins), "until": i18n.day(date(year, 12, 31)),
            "pay": _pay(one.id, objective),
            "pay_so_far": i18n.money(reading.pay, reading.limit.currency) if reading else "–",
            "gifts_so_far": i18n.money(reading.gifts, reading.limit.currency) if reading else "–",
            "threshold": i18n.money(reading.limit.amount, reading.limit.currency)
            if reading
            else "–",
        }  # fmt: skip
    text = words.text_fr if language == "fr" else words.text_en
    return _HOLE.sub(lambda hole: told[hole[1]], text)


def _pay(ambassador_id: int, objective: Objective) -> str:
    """Return what the campaigns of an ambassador pay, one line each."""
    mine = sa.union(
        sa.select(Code.campaign_id).where(Code.ambassador_id == ambassador_id),
        sa.select(Link.campaign_id).where(Link.ambassador_id == ambassador_id),
        sa.select(Commission.campaign_id).where(Commission.ambassador_id == ambassador_id),
    )
    query = (
        sa.select(Campaign)
        .where(Campaign.objective == objective, Campaign.id.in_(mine))
        .order_by(Campaign.id)
    )
    lines = [
        f"– {one.name}: {campaign_words.reward(reward_of(one.rules[-1]), one.currency)}"
        for one in db.session.scalars(query)
    ]
    return "\n".join(lines) or str(_("As it was agreed on for each campaign."))


def _faults(text: str) -> list[str]:
    if not text or len(text) > LONGEST:
        return [_("Write the contract in both languages, 40,000 letters at most.")]
    unknown = sorted(set(_HOLE.findall(text)) - set(VARIABLES))
    if unknown:
        return [_("There is no variable {%(name)s}.", name=unknown[0])]
    if re.search(r"[{}]", _HOLE.sub("", text)):
        return [_("A brace stands alone. Variables are written as {ambassador}.")]
    missing = [name for name in NEEDED if f"{{{name}}}" not in text]
    return [_("The variable {%(name)s} is missing.", name=missing[0])] if missing else []


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\0", "").splitlines()).strip()


def _tell(contract: Contract, occasion: str) -> None:
    """Tell the ambassador that a contract waits, if we know where to write."""
    member = contract.ambassador.member
    if member.email:
        mails.enqueue(
            "contract_waits", to=member.email, locale=member.locale,
            key=f"contract:{contract.id}:{occasion}", name=member.name, year=contract.year,
            url=f"{current_app.extensions['settings'].base_url}/portal/contracts/{contract.id}",
        )  # fmt: skip
