"""The clock's door of the reports: keep the columnar copy near the database, mail the report."""

from __future__ import annotations

from flask import current_app

from ambassadors import program
from core.db import db, writing
from core.errors import UnavailableError
from reports import direction, lake, ledger_checks
from reports.models import Period


def refresh_lake() -> int:
    """Rewrite the months that changed; return how many those were."""
    waiting = lake.months_waiting()
    if not waiting:
        return 0
    try:
        lake.refresh(current_app.extensions["settings"].lake)
    except UnavailableError:
        return 0  # another process is at it
    return waiting


def check_ledger() -> int:
    """Run the checks of the money invariants once a night; return how many breaches there are."""
    if not ledger_checks.is_due():
        return 0
    return len(ledger_checks.run().breaches)


def send_direction() -> int:
    """Mail the direction report of the last whole month to who has not got it; return how many."""
    month = direction.due()
    if not direction.waiting(month):
        return 0
    report = direction.made(Period(month, month), program.current().currency)
    with writing():
        sent = sum(direction.send(report, reader) for reader in direction.waiting(month))
        db.session.commit()
    return sent
