"""What ambassadors brought and earned, each figure in a constant number of statements.

A purchase belongs to an ambassador's list when it was credited to them or when
a touch of theirs lost it; so they also see what did not count, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign
from core import clock, i18n
from core.db import db
from core.money import POINTS
from referrals.models import (
    Attribution,
    Click,
    ClickKind,
    Code,
    CreditTouch,
    Customer,
    Link,
    LostCredit,
    Purchase,
    PurchaseStatus,
)  # fmt: skip
from rewards import credits, ledger
from rewards.credits import CommissionState
from rewards.models import (
    Account,
    Commission,
    Entry,
    EntryKind,
    PayoutDetail,
    Posting,
    PurchaseReward,
    RateWait,
)  # fmt: skip
from rewards.models_contracts import Contract
from rewards.models_missions import Badge, BadgeHolder
from rewards.rates import Wanted


@dataclass(frozen=True, slots=True)
class Figures:
    """What an ambassador brought, in all and since an instant."""

    clicks: int
    clicks_lately: int
    purchases: int
    purchases_lately: int
    new_customers: int
    new_customers_lately: int
    next_payable_at: datetime | None
    has_payout_details: bool
    contract_to_sign: int | None  # that waits for their signature
    badge_names: str | None  # a line each, in the reader's language

    @property
    def badges(self) -> list[str]:
        """The names of their badges."""
        return (self.badge_names or "").splitlines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A purchase in an ambassador's list, without who bought."""

    id: int
    source: str
    external_id: str
    occurred_at: datetime
    currency: str
    total: int
    refunded: int
    status: PurchaseStatus
    is_new: bool | None  # None: the purchase named no customer
    is_credited: bool
    touch: CreditTouch | None
    reason: str  # a word of `touches.Credit`, or of what the ambassador's touch lost by
    code: str | None
    clicked_at: datetime | None
    suspicion: str | None
    commission: CommissionState | None
    reward: PurchaseReward | None  # points or a perk
    awaits: Wanted | None  # the rate of currency without which nothing is paid yet

    @property
    def state(self) -> str:
        """Where the money stands, `awaiting_rate`, or `not_counted`."""
        if self.awaits:
            return "awaiting_rate"
        if self.commission is None or not self.commission.accrued or not self.is_credited:
            return "not_counted"
        return self.commission.state

    @property
    def amount(self) -> int:
        """What the ambassador has of it, in minor units."""
        return self.commission.amount if self.commission and self.is_credited else 0


def figures(ambassador_id: int, *, since: datetime) -> Figures:
    """Return what an ambassador brought, in all and since an instant."""
    clicks = sa.select(Click.id).join(Link).where(
        Link.ambassador_id == ambassador_id, Click.kind == ClickKind.VISIT
    )  # fmt: skip
    bought = (
        sa.select(Purchase.id)
        .join(Attribution, Attribution.purchase_id == Purchase.id)
        .where(Attribution.ambassador_id == ambassador_id)
    )
    new = bought.join(Customer, Customer.first_purchase_id == Purchase.id)
    next_at = sa.select(sa.func.min(Commission.payable_at)).where(
        Commission.ambassador_id == ambassador_id, Commission.is_active,
        Commission.payable_at > clock.now(), Commission.amount > 0,
    )  # fmt: skip
    to_sign = sa.select(sa.func.max(Contract.id)).where(
        Contract.ambassador_id == ambassador_id, Contract.signed_at.is_(None),
        Contract.replaced_at.is_(None),
    )  # fmt: skip
    badge = Badge.name_fr if i18n.language() == "fr" else Badge.name_en
    badges = (
        sa.select(sa.func.aggregate_strings(badge, "\n"))
        .join(BadgeHolder, BadgeHolder.badge_id == Badge.id)
        .where(BadgeHolder.ambassador_id == ambassador_id)
    )
    row = db.session.execute(
        sa.select(
            _count(clicks), _count(clicks.where(Click.clicked_at >= since)),
            _count(bought), _count(bought.where(Purchase.occurred_at >= since)),
            _count(new), _count(new.where(Purchase.occurred_at >= since)),
            next_at.scalar_subquery(),
            sa.exists().where(PayoutDetail.ambassador_id == ambassador_id),
            to_sign.scalar_subquery(), badges.scalar_subquery(),
        )
    ).one()  # fmt: skip
    return Figures(*row)


def brought(
    ambassador_id: int,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = 20,
    only: int | None = None,
) -> list[Brought]:
    """Return purchases of an ambassador's list, the latest first, in two statements.

    Args:
        ambassador_id: Whose.
        before: Time and id of the last purchase of the page before.
        limit: Rows at most.
        only: The one purchase to look at.
    """
    credited = sa.select(Attribution.purchase_id).where(Attribution.ambassador_id == ambassador_id)
    lost = sa.select(LostCredit.purchase_id).where(LostCredit.ambassador_id == ambassador_id)
    query = (
        sa.select(
            Purchase, Attribution, Commission, PurchaseReward, Customer.first_purchase_id,
            Code.text.label("code"), Click.clicked_at,
            RateWait.since.label("waits_since"), Campaign.currency.label("campaign_currency"),
        )
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(Code, Code.id == Attribution.code_id)
        .outerjoin(Click, Click.id == Attribution.click_id)
        .outerjoin(RateWait, RateWait.purchase_id == Purchase.id)
        .outerjoin(Campaign, Campaign.id == Attribution.campaign_id)
        .outerjoin(
            Commission,
            sa.and_(
                Commission.purchase_id == Purchase.id, Commission.ambassador_id == ambassador_id
            ),
        )
        .outerjoin(
            PurchaseReward,
            sa.and_(
                PurchaseReward.purchase_id == Purchase.id,
                PurchaseReward.ambassador_id == ambassador_id,
            ),
        )
        .where(Purchase.id.in_(sa.union(credited, lost)))
        .where(Purchase.is_test.is_(False))
        .order_by(Purchase.occurred_at.desc(), Purchase.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(sa.tuple_(Purchase.occurred_at, Purchase.id) < before)
    if only is not None:
        query = query.where(Purchase.id == only)
    rows = db.session.execute(query).all()
    balances = ledger.by_purchase([row.Purchase.id for row in rows]) if rows else {}
    return [_brought(row, ambassador_id, balances) for row in rows]


def movements(ambassador_id: int, *, limit: int = 30) -> list[Any]:
    """Return the latest entries that moved an ambassador's money: kind, time, amount, currency.

    The amount is what their money owed grew or, below zero, shrank by.
    """
    moved = -sa.func.sum(sa.case((Posting.account.in_(ledger.OWED), Posting.amount), else_=0))
    query = (
        sa.select(
            Entry.id, Entry.kind, Entry.occurred_at, Posting.currency, moved.label("amount"),
            sa.func.max(Purchase.source).label("source"),
            sa.func.max(Purchase.external_id).label("external_id"),
        )
        .join(Posting, Posting.entry_id == Entry.id)
        .outerjoin(Purchase, Purchase.id == Posting.purchase_id)
        .where(
            Entry.id.in_(
                sa.select(Posting.entry_id)
                .where(Posting.ambassador_id == ambassador_id)
                .distinct()
                .order_by(Posting.entry_id.desc())
                .limit(limit)
            ),
            Entry.kind.not_in([EntryKind.RELEASE, EntryKind.HOLD]),
            Posting.currency != POINTS,
        )
        .group_by(Entry.id, Entry.kind, Entry.occurred_at, Posting.currency)
        .order_by(Entry.occurred_at.desc(), Entry.id.desc())
    )  # fmt: skip
    return list(db.session.execute(query))


def _count(query: sa.Select[Any]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(query.subquery()).scalar_subquery()


def _brought(
    row: Any, ambassador_id: int, balances: dict[tuple[int, int], dict[Account, int]]
) -> Brought:
    purchase: Purchase = row.Purchase
    decided: Attribution | None = row.Attribution
    is_credited = decided is not None and decided.ambassador_id == ambassador_id
    return Brought(
        id=purchase.id, source=purchase.source, external_id=purchase.external_id,
        occurred_at=purchase.occurred_at, currency=purchase.currency, total=purchase.total,
        refunded=purchase.refunded, status=purchase.status,
        is_new=None if purchase.customer_id is None else row.first_purchase_id == purchase.id,
        is_credited=is_credited, touch=decided.touch if decided and is_credited else None,
        reason=_reason(decided, ambassador_id), code=row.code if is_credited else None,
        clicked_at=row.clicked_at if is_credited else None,
        suspicion=decided.suspicion if decided and is_credited else None,
        commission=credits.commission_state(row.Commission, balances) if row.Commission else None,
        awaits=credits.awaited(purchase, row.campaign_currency)
        if is_credited and row.waits_since
        else None,
        reward=row.PurchaseReward if is_credited else None,
    )  # fmt: skip


def _reason(decided: Attribution | None, ambassador_id: int) -> str:
    if decided is None:
        return "none"
    if decided.ambassador_id == ambassador_id:
        return decided.reason
    if decided.touch is CreditTouch.MANUAL:
        return "overridden"
    own = [lost["reason"] for lost in decided.lost if lost["ambassador_id"] == ambassador_id]
    return str(own[-1]) if own else "none"
