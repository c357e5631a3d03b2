"""The direction report: what came in, what it cost, how sure we are, and what changed.

One page, beside the period before.  Every figure is one of the acquisition and CAC reports;
nothing is computed anew here.  Once a month its text goes to the chosen addresses by the
outbox, for the last whole month, a few days after its end so that late orders are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from core import clock, emails, mails
from core.db import affected, db, upsert_dialect
from core.errors import InvalidInputError, NotFoundError
from core.i18n import LANGUAGES
from reports import acquisition, cac, engine, wording
from reports.models import Column, Period, Report, following
from reports.models_kept import DirectionReader

LATE = timedelta(days=3)  # after the end of a month, until its report goes out
MOST_READERS = 50
_CHANGES: tuple[tuple[str, Column], ...] = (
    ("came", wording.NEW_CUSTOMERS),
    ("came", wording.NEW_COMMUNITY),
    ("came", wording.SHARE_TRACKED),
    ("came", wording.NET),
    ("cost", wording.COST),
    ("cost", wording.CAC_COMMUNITY),
    ("cost", wording.CAC_PAID),
    ("cost", wording.CAC_BLENDED),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure beside that of the period before; None where it cannot be told."""

    column: Column
    now: int | Decimal | None
    before: int | Decimal | None

    @property
    def difference(self) -> int | Decimal | None:
        """Return how much more it is now."""
        if self.now is None or self.before is None:
            return None
        return self.now - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """The report for a period."""

    period: Period
    before: Period
    currency: str
    shown: Report  # acquisition, for its state and its months
    came: acquisition.Totals
    cost: cac.Totals
    changes: Sequence[Change]

    @property
    def unattributed(self) -> int:
        """Return the new customers of whom nobody knows where they came from."""
        return self.came.new_customers - self.came.new_customers_community

    @property
    def unattributed_share(self) -> Decimal | None:
        """Return their part of all new customers."""
        share = self.came.share_tracked
        return None if share is None else 1 - share


def made(span: Period, currency: str, *, most_rows: int | None = None) -> Direction:
    """Return the report for a period and, beside it, the one of the same length before."""
    copy = engine.fresh(most_rows=most_rows)
    earlier = before(span)
    report = acquisition.report(span, currency, copy=copy)
    now = {"came": report.totals, "cost": cac.report(span, currency, copy=copy).totals}
    then = {
        "came": acquisition.report(earlier, currency, copy=copy).totals,
        "cost": cac.report(earlier, currency, copy=copy).totals,
    }
    changes = [
        Change(column, getattr(now[side], column.name), getattr(then[side], column.name))
        for side, column in _CHANGES
    ]
    return Direction(
        period=span, before=earlier, currency=currency, shown=report, came=now["came"],
        cost=now["cost"], changes=changes,
    )  # fmt: skip


def before(span: Period) -> Period:
    """Return as many months, just before."""
    count = len(span.months)
    return Period(following(span.first, -count), following(span.first, -1))


def readers() -> list[DirectionReader]:
    """Return who gets the report each month."""
    return list(db.session.scalars(sa.select(DirectionReader).order_by(DirectionReader.email)))


def add_reader(email: str, locale: str) -> None:
    """Let an address get the report from the next one on; one that gets it changes nothing.

    Raises:
        InvalidInputError: No address, no language of ours, or too many of them.
    """
    address = email.strip().lower()
    if emails.normalise(address) is None:
        raise InvalidInputError(_("Write an e-mail address such as name@example.com."))
    if locale not in LANGUAGES:
        raise InvalidInputError(_("Choose French or English."))
    if len(readers()) >= MOST_READERS:
        raise InvalidInputError(_("At most %(n)s addresses get this report.", n=MOST_READERS))
    row = {"email": address, "locale": locale, "created_at": clock.now(), "last_month": due()}
    new = upsert_dialect().insert(DirectionReader).values(row)
    found = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["email"]).returning(DirectionReader.id)
    )
    if found is not None:
        audit.record("direction.add", "report", found, {"locale": locale})


def remove_reader(reader_id: int) -> None:
    """Stop sending the report to an address.

    Raises:
        NotFoundError: There is no such reader.
    """
    gone = db.session.execute(sa.delete(DirectionReader).where(DirectionReader.id == reader_id))
    if not affected(gone):
        raise NotFoundError(_("There is no such address."))
    audit.record("direction.remove", "report", reader_id, {})


def due() -> str:
    """Return the last month whose report may go out."""
    zone = program.current().timezone
    return following(clock.local_month(clock.now() - LATE, zone), -1)


def waiting(month: str) -> list[DirectionReader]:
    """Return who has not got the report of a month."""
    behind = sa.or_(DirectionReader.last_month.is_(None), DirectionReader.last_month < month)
    return list(db.session.scalars(sa.select(DirectionReader).where(behind)))


def send(report: Direction, reader: DirectionReader) -> bool:
    """Put the report of a month into the outbox for a reader; False if it is there already."""
    month = report.period.last
    behind = sa.or_(DirectionReader.last_month.is_(None), DirectionReader.last_month < month)
    claimed = db.session.execute(
        sa.update(DirectionReader)
        .where(DirectionReader.id == reader.id, behind)
        .values(last_month=month)
    )
    if not affected(claimed):
        return False
    base = current_app.extensions["settings"].base_url
    mails.enqueue(
        "direction", to=reader.email, locale=reader.locale, key=f"direction:{month}:{reader.id}",
        report=report, brand=program.current().name, month=month,
        link=f"{base}/console/reports/direction?from={month}&to={month}",
    )  # fmt: skip
    return True
