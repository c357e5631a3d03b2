"""Vouchers: codes that are entered on the portal, each giving once what it stands for.

They are apart from the shop's promo codes and written by the same rules.  A
set shares its terms; a single voucher is a set of one.  One answer is given
for a code that is unknown, frozen, over or used up, after the same work, so
that guessing tells nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import circles, program
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign, CampaignStatus, Objective
from core import clock
from core.db import BATCH_ROWS, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.money import LARGEST
from referrals import codes, given_codes
from rewards import contract_meter, exchanges, gives, ledger, perks, points, purse
from rewards.ledger import Draft
from rewards.models import (
    Account,
    EntryKind,
    OfferStatus,
    Perk,
    Voucher,
    VoucherBatch,
    VoucherKind,
    VoucherPerson,
    VoucherTake,
)

MOST = 10_000  # vouchers made at once
LEAST_SYMBOLS = 12  # random ones, of a single-use voucher that carries value


class NoVoucherError(NotFoundError):
    """The code gives nothing here, or not now; nobody learns which."""


class HadYoursError(ConflictError):
    """The ambassador took as many of this set as one person can, or has what it gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a set of vouchers gives; money is minor units of the program's currency."""

    kind: VoucherKind
    name_en: str
    name_fr: str
    points: int = 0
    amount: int = 0
    perk_id: int | None = None
    campaign_id: int | None = None
    circle_id: int | None = None
    inviter_id: int | None = None  # the ambassador who invites with it
    note: str = ""  # the inviter's own, for whom it is
    per_person: int | None = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def carries_value(self) -> bool:
        return bool(self.points or self.amount or self.perk_id)


@dataclass(frozen=True, slots=True)
class Found:
    """A voucher that an ambassador may take, or has taken."""

    voucher: Voucher
    take_id: int | None


def create(
    terms: Terms, *, text: str = "", count: int = 1, pattern: str = codes.DEFAULT_PATTERN,
    takes_limit: int | None = 1,
) -> VoucherBatch:  # fmt: skip
    """Make a set of vouchers: one of a chosen text, or many of a pattern.

    Args:
        terms: What each gives.
        text: Of a single one, as people will write it; random unless given.
        count: How many, at most 10,000.
        pattern: Each # is a random symbol.
        takes_limit: How many people may take each; None for any number.

    Raises:
        InvalidInputError: A term cannot be, or the code could be guessed.
        InvalidCodeError: The text or pattern cannot make codes.
        TooFewCodesError: The vouchers would fill more than 1 % of the code space.
        CodeTakenError: There is a voucher of this text.
    """
    _require(terms)
    if not 0 < count <= MOST:
        raise _wrong("count", _("Make between 1 and 10,000 at once."))
    if takes_limit is not None and not 0 < takes_limit < 2**31:
        raise _wrong("takes_limit", _("Write a whole number above zero."))
    if text and count > 1:
        raise _wrong("text", _("A chosen text is for one voucher; leave it empty for many."))
    is_guarded = terms.carries_value and (takes_limit == 1 or count > 1)
    _require_unguessable(text, pattern, is_guarded=is_guarded)
    batch = VoucherBatch(
        currency=program.current().currency, status=OfferStatus.ACTIVE, created_at=clock.now(),
        **dataclasses.asdict(terms),
    )  # fmt: skip
    db.session.add(batch)
    db.session.flush()  # vouchers name it
    if text:
        _insert_one(text, batch.id, takes_limit)
    else:
        _fill(batch.id, codes.require_pattern(pattern, count), count, takes_limit)
    details = {
        "kind": terms.kind.value, "count": count, "points": terms.points, "amount": terms.amount,
        "perk": terms.perk_id, "campaign": terms.campaign_id, "circle": terms.circle_id,
        "inviter": terms.inviter_id,
    }  # fmt: skip
    audit.record("voucher.create", "voucher", batch.id, details)
    return batch


def check(text: str, ambassador_id: int) -> Found:
    """Return the voucher that a code stands for, before it is taken.  One statement, always.

    Raises:
        NoVoucherError: Unknown, frozen, not begun, over or used up.
    """
    key = codes.fold(text)[:60]
    row = db.session.execute(
        sa.select(Voucher, VoucherTake.id.label("take_id"), Campaign.status.label("campaign"))
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .outerjoin(Campaign, Campaign.id == VoucherBatch.campaign_id)
        .outerjoin(VoucherTake, _take_of(Voucher.id, ambassador_id))
        .where(Voucher.key == key)
    ).one_or_none()
    if row is None or not (row.take_id or can_be_taken(row.Voucher, row.campaign)):
        raise nothing()
    if not row.take_id:
        _require_meant(row.Voucher.batch, ambassador_id, is_new=False)
    return Found(row.Voucher, row.take_id)


def take(voucher_id: int, ambassador_id: int, *, is_new: bool = False) -> VoucherTake:
    """Give an ambassador what a voucher stands for; taking it again gives nothing more.

    Args:
        voucher_id: Which one.
        ambassador_id: Who takes it.
        is_new: They became an ambassador by it just now.

    Raises:
        NoVoucherError: It cannot be taken (any more).
        HadYoursError: They took as many of this set as one person can.
        GoneError: The perk it stands for is not left.
        RestingError: They are suspended or have left.
        ContractNeededError: The law asks for a signed contract first.
    """
    purse.lock(ambassador_id)
    known = db.session.scalar(sa.select(VoucherTake).where(_take_of(voucher_id, ambassador_id)))
    if known is not None:
        return known
    voucher = _take_one(voucher_id)
    batch = voucher.batch
    _require_meant(batch, ambassador_id, is_new=is_new)
    person = {"batch_id": batch.id, "ambassador_id": ambassador_id}
    if not exchanges.count_person(VoucherPerson, person, limit=batch.per_person):
        raise HadYoursError(_("You have had as many of these as one person can."))
    exchange = None
    if batch.amount:
        contract_meter.require_contract(
            ambassador_id, _objective(batch), worth=batch.amount, currency=batch.currency
        )
    if batch.perk_id is not None:
        key = f"voucher:{voucher_id}:{ambassador_id}"
        exchange = exchanges.give(ambassador_id, batch.perk_id, key=key)
    taken = VoucherTake(
        voucher_id=voucher_id, ambassador_id=ambassador_id, taken_at=clock.now(),
        exchange_id=exchange.id if exchange else None,
    )  # fmt: skip
    db.session.add(taken)
    db.session.flush()  # entries are named after its id
    _give(taken, batch)
    details = {"batch": batch.id, "voucher": voucher_id, "ambassador": ambassador_id}
    audit.record("voucher.take", "voucher", batch.id, details)
    return taken


def freeze(batch: VoucherBatch, *, reason: str) -> None:
    """Stop a whole set; what was taken stays taken."""
    if batch.status is OfferStatus.ACTIVE:
        batch.status = OfferStatus.FROZEN
        audit.record("voucher.freeze", "voucher", batch.id, {"reason": reason.strip()[:500]})


def freeze_one(voucher_id: int, *, reason: str) -> Voucher:
    """Stop one voucher of a set.

    Raises:
        NotFoundError: There is no such voucher.
    """
    voucher = db.session.get(Voucher, voucher_id)
    if voucher is None:
        raise NotFoundError(_("There is no such voucher."))
    if voucher.status is OfferStatus.ACTIVE:
        voucher.status = OfferStatus.FROZEN
        details = {"reason": reason.strip()[:500], "voucher": voucher.id}
        audit.record("voucher.freeze", "voucher", voucher.batch_id, details)
    return voucher


def get(batch_id: int) -> VoucherBatch:
    """Return a set of vouchers.

    Raises:
        NotFoundError: There is none of this id.
    """
    batch = db.session.get(VoucherBatch, batch_id)
    if batch is None:
        raise NotFoundError(_("There are no such vouchers."))
    return batch


def newest(*, limit: int = 100) -> list[Any]:
    """Return sets of vouchers, the newest first: the set, how many it has and were taken."""
    return list(
        db.session.execute(
            sa.select(VoucherBatch)
            .add_columns(sa.func.count(Voucher.id).label("count"))
            .add_columns(sa.func.sum(Voucher.taken).label("taken"))
            .add_columns(sa.func.min(Voucher.text).label("text"))
            .join(Voucher, Voucher.batch_id == VoucherBatch.id)
            .where(VoucherBatch.inviter_id.is_(None))
            .group_by(VoucherBatch.id)
            .order_by(VoucherBatch.id.desc())
            .limit(limit)
        )
    )


def of_batch(batch_id: int, *, after: int = 0, limit: int = 100) -> list[Voucher]:
    """Return a set's vouchers, going on after an id."""
    query = sa.select(Voucher).where(Voucher.batch_id == batch_id, Voucher.id > after)
    return list(db.session.scalars(query.order_by(Voucher.id).limit(limit)))


def takers(batch_id: int, *, limit: int = 200) -> list[Any]:
    """Return who took which voucher of a set, the latest first."""
    return list(
        db.session.execute(
            sa.select(VoucherTake.taken_at, Voucher.text, Member.name, Ambassador.id)
            .join(Voucher, Voucher.id == VoucherTake.voucher_id)
            .join(Ambassador, Ambassador.id == VoucherTake.ambassador_id)
            .join(Member, Member.id == Ambassador.member_id)
            .where(Voucher.batch_id == batch_id)
            .order_by(VoucherTake.id.desc())
            .limit(limit)
        )
    )


def find_take(take_id: int, ambassador_id: int) -> VoucherTake:
    """Return an ambassador's own take.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    found = db.session.get(VoucherTake, take_id)
    if found is None or found.ambassador_id != ambassador_id:
        raise NotFoundError(_("There is nothing at this address."))
    return found


def _take_of(voucher_id: Any, ambassador_id: int) -> Any:
    return sa.and_(VoucherTake.voucher_id == voucher_id, VoucherTake.ambassador_id == ambassador_id)


def can_be_taken(voucher: Voucher, campaign: CampaignStatus | None) -> bool:
    """Tell whether a voucher is open, given how its campaign stands; taking it decides."""
    batch, now = voucher.batch, clock.now()
    return (
        voucher.status is OfferStatus.ACTIVE and batch.status is OfferStatus.ACTIVE
        and (voucher.takes_limit is None or voucher.taken < voucher.takes_limit)
        and (batch.starts_at is None or batch.starts_at <= now)
        and (batch.ends_at is None or batch.ends_at > now)
        and campaign is not CampaignStatus.ENDED
    )  # fmt: skip


def _objective(batch: VoucherBatch) -> Objective | None:
    """Return the objective of the campaign that a set belongs to, if there is one."""
    return db.session.get_one(Campaign, batch.campaign_id).objective if batch.campaign_id else None


def _take_one(voucher_id: int) -> Voucher:
    """Take one of a voucher's uses, if its set is open."""
    ended = sa.select(Campaign.id).where(Campaign.status == CampaignStatus.ENDED)
    open_sets = sa.select(VoucherBatch.id).where(
        VoucherBatch.status == OfferStatus.ACTIVE, *perks.is_open(VoucherBatch, clock.now()),
        sa.or_(VoucherBatch.campaign_id.is_(None), VoucherBatch.campaign_id.not_in(ended)),
    )  # fmt: skip
    taken = db.session.scalar(
        sa.update(Voucher)
        .where(
            Voucher.id == voucher_id, Voucher.status == OfferStatus.ACTIVE,
            sa.or_(Voucher.takes_limit.is_(None), Voucher.taken < Voucher.takes_limit),
            Voucher.batch_id.in_(open_sets),
        )
        .values(taken=Voucher.taken + 1)
        .returning(Voucher.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if taken is None:
        raise nothing()
    return db.session.get_one(Voucher, voucher_id, populate_existing=True)


def _give(taken: VoucherTake, batch: VoucherBatch) -> None:
    who, drafts = taken.ambassador_id, list[Draft]()
    if batch.points:
        points.post_given(
            who, batch.points, source=f"voucher:{taken.id}:points",
            months=_campaign_months(batch.campaign_id),
        )  # fmt: skip
    if batch.amount:
        legs = ledger.move(
            batch.amount, batch.currency, debit=Account.BONUS, credit=Account.PAYABLE,
            ambassador_id=who,
        )  # fmt: skip
        source = f"voucher:{taken.id}:bonus"
        drafts.append(
            Draft(kind=EntryKind.BONUS, source=source, occurred_at=clock.now(), legs=legs)
        )
        exchanges.tell_spend(batch.amount, batch.currency, key=source, who=who)
    ledger.post(drafts)
    if batch.points or batch.amount or batch.perk_id:
        gives.count(who, what=gives.name_of(batch), key=f"voucher:{taken.id}")
    if batch.campaign_id is not None:
        given_codes.on_joining([who], db.session.get_one(Campaign, batch.campaign_id))
    if batch.circle_id is not None:
        member_id = db.session.get_one(Ambassador, who).member_id
        circles.join(circles.find(batch.circle_id), member_id)


def _campaign_months(campaign_id: int | None) -> int | None:
    return db.session.get_one(Campaign, campaign_id).points_months if campaign_id else None


def _require_meant(batch: VoucherBatch, ambassador_id: int, *, is_new: bool) -> None:
    """Refuse one's own invitation, and one that gives nothing but what an ambassador has.

    Raises:
        HadYoursError: It is meant for somebody else; it stays open for them.
    """
    if batch.inviter_id == ambassador_id:
        raise HadYoursError(_("This is your own invitation: it is for somebody you know."))
    gives = batch.points or batch.amount or batch.perk_id or batch.campaign_id or batch.circle_id
    if not is_new and (batch.inviter_id or not gives):
        raise HadYoursError(_("You are in the program already: this one is for somebody new."))


def nothing() -> NoVoucherError:
    """Return the one answer for whatever gives nothing."""
    return NoVoucherError(
        _("This code gives nothing here, or not any more. Check each symbol, or ask the team.")
    )


def _wrong(field: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, faults=[Fault(f"/{field}", detail)])


def _require(terms: Terms) -> None:
    for name in ("name_en", "name_fr"):
        if not getattr(terms, name).strip():
            raise _wrong(name, _("This field is needed."))
    _require_gift(terms)
    if terms.per_person is not None and not 0 < terms.per_person < 2**31:
        raise _wrong("per_person", _("Write a whole number above zero."))
    if terms.starts_at and terms.ends_at and terms.starts_at >= terms.ends_at:
        raise _wrong("ends_on", _("The last day is before the first."))
    _require_targets(terms)


def _require_gift(terms: Terms) -> None:
    gives = terms.carries_value or terms.campaign_id or terms.circle_id
    if not gives and terms.kind is not VoucherKind.INVITATION:
        raise _wrong("points", _("Say what it gives: points, an amount, a perk or a campaign."))
    if not 0 <= terms.points <= points.MOST or not 0 <= terms.amount <= LARGEST:
        raise _wrong("points", _("Write a number of points, other than 0 and at most 1,000,000."))


def _require_targets(terms: Terms) -> None:
    if terms.perk_id is not None and db.session.get(Perk, terms.perk_id) is None:
        raise _wrong("perk_id", _("There is no such perk."))
    if terms.campaign_id is not None:
        campaign = db.session.get(Campaign, terms.campaign_id)
        if campaign is None or campaign.status is CampaignStatus.ENDED:
            raise _wrong("campaign_id", _("There is no such campaign."))
    if terms.circle_id is not None and terms.circle_id not in circles.names():
        raise _wrong("circle_id", _("There is no such circle."))


def _require_unguessable(text: str, pattern: str, *, is_guarded: bool) -> None:
    if text and is_guarded:
        said = _("One that carries value and works once is made at random: leave the text empty.")
        raise _wrong("text", said)
    if not text and is_guarded and pattern.count("#") < LEAST_SYMBOLS:
        said = _("A voucher that carries value needs %(least)s # at least.", least=LEAST_SYMBOLS)
        raise _wrong("pattern", said)


def _fill(batch_id: int, pattern: codes.Pattern, count: int, takes_limit: int | None) -> None:
    left = count
    while left:
        left -= _insert(sorted(codes.draw(pattern, left)), batch_id, takes_limit)


def _insert(texts: list[str], batch_id: int, takes_limit: int | None) -> int:
    """Insert vouchers, leave out those that exist, and return how many are new."""
    common = {
        "batch_id": batch_id, "takes_limit": takes_limit, "taken": 0, "status": OfferStatus.ACTIVE,
    }  # fmt: skip
    statement = (
        upsert_dialect().insert(Voucher).on_conflict_do_nothing(index_elements=["key"])
    ).returning(Voucher.id)
    made = 0
    for start in range(0, len(texts), BATCH_ROWS):
        rows = [
            {"key": codes.require_key(text), "text": "-".join(text.upper().split()), **common}
            for text in texts[start : start + BATCH_ROWS]
        ]
        made += len(db.session.scalars(statement, rows).all())
    return made


def _insert_one(text: str, batch_id: int, takes_limit: int | None) -> None:
    if not _insert([text], batch_id, takes_limit):
        said = _("A voucher %(code)s exists already.", code=codes.fold(text))
        raise codes.CodeTakenError(said, faults=[Fault("/text", said)])
