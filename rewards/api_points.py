"""The machines' door of points: what an ambassador has, and until when."""

from __future__ import annotations

from flask import Blueprint, Response

from accounts import permissions
from accounts.models import Scope
from ambassadors import enrolment
from core import api
from core.api import Struct
from core.money import POINTS
from rewards import lots, purse

door = permissions.guard(
    Blueprint("points_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.READ)
)


class LotOut(Struct):
    """Points given at once; `expires_at` is the first instant they are gone, null: never."""

    points: int
    expires_at: str | None


class PointsOut(Struct):
    """The balance, below zero after a refund of points that were spent, and what it is made of."""

    ambassador: int
    balance: int
    lots: list[LotOut]


@door.get("/ambassadors/<int:ambassador_id>/points")
@api.operation("Points of an ambassador, the oldest first.", answers={200: PointsOut})
def points(ambassador_id: int) -> Response:
    """Answer what an ambassador has, in the order in which it is spent."""
    enrolment.get(ambassador_id)
    found = [
        LotOut(lot.left, lot.expires_at.isoformat() if lot.expires_at else None)
        for lot in lots.of_ambassador(ambassador_id)
    ]
    balance = purse.available(ambassador_id, POINTS)
    return api.answer(PointsOut(ambassador=ambassador_id, balance=balance, lots=found))
