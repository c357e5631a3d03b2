"""The queue of purchases that await a rate of currency, and who may leave it.

`commissions.settle` keeps it: whoever is settled again leaves it with a commission, or
stays.  What is awaited is told from the order and its campaign, never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core import clock
from core.db import db
from referrals.models import Attribution, Purchase
from rewards import rates
from rewards.models import RateWait
from rewards.rates import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A purchase of the queue, and the rate that it awaits."""

    purchase_id: int
    source: str
    external_id: str
    occurred_at: datetime
    total: int
    wanted: Wanted
    ambassador_id: int
    ambassador: str
    campaign: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """How many purchases await rates of a pair, and over which days."""

    base: str
    quote: str
    count: int
    first: date
    last: date


_COLUMNS = (
    Purchase.id, Purchase.source, Purchase.external_id, Purchase.occurred_at, Purchase.total,
    Purchase.currency.label("quote"), Campaign.currency.label("base"),
    Campaign.name.label("campaign"), Attribution.ambassador_id, Member.name, RateWait.since,
)  # fmt: skip


def _joined(query: Any) -> Any:
    return (
        query.select_from(RateWait)
        .join(Purchase, Purchase.id == RateWait.purchase_id)
        .join(Attribution, Attribution.purchase_id == Purchase.id)
        .join(Campaign, Campaign.id == Attribution.campaign_id)
    )


def page(*, after: tuple[datetime, int] | None = None, limit: int = 50) -> list[Waiting]:
    """Return purchases that wait, the oldest order first, going on after one."""
    query = (
        _joined(sa.select(*_COLUMNS))
        .join(Ambassador, Ambassador.id == Attribution.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .order_by(Purchase.occurred_at, Purchase.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(sa.tuple_(Purchase.occurred_at, Purchase.id) > after)
    timezone = program.current().timezone
    return [
        Waiting(
            purchase_id=row.id, source=row.source, external_id=row.external_id,
            occurred_at=row.occurred_at, total=row.total,
            wanted=Wanted(row.base, row.quote, clock.local_day(row.occurred_at, timezone)),
            ambassador_id=row.ambassador_id, ambassador=row.name, campaign=row.campaign,
            since=row.since,
        )
        for row in db.session.execute(query)
    ]  # fmt: skip


def missing() -> list[Missing]:
    """Return what is awaited, by pair of currencies."""
    timezone = program.current().timezone
    first, last = sa.func.min(Purchase.occurred_at), sa.func.max(Purchase.occurred_at)
    pair = (Campaign.currency, Purchase.currency)
    query = (
        _joined(sa.select(*pair))
        .add_columns(sa.func.count(), sa.type_coerce(first, Purchase.occurred_at.type))
        .add_columns(sa.type_coerce(last, Purchase.occurred_at.type))
        .group_by(*pair)
        .order_by(*pair)
    )
    return [
        Missing(
            row[0], row[1], row[2],
            clock.local_day(row[3], timezone), clock.local_day(row[4], timezone),
        )
        for row in db.session.execute(query)
    ]  # fmt: skip


def size() -> int:
    """Return how many purchases wait."""
    return db.session.scalars(sa.select(sa.func.count()).select_from(RateWait)).one()


def everybody() -> list[int]:
    """Return all purchases that wait, the oldest order first."""
    return [purchase_id for purchase_id, _wanted in _waiting()]


def ready() -> list[int]:
    """Return the purchases whose rate is there by now, the oldest order first."""
    waiting = list(_waiting())
    book = rates.load({wanted for _id, wanted in waiting})
    there = {wanted: book.at(wanted) is not None for wanted in {one for _id, one in waiting}}
    return [purchase_id for purchase_id, wanted in waiting if there[wanted]]


def still_waiting(purchase_ids: list[int]) -> int:
    """Return how many of these purchases wait."""
    query = sa.select(sa.func.count()).select_from(RateWait)
    return db.session.scalars(query.where(RateWait.purchase_id.in_(purchase_ids))).one()


def _waiting() -> Iterator[tuple[int, Wanted]]:
    timezone = program.current().timezone
    columns = (Purchase.id, Campaign.currency, Purchase.currency, Purchase.occurred_at)
    query = _joined(sa.select(*columns)).order_by(Purchase.occurred_at, Purchase.id)
    for id_, base, quote, at in db.session.execute(query):
        yield id_, Wanted(base, quote, clock.local_day(at, timezone))
