"""Sessions kept on our side: the cookie holds a random token, the table its hash.

So a session can be ended: at sign-out, with a new password, with other roles,
at suspension.  Staff are signed out after 30 minutes without a request and 12
hours in any case; ambassadors after 30 days.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from accounts.models import Role, RoleName, SignIn, User, user_role
from core import clock
from core.db import affected, db

STAFF_IDLE = timedelta(minutes=30)
STAFF_LENGTH = timedelta(hours=12)
AMBASSADOR_LENGTH = timedelta(days=30)
TOUCH_EVERY = timedelta(minutes=1)
FRESH = timedelta(minutes=15)  # a sign-in so recent is asked for dangerous acts


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended."""

    id: int
    user_id: int
    created_at: datetime
    seen_at: datetime

    @property
    def is_fresh(self) -> bool:
        return clock.now() - self.created_at <= FRESH

    @property
    def is_to_touch(self) -> bool:
        return clock.now() - self.seen_at >= TOUCH_EVERY


def begin(user_id: int) -> str:
    """Store a new session and return its token, for the cookie."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        SignIn(token_hash=hash_token(token), user_id=user_id, created_at=now, seen_at=now)
    )
    db.session.flush()  # the next request of this browser finds it
    return token


def find(token: str) -> Session | None:
    """Return the open session of a token, or None when it ended, idled or grew too old."""
    now = clock.now()
    row = db.session.execute(
        sa.select(SignIn.id, SignIn.user_id, SignIn.created_at, SignIn.seen_at, _is_staff())
        .join(User, User.id == SignIn.user_id)
        .where(
            SignIn.token_hash == hash_token(token), SignIn.ended_at.is_(None), User.active.is_(True)
        )
    ).one_or_none()
    if row is None:
        return None
    length = STAFF_LENGTH if row.is_staff else AMBASSADOR_LENGTH
    if now - row.created_at > length or (row.is_staff and now - row.seen_at > STAFF_IDLE):
        return None
    return Session(row.id, row.user_id, row.created_at, row.seen_at)


def touch(session_id: int) -> None:
    """Note that a session is in use."""
    db.session.execute(sa.update(SignIn).where(SignIn.id == session_id).values(seen_at=clock.now()))


def end(token: str) -> None:
    """End the session of a token, if it is open."""
    _end(SignIn.token_hash == hash_token(token))


def end_all(user_id: int) -> int:
    """End every open session of a person and return how many there were."""
    return _end(SignIn.user_id == user_id)


def open_counts(user_ids: list[int]) -> dict[int, int]:
    """Return how many sessions each of these people has not ended."""
    rows = db.session.execute(
        sa.select(SignIn.user_id, sa.func.count().label("sessions"))
        .where(SignIn.user_id.in_(user_ids), SignIn.ended_at.is_(None))
        .where(SignIn.created_at > clock.now() - AMBASSADOR_LENGTH)
        .group_by(SignIn.user_id)
    )
    return {row.user_id: row.sessions for row in rows}


def sweep() -> int:
    """Delete sessions that nobody can use any more; return how many."""
    old = clock.now() - AMBASSADOR_LENGTH
    gone = db.session.execute(
        sa.delete(SignIn).where(sa.or_(SignIn.created_at < old, SignIn.ended_at < old))
    )
    return affected(gone)


def hash_token(token: str) -> str:
    """Return the hash under which a random token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def _end(which: sa.ColumnElement[bool]) -> int:
    ended = db.session.execute(
        sa.update(SignIn).where(which, SignIn.ended_at.is_(None)).values(ended_at=clock.now())
    )
    return affected(ended)


def _is_staff() -> sa.Label[bool]:
    return (
        sa.exists()
        .where(
            user_role.c.user_id == SignIn.user_id,
            user_role.c.role_id == Role.id,
            Role.name != RoleName.AMBASSADOR.value,
        )
        .label("is_staff")
    )
