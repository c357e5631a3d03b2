"""The way out of the database: each fact table as one wide row per fact, month by month.

These are the only queries that reports make on the transactional tables.  Both
databases write the same CSV, byte for byte, so the columnar copy is the same
on both.  No name, e-mail address or other personal detail of a person leaves.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign, Spend
from campaigns.spend import COUNTED_ON
from core.db import db
from referrals.models import Attribution, Click, Code, Customer, Link, Purchase, PurchaseStatus
from referrals.models_survey import SurveyAnswer
from reports.models import following, intervals
from rewards.models import Account, Posting


@dataclass(frozen=True, slots=True)
class Source:
    """One fact table: its query, where its time stands, and its columns in the copy."""

    name: str
    query: Callable[..., sa.Select[Any]]
    id: Any  # breaks ties in time
    time: Any  # the column that decides the month: an instant or a local day
    columns: dict[str, str]  # name: DuckDB type, in the order of the CSV

    @property
    def is_daily(self) -> bool:
        return isinstance(self.time.type, sa.Date)


def first_after(connection: sa.Connection, source: Source, bound: datetime) -> datetime | None:
    """Return the earliest time of a fact at or after a bound; None if there is none.

    A local day counts as midnight UTC.
    """
    limit = bound.date() if source.is_daily else bound
    found = connection.scalar(sa.select(sa.func.min(source.time)).where(source.time >= limit))
    if found is None or isinstance(found, datetime):
        return found
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def count(source: Source, month: str, timezone: str, *, most: int) -> int:
    """Return how many rows a month of a fact has, counting no further than `most`."""
    some = sa.select(source.id).where(_within(source, month, timezone)).limit(most)
    return db.session.scalars(sa.select(sa.func.count()).select_from(some.subquery())).one()


def write_csv(
    connection: sa.Connection, source: Source, month: str, timezone: str, path: Path
) -> None:
    """Write one month of a fact table as CSV without a header, in the order of time.

    Args:
        connection: Inside the snapshot that the whole copy is taken from.
        source: Which fact table.
        month: As `YYYY-MM`, in the program's time zone.
        timezone: The program's.
        path: The file to make.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    query = (
        source.query(month, is_sqlite=is_sqlite)
        .where(_within(source, month, timezone))
        .order_by(source.time, source.id)
    )
    if is_sqlite:
        _write_sqlite(connection, query, path)
    else:
        _copy_postgresql(connection, query, path)


def _write_sqlite(connection: sa.Connection, query: sa.Select[Any], path: Path) -> None:
    found = connection.execute(query)
    cursor: Any = found.cursor  # the driver's own: rows as stored, without a step in between
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(cursor)
    found.close()


def _copy_postgresql(connection: sa.Connection, query: sa.Select[Any], path: Path) -> None:
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    cursor: Any = connection.connection.cursor()
    statement = f"COPY ({compiled}) TO STDOUT (FORMAT csv)"
    with cursor, cursor.copy(statement) as rows, path.open("wb") as file:
        for block in rows:
            file.write(block)


def _within(source: Source, month: str, timezone: str) -> sa.ColumnElement[bool]:
    if source.is_daily:
        first, after = (date.fromisoformat(f"{name}-01") for name in (month, following(month)))
        return sa.and_(source.time >= first, source.time < after)
    return sa.or_(
        *(
            sa.and_(source.time >= start, source.time < end)
            for start, end in intervals(month, timezone)
        )
    )


def _instant(column: Any, *, is_sqlite: bool) -> Any:
    """Return an instant in UTC as text, as SQLite stores it."""
    if is_sqlite:
        return column
    return sa.func.to_char(sa.func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")


def _purchases(month: str, *, is_sqlite: bool) -> sa.Select[Any]:
    """Return paid purchases with their customer, credit and commission net of reversals."""
    commission = (
        sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0))
        .where(
            Posting.purchase_id == Purchase.id,
            Posting.account == Account.EXPENSE,
            Posting.currency == Purchase.currency,
        )
        .scalar_subquery()
    )
    status = sa.case(
        (Purchase.customer_id.is_(None), "unknown"),
        (Customer.first_purchase_id == Purchase.id, "new"),
        else_="existing",
    )
    credit = Attribution.ambassador_id
    return (
        sa.select(
            Purchase.id, sa.literal(month), _instant(Purchase.occurred_at, is_sqlite=is_sqlite),
            Purchase.source, Purchase.external_id, Purchase.customer_id, status,
            Purchase.currency, Purchase.total, Purchase.discount, Purchase.net_amount,
            Purchase.refunded, Purchase.country, credit,
            sa.case((credit.is_not(None), Campaign.slug)),
            sa.case((credit.is_not(None), Code.text)),
            sa.case((credit.is_not(None), sa.cast(Attribution.touch, sa.String))),
            commission, sa.func.coalesce(SurveyAnswer.answer, Purchase.heard_from),
            Purchase.subscription,
        )
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(SurveyAnswer, SurveyAnswer.purchase_id == Purchase.id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .outerjoin(Campaign, Campaign.id == Attribution.campaign_id)
        .outerjoin(Code, Code.id == Attribution.code_id)
        .where(Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False))
    )  # fmt: skip


def _clicks(month: str, *, is_sqlite: bool) -> sa.Select[Any]:
    """Return requests for links, whatever their kind."""
    return (
        sa.select(
            Click.id, sa.literal(month), _instant(Click.clicked_at, is_sqlite=is_sqlite),
            Click.kind, Click.link_id, Link.ambassador_id, Campaign.slug,
            sa.cast(Click.is_paid_traffic, sa.Integer),
        )
        .join(Link, Link.id == Click.link_id)
        .join(Campaign, Campaign.id == Link.campaign_id)
    )  # fmt: skip


def _spend(month: str, *, is_sqlite: bool) -> sa.Select[Any]:
    """Return lines of spend."""
    columns: tuple[Any, ...] = (
        Spend.id, sa.literal(month), Spend.on, Spend.channel, Spend.kind, Spend.currency,
        Spend.amount, Spend.ambassador_id,
    )  # fmt: skip
    return sa.select(*columns)


PURCHASES = Source(
    "purchases",
    _purchases,
    Purchase.id,
    Purchase.occurred_at,
    {
        "id": "BIGINT", "month": "VARCHAR", "occurred_at": "TIMESTAMP", "source": "VARCHAR",
        "external_id": "VARCHAR", "customer_id": "BIGINT", "customer_status": "VARCHAR",
        "currency": "VARCHAR", "total": "BIGINT", "discount": "BIGINT", "net_amount": "BIGINT",
        "refunded": "BIGINT", "country": "VARCHAR", "ambassador_id": "BIGINT",
        "campaign": "VARCHAR", "code": "VARCHAR", "touch": "VARCHAR", "commission": "BIGINT",
        "heard_from": "VARCHAR", "subscription": "VARCHAR",
    },
)  # fmt: skip
CLICKS = Source(
    "clicks",
    _clicks,
    Click.id,
    Click.clicked_at,
    {
        "id": "BIGINT", "month": "VARCHAR", "clicked_at": "TIMESTAMP", "kind": "VARCHAR",
        "link_id": "BIGINT", "ambassador_id": "BIGINT", "campaign": "VARCHAR",
        "is_paid_traffic": "INTEGER",
    },
)  # fmt: skip
SPEND = Source(
    "spend",
    _spend,
    Spend.id,
    COUNTED_ON,
    {
        "id": "BIGINT", "month": "VARCHAR", "spent_on": "DATE", "channel": "VARCHAR",
        "kind": "VARCHAR", "currency": "VARCHAR", "amount": "BIGINT", "ambassador_id": "BIGINT",
    },
)  # fmt: skip
SOURCES = {source.name: source for source in (PURCHASES, CLICKS, SPEND)}
