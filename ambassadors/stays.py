"""From when until when members were in circles: what a reward asks of the day of an order.

A seat says who is in a circle now and goes with them; a stay is kept, so that an order which
is told late is judged by the circle as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from ambassadors.models import Ambassador, CircleStay
from core import clock
from core.db import db, many


@dataclass(frozen=True, slots=True)
class Stays:
    """When ambassadors were in circles."""

    known: dict[int, list[tuple[int, datetime, datetime | None]]] = field(default_factory=dict)

    def at(self, ambassador_id: int | None, at: datetime) -> frozenset[int]:
        """Return the circles that an ambassador was in at an instant."""
        return frozenset(
            circle_id
            for circle_id, since, until in self.known.get(ambassador_id or 0, ())
            if since <= at and (until is None or at < until)
        )


def begin(circle_id: int, member_id: int) -> None:
    """Note that a member has a seat from now on."""
    db.session.add(CircleStay(circle_id=circle_id, member_id=member_id, since=clock.now()))
    db.session.flush()


def end(circle_id: int, member_id: int) -> None:
    """Note that a member has left."""
    db.session.execute(
        sa.update(CircleStay)
        .where(
            CircleStay.circle_id == circle_id, CircleStay.member_id == member_id,
            CircleStay.until.is_(None),
        )
        .values(until=clock.now())
    )  # fmt: skip


_OF_AMBASSADORS = (
    sa.select(Ambassador.id, CircleStay.circle_id, CircleStay.since, CircleStay.until)
    .join(CircleStay, CircleStay.member_id == Ambassador.member_id)
    .where(CircleStay.circle_id.in_(many("circles")), Ambassador.id.in_(many("ambassadors")))
)


def of_ambassadors(ambassador_ids: Iterable[int], circle_ids: Iterable[int]) -> Stays:
    """Return when ambassadors were in some circles; no circle asks nothing."""
    asked = {"ambassadors": sorted(set(ambassador_ids)), "circles": sorted(set(circle_ids))}
    if not all(asked.values()):
        return Stays()
    found = Stays()
    for id_, circle_id, since, until in db.session.execute(_OF_AMBASSADORS, asked):
        found.known.setdefault(id_, []).append((circle_id, since, until))
    return found
