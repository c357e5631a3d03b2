"""Points that expire: what left balances is what was left of lots that were over.

M6 nothing expires early, twice, or beyond what was given and what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from core.db import db
from rewards.breach import MOST_SHOWN, Breach
from rewards.models import Account, Entry, EntryKind, Posting
from rewards.models_points import PointsTerm

_LOT = sa.literal("points-expiry:") + sa.cast(PointsTerm.entry_id, sa.String)


def expiries_have_a_lot() -> Iterator[Breach]:
    """M6: points expire once, at the end that was frozen with them, and no more than were given."""
    gone, given = sa.orm.aliased(Posting), sa.orm.aliased(Posting)
    query = (
        sa.select(
            Entry.source, Entry.occurred_at, PointsTerm.expires_at, PointsTerm.over_at,
            gone.amount.label("gone"), sa.func.coalesce(given.amount, 0).label("given"),
        )
        .join(gone, sa.and_(gone.entry_id == Entry.id, gone.account == Account.POINTS))
        .outerjoin(PointsTerm, Entry.source == _LOT)
        .outerjoin(
            given,
            sa.and_(
                given.entry_id == PointsTerm.entry_id, given.account == Account.POINTS,
                given.ambassador_id == gone.ambassador_id,
            ),
        )
        .where(Entry.kind == EntryKind.EXPIRY)
        .where(
            sa.or_(
                PointsTerm.over_at.is_(None), Entry.occurred_at != PointsTerm.expires_at,
                Entry.recorded_at < PointsTerm.expires_at, gone.amount <= 0,
                gone.amount > -sa.func.coalesce(given.amount, 0),
            )
        )
        .order_by(Entry.id)
    )  # fmt: skip
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"takes {row.gone} of {-row.given} points that last until {row.expires_at}"
        yield Breach("M6", f"entry {row.source}", detail)


def nothing_expired_below_zero() -> Iterator[Breach]:
    """M6: an expiry leaves no balance below zero, and no refund takes back more than expired."""
    running = (
        sa.func.sum(-Posting.amount)
        .over(partition_by=Posting.ambassador_id, order_by=Posting.id)
        .label("left")
    )
    steps = (
        sa.select(Entry.source, Entry.kind, running)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Posting.account == Account.POINTS, Posting.ambassador_id.in_(_with_terms()))
        .subquery()
    )
    below = sa.select(steps).where(steps.c.kind == EntryKind.EXPIRY, steps.c.left < 0)
    for row in db.session.execute(below.limit(MOST_SHOWN)):
        yield Breach("M6", f"entry {row.source}", f"leaves {row.left} points")
    query = (
        sa.select(Posting.purchase_id, sa.func.sum(Posting.amount).label("over"))
        .where(Posting.account == Account.POINTS_EXPIRED)
        .group_by(Posting.ambassador_id, Posting.purchase_id)
        .having(sa.func.sum(Posting.amount) > 0)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"has {row.over} points more taken back than expired"
        yield Breach("M6", f"purchase {row.purchase_id}", detail)


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    expiries_have_a_lot,
    nothing_expired_below_zero,
)


def _with_terms() -> Any:
    return sa.select(PointsTerm.ambassador_id).distinct()
