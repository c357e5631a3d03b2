"""Sums that are told in one currency: those in another one by their day, to be converted.

A sum in another currency is converted with the rate of its day (UTC); where none is known it
is not counted, and its currency is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from core.db import db
from rewards import rates
from rewards.rates import Book, Wanted


def day(at: Any, amount_in: Any, currency: str) -> Any:
    """Return the day of a sum that has to be converted as text, NULL for the others."""
    told = sa.cast(sa.func.date(at), sa.String)
    return sa.case((amount_in == currency, None), else_=told).label("day")


def rows(query: Any, *keys: str) -> list[Any]:
    """Sum up `amount` by keys, `currency` and `day`: rows of these and `total`.

    The query is nested, for PostgreSQL takes no parameters in what is grouped by.
    """
    told = query.subquery()
    by = [told.c[key] for key in (*keys, "currency", "day")]
    return list(
        db.session.execute(sa.select(*by, sa.func.sum(told.c.amount).label("total")).group_by(*by))
    )


def book(found: Iterable[Any], currency: str, *, known_at: datetime | None = None) -> Book:
    """Return the rates that these rows need."""
    return rates.load([_wanted(row, currency) for row in found if row.day], known_at=known_at)


def told(row: Any, currency: str, known: Book) -> int | None:
    """Return the total of a row in a currency, minor units; None if there is no rate."""
    if not row.day:
        return int(row.total)
    rate = known.at(_wanted(row, currency))
    return rate.convert(int(row.total)) if rate else None


def _wanted(row: Any, currency: str) -> Wanted:
    return Wanted(row.currency, currency, date.fromisoformat(row.day))
