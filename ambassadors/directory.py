"""The directory: ambassadors and members looked up by words, state and kind, page by page.

Pages are cut by key, never by offset: the row after which to go on is named by
its id, so page one thousand costs what page one costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import emails
from core.db import BATCH_ROWS, db


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # in the name, the e-mail address or the external id
    status: AmbassadorStatus | None = None
    kind: AmbassadorKind | None = None


def ambassadors(search: Search, *, before: int | None = None, limit: int = 50) -> list[Ambassador]:
    """Return ambassadors, the newest first, with their members.

    Args:
        search: What to look for.
        before: The id of the last one of the page before.
        limit: Rows at most.
    """
    query = _ambassadors(search).order_by(Ambassador.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Ambassador.id < before)
    return list(db.session.scalars(query))


def ambassadors_after(search: Search, *, after: int, limit: int) -> list[Ambassador]:
    """Return ambassadors in the order of their ids, for machines."""
    query = _ambassadors(search).where(Ambassador.id > after).order_by(Ambassador.id)
    return list(db.session.scalars(query.limit(limit)))


def members_after(text: str, *, after: int, limit: int) -> list[Member]:
    """Return members in the order of their ids, each with their ambassador if they are one."""
    query = sa.select(Member).where(Member.id > after).options(joinedload(Member.ambassador))
    if text.strip():
        query = query.where(_says(text.strip()))
    return list(db.session.scalars(query.order_by(Member.id).limit(limit)))


def every_ambassador(search: Search) -> Iterator[Ambassador]:
    """Yield all ambassadors of a search, the oldest first, without holding them in memory."""
    after = 0
    while page := ambassadors_after(search, after=after, limit=BATCH_ROWS):
        yield from page
        after = page[-1].id
        for seen in page:
            db.session.expunge(seen)


def counts() -> dict[AmbassadorStatus, int]:
    """Return how many ambassadors stand in each status."""
    found = db.session.execute(
        sa.select(Ambassador.status, sa.func.count()).group_by(Ambassador.status)
    )
    known = {row[0]: row[1] for row in found}
    return {status: known.get(status, 0) for status in AmbassadorStatus}


def _ambassadors(search: Search) -> sa.Select[Ambassador]:
    query = sa.select(Ambassador).join(Ambassador.member)
    query = query.options(sa.orm.contains_eager(Ambassador.member))
    if search.text.strip():
        query = query.where(_says(search.text.strip()))
    if search.status:
        query = query.where(Ambassador.status == search.status)
    if search.kind:
        query = query.where(Ambassador.kind == search.kind)
    return query


def _says(text: str) -> sa.ColumnElement[bool]:
    """Match a text; SQLite folds the case of ASCII only, so other cases are tried beside it."""
    if "\x00" in text:
        return sa.false()
    spellings = {text, text.lower(), text.upper(), text.title()} if not text.isascii() else {text}
    conditions = [
        column.icontains(spelling, autoescape=True)
        for column in (Member.name, Member.email, Member.external_id)
        for spelling in sorted(spellings)
    ]
    if digest := emails.digest(text):
        conditions.append(Member.email_hash == digest)
    return sa.or_(*conditions)
