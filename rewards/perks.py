"""The catalogue of perks: what ambassadors can have for points or balance.

A price is in points (unit PTS) or in the program's currency.  Stock and the
limit per person are counted where they are taken, in `rewards/exchanges.py`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns.models import Campaign, CampaignStatus
from core import clock, redirects
from core.db import db
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.money import LARGEST, POINTS
from rewards.models import OfferStatus, Perk, PerkKind, PerkPerson


class PerkError(ConflictError):
    """The perk's state does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was decided of a perk; money is minor units of the program's currency."""

    kind: PerkKind
    name_en: str
    name_fr: str
    text_en: str = ""
    text_fr: str = ""
    price: int  # points, or minor units
    unit: str = POINTS
    stock: int | None = None
    per_person: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    cost: int = 0
    campaign_id: int | None = None  # of a reward code: whose benefits and scope it carries
    code_days: int | None = None
    happens_at: datetime | None = None  # an experience begins, or early access opens
    closes_at: datetime | None = None  # when early access is over
    place: str = ""
    link: str | None = None  # of early access


@dataclass(frozen=True, slots=True)
class Offered:
    """A perk as one ambassador sees it."""

    perk: Perk
    mine: int  # how often they have it
    is_gone: bool  # stock or their own limit


def create(terms: Terms) -> Perk:
    """Add a perk to the catalogue, to be taken at once.

    Raises:
        InvalidInputError: A term cannot be.
    """
    _require(terms)
    perk = Perk(
        taken=0, status=OfferStatus.ACTIVE, created_at=clock.now(), **dataclasses.asdict(terms)
    )
    db.session.add(perk)
    db.session.flush()  # the audit line names it
    audit.record("perk.create", "perk", perk.id, _plain(terms))
    return perk


def change(perk: Perk, terms: Terms) -> None:
    """Write other terms; exchanges keep the price they were made at.

    Raises:
        InvalidInputError: A term cannot be.
        PerkError: The stock would be below what was taken.
    """
    _require(terms)
    db.session.refresh(perk, with_for_update=True)  # exchanges raise `taken`
    if terms.stock is not None and terms.stock < perk.taken:
        detail = _("More than that were taken already.")
        raise PerkError(detail, faults=[Fault("/stock", detail)])
    before = {name: getattr(perk, name) for name in dataclasses.asdict(terms)}
    changed = {
        name: value for name, value in dataclasses.asdict(terms).items() if before[name] != value
    }
    if not changed:
        return
    for name, value in changed.items():
        setattr(perk, name, value)
    details = {name: [_text(before[name]), _text(value)] for name, value in changed.items()}
    audit.record("perk.change", "perk", perk.id, details)


def set_status(perk: Perk, status: OfferStatus) -> None:
    """Take a perk out of the catalogue, or put it back; what was taken stays taken."""
    if perk.status is status:
        return
    perk.status = status
    audit.record(
        "perk.freeze" if status is OfferStatus.FROZEN else "perk.open", "perk", perk.id, {}
    )


def get(perk_id: int) -> Perk:
    """Return a perk.

    Raises:
        NotFoundError: There is none of this id.
    """
    perk = db.session.get(Perk, perk_id)
    if perk is None:
        raise NotFoundError(_("There is no such perk."))
    return perk


def newest(*, limit: int = 200) -> list[Perk]:
    """Return the perks, the newest first."""
    return list(db.session.scalars(sa.select(Perk).order_by(Perk.id.desc()).limit(limit)))


def offered(ambassador_id: int) -> list[Offered]:
    """Return the catalogue of one ambassador, points first, the lowest price first."""
    now = clock.now()
    mine = sa.func.coalesce(PerkPerson.taken, 0)
    rows = db.session.execute(
        sa.select(Perk, mine.label("mine"))
        .outerjoin(
            PerkPerson,
            sa.and_(PerkPerson.perk_id == Perk.id, PerkPerson.ambassador_id == ambassador_id),
        )
        .where(Perk.status == OfferStatus.ACTIVE, *is_open(Perk, now))
        .order_by(Perk.unit != POINTS, Perk.price, Perk.id)
        .limit(100)
    )
    return [Offered(row.Perk, row.mine, _is_gone(row.Perk, row.mine)) for row in rows]


def is_open(table: Any, now: datetime) -> tuple[Any, Any]:
    """Return the conditions under which now lies in a row's window."""
    return (
        sa.or_(table.starts_at.is_(None), table.starts_at <= now),
        sa.or_(table.ends_at.is_(None), table.ends_at > now),
    )


def _is_gone(perk: Perk, mine: int) -> bool:
    is_out = perk.stock is not None and perk.taken >= perk.stock
    return is_out or (perk.per_person is not None and mine >= perk.per_person)


def _require(terms: Terms) -> None:
    faults = [
        Fault(f"/{name}", _("This field is needed."))
        for name in ("name_en", "name_fr") if not getattr(terms, name).strip()
    ]  # fmt: skip
    if not 0 < terms.price <= LARGEST:
        faults.append(Fault("/price", _("The price is above zero.")))
    if terms.unit not in {POINTS, program.current().currency}:
        faults.append(Fault("/unit", _("The price is in points or in the program's currency.")))
    for name in ("stock", "per_person", "code_days"):
        value = getattr(terms, name)
        if value is not None and not 0 < value < 2**31:
            faults.append(Fault(f"/{name}", _("Write a whole number above zero.")))
    if terms.starts_at and terms.ends_at and terms.starts_at >= terms.ends_at:
        faults.append(Fault("/ends_on", _("The last day is before the first.")))
    if terms.kind is PerkKind.REWARD_CODE:
        faults += _campaign_faults(terms.campaign_id)
    faults += _date_faults(terms)
    if faults:
        raise InvalidInputError(faults[0].detail, faults=faults)


def _date_faults(terms: Terms) -> list[Fault]:
    """Return what an experience or early access lacks: a date, a place, seats, a whole link."""
    faults = []
    if terms.kind is PerkKind.EXPERIENCE:
        needed = {"happens_at": terms.happens_at, "place": terms.place, "stock": terms.stock}
        faults = [
            Fault(f"/{name}", _("An experience needs a date, a place and a number of seats."))
            for name, value in needed.items() if not value
        ]  # fmt: skip
    if terms.happens_at and terms.closes_at and terms.closes_at <= terms.happens_at:
        faults.append(Fault("/closes_at", _("The end comes before the start.")))
    if terms.link and (redirects.host_of(terms.link) is None or len(terms.link) > 500):
        faults.append(Fault("/link", _("Write an https address.")))
    return faults


def is_accessible(perk: Perk) -> bool:
    """Tell whether the page of early access is open to those who have it now."""
    now = clock.now()
    return (
        perk.link is not None
        and (perk.happens_at is None or perk.happens_at <= now)
        and (perk.closes_at is None or now < perk.closes_at)
    )


def _campaign_faults(campaign_id: int | None) -> list[Fault]:
    campaign = db.session.get(Campaign, campaign_id) if campaign_id else None
    if campaign is None or campaign.status is CampaignStatus.ENDED:
        return [Fault("/campaign_id", _("Choose the campaign whose benefits the code carries."))]
    if campaign.new_customers_only:
        said = _("The codes of this campaign are for new customers only: no ambassador is one.")
        return [Fault("/campaign_id", said)]
    return []


def _plain(terms: Terms) -> dict[str, Any]:
    return {name: _text(value) for name, value in dataclasses.asdict(terms).items()}


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else str(value)
