"""Missions: M10 each gave as often, and as much, as its rows say, within its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from core.db import db
from rewards.breach import MOST_SHOWN, Breach
from rewards.models_missions import Mission, MissionTake, TakeState

GAVE = (TakeState.DONE, TakeState.REVERSED)


def missions_within_limits() -> Iterator[Breach]:
    """M10: a mission counts whom it gave something, and how much, within limit and budget."""
    gave = sa.and_(MissionTake.mission_id == Mission.id, MissionTake.state.in_(GAVE))
    number = sa.func.count(MissionTake.id)
    amount = sa.func.coalesce(sa.func.sum(MissionTake.amount), 0)
    query = (
        sa.select(Mission.id, Mission.taken, Mission.committed, number.label("n"))
        .add_columns(amount.label("amount"))
        .outerjoin(MissionTake, gave)
        .group_by(Mission.id)
        .having(
            sa.or_(
                Mission.taken != number, Mission.committed != amount,
                Mission.taken > Mission.takes_limit, Mission.committed > Mission.budget,
            )
        )
        .order_by(Mission.id)
    )  # fmt: skip
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"counts {row.taken} and {row.committed}, gave {row.n} times {row.amount} in all"
        yield Breach("M10", f"mission {row.id}", detail)


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (missions_within_limits,)
