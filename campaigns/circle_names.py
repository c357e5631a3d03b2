"""The circles that rewards speak of: that they exist, and their names."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors.models import Circle
from campaigns.terms import AmbassadorEarns
from core.db import db
from core.errors import Fault, InvalidInputError


def name(circle_id: int) -> str:
    """Return a circle's name."""
    circle = db.session.get(Circle, circle_id)
    return circle.name if circle else str(_("a circle that is gone"))


def require(reward: AmbassadorEarns) -> None:
    """Refuse a reward that speaks of a circle that there is not.

    Raises:
        InvalidInputError: There is no such circle.
    """
    wanted = {case.circle_id for case in reward.cases if case.circle_id is not None}
    if not wanted:
        return
    known = set(db.session.scalars(sa.select(Circle.id).where(Circle.id.in_(wanted))))
    if wanted - known:
        detail = _("There is no such circle.")
        raise InvalidInputError(detail, faults=[Fault("/cases", detail)])
