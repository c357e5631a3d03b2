"""Counters of attempts in the database, so that all processes count together.

A window opens with the first attempt and lasts `per`; within it at most
`limit` attempts pass.  Addresses and keys are stored as keyed hashes only.
Each count is a short transaction of its own: count before the work starts,
because what is open in the session ends here.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Digest, Model, UtcTime, affected, db, run, upsert_dialect, writing
from core.errors import TooManyError


class AttemptCount(Model):
    """How many attempts a key made in its open window."""

    __tablename__ = "attempt_count"

    key_hash: Mapped[Digest] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[UtcTime] = mapped_column(index=True)


def hit(name: str, key: str, *, limit: int, per: timedelta) -> int:
    """Count one attempt and return how many the window holds.  Commits.

    Args:
        name: What is counted, such as `code_check`.
        key: Who is counted: an address, a key's id.
        limit: Attempts that pass within a window.
        per: Length of the window.

    Raises:
        TooManyError: The window is full; says in how many seconds it ends.
    """
    now = clock.now()
    with writing():
        count, ends_at = db.session.execute(_count(digest(name, str(per), key), now, per)).one()
        db.session.commit()
    if count > limit:
        raise _too_many(ends_at - now)
    return int(count)


def require_room(name: str, key: str, *, limit: int, per: timedelta) -> None:
    """Refuse a caller whose window is full, without counting.

    For what counts only when it fails: ask here first, `hit` after a failure.

    Raises:
        TooManyError: The window is full.
    """
    now = clock.now()
    asked = {"key": digest(name, str(per), key), "now": now, "most": limit}
    ends_at = run(_FULL, asked).scalar()
    if ends_at is not None:
        raise _too_many(ends_at - now)


_FULL = sa.select(AttemptCount.ends_at).where(
    AttemptCount.key_hash == sa.bindparam("key"),
    AttemptCount.ends_at > sa.bindparam("now"),
    AttemptCount.count >= sa.bindparam("most"),
)


def network(address: str | None) -> str:
    """Return what is counted as one caller: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def digest(*parts: str) -> str:
    """Return a keyed hash of the parts: nobody reads an address out of it."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def sweep() -> int:
    """Delete the windows that ended; return how many."""
    gone = db.session.execute(sa.delete(AttemptCount).where(AttemptCount.ends_at <= clock.now()))
    return affected(gone)


def _count(key_hash: str, now: datetime, per: timedelta) -> sa.sql.expression.Executable:
    """Return the statement that opens a window or adds to it, whoever else does so too."""
    is_over = AttemptCount.ends_at <= now
    opened = upsert_dialect().insert(AttemptCount).values(
        key_hash=key_hash, count=1, ends_at=now + per
    )  # fmt: skip
    statement: sa.sql.expression.Executable = opened.on_conflict_do_update(
        index_elements=["key_hash"],
        set_={
            "count": sa.case((is_over, 1), else_=AttemptCount.count + 1),
            "ends_at": sa.case((is_over, opened.excluded.ends_at), else_=AttemptCount.ends_at),
        },
    ).returning(AttemptCount.count, AttemptCount.ends_at)
    return statement


def _too_many(left: timedelta) -> TooManyError:
    seconds = max(1, -(-left // timedelta(seconds=1)))
    return TooManyError(
        _("Too many attempts. Please try again in %(seconds)s seconds.", seconds=seconds),
        retry_after=seconds,
    )
