"""A growing delay between guesses of one account's password, never a lock-out.

The first five failures within 15 minutes cost nothing; each further one doubles
the wait, up to 15 minutes.  An address without an account is counted alike, so
the delay does not tell who has one.  A sign-in link works meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts.models import FailedSignIn
from core import clock, limits
from core.db import UtcDateTime, affected, db, upsert_dialect
from core.errors import TooManyError

FREE_FAILURES = 5
WINDOW = timedelta(minutes=15)
WAITS = [timedelta(seconds=30 * 2**n) for n in range(5)]  # after failures 5 to 9; then WINDOW


def attempt(email: str) -> None:
    """Count a guess before it is heard, so that guesses at the same time count too.

    The caller commits before it compares the password, and calls `succeed`
    when the password is right.

    Raises:
        TooManyError: The delay is not over; says in how many seconds it is.
    """
    now = clock.now()
    key = _key(email)
    if db.session.scalar(_count(key, now)) is None:
        next_at = db.session.scalar(
            sa.select(FailedSignIn.next_at).where(FailedSignIn.key_hash == key)
        )
        left = (next_at or now) - now
        seconds = max(1, -(-left // timedelta(seconds=1)))
        said = _(
            "Too many attempts. Try again in %(seconds)s seconds, or ask for a sign-in link.",
            seconds=seconds,
        )
        raise TooManyError(said, retry_after=seconds)


def succeed(email: str) -> None:
    """Forget the failures of an account whose owner came in."""
    db.session.execute(sa.delete(FailedSignIn).where(FailedSignIn.key_hash == _key(email)))


def sweep() -> int:
    """Delete failures that no longer delay anybody; return how many."""
    old = clock.now() - 2 * WINDOW
    gone = db.session.execute(sa.delete(FailedSignIn).where(FailedSignIn.next_at < old))
    return affected(gone)


def _count(key: str, now: datetime) -> sa.sql.expression.Executable:
    """Return the statement that counts a guess whose turn it is; else it returns no row."""
    is_over = sa.and_(FailedSignIn.since <= now - WINDOW, FailedSignIn.next_at <= now - WINDOW)
    count = sa.case((is_over, 1), else_=FailedSignIn.failures + 1)
    waits = [(count == n, now + wait) for n, wait in enumerate(WAITS, start=FREE_FAILURES)]
    first = upsert_dialect().insert(FailedSignIn).values(
        key_hash=key, failures=1, since=now, next_at=now
    )  # fmt: skip
    statement: sa.sql.expression.Executable = first.on_conflict_do_update(
        index_elements=["key_hash"],
        where=FailedSignIn.next_at <= now,
        set_={
            "failures": count,
            "since": sa.case((is_over, sa.literal(now, UtcDateTime)), else_=FailedSignIn.since),
            "next_at": sa.case(
                *((when, sa.literal(then, UtcDateTime)) for when, then in waits),
                (count > FREE_FAILURES, sa.literal(now + WINDOW, UtcDateTime)),
                else_=sa.literal(now, UtcDateTime),
            ),
        },
    ).returning(FailedSignIn.failures)
    return statement


def _key(email: str) -> str:
    return limits.digest("sign_in", email.strip().lower())
