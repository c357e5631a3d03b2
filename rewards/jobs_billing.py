"""What the clock does for self-billing: credit notes for what was taken back."""

from __future__ import annotations

import functools

from core.db import db, retrying, writing
from rewards import self_billing


def correct_invoices() -> None:
    """Write the credit notes that are due, one ambassador after the other."""
    with writing():
        for ambassador_id, currency in self_billing.to_correct():
            retrying(functools.partial(_correct, ambassador_id, currency))


def _correct(ambassador_id: int, currency: str) -> None:
    self_billing.correct(ambassador_id, currency)
    db.session.commit()
