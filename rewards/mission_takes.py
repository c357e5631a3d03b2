"""What ambassadors did of missions: proofs handed in, decided, rewarded, and taken back.

Money is a bonus: from the brand's cost to the payable balance, once a mission and ambassador,
and a cost of perks in the CAC report (rule 21), as what vouchers give.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core import clock, limits
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.money import POINTS
from referrals import codes, content_links
from referrals.models import Attribution, Purchase, PurchaseStatus
from rewards import (
    badges,
    contract_meter,
    exchanges,
    gives,
    ledger,
    missions,
    points,
    purse,
)  # fmt: skip
from rewards.ledger import Draft
from rewards.models import Account, Commission, EntryKind, OfferStatus, PurchaseReward
from rewards.models_missions import Mission, MissionTake, Proof, TakeState

A_DAY = 20  # proofs of one ambassador


class MissionError(ConflictError):
    """The mission, or how far the ambassador is with it, does not allow this."""


class ContractNeededError(ConflictError):
    """The law asks for a signed contract before the ambassador gets more (rule 28)."""


def limit(ambassador_id: int) -> None:
    """Count a proof.  Commits, so a door calls it before the work starts.

    Raises:
        TooManyError: More than `A_DAY` in a day: a code is not to be guessed.
    """
    limits.hit("mission", str(ambassador_id), limit=A_DAY, per=timedelta(days=1))


def hand_in(mission_id: int, ambassador_id: int, text: str) -> MissionTake:
    """Hand in the proof of a mission of their campaigns: an address waits, a code gives at once.

    Args:
        mission_id: Which.
        ambassador_id: Who did it.
        text: The address of what they published, or the code of the check-in.

    Raises:
        NotFoundError: There is no such mission for them.
        InvalidInputError: No address, or not the code.
        MissionError: It is over, used up, or was handed in already.
        ContractNeededError: They sign a contract first.
    """
    purse.lock(ambassador_id)
    found = missions.find(mission_id, ambassador_id)
    if found.mission.proof not in {Proof.CONTENT, Proof.CHECK_IN}:
        raise NotFoundError(_("There is no such mission."))
    if not found.is_open:
        raise MissionError(_("This mission is over, or you have handed it in already."))
    mission = found.mission
    if mission.proof is Proof.CONTENT:
        return _begin(mission, ambassador_id, url=content_links.vetted(text))
    if codes.fold(text) != mission.code_key:
        said = _("This is not the code of the mission. Check each symbol.")
        raise InvalidInputError(said, faults=[Fault("/text", said)])
    return _give(_begin(mission, ambassador_id), by="")


def give(mission_id: int, ambassador_id: int, *, by: str) -> MissionTake:
    """Say that somebody did a mission, without a proof; giving it again changes nothing.

    Raises:
        NotFoundError: There is no such mission.
        MissionError: Nothing is left of it.
        ContractNeededError: They sign a contract first.
    """
    purse.lock(ambassador_id)
    mission, known = missions.get(mission_id), _known(mission_id, ambassador_id)
    if known is not None and known.state in {TakeState.DONE, TakeState.REVERSED}:
        return known
    return _give(known or _begin(mission, ambassador_id), by=by)


def accept(take_id: int, *, by: str) -> MissionTake:
    """Accept a proof that waits, and give what the mission gives.

    Raises:
        NotFoundError: There is no such proof.
        MissionError: It does not wait any more, or nothing is left.
        ContractNeededError: They sign a contract first; the proof goes on waiting.
    """
    return _give(_waiting(take_id), by=by)


def decline(take_id: int, *, reason: str, by: str) -> MissionTake:
    """Decline a proof that waits, with a reason that the ambassador reads; they may try again.

    Raises:
        NotFoundError: There is no such proof.
        InvalidInputError: No reason.
        MissionError: It does not wait any more.
    """
    words = _reason(reason)
    take = _waiting(take_id)
    _decide(take, TakeState.DECLINED, by=by, reason=words)
    db.session.flush()  # a proof that comes again looks at it
    audit.record("mission.decline", "mission", take.mission_id, _who(take) | {"reason": words})
    return take


def reverse(take_id: int, *, reason: str, by: str) -> MissionTake:
    """Take back what a mission gave, once: money to below zero, points as far as there are some.

    Raises:
        NotFoundError: There is no such proof.
        InvalidInputError: No reason.
        MissionError: Nothing was given, or it was taken back already.
    """
    words = _reason(reason)
    take = _locked(take_id)
    if take.state is not TakeState.DONE:
        raise MissionError(_("Nothing is given by this one, so nothing can be taken back."))
    _decide(take, TakeState.REVERSED, by=by, reason=words)
    key, who = f"mission:{take.id}", take.ambassador_id
    take.points_back = min(take.points, max(0, purse.available(who, POINTS)))
    if take.points_back:
        points.post_given(who, -take.points_back, source=f"{key}:points-back")
    if take.amount:
        ledger.post([_money(take, EntryKind.BONUS_BACK, f"{key}:back")])
        exchanges.tell_spend(-take.amount, take.mission.currency, key=f"{key}:back", who=who)
    _cancel_perk(take, words)
    badges.take_back_of(take.mission_id, who)
    gives.take_back(who, key=key)
    db.session.flush()  # the state stands with its entries
    audit.record("mission.reverse", "mission", take.mission_id, _who(take) | {"reason": words})
    return take


def queue(*, limit: int = 100) -> list[tuple[MissionTake, str]]:
    """Return the proofs that wait, the oldest first, each with the ambassador's name."""
    return _named(MissionTake.state == TakeState.WAITING, MissionTake.id, limit)


def of_mission(mission_id: int, *, limit: int = 200) -> list[tuple[MissionTake, str]]:
    """Return who did a mission, the latest first, each with the ambassador's name."""
    return _named(MissionTake.mission_id == mission_id, MissionTake.id.desc(), limit)


def of_ambassador(ambassador_id: int) -> list[MissionTake]:
    """Return what an ambassador did, the latest first."""
    query = sa.select(MissionTake).where(MissionTake.ambassador_id == ambassador_id)
    return list(db.session.scalars(query.order_by(MissionTake.id.desc())))


def forget(ambassador_id: int) -> None:
    """Delete the addresses that an ambassador handed in: they tell who they are."""
    mine = MissionTake.ambassador_id == ambassador_id
    db.session.execute(sa.update(MissionTake).where(mine).values(url=None))


def reached() -> list[tuple[int, int]]:
    """Return missions proven by purchases, each with an ambassador who reached its number.

    A purchase counts once its hold period is over and nobody has to look at it, so that a
    bonus does not come before a return.
    """
    now = clock.now()
    done = sa.exists().where(
        MissionTake.mission_id == Mission.id,
        MissionTake.ambassador_id == Attribution.ambassador_id,
    )
    query = (
        sa.select(Mission.id, Attribution.ambassador_id)
        .join(Attribution, Attribution.campaign_id == Mission.campaign_id)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .outerjoin(Commission, _same_credit(Commission))
        .outerjoin(PurchaseReward, _same_credit(PurchaseReward))
        .where(
            Mission.proof == Proof.PURCHASES, *_gives_still(now), ~done,
            Attribution.ambassador_id.is_not(None), Attribution.suspicion.is_(None),
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
            Purchase.refunded < Purchase.total,
            sa.or_(Mission.starts_at.is_(None), Purchase.occurred_at >= Mission.starts_at),
            sa.or_(Mission.ends_at.is_(None), Purchase.occurred_at < Mission.ends_at),
            sa.or_(Commission.payable_at <= now, PurchaseReward.due_at <= now),
        )
        .group_by(Mission.id, Mission.goal, Attribution.ambassador_id)
        .having(sa.func.count(sa.distinct(Purchase.id)) >= Mission.goal)
        .order_by(Mission.id, Attribution.ambassador_id)
    )  # fmt: skip
    return [(int(row[0]), int(row[1] or 0)) for row in db.session.execute(query)]


def _gives_still(now: Any) -> tuple[Any, ...]:
    """Return the conditions under which a mission gives: open, begun, something left."""
    return (
        Mission.status == OfferStatus.ACTIVE,
        sa.or_(Mission.starts_at.is_(None), Mission.starts_at <= now),
        sa.or_(Mission.takes_limit.is_(None), Mission.taken < Mission.takes_limit),
        sa.or_(Mission.budget.is_(None), Mission.committed + Mission.amount <= Mission.budget),
    )


def _same_credit(table: Any) -> Any:
    return sa.and_(
        table.purchase_id == Attribution.purchase_id,
        table.ambassador_id == Attribution.ambassador_id,
    )


def _begin(mission: Mission, ambassador_id: int, *, url: str | None = None) -> MissionTake:
    """Write that a mission was handed in, again after a decline; the caller holds the person."""
    now = clock.now()
    insert = upsert_dialect().insert(MissionTake).values(
        mission_id=mission.id, ambassador_id=ambassador_id, state=TakeState.WAITING, url=url,
        handed_in_at=now, amount=0, points=0, points_back=0,
    )  # fmt: skip
    db.session.execute(
        insert.on_conflict_do_update(
            index_elements=["mission_id", "ambassador_id"],
            set_={"state": TakeState.WAITING.value, "url": url, "handed_in_at": now},
            where=MissionTake.state == TakeState.DECLINED,
        )
    )
    take = _known(mission.id, ambassador_id)
    if take is None or take.state is not TakeState.WAITING:
        raise MissionError(_("This mission is over, or you have handed it in already."))
    return take


def _give(take: MissionTake, *, by: str) -> MissionTake:
    """Give what a mission gives, within its limits; the caller holds the ambassador."""
    mission, who, key = take.mission, take.ambassador_id, f"mission:{take.id}"
    if contract_meter.unsigned([who]):
        raise ContractNeededError(_("A contract has to be signed first: the law asks for it."))
    if not missions.reserve(mission):
        raise MissionError(_("This mission gave as often, or as much, as it may."))
    _decide(take, TakeState.DONE, by=by, reason=None)
    take.amount, take.points = mission.amount, mission.points
    if mission.perk_id is not None:
        take.exchange_id = exchanges.give(who, mission.perk_id, key=key).id
    if mission.points:
        months = db.session.get_one(Campaign, mission.campaign_id).points_months
        points.post_given(who, mission.points, source=f"{key}:points", months=months)
    if mission.amount:
        ledger.post([_money(take, EntryKind.BONUS, f"{key}:bonus")])
        exchanges.tell_spend(mission.amount, mission.currency, key=f"{key}:bonus", who=who)
    if mission.badge_id is not None:
        badges.give(mission.badge_id, who, mission_id=mission.id)
    gives.count(who, what=gives.name_of(mission), key=key)
    db.session.flush()  # the state stands with its entries
    audit.record("mission.give", "mission", mission.id, _who(take))
    return take


def _money(take: MissionTake, kind: EntryKind, source: str) -> Draft:
    debit, credit = Account.BONUS, Account.PAYABLE
    if kind is EntryKind.BONUS_BACK:
        debit, credit = credit, debit
    legs = ledger.move(
        take.amount, take.mission.currency, debit=debit, credit=credit,
        ambassador_id=take.ambassador_id,
    )  # fmt: skip
    return Draft(kind=kind, source=source, occurred_at=clock.now(), legs=legs)


def _cancel_perk(take: MissionTake, reason: str) -> None:
    """Cancel the perk if it was not used or handed over; else it stays."""
    if take.exchange_id is None:
        return
    attempt = db.session.begin_nested()
    try:
        exchanges.cancel(take.exchange_id, reason=reason)
    except exchanges.ExchangeError:
        attempt.rollback()
    else:
        attempt.commit()


def _decide(take: MissionTake, state: TakeState, *, by: str, reason: str | None) -> None:
    take.state, take.decided_at, take.decided_by = state, clock.now(), by or None
    take.reason = reason


def _waiting(take_id: int) -> MissionTake:
    take = _locked(take_id)
    if take.state is not TakeState.WAITING:
        raise MissionError(_("A colleague has decided this already."))
    return take


def _locked(take_id: int) -> MissionTake:
    take = db.session.get(MissionTake, take_id)
    if take is None:
        raise NotFoundError(_("There is no such proof."))
    purse.lock(take.ambassador_id, needs_active=False)
    db.session.refresh(take)
    return take


def _known(mission_id: int, ambassador_id: int) -> MissionTake | None:
    return db.session.scalar(
        sa.select(MissionTake)
        .where(MissionTake.mission_id == mission_id, MissionTake.ambassador_id == ambassador_id)
        .execution_options(populate_existing=True)
    )


def _reason(text: str) -> str:
    words = text.strip()[:500]
    if not words:
        said = _("Say why: the reason is kept with the decision.")
        raise InvalidInputError(said, faults=[Fault("/reason", said)])
    return words


def _who(take: MissionTake) -> dict[str, Any]:
    return {"ambassador": take.ambassador_id, "amount": take.amount, "points": take.points}


def _named(which: Any, order: Any, limit: int) -> list[tuple[MissionTake, str]]:
    rows = db.session.execute(
        sa.select(MissionTake, Member.name)
        .join(Ambassador, Ambassador.id == MissionTake.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .where(which).order_by(order).limit(limit)
    )  # fmt: skip
    return [(row.MissionTake, row.name) for row in rows]
