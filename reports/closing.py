"""A month is closed with its reports: they are kept as they read, byte for byte.

What comes later is booked in the open month, and how far the live reports have moved since is
told beside the kept ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from campaigns import spend
from campaigns.models import Spend
from core import clock
from core.db import db
from core.errors import InvalidInputError
from core.money import POINTS
from reports import acquisition, cac, exports
from reports.models import Period, following, intervals
from rewards import books
from rewards.models import Posting
from rewards.models_books import ClosedMonth

_KEPT = {acquisition.NAME: acquisition.report, cac.NAME: cac.report}


@dataclass(frozen=True, slots=True)
class Moved:
    """A figure of a closed month that the live report tells otherwise by now."""

    document: str
    figure: str
    closed: object
    now: object


def bounds(month: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month of the program's time zone, and the first after."""
    spans = intervals(month, program.current().timezone)
    return spans[0][0], spans[-1][1]


def close(month: str, *, by: str) -> ClosedMonth:
    """Close a month with its reports; raises as `books.close` does."""
    return books.close(month, bounds(month), by=by, papers=lambda: _papers(month))


def moved(month: str) -> list[Moved]:
    """Return which figures of a closed month the live reports tell otherwise by now."""
    found = []
    live = _papers(month)
    for name in books.documents(month):
        before = json.loads(books.document(month, name))["totals"]
        now = json.loads(live[name])["totals"] if name in live else {}
        found += [
            Moved(name, figure, value, now.get(figure))
            for figure, value in before.items()
            if now.get(figure) != value
        ]
    return found


def late_costs(month: str, *, limit: int) -> list[Spend]:
    """Return lines of spend that count in a month and concern an earlier one, closed before."""
    first = date.fromisoformat(f"{month}-01")
    return spend.corrections(first, date.fromisoformat(f"{following(month)}-01"), limit=limit)


def _papers(month: str) -> dict[str, str]:
    """Return the reports of a month by the names of their files, in each currency there is."""
    span = Period(month, month)
    found = {}
    for currency in _currencies():
        for name, make in _KEPT.items():
            body = json.loads(exports.to_json(make(span, currency)))
            body.pop("as_of", None)  # when it was closed is told beside it
            found[f"{name}-{currency}.json"] = json.dumps(
                body, ensure_ascii=False, indent=1, sort_keys=True
            )
    return found


def _currencies() -> list[str]:
    rows = db.session.scalars(
        sa.select(Posting.currency).where(Posting.currency != POINTS).distinct()
    )
    return sorted({program.current().currency, *rows})


def default_month() -> str:
    """Return the present month of the program."""
    return clock.local_month(clock.now(), program.current().timezone)


def end_of(day: str) -> datetime:
    """Return the first instant after a day, told as `2026-03-31`; raises ValueError."""
    zone = clock.zone(program.current().timezone)
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), zone)


def asked_end(day: str) -> datetime:
    """Return the first instant after a day that somebody wrote.

    Raises:
        InvalidInputError: It is no day.
    """
    try:
        return end_of(day)
    except (ValueError, OverflowError):  # 9999-12-31 has no day after it
        said = _("“%(text)s” is not a day such as 2026-03-31.", text=day[:40])
        raise InvalidInputError(said) from None


def today() -> str:
    """Return the present day of the program."""
    return clock.local_day(clock.now(), program.current().timezone).isoformat()


def end_of_today() -> datetime:
    """Return the first instant after the present day of the program."""
    return end_of(today())
