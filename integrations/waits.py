"""How long an outside service asks us to wait, by the header `Retry-After` (RFC 9110, 10.2.3)."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

from core import clock


def asked(retry_after: str | None) -> timedelta | None:
    """Return how long a `Retry-After` asks to wait, in seconds or until a date; None if unclear."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return until - clock.now() if until.tzinfo else None
