"""Acts on a list of members at once: previewed, done in one transaction, undone.

An act keeps whom it changed, so undoing it leaves alone who had the tag or the
seat before.  The key of the page that asked makes a second tap harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import circles, guard, tags
from ambassadors.models import BulkAct, BulkActMember, CircleSeat, MemberTag, Tag
from core import clock
from core.db import BATCH_ROWS, affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

LARGEST = 5000  # members of one act: one transaction holds it


class Act(StrEnum):
    """What can be done to a list."""

    TAG = "tag"
    UNTAG = "untag"
    SEAT = "seat"  # put into a circle, or its waiting list
    UNSEAT = "unseat"
    GIVE = "give"  # write down something that the brand did for them


class BulkError(ConflictError):
    """The list or the act does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to do to whom."""

    act: Act
    target: str  # a tag's name, a circle's id, what was given
    list_name: str
    key: str  # of the page that asks


def change_count(wish: Wish, member_ids: Sequence[int]) -> int:
    """Return how many of a list the act would change.

    Raises:
        InvalidInputError: The target cannot be.
        BulkError: The list is too long.
    """
    _require(wish, member_ids)
    if wish.act is Act.GIVE:
        return len(member_ids)
    having = sum(_having(wish, part) for part in _parts(member_ids))
    return len(member_ids) - having if wish.act in {Act.TAG, Act.SEAT} else having


def do(wish: Wish, member_ids: Sequence[int], *, user_id: int | None) -> BulkAct:
    """Do an act and return it; the same key again returns the act that is done.

    Raises:
        InvalidInputError: The target cannot be.
        BulkError: The list is too long.
    """
    _require(wish, member_ids)
    act_id = db.session.scalar(
        upsert_dialect()
        .insert(BulkAct)
        .values(
            key=wish.key, act=wish.act.value, target=wish.target, list_name=wish.list_name[:100],
            user_id=user_id, done_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(BulkAct.id)
    )  # fmt: skip
    if act_id is None:
        return db.session.scalars(sa.select(BulkAct).where(BulkAct.key == wish.key)).one()
    changed = 0
    for part in _parts(member_ids):
        touched = _apply(wish.act, wish.target, part, key=f"bulk:{act_id}")
        changed += len(touched)
        if touched:
            rows = [{"bulk_act_id": act_id, "member_id": member_id} for member_id in touched]
            db.session.execute(sa.insert(BulkActMember), rows)
    audit.record("members.act", "bulk_act", act_id, {"act": wish.act.value, "changed": changed})
    return db.session.get_one(BulkAct, act_id)


def undo(act: BulkAct) -> int:
    """Take an act back from those it changed, once; return how many there were.

    Raises:
        BulkError: It was undone already.
    """
    mine = sa.update(BulkAct).where(BulkAct.id == act.id, BulkAct.undone_at.is_(None))
    if not affected(db.session.execute(mine.values(undone_at=clock.now()))):
        raise BulkError(_("This was undone already."))
    changed = member_ids(act.id)
    for part in _parts(changed):
        _take_back(act, part)
    audit.record("members.undo", "bulk_act", act.id, {"act": act.act, "changed": len(changed)})
    return len(changed)


def find(act_id: int) -> BulkAct:
    """Return an act.

    Raises:
        NotFoundError: There is none of this id.
    """
    act = db.session.get(BulkAct, act_id, populate_existing=True)
    if act is None:
        raise NotFoundError(_("There is no such act."))
    return act


def recent(limit: int = 20) -> list[tuple[BulkAct, int]]:
    """Return the latest acts, each with how many members it changed."""
    mine = BulkActMember.bulk_act_id == BulkAct.id
    changed = sa.select(sa.func.count()).select_from(BulkActMember).where(mine)
    query = sa.select(BulkAct, changed.scalar_subquery()).order_by(BulkAct.id.desc())
    return [(row[0], row[1]) for row in db.session.execute(query.limit(limit))]


def member_ids(act_id: int) -> list[int]:
    """Return whom an act changed."""
    query = sa.select(BulkActMember.member_id).where(BulkActMember.bulk_act_id == act_id)
    return list(db.session.scalars(query.order_by(BulkActMember.member_id)))


def _require(wish: Wish, member_ids: Sequence[int]) -> None:
    if len(member_ids) > LARGEST:
        raise BulkError(
            _("At most %(count)s people at once: narrow the list first.", count=LARGEST)
        )
    if not 1 <= len(wish.target.strip()) <= 60:
        detail = _("Say which one.")
        raise InvalidInputError(detail, faults=[Fault("/target", detail)])
    if wish.act in {Act.SEAT, Act.UNSEAT}:
        circles.find(int(wish.target) if wish.target.isdecimal() else 0)


def _having(wish: Wish, part: Sequence[int]) -> int:
    query: sa.Select[Any]
    if wish.act in {Act.SEAT, Act.UNSEAT}:
        query = sa.select(sa.func.count()).where(
            CircleSeat.circle_id == int(wish.target), CircleSeat.member_id.in_(part)
        )
    else:
        query = (
            sa.select(sa.func.count())
            .select_from(MemberTag)
            .join(Tag)
            .where(Tag.key == tags.key(wish.target), MemberTag.member_id.in_(part))
        )
    return db.session.scalar(query) or 0


def _apply(act: Act, target: str, part: Sequence[int], *, key: str) -> list[int]:
    """Do an act to at most 500 members and return those it changed."""
    if act is Act.TAG:
        return tags.tag(part, target)
    if act is Act.UNTAG:
        return tags.untag(part, target)
    if act is Act.GIVE:
        return guard.gave(part, what=target, key=key)
    circle = circles.find(int(target))
    if act is Act.UNSEAT:
        return [member_id for member_id in part if circles.leave(circle, member_id)]
    had = set(
        db.session.scalars(
            sa.select(CircleSeat.member_id).where(
                CircleSeat.circle_id == circle.id, CircleSeat.member_id.in_(part)
            )
        )
    )
    added = [member_id for member_id in part if member_id not in had]
    for member_id in added:
        circles.join(circle, member_id)
    return added


_OPPOSITES = {Act.TAG: Act.UNTAG, Act.UNTAG: Act.TAG, Act.SEAT: Act.UNSEAT, Act.UNSEAT: Act.SEAT}


def _take_back(act: BulkAct, part: Sequence[int]) -> None:
    if act.act == Act.GIVE:
        guard.take_back(part, key=f"bulk:{act.id}")
    else:
        _apply(_OPPOSITES[Act(act.act)], act.target, part, key="")


def _parts(member_ids: Sequence[int]) -> list[Sequence[int]]:
    return [member_ids[n : n + BATCH_ROWS] for n in range(0, len(member_ids), BATCH_ROWS)]
