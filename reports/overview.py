"""What the console's first page asks of the database: what waits, what runs, what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, lazyload

from accounts.models import ApiKey
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns.models import Campaign, CampaignStatus
from core import clock, jobs
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations.inbox import Delivery, DeliveryState
from referrals.models import (
    Attribution,
    Code,
    CodeRequest,
    CodeSignal,
    Purchase,
    Refund,
    RefundState,
    RequestState,
)
from rewards import jobs_imports
from rewards.models import Account, Posting, PurchaseQuestion

LATELY = timedelta(days=7)
MOST_IMPORTS = 20
MOST_CAMPAIGNS = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a person has to look at."""

    failed_deliveries: int
    failed_messages: int
    parked_refunds: int
    invited: int
    questions: int
    wishes: int
    signals: int


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
class Payable:
    """What is ready to pay; in minor units."""

    people: int
    amount: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the program stands."""

    waiting: Waiting
    active: int  # ambassadors, now
    payable: Payable
    start: Start


@dataclass(frozen=True, slots=True)
class Held:
    """A commission that waits for a decision."""

    purchase_id: int
    source: str
    external_id: str
    occurred_at: datetime
    name: str
    amount: int
    currency: str
    suspicion: str | None


def running(*, limit: int = MOST_CAMPAIGNS) -> list[Campaign]:
    """Return the running campaigns, the newest first."""
    query = (
        sa.select(Campaign)
        .where(Campaign.status == CampaignStatus.RUNNING)
        .options(lazyload(Campaign.rules), joinedload(Campaign.benefits))
    )
    return list(db.session.scalars(query.order_by(Campaign.id.desc()).limit(limit)).unique())


def left_out() -> list[jobs.Job]:
    """Return the imports of the last days that failed or refused lines, the newest first."""
    query = (
        sa.select(jobs.Job)
        .where(jobs.Job.kind == jobs_imports.KIND, jobs.Job.ended_at >= clock.now() - LATELY)
        .order_by(jobs.Job.id.desc())
        .limit(MOST_IMPORTS)
    )
    return [job for job in db.session.scalars(query) if _needs_a_look(job)]


def _needs_a_look(job: jobs.Job) -> bool:
    counts = job.result.get("counts", {})
    return job.state == jobs.JobState.FAILED or bool(counts.get("rejected"))


def standing(currency: str) -> Standing:
    """Return what waits, who is active, what is ready to pay in a currency, and the first steps.

    One statement for all of it, as it is on the page that everybody opens first.
    """
    waits = (
        sa.select(Delivery.id).where(Delivery.state == DeliveryState.FAILED),
        sa.select(OutboxMessage.id).where(OutboxMessage.state == MessageState.FAILED),
        sa.select(Refund.id).where(Refund.state == RefundState.PARKED),
        sa.select(Ambassador.id).where(Ambassador.status == AmbassadorStatus.INVITED),
        sa.select(PurchaseQuestion.id).where(PurchaseQuestion.answered_at.is_(None)),
        sa.select(CodeRequest.id).where(CodeRequest.state == RequestState.WAITING),
        sa.select(CodeSignal.id).where(CodeSignal.closed_at.is_(None)),
        sa.select(Ambassador.id).where(Ambassador.status == AmbassadorStatus.ACTIVE),
    )
    steps = [sa.exists(sa.select(table)) for table in (Campaign.id, Ambassador.id, Code.id)]
    steps += [sa.exists(sa.select(Purchase.id))]
    steps += [sa.exists(sa.select(ApiKey.id).where(ApiKey.revoked_at.is_(None)))]
    row = db.session.execute(sa.select(*_counts(waits), *_payable(currency), *steps)).one()
    *counts, active = row[: len(waits)]
    people, amount, *done = row[len(waits) :]
    return Standing(
        Waiting(*counts), active=active, payable=Payable(int(people), int(amount)),
        start=Start(*(bool(value) for value in done)),
    )  # fmt: skip


def held(*, limit: int = 5) -> list[Held]:
    """Return commissions that wait for a decision, the oldest first."""
    amount = -sa.func.sum(Posting.amount)
    query = (
        sa.select(
            Purchase.id.label("purchase_id"), Purchase.source, Purchase.external_id,
            Purchase.occurred_at, Member.name, amount.label("amount"), Posting.currency,
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


def _payable(currency: str) -> tuple[Any, Any]:
    each = (
        sa.select(-sa.func.sum(Posting.amount).label("amount"))
        .where(Posting.account == Account.PAYABLE, Posting.currency == currency)
        .group_by(Posting.ambassador_id)
        .having(sa.func.sum(Posting.amount) < 0)
        .subquery()
    )
    people = sa.select(sa.func.count()).select_from(each)
    amount = sa.select(sa.func.coalesce(sa.func.sum(each.c[0]), 0))
    return people.scalar_subquery(), amount.scalar_subquery()


def _counts(queries: Sequence[sa.Select[Any]]) -> list[Any]:
    return [
        sa.select(sa.func.count()).select_from(query.subquery()).scalar_subquery()
        for query in queries
    ]
