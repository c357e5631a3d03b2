"""Importing rates of currency, and settling the purchases that await them, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from accounts import audit
from core.db import BATCH_ROWS, db, reading, retrying, writing
from integrations.tables import Row, Table
from rewards import intake, rate_files, rate_imports, rate_queue
from rewards.rate_files import Layout
from rewards.rate_imports import Outcome, States
from rewards.rates import Told


def import_file(
    table: Table, layout: Layout, *, name: str, refuse: Callable[[Row], None] = lambda row: None
) -> Outcome:
    """Record the rates of a file, each batch in a transaction of its own, with an audit line.

    A file that is read again adds only what is new, so one that was interrupted goes on.

    Args:
        table: The file.
        layout: How it is written.
        name: How its owner calls it.
        refuse: Takes each line that cannot be read.
    """
    outcome = rate_imports.take(rate_files.read(table, layout), _record, refuse)
    with writing():
        details = {"file": name, "source": layout.source, **outcome.details()}
        audit.record("rates.import", "file", name[:100], details)
        db.session.commit()
    return outcome


def _record(batch: Sequence[Told]) -> States:
    def work() -> States:
        states = rate_imports.record(batch)
        db.session.commit()
        return states

    with writing():
        return retrying(work)


def settle_waiting() -> int:
    """Pay what awaited a rate that is there by now; return how many purchases left the queue.

    Who waits is looked up while nobody who writes has to wait for that.
    """
    with reading():
        ready = rate_queue.ready()
        db.session.rollback()
    return settle(ready)


def settle(purchase_ids: Sequence[int]) -> int:
    """Settle purchases of the queue in this order, each batch in a transaction of its own."""
    left = 0
    with writing():
        for start in range(0, len(purchase_ids), BATCH_ROWS):
            left += retrying(partial(_settle, purchase_ids[start : start + BATCH_ROWS]))
    return left


def _settle(batch: Sequence[int]) -> int:
    left = intake.settle_waiting(batch)
    db.session.commit()
    return left
