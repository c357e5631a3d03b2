"""Missions: what a campaign asks of its ambassadors, proven in a way of its own, and rewarded once.

How often one gives, and how much in all, is taken by one conditional UPDATE in the transaction
that gives; the ambassador's row is held, and there is one row for a mission and an
ambassador, so nothing is given twice.  Who needs a contract first (rule 28) waits for it.
A bonus for reaching a tier is a mission that is proven by a number of purchases.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns.models import Campaign, CampaignStatus
from core import clock
from core.db import db
from core.errors import Fault, InvalidInputError, NotFoundError
from core.money import LARGEST
from referrals import codes, sharing
from rewards.models import OfferStatus, Perk
from rewards.models_missions import Badge, Mission, MissionTake, Proof, TakeState

MOST_POINTS = 1_000_000
_MOST = 200  # missions of one ambassador that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was decided of a mission; money is minor units of the program's currency."""

    campaign_id: int
    name_en: str
    name_fr: str
    text_en: str = ""
    text_fr: str = ""
    proof: Proof
    goal: int | None = None
    code: str = ""  # of a check-in
    amount: int = 0
    points: int = 0
    perk_id: int | None = None
    badge_id: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    takes_limit: int | None = None
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A mission as one ambassador sees it."""

    mission: Mission
    campaign: str
    take: MissionTake | None
    is_open: bool  # something can be handed in now


def create(terms: Terms) -> Mission:
    """Add a mission, open at once within its window.

    Raises:
        InvalidInputError: A term cannot be.
    """
    _require(terms)
    columns = dataclasses.asdict(terms)
    key = codes.fold(columns.pop("code"))
    mission = Mission(
        **columns, code_key=key if terms.proof is Proof.CHECK_IN else None,
        currency=program.current().currency, taken=0, committed=0, status=OfferStatus.ACTIVE,
        created_at=clock.now(),
    )  # fmt: skip
    db.session.add(mission)
    db.session.flush()  # the audit line names it
    details = {"proof": terms.proof.value, "amount": terms.amount, "points": terms.points}
    audit.record("mission.create", "mission", mission.id, details)
    return mission


def set_status(mission: Mission, status: OfferStatus) -> None:
    """Close a mission to new proofs, or open it again; those that wait may still be decided."""
    if mission.status is not status:
        mission.status = status
        act = "mission.freeze" if status is OfferStatus.FROZEN else "mission.open"
        audit.record(act, "mission", mission.id, {})


def get(mission_id: int) -> Mission:
    """Return a mission; raises NotFoundError if there is none of this id."""
    mission = db.session.get(Mission, mission_id)
    if mission is None:
        raise NotFoundError(_("There is no such mission."))
    return mission


def newest(*, limit: int = 200) -> list[tuple[Mission, str]]:
    """Return missions with the name of their campaign, the newest first."""
    rows = db.session.execute(
        sa.select(Mission, Campaign.name).join(Campaign, Campaign.id == Mission.campaign_id)
        .order_by(Mission.id.desc()).limit(limit)
    )  # fmt: skip
    return [(row.Mission, row.name) for row in rows]


def offered(ambassador_id: int) -> list[Offered]:
    """Return the missions of an ambassador's campaigns: those open, then those they did."""
    seen = [one for one in _all(ambassador_id) if one.is_open or one.take is not None]
    return sorted(seen, key=lambda one: not one.is_open)


def find(mission_id: int, ambassador_id: int) -> Offered:
    """Return a mission as an ambassador sees it, open or not.

    Raises:
        NotFoundError: There is none, or it is of a campaign that they do not share.
    """
    found = [one for one in _all(ambassador_id) if one.mission.id == mission_id]
    if not found:
        raise NotFoundError(_("There is no such mission."))
    return found[0]


def _all(ambassador_id: int) -> list[Offered]:
    shared = {one.campaign_id for one in sharing.of_ambassador(ambassador_id) if one.is_active}
    mine = sa.and_(MissionTake.mission_id == Mission.id, MissionTake.ambassador_id == ambassador_id)
    rows = db.session.execute(
        sa.select(Mission, Campaign.name, Campaign.status, MissionTake)
        .join(Campaign, Campaign.id == Mission.campaign_id)
        .outerjoin(MissionTake, mine)
        .where(sa.or_(Mission.campaign_id.in_(shared), MissionTake.id.is_not(None)))
        .order_by(Mission.id.desc())
        .limit(_MOST)
    )
    return [
        Offered(
            row.Mission, row.name, row.MissionTake,
            row.status is CampaignStatus.RUNNING and is_open(row.Mission, row.MissionTake),
        )
        for row in rows
    ]  # fmt: skip


def is_open(mission: Mission, take: MissionTake | None) -> bool:
    """Tell whether a proof can come now: the window, what is left, and what they did so far."""
    now = clock.now()
    return (
        (take is None or take.state is TakeState.DECLINED)
        and mission.status is OfferStatus.ACTIVE
        and (mission.starts_at is None or mission.starts_at <= now)
        and (mission.ends_at is None or now < mission.ends_at)
        and (mission.takes_limit is None or mission.taken < mission.takes_limit)
        and (mission.budget is None or mission.committed + mission.amount <= mission.budget)
    )


def reserve(mission: Mission) -> bool:
    """Count one more for whom a mission gives; False if its limit or budget is reached."""
    counted = db.session.scalar(
        sa.update(Mission)
        .where(
            Mission.id == mission.id,
            sa.or_(Mission.takes_limit.is_(None), Mission.taken < Mission.takes_limit),
            sa.or_(
                Mission.budget.is_(None), Mission.committed + Mission.amount <= Mission.budget
            ),
        )
        .values(taken=Mission.taken + 1, committed=Mission.committed + Mission.amount)
        .returning(Mission.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.session.refresh(mission)
    return counted is not None


def _require(terms: Terms) -> None:
    faults = [
        Fault(f"/{name}", _("This field is needed."))
        for name in ("name_en", "name_fr", "text_en", "text_fr")
        if not getattr(terms, name).strip()
    ]
    campaign = db.session.get(Campaign, terms.campaign_id)
    if campaign is None or campaign.status is CampaignStatus.ENDED:
        faults.append(Fault("/campaign_id", _("Choose a campaign that has not ended.")))
    if terms.proof is Proof.PURCHASES and not 0 < (terms.goal or 0) < 10**6:
        faults.append(Fault("/goal", _("Write a whole number above zero.")))
    if terms.proof is Proof.CHECK_IN and len(codes.fold(terms.code)) < 4:
        faults.append(Fault("/code", _("Write a code of 4 letters or digits at least.")))
    faults += [*_gift_faults(terms), *_limit_faults(terms)]
    if faults:
        raise InvalidInputError(faults[0].detail, faults=faults)


def _gift_faults(terms: Terms) -> list[Fault]:
    faults = []
    if not (terms.amount or terms.points or terms.perk_id or terms.badge_id):
        said = _("Say what it gives: an amount, points, a perk or a badge.")
        faults.append(Fault("/amount", said))
    if not 0 <= terms.amount <= LARGEST or not 0 <= terms.points <= MOST_POINTS:
        faults.append(Fault("/points", _("Write a whole number above zero.")))
    if terms.perk_id is not None and db.session.get(Perk, terms.perk_id) is None:
        faults.append(Fault("/perk_id", _("There is no such perk.")))
    if terms.badge_id is not None and db.session.get(Badge, terms.badge_id) is None:
        faults.append(Fault("/badge_id", _("There is no such badge.")))
    return faults


def _limit_faults(terms: Terms) -> list[Fault]:
    faults = []
    for name in ("takes_limit", "budget"):
        value = getattr(terms, name)
        if value is not None and not 0 < value < 2**31:
            faults.append(Fault(f"/{name}", _("Write a whole number above zero.")))
    if terms.starts_at and terms.ends_at and terms.starts_at >= terms.ends_at:
        faults.append(Fault("/ends_on", _("The last day is before the first.")))
    return faults
