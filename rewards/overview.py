"""What the console's first page counts: the month so far, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from accounts.models import ApiKey
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns.models import Campaign
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations.inbox import Delivery, DeliveryState
from referrals.models import (
    Attribution,
    Code,
    Customer,
    Purchase,
    PurchaseStatus,
    Refund,
    RefundState,
)  # fmt: skip
from rewards.models import Account, Commission, Posting, PurchaseQuestion


@dataclass(frozen=True, slots=True)
class Month:
    """Counts since an instant."""

    purchases: int
    purchases_community: int
    new_customers: int
    new_customers_community: int
    ambassadors: int  # active, now


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a person has to look at."""

    failed_deliveries: int
    failed_messages: int
    parked_refunds: int
    invited: int
    questions: int


@dataclass(frozen=True, slots=True)
class Start:
    """Which of the first steps are done."""

    has_campaign: bool
    has_ambassador: bool
    has_code: bool
    has_purchase: bool
    has_key: bool

    @property
    def is_done(self) -> bool:
        return self.has_campaign and self.has_ambassador and self.has_code and self.has_purchase


@dataclass(frozen=True, slots=True)
class Held:
    """A commission that waits for a decision."""

    source: str
    external_id: str
    occurred_at: datetime
    name: str
    amount: int
    currency: str
    suspicion: str | None


def month(since: datetime) -> Month:
    """Return what came since an instant; a pending, cancelled or test purchase counts nowhere."""
    counted = sa.select(Purchase.id).where(
        Purchase.occurred_at >= since, Purchase.status == PurchaseStatus.PAID,
        Purchase.is_test.is_(False),
    )  # fmt: skip
    through = counted.join(Attribution, Attribution.purchase_id == Purchase.id).where(
        Attribution.ambassador_id.is_not(None)
    )
    new = counted.join(Customer, Customer.first_purchase_id == Purchase.id)
    new_through = through.join(Customer, Customer.first_purchase_id == Purchase.id)
    active = sa.select(Ambassador.id).where(Ambassador.status == AmbassadorStatus.ACTIVE)
    return Month(*_counts(counted, through, new, new_through, active))


def waiting() -> Waiting:
    """Return how much waits for a person."""
    return Waiting(
        *_counts(
            sa.select(Delivery.id).where(Delivery.state == DeliveryState.FAILED),
            sa.select(OutboxMessage.id).where(OutboxMessage.state == MessageState.FAILED),
            sa.select(Refund.id).where(Refund.state == RefundState.PARKED),
            sa.select(Ambassador.id).where(Ambassador.status == AmbassadorStatus.INVITED),
            sa.select(PurchaseQuestion.id).where(PurchaseQuestion.answered_at.is_(None)),
        )
    )


def start() -> Start:
    """Return which of the first steps are done."""
    tables = (Campaign.id, Ambassador.id, Code.id, Purchase.id)
    steps = [sa.exists(sa.select(table)) for table in tables]
    key = sa.exists(sa.select(ApiKey.id).where(ApiKey.revoked_at.is_(None)))
    row = db.session.execute(sa.select(*steps, key)).one()
    return Start(*(bool(value) for value in row))


def held(*, limit: int = 5) -> list[Held]:
    """Return commissions that wait for a decision, the oldest first."""
    amount = -sa.func.sum(Posting.amount)
    query = (
        sa.select(
            Purchase.source, Purchase.external_id, Purchase.occurred_at, Member.name,
            amount.label("amount"), Posting.currency,
            sa.func.max(Attribution.suspicion).label("suspicion"),
        )
        .join(Purchase, Purchase.id == Posting.purchase_id)
        .join(Ambassador, Ambassador.id == Posting.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .where(Posting.account == Account.HELD)
        .group_by(
            Purchase.id, Purchase.source, Purchase.external_id, Purchase.occurred_at, Member.name,
            Posting.currency,
        )
        .having(sa.func.sum(Posting.amount) < 0)
        .order_by(Purchase.occurred_at, Purchase.id)
        .limit(limit)
    )  # fmt: skip
    return [Held(**row._mapping) for row in db.session.execute(query)]


def owed_lately(since: datetime) -> list[tuple[str, int]]:
    """Return the commissions on purchases since an instant, by currency, before refunds."""
    rows = db.session.execute(
        sa.select(Commission.currency, sa.func.sum(Commission.amount))
        .where(Commission.earned_at >= since, Commission.is_active)
        .group_by(Commission.currency)
        .order_by(Commission.currency)
    )
    return [(row[0], int(row[1])) for row in rows]


def _counts(*queries: sa.Select[Any]) -> list[int]:
    counts = [
        sa.select(sa.func.count()).select_from(query.subquery()).scalar_subquery()
        for query in queries
    ]
    return [int(value) for value in db.session.execute(sa.select(*counts)).one()]
