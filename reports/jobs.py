"""The clock's door of the reports: keep the columnar copy near the database."""

from __future__ import annotations

from flask import current_app

from core.errors import UnavailableError
from reports import lake, ledger_checks


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
