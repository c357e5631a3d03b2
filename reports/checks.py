"""M12: what the reports show equals the ledger and the orders, to the minor unit.

The two sides are computed apart: one by the reports, from the columnar copy; the
other from the ledger and the purchases themselves, a query for each month.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from core import clock
from core.db import db
from referrals.models import Purchase, PurchaseStatus
from reports import acquisition, cac
from reports.models import Period, intervals
from rewards.models import Account, Posting


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure on which the reports and the books do not agree."""

    month: str
    currency: str
    figure: str  # commissions, gross, refunds or purchases
    report: int
    books: int

    def __str__(self) -> str:
        return (
            f"{self.month} {self.currency}: the report says {self.figure} {self.report}, "
            f"the books say {self.books}"
        )


def totals_equal_ledger() -> list[Difference]:
    """Compare every month and currency of the reports with the books.

    Returns:
        What differs; empty when all agree.
    """
    zone = program.current().timezone
    found: list[Difference] = []
    for currency in _currencies():
        period = _whole_history(zone)
        if period is not None:
            found += _differences(period, currency, zone)
    return found


def _differences(period: Period, currency: str, zone: str) -> list[Difference]:
    found = []
    costs = {row.month: row for row in cac.report(period, currency).by_month}
    for row in acquisition.report(period, currency).rows:
        cost = costs[row.month]
        shown = {
            "purchases": row.purchases,
            "gross": row.gross,
            "refunds": row.refunds,
            "commissions": cost.commissions + cost.commissions_retention + cost.commissions_unknown,
        }
        books = _books(row.month, currency, zone)
        found += [
            Difference(
                month=row.month, currency=currency, figure=name, report=shown[name],
                books=books[name],
            )
            for name in shown
            if shown[name] != books[name]
        ]  # fmt: skip
    return found


def _books(month: str, currency: str, zone: str) -> dict[str, int]:
    in_month = sa.or_(
        *(
            sa.and_(Purchase.occurred_at >= start, Purchase.occurred_at < end)
            for start, end in intervals(month, zone)
        )
    )
    orders = db.session.execute(
        sa.select(
            sa.func.count(), _sum(Purchase.total), _sum(Purchase.refunded)
        ).where(
            in_month, Purchase.currency == currency, Purchase.status == PurchaseStatus.PAID,
            Purchase.is_test.is_(False),
        )
    ).one()  # fmt: skip
    commissions = db.session.scalar(
        sa.select(_sum(Posting.amount))
        .join(Purchase, Purchase.id == Posting.purchase_id)
        .where(in_month, Posting.account == Account.EXPENSE, Posting.currency == currency)
    )
    return {
        "purchases": orders[0], "gross": int(orders[1]), "refunds": int(orders[2]),
        "commissions": int(commissions or 0),
    }  # fmt: skip


def _sum(column: Any) -> Any:
    return sa.func.coalesce(sa.func.sum(column), 0)


def _currencies() -> list[str]:
    bought = sa.select(Purchase.currency).distinct()
    posted = sa.select(Posting.currency).where(Posting.account == Account.EXPENSE).distinct()
    return sorted(set(db.session.scalars(bought)) | set(db.session.scalars(posted)))


def _whole_history(zone: str) -> Period | None:
    first = db.session.scalar(sa.select(sa.func.min(Purchase.occurred_at)))
    last = db.session.scalar(sa.select(sa.func.max(Purchase.occurred_at)))
    if first is None or last is None:
        return None
    return Period(clock.local_month(first, zone), clock.local_month(last, zone))
