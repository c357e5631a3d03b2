"""Badges: marks of recognition, given by a mission or by a person."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from core import clock
from core.db import affected, db, upsert_dialect
from core.errors import Fault, InvalidInputError, NotFoundError
from rewards import purse
from rewards.models_missions import Badge, BadgeHolder


def create(*, name_en: str, name_fr: str) -> Badge:
    """Add a badge.

    Raises:
        InvalidInputError: A name is missing.
    """
    faults = [
        Fault(f"/{field}", _("This field is needed."))
        for field, name in (("name_en", name_en), ("name_fr", name_fr))
        if not name.strip()
    ]
    if faults:
        raise InvalidInputError(faults[0].detail, faults=faults)
    badge = Badge(name_en=name_en.strip(), name_fr=name_fr.strip(), created_at=clock.now())
    db.session.add(badge)
    db.session.flush()  # the audit line names it
    audit.record("badge.create", "badge", badge.id, {"name": badge.name_en})
    return badge


def get(badge_id: int) -> Badge:
    """Return a badge; raises NotFoundError if there is none of this id."""
    badge = db.session.get(Badge, badge_id)
    if badge is None:
        raise NotFoundError(_("There is no such badge."))
    return badge


def everything() -> list[tuple[Badge, int]]:
    """Return the badges, the newest first, each with how many have it."""
    rows = db.session.execute(
        sa.select(Badge, sa.func.count(BadgeHolder.ambassador_id).label("holders"))
        .outerjoin(BadgeHolder, BadgeHolder.badge_id == Badge.id)
        .group_by(Badge.id).order_by(Badge.id.desc())
    )  # fmt: skip
    return [(row.Badge, row.holders) for row in rows]


def of_ambassador(ambassador_id: int) -> list[BadgeHolder]:
    """Return the badges of an ambassador, the first given first."""
    query = sa.select(BadgeHolder).where(BadgeHolder.ambassador_id == ambassador_id)
    return list(db.session.scalars(query.order_by(BadgeHolder.given_at, BadgeHolder.badge_id)))


def give(badge_id: int, ambassador_id: int, *, mission_id: int | None = None) -> bool:
    """Give a badge, once; tell whether it is new to them.

    Raises:
        NotFoundError: There is no such badge or ambassador.
    """
    get(badge_id)
    purse.lock(ambassador_id, needs_active=False)
    insert = upsert_dialect().insert(BadgeHolder).values(
        badge_id=badge_id, ambassador_id=ambassador_id, mission_id=mission_id,
        given_at=clock.now(),
    )  # fmt: skip
    is_new = affected(db.session.execute(insert.on_conflict_do_nothing())) > 0
    if is_new and mission_id is None:
        audit.record("badge.give", "badge", badge_id, {"ambassador": ambassador_id})
    return is_new


def take_back(badge_id: int, ambassador_id: int) -> None:
    """Take a badge back from somebody."""
    same = (BadgeHolder.badge_id == badge_id, BadgeHolder.ambassador_id == ambassador_id)
    if affected(db.session.execute(sa.delete(BadgeHolder).where(*same))):
        audit.record("badge.take_back", "badge", badge_id, {"ambassador": ambassador_id})


def take_back_of(mission_id: int, ambassador_id: int) -> None:
    """Take back the badge that a mission gave, if it was that mission."""
    same = (BadgeHolder.mission_id == mission_id, BadgeHolder.ambassador_id == ambassador_id)
    db.session.execute(sa.delete(BadgeHolder).where(*same))
