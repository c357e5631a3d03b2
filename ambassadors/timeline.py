"""The timeline of a member: what happened with them, each thing once by its key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from ambassadors.models import TimelineEntry
from core import clock
from core.db import db, upsert_dialect

WORDS = {
    "circle.seated": _l("Joined a circle"),
    "circle.waiting": _l("Waits for a seat in a circle"),
    "circle.left": _l("Left a circle"),
    "message": _l("A message was sent"),
    "messages.snoozed": _l("Not now: no messages for two weeks"),
    "messages.unsubscribed": _l("Unsubscribed from messages"),
    "messages.subscribed": _l("Gets messages again"),
}


def add(
    kind: str, member_ids: Sequence[int], *, key: str, about: str = "", at: datetime | None = None
) -> None:
    """Add an entry to the timelines of members; the same key again changes nothing.

    Args:
        kind: A word of `WORDS`.
        member_ids: Whose; at most 500.
        key: Names the happening; the member's id is added to it.
        about: The circle or message, at most 200 characters.
        at: Now when not said.
    """
    if not member_ids:
        return
    rows = [
        {
            "key": f"{key}:{member_id}", "member_id": member_id, "kind": kind,
            "about": about[:200], "occurred_at": at or clock.now(),
        }
        for member_id in member_ids
    ]  # fmt: skip
    insert = upsert_dialect().insert(TimelineEntry).values(rows)
    db.session.execute(insert.on_conflict_do_nothing(index_elements=["key"]))


def of_member(member_id: int, *, limit: int = 50) -> list[TimelineEntry]:
    """Return the latest entries of a member, the newest first."""
    query = sa.select(TimelineEntry).where(TimelineEntry.member_id == member_id)
    newest = query.order_by(TimelineEntry.occurred_at.desc(), TimelineEntry.id.desc())
    return list(db.session.scalars(newest.limit(limit)))
