"""What the clock does here: look at profiles, and forget applications that led nowhere."""

from __future__ import annotations

import structlog
from flask import current_app

from ambassadors import applications, profiles
from core.db import db
from integrations import public_pages
from integrations.public_pages import Look, PageError

log = structlog.get_logger()


def check_profiles(look: Look | None = None) -> int:
    """Look at the pages that wait for it, each outside any transaction; return how many."""
    see = look or public_pages.looker(current_app.extensions["settings"])
    checked, after = 0, 0
    while waiting := [
        (one.id, one.application_id, one.address, one.code) for one in profiles.awaited(after=after)
    ]:
        db.session.rollback()  # nothing is held while strangers' pages answer
        for profile_id, application_id, address, code in waiting:
            seen = _see(see, address, code)
            checked += profiles.settle(profile_id, application_id=application_id, is_there=seen)
            db.session.commit()
        after = waiting[-1][0]
    return checked


def sweep_applications() -> int:
    """Delete applications of half a year ago that did not lead to an enrolment; return how many."""
    swept = applications.sweep()
    db.session.commit()
    return swept


def _see(look: Look, address: str, code: str) -> bool | None:
    try:
        return look(address, code)
    except PageError as error:
        log.info("profile.unreachable", why=str(error))
        return None
