"""Tags and notes: what staff write on members, for staff.

A tag is known by its name in small letters, so that two spellings are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts.models import User
from ambassadors.models import MemberNote, MemberTag, Tag
from core import clock
from core.db import affected, db, upsert_dialect
from core.errors import Fault, InvalidInputError

LONGEST_NOTE = 2000


def tag(member_ids: Sequence[int], name: str) -> list[int]:
    """Put a tag on members, at most 500, and return those who did not have it.

    Raises:
        InvalidInputError: The name is empty, too long, or not of letters.
    """
    tag_id = _tag(name)
    if not member_ids:
        return []
    insert = upsert_dialect().insert(MemberTag)
    rows = [{"tag_id": tag_id, "member_id": member_id} for member_id in member_ids]
    added = insert.values(rows).on_conflict_do_nothing().returning(MemberTag.member_id)
    return list(db.session.scalars(added))


def untag(member_ids: Sequence[int], name: str) -> list[int]:
    """Take a tag off members, at most 500, and return those who had it."""
    had = db.session.scalars(
        sa.delete(MemberTag)
        .where(
            MemberTag.tag_id == sa.select(Tag.id).where(Tag.key == key(name)).scalar_subquery(),
            MemberTag.member_id.in_(member_ids),
        )
        .returning(MemberTag.member_id)
    )
    return list(had)


def everything() -> list[Tag]:
    """Return all tags by name."""
    return list(db.session.scalars(sa.select(Tag).order_by(Tag.key)))


def of_member(member_id: int) -> list[Tag]:
    """Return the tags of a member by name."""
    query = sa.select(Tag).join(MemberTag).where(MemberTag.member_id == member_id)
    return list(db.session.scalars(query.order_by(Tag.key)))


def key(name: str) -> str:
    """Return what a tag is known by."""
    return " ".join(name.split()).casefold()


def write_note(member_id: int, text: str, *, user_id: int | None) -> None:
    """Add a note to a member.

    Raises:
        InvalidInputError: It is empty or longer than 2,000 characters.
    """
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_NOTE or "\x00" in text:
        detail = _("Write a note of 1 to 2,000 characters.")
        raise InvalidInputError(detail, faults=[Fault("/text", detail)])
    note = MemberNote(member_id=member_id, user_id=user_id, text=text, created_at=clock.now())
    db.session.add(note)


def remove_note(member_id: int, note_id: int) -> bool:
    """Delete a note of a member; False if there is none."""
    gone = db.session.execute(
        sa.delete(MemberNote).where(MemberNote.id == note_id, MemberNote.member_id == member_id)
    )
    return affected(gone) > 0


def notes(member_id: int, *, limit: int = 50) -> list[tuple[MemberNote, str]]:
    """Return the notes of a member, the newest first, each with who wrote it."""
    rows = db.session.execute(
        sa.select(MemberNote, sa.func.coalesce(User.name, User.email, ""))
        .outerjoin(User, User.id == MemberNote.user_id)
        .where(MemberNote.member_id == member_id)
        .order_by(MemberNote.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def _tag(name: str) -> int:
    name = " ".join(name.split())
    known = key(name)
    if not 1 <= len(known) <= 60 or not name.isprintable() or len(name) > 60:
        detail = _("Write a tag of 1 to 60 characters.")
        raise InvalidInputError(detail, faults=[Fault("/tag", detail)])
    insert = upsert_dialect().insert(Tag).values(key=known, name=name)
    db.session.execute(insert.on_conflict_do_nothing(index_elements=["key"]))
    return db.session.scalars(sa.select(Tag.id).where(Tag.key == known)).one()
