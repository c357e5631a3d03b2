"""Points and perks that purchases earn: given when their hold period is over, once an order.

`commissions.settle` freezes them beside commissions and then asks here what they
should be now, so doing it twice changes nothing.  A refund takes points back by the
rule of fixed amounts, below zero if they were spent (rule 17), and a perk that nobody
used yet once nothing is left of the order.  A perk whose stock is out falls for good:
the row says so to the person and to the marketer.  One that may not be given before a contract
is signed (rule 28) waits for the signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from campaigns.models import Campaign
from core import clock
from core.db import db, many, upsert_dialect
from core.money import POINTS
from referrals.models import Attribution
from rewards import exchanges, ledger, lots, perk_mails, purse, rules
from rewards.contract_meter import ContractNeededError
from rewards.freezing import Columns
from rewards.ledger import Draft, Leg
from rewards.models import (
    Account,
    EarnedState,
    EntryKind,
    ExchangeState,
    PerkKind,
    PurchaseReward,
)  # fmt: skip

_FOR_GOOD = {EarnedState.GONE, EarnedState.LIMITED}
Pair = tuple[int, int]  # purchase, ambassador


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a purchase says of its points or perk, as it stands now."""

    reward: PurchaseReward
    stands: bool  # it is paid and credited to them, and its rule still pays for it
    is_suspicious: bool
    total: int
    refunded: int
    refunded_at: datetime | None
    given: int  # points that the ledger has of it
    expired: int  # of those, and not taken back since
    entries: int  # that it has in the ledger

    @property
    def is_left(self) -> bool:
        """Tell whether something of the purchase remains."""
        return self.stands and self.refunded < self.total

    @property
    def is_due(self) -> bool:
        """Tell whether it may be given for the first time."""
        return not self.is_suspicious and self.reward.due_at <= clock.now()


_KNOWN = (
    sa.select(PurchaseReward)
    .where(PurchaseReward.purchase_id.in_(many()))
    .order_by(PurchaseReward.id)
    .execution_options(populate_existing=True)
)


def known(purchase_ids: Sequence[int]) -> dict[Pair, PurchaseReward]:
    """Return what purchases earned in points and perks, by purchase and ambassador."""
    rows = db.session.scalars(_KNOWN, {"ids": purchase_ids}) if purchase_ids else ()
    return {(row.purchase_id, row.ambassador_id): row for row in rows}


def keep(rows: Sequence[Columns]) -> dict[Pair, PurchaseReward]:
    """Write what `freezing.granted` froze, once a purchase and ambassador, and return it."""
    if not rows:
        return {}
    statement = upsert_dialect().insert(PurchaseReward).on_conflict_do_nothing()
    db.session.execute(statement, list(rows))
    return known([row["purchase_id"] for row in rows])


def due() -> list[int]:
    """Return the purchases whose points or perk wait although their hold period is over."""
    query = (
        sa.select(PurchaseReward.purchase_id)
        .join(Attribution, Attribution.purchase_id == PurchaseReward.purchase_id)
        .where(
            PurchaseReward.state == EarnedState.WAITING, PurchaseReward.due_at <= clock.now(),
            Attribution.suspicion.is_(None),
        )
        .order_by(PurchaseReward.purchase_id)
    )  # fmt: skip
    return list(db.session.scalars(query))


def gone(campaign_id: int) -> list[tuple[PurchaseReward, int]]:
    """Return the perks of a campaign of which none was left, and how many purchases missed each."""
    query = (
        sa.select(sa.func.min(PurchaseReward.id), sa.func.count())
        .where(PurchaseReward.campaign_id == campaign_id, PurchaseReward.state == EarnedState.GONE)
        .group_by(PurchaseReward.perk_id)
    )
    return [
        (db.session.get_one(PurchaseReward, first), int(number))
        for first, number in db.session.execute(query)
    ]


def follow(standings: Iterable[Standing]) -> None:
    """Bring points and perks in line with their purchases; the caller holds the purchases."""
    told = [one for one in standings if one.reward.state not in _FOR_GOOD]
    drafts = [draft for one in told if (draft := _points(one))]
    ledger.post(drafts)
    _begin_terms(drafts, told)
    perks = [one for one in told if one.reward.perk_id is not None and _moves(one)]
    for ambassador_id in sorted({one.reward.ambassador_id for one in perks}):
        purse.lock(ambassador_id, needs_active=False)
    for one in sorted(perks, key=lambda one: (one.reward.perk_id, one.reward.id)):
        _perk(one)
    db.session.flush()  # the states stand with what was given


def _points(one: Standing) -> Draft | None:
    """Return the entry that brings the points of a purchase to what they should be now."""
    reward = one.reward
    if not reward.points:
        return None
    should_be = 0
    if not one.is_left:
        reward.state = EarnedState.TAKEN_BACK
    elif reward.state is EarnedState.GIVEN or one.is_due:
        reward.state = EarnedState.GIVEN
        should_be = rules.left(reward.points, total=one.total, refunded=one.refunded)
    else:
        reward.state = EarnedState.WAITING
    difference = should_be - one.given
    if not difference:
        return None
    return Draft(
        kind=EntryKind.POINTS if difference > 0 else EntryKind.CLAWBACK, source=_source(one),
        occurred_at=one.refunded_at if difference < 0 and one.stands and one.refunded_at
        else clock.now(),
        legs=_legs(one, difference),
    )  # fmt: skip


def _begin_terms(drafts: Sequence[Draft], told: Sequence[Standing]) -> None:
    """Freeze until when points that were just given last, by the months of their campaigns."""
    given = {draft.source for draft in drafts if draft.kind is EntryKind.POINTS}
    if not given:
        return
    campaigns = {one.reward.campaign_id for one in told}
    rows = db.session.execute(
        sa.select(Campaign.id, Campaign.points_months).where(Campaign.id.in_(campaigns))
    )
    months = {row.id: row.points_months for row in rows}
    lots.begin({
        _source(one): months[one.reward.campaign_id]
        for one in told if _source(one) in given
    })  # fmt: skip


def _source(one: Standing) -> str:
    return f"purchase-reward:{one.reward.id}:{one.entries}"


def _legs(one: Standing, difference: int) -> tuple[Leg, ...]:
    """Return the legs that give points, or take back first those that expired meanwhile."""

    def move(points: int, debit: Account, credit: Account) -> tuple[Leg, ...]:
        return ledger.move(
            points, POINTS, debit=debit, credit=credit,
            ambassador_id=one.reward.ambassador_id, purchase_id=one.reward.purchase_id,
        ) if points else ()  # fmt: skip

    if difference > 0:
        return move(difference, Account.POINTS_GIVEN, Account.POINTS)
    gone = min(-difference, one.expired)
    return (
        *move(gone, Account.POINTS_EXPIRED, Account.POINTS_GIVEN),
        *move(-difference - gone, Account.POINTS, Account.POINTS_GIVEN),
    )


def _moves(one: Standing) -> bool:
    """Tell whether a perk is to be given or taken back now; write the states that need neither."""
    state = one.reward.state
    if one.is_left:
        if state is EarnedState.KEPT:
            one.reward.state = EarnedState.GIVEN
        elif state is EarnedState.TAKEN_BACK and not one.is_due:
            one.reward.state = EarnedState.WAITING
        return one.is_due and state in {EarnedState.WAITING, EarnedState.TAKEN_BACK}
    if state is EarnedState.WAITING:
        one.reward.state = EarnedState.TAKEN_BACK
    return state is EarnedState.GIVEN


def _perk(one: Standing) -> None:
    reward = one.reward
    if not one.is_left:
        reward.state = _take_back(reward)
        return
    attempt = db.session.begin_nested()  # out of stock leaves nothing of this attempt
    try:
        key = f"purchase-reward:{reward.id}:{reward.times}"
        given = exchanges.give(reward.ambassador_id, reward.perk_id or 0, key=key)
    except exchanges.GoneError:
        attempt.rollback()
        reward.state = EarnedState.GONE
        perk_mails.ran_out(reward)
        return
    except ContractNeededError:  # given once they have signed; the clock looks again
        attempt.rollback()
        reward.state = EarnedState.WAITING
        return
    attempt.commit()
    reward.exchange_id, reward.times = given.id, reward.times + 1
    reward.state = EarnedState.GIVEN


def _take_back(reward: PurchaseReward) -> EarnedState:
    """Cancel a perk that was not used or handed over; say whether it was taken back or kept."""
    done = exchanges.get(reward.exchange_id or 0)
    db.session.refresh(done)
    if done.state is ExchangeState.CANCELLED:  # by a person
        return EarnedState.TAKEN_BACK
    if done.perk.kind is PerkKind.PRODUCT and done.state is ExchangeState.DONE:
        return EarnedState.KEPT
    try:
        exchanges.cancel(
            done.id, reason=_("The purchase that earned it was refunded or withdrawn.")
        )
    except exchanges.ExchangeError:  # its code was used
        return EarnedState.KEPT
    return EarnedState.TAKEN_BACK
