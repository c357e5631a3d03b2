"""Telling people in advance which points expire: a month before, and a week before, by mail.

A mail names all that goes soon after the first, so that who earns every day is not written to
every day; each lot is told of once a month before its end or a little earlier, once a week
before.  The first mail heeds who said "not now" or unsubscribed; the last one, before
something is lost, does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ambassadors import guard, program
from ambassadors.guard import Spared
from ambassadors.models import Ambassador, Member
from core import clock, mails
from core.db import db
from rewards import lots
from rewards.models_points import PointsTerm

_MAY_PASS = {Spared.UNSUBSCRIBED, Spared.SNOOZED}


@dataclass(frozen=True, slots=True)
class Notice:
    """One of the two mails."""

    name: str  # of the column that says when
    ahead: timedelta  # a lot that ends within this has to be told
    covers: timedelta  # and what ends within this is told with it
    is_last: bool


NOTICES = (
    Notice("reminded_at", timedelta(days=7), timedelta(days=14), is_last=True),
    Notice("warned_at", timedelta(days=30), timedelta(days=45), is_last=False),
)


def due(notice: Notice) -> list[int]:
    """Return the ambassadors who have to be told."""
    query = sa.select(PointsTerm.ambassador_id).where(
        PointsTerm.over_at.is_(None), _told_at(notice).is_(None),
        PointsTerm.expires_at > clock.now(),
        PointsTerm.expires_at <= clock.now() + notice.ahead,
    )  # fmt: skip
    return sorted(db.session.scalars(query.distinct()))


def tell(ambassador_id: int, notice: Notice, *, portal_url: str) -> bool:
    """Mail an ambassador what expires soon, once; tell whether a mail goes out.

    Args:
        ambassador_id: Whom.
        notice: Which of the two.
        portal_url: Where they spend points.
    """
    rows = db.session.scalars(
        sa.select(PointsTerm)
        .where(
            PointsTerm.ambassador_id == ambassador_id, PointsTerm.over_at.is_(None),
            _told_at(notice).is_(None), PointsTerm.expires_at > clock.now(),
            PointsTerm.expires_at <= clock.now() + notice.covers,
        )
        .order_by(PointsTerm.entry_id)
        .with_for_update()
    ).all()  # fmt: skip
    if not rows:
        return False
    for term in rows:
        setattr(term, notice.name, clock.now())
    told = {lots.last_day(term.expires_at) for term in rows}
    days = [(on, points) for on, points in lots.expiring(ambassador_id) if on in told]
    member = _member(ambassador_id)
    if not days or not _passes(member.id, notice) or not member.email:
        return False
    mails.enqueue(
        "points_expire", to=member.email, locale=member.locale or program.current().locale,
        key=f"points-expire:{notice.name}:{rows[0].entry_id}",
        name=member.name, days=days, points=sum(points for _on, points in days), url=portal_url,
        is_last=notice.is_last,
    )  # fmt: skip
    return True


def _told_at(notice: Notice) -> sa.orm.InstrumentedAttribute[datetime | None]:
    return PointsTerm.reminded_at if notice.is_last else PointsTerm.warned_at


def _passes(member_id: int, notice: Notice) -> bool:
    reason = guard.still_spared(member_id)
    return reason is None or (notice.is_last and reason in _MAY_PASS)


def _member(ambassador_id: int) -> Member:
    query = sa.select(Member).join(Ambassador, Ambassador.member_id == Member.id)
    return db.session.scalars(query.where(Ambassador.id == ambassador_id)).one()
