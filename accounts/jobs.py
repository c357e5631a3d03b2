"""What the clock does here: forget what nobody can use any more."""

from __future__ import annotations

from accounts import endpoints, idempotency, links, sessions, throttle
from core import limits
from core.db import db
from integrations import inbox


def sweep() -> int:
    """Delete ended sessions, links, windows, kept answers and old bodies; return how many rows."""
    swept = 0
    for part in (sessions, links, throttle, limits, idempotency, inbox, endpoints):
        swept += part.sweep()
        db.session.commit()
    return swept
