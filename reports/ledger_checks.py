"""The checks of the money invariants as they ran: by the clock, by a person, and what they said."""

from __future__ import annotations

import time

import sqlalchemy as sa

from core import clock
from core.db import db, reading
from reports import checks
from rewards import books, verify
from rewards.breach import Breach
from rewards.models import Entry
from rewards.models_books import LedgerCheck

_KEPT_LINES = 100  # of one run
NIGHTLY = 20 * 3600  # seconds after which the clock runs them again


def breaches() -> list[Breach]:
    """Return what breaks a money invariant, M1 to M13; writes nothing."""
    with reading():
        db.session.rollback()
        found = verify.breaches()
        found += [Breach("M12", f"month {month}", said) for month, said in books.broken_seals()]
        db.session.rollback()
    return found + [
        Breach("M12", f"{one.month} {one.currency}", str(one))
        for one in checks.totals_equal_ledger()
    ]


def run() -> LedgerCheck:
    """Run every check and keep what it said; commits, for it reads for long before it writes."""
    began, at = time.monotonic(), clock.now()
    entries = db.session.scalars(sa.select(sa.func.count(Entry.id))).one()
    said = [str(one) for one in breaches()][:_KEPT_LINES]
    made = LedgerCheck(
        ran_at=at, milliseconds=int((time.monotonic() - began) * 1000), entries=entries,
        breaches=said,
    )  # fmt: skip
    db.session.add(made)
    db.session.commit()
    return made


def last() -> LedgerCheck | None:
    """Return the latest run, or None."""
    return next(iter(latest(limit=1)), None)


def latest(*, limit: int = 20) -> list[LedgerCheck]:
    """Return the latest runs, the newest first."""
    query = sa.select(LedgerCheck).order_by(LedgerCheck.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def is_due() -> bool:
    """Tell whether the clock should run them: once a night."""
    known = last()
    return known is None or (clock.now() - known.ran_at).total_seconds() >= NIGHTLY
