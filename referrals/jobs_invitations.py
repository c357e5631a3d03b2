"""What the clock does for invitations: forget those that nobody accepted."""

from __future__ import annotations

from core.db import db
from referrals import invitations


def sweep() -> int:
    """Delete the invitations of half a year ago that nobody accepted; return how many."""
    swept = invitations.sweep()
    db.session.commit()
    return swept
