"""Who an ambassador id and what a slug of the columnar copy stand for, asked when a report is read.

The copy holds ids only, so an erased person leaves no name in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from ambassadors.models import (
    Ambassador,
    AmbassadorKind,
    Circle,
    CircleSeat,
    Member,
    SeatState,
)
from campaigns.models import Campaign
from core.db import BATCH_ROWS, db
from referrals.models import Customer


def references(ambassador_ids: Iterable[int]) -> dict[int, str]:
    """Return for each ambassador the brand's own id of the person, or ours."""
    return {
        number: external_id or str(number)
        for number, external_id, _name in _members(ambassador_ids)
    }


def names(ambassador_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of ambassadors, for staff."""
    return {number: name for number, _external_id, name in _members(ambassador_ids)}


def campaign_names(slugs: Iterable[str | None]) -> dict[str, str]:
    """Return the names of campaigns by their slug."""
    wanted = sorted({slug for slug in slugs if slug})
    found: dict[str, str] = {}
    for start in range(0, len(wanted), BATCH_ROWS):
        query = sa.select(Campaign.slug, Campaign.name).where(
            Campaign.slug.in_(wanted[start : start + BATCH_ROWS])
        )
        found |= {row[0]: row[1] for row in db.session.execute(query)}
    return found


def ambassadors(*, kind: str | None = None, circle: str | None = None) -> list[int]:
    """Return the ids of the ambassadors of a kind, or who sit in a circle, or both."""
    query = sa.select(Ambassador.id).order_by(Ambassador.id)
    if kind:
        query = query.where(Ambassador.kind == AmbassadorKind(kind))
    if circle:
        seated = (
            sa.select(CircleSeat.member_id)
            .join(Circle, Circle.id == CircleSeat.circle_id)
            .where(CircleSeat.state == SeatState.SEATED, Circle.name == circle)
        )
        query = query.where(Ambassador.member_id.in_(seated))
    return list(db.session.scalars(query))


def _members(ambassador_ids: Iterable[int]) -> list[tuple[int, str | None, str]]:
    ids = sorted(set(ambassador_ids))
    found: list[tuple[int, str | None, str]] = []
    for start in range(0, len(ids), BATCH_ROWS):
        query = (
            sa.select(Ambassador.id, Member.external_id, Member.name)
            .join(Member, Member.id == Ambassador.member_id)
            .where(Ambassador.id.in_(ids[start : start + BATCH_ROWS]))
        )
        found += [(row[0], row[1], row[2]) for row in db.session.execute(query)]
    return found


def joined() -> dict[int, date]:
    """Return on which day each customer who is linked to a member joined."""
    query = sa.select(Customer.id, Member.joined_on).join(Member, Member.id == Customer.member_id)
    return {row[0]: row[1] for row in db.session.execute(query)}


def customers_of(member_ids: Iterable[int]) -> dict[int, int]:
    """Return the member of each customer who is linked to one of these members."""
    ids = sorted(set(member_ids))
    found: dict[int, int] = {}
    for start in range(0, len(ids), BATCH_ROWS):
        query = sa.select(Customer.id, Customer.member_id).where(
            Customer.member_id.in_(ids[start : start + BATCH_ROWS])
        )
        found |= {row[0]: row[1] for row in db.session.execute(query) if row[1]}
    return found
