"""What the clock does with points: take out those that are over, and tell before they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import current_app

from core.db import db, reading, retrying, writing
from rewards import lots, points_notices


def expire_points() -> int:
    """Take points that are over out of balances, a person at a time; return how many points."""
    with reading():
        people = lots.due()
        db.session.rollback()
    return sum(_done(partial(lots.expire, who)) for who in people)


def tell_of_expiry() -> int:
    """Mail people whose points expire in a week or in a month; return how many mails."""
    url = f"{current_app.extensions['settings'].base_url}/portal/redeem"
    sent = 0
    for notice in points_notices.NOTICES:
        with reading():
            people = points_notices.due(notice)
            db.session.rollback()
        sent += sum(
            _done(partial(points_notices.tell, who, notice, portal_url=url)) for who in people
        )
    return sent


def _done(act: Callable[[], int]) -> int:
    def work() -> int:
        done = act()
        db.session.commit()
        return done

    with writing():
        return retrying(work)
