"""What the clock does here: forget applications that led nowhere."""

from __future__ import annotations

from ambassadors import applications
from core.db import db


def sweep_applications() -> int:
    """Delete applications of half a year ago that did not lead to an enrolment; return how many."""
    swept = applications.sweep()
    db.session.commit()
    return swept
