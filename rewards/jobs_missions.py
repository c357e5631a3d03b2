"""What the clock does with missions: give those that purchases prove."""

from __future__ import annotations

from functools import partial

from core.db import db, reading, retrying, writing
from core.errors import DomainError
from rewards import mission_takes


def give_reached() -> int:
    """Give missions whose number of purchases was reached, one at a time; return how many.

    Who may not be given anything now, without a contract for example, stays due.
    """
    with reading():
        reached = mission_takes.reached()
        db.session.rollback()
    given = 0
    with writing():
        for mission_id, ambassador_id in reached:
            given += retrying(partial(_give, mission_id, ambassador_id))
    return given


def _give(mission_id: int, ambassador_id: int) -> int:
    try:
        mission_takes.give(mission_id, ambassador_id, by="")
    except DomainError:
        db.session.rollback()
        return 0
    db.session.commit()
    return 1
