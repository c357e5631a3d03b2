"""Settling the queue of purchases that await a rate of currency, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from core.db import BATCH_ROWS, db, reading, retrying
from rewards import intake, rate_queue


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
    for start in range(0, len(purchase_ids), BATCH_ROWS):
        left += retrying(partial(_settle, purchase_ids[start : start + BATCH_ROWS]))
    return left


def _settle(batch: Sequence[int]) -> int:
    left = intake.settle_waiting(batch)
    db.session.commit()
    return left
