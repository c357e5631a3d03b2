"""The story of one code: who uses it, where, when, what happened to it, what it replaces.

Who, where and when are told by the purchases that the code won; who bought is a number,
never a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from accounts.models import AuditLine
from core import clock
from core.db import db
from referrals.models import (
    Attribution,
    Code,
    CodeStatus,
    Customer,
    Purchase,
    PurchaseStatus,
)

WEEKS = 26
_LONGEST_CHAIN = 20
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a code; instants are None before the first purchase."""

    purchases: int
    customers: int
    new_customers: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A country and what came from it."""

    country: str | None
    purchases: int
    new_customers: int


@dataclass(frozen=True, slots=True)
class Who:
    """A customer, without a name."""

    customer_id: int
    country: str | None
    purchases: int
    last_at: datetime
    is_new: bool  # came to the shop with this code


_IS_NEW = Customer.first_purchase_id == Purchase.id
_NEW = sa.func.count(sa.case((_IS_NEW, 1)))
_FIGURES = (
    sa.func.count(),
    sa.func.count(sa.distinct(Purchase.customer_id)),
    _NEW,
    sa.func.min(Purchase.occurred_at),
    sa.func.max(Purchase.occurred_at),
)


def when(code_id: int, timezone: str) -> tuple[Figures, list[tuple[datetime, int]]]:
    """Return what came of a code, and the purchases of each of the last 26 weeks, in order.

    A week is told by the instant of its Monday.
    """
    starts = week_starts(timezone)
    ends = [*starts[1:], clock.now() + timedelta(days=7)]
    counted = [
        sa.func.count(sa.case((Purchase.occurred_at.between(start, end - _INSTANT), 1)))
        for start, end in zip(starts, ends, strict=True)
    ]
    row = db.session.execute(_purchases(code_id, *_FIGURES, *counted)).one()
    several = len(_FIGURES)
    return Figures(*row[:several]), list(zip(starts, row[several:], strict=True))


def figures(code_id: int) -> Figures:
    """Return what came of a code."""
    return Figures(*db.session.execute(_purchases(code_id, *_FIGURES)).one())


def places(code_id: int, *, limit: int = 12) -> list[Place]:
    """Return the countries of a code's purchases, the most frequent first."""
    query = _purchases(code_id, Purchase.country, sa.func.count().label("n"), _NEW)
    rows = db.session.execute(
        query.group_by(Purchase.country)
        .order_by(sa.desc("n"), sa.func.coalesce(Purchase.country, ""))
        .limit(limit)
    )
    return [Place(*row) for row in rows]


def customers(code_id: int, *, limit: int = 10) -> list[Who]:
    """Return the customers who used a code most, then latest."""
    last = sa.func.max(Purchase.occurred_at).label("last_at")
    query = _purchases(
        code_id, Customer.id, sa.func.max(Purchase.country), sa.func.count().label("n"), last, _NEW
    ).where(Customer.id.is_not(None))
    rows = db.session.execute(
        query.group_by(Customer.id).order_by(sa.desc("n"), sa.desc("last_at")).limit(limit)
    )
    return [Who(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows]


def week_starts(timezone: str, count: int = WEEKS) -> list[datetime]:
    """Return the Mondays of the last weeks, at midnight in a time zone, the present one last."""
    today = clock.local_day(clock.now(), timezone)
    monday = today - timedelta(days=today.weekday())
    return [
        datetime.combine(
            monday - timedelta(weeks=back), time(), tzinfo=clock.zone(timezone)
        ).astimezone(UTC)
        for back in range(count - 1, -1, -1)
    ]


def history(code: Code, *, limit: int = 30) -> list[AuditLine]:
    """Return what was done to a code, the latest first."""
    query = (
        sa.select(AuditLine)
        .where(AuditLine.object_kind == "code", AuditLine.object_id == code.key)
        .order_by(AuditLine.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def chain(code: Code) -> list[Code]:
    """Return the codes that stood in for each other, from the first to the present one."""
    found = [code]
    while found[0].replaces_id and len(found) < _LONGEST_CHAIN:
        found.insert(0, db.session.get_one(Code, found[0].replaces_id))
    while found[-1].status is CodeStatus.FROZEN and len(found) < _LONGEST_CHAIN:
        query = sa.select(Code).where(
            Code.ambassador_id == found[-1].ambassador_id, Code.replaces_id == found[-1].id
        )
        later = db.session.scalars(query.order_by(Code.id).limit(1)).one_or_none()
        if later is None:
            break
        found.append(later)
    return found


def _purchases(code_id: int, *columns: Any) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(*columns)
        .select_from(Attribution)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .where(
            Attribution.code_id == code_id,
            Purchase.status == PurchaseStatus.PAID,
            Purchase.is_test.is_(False),
        )
    )
