"""One-time links: 32 random bytes in the address, their hash in the table.

A GET of a link only shows a page, because mail scanners follow links; the
button's POST uses it up.  A newer link of the same purpose withdraws the
older ones.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from accounts.models import LinkPurpose, OneTimeLink, User
from accounts.sessions import hash_token
from core import clock
from core.db import affected, db

SIGN_IN_FOR = timedelta(minutes=15)
RESET_FOR = timedelta(hours=1)
INVITATION_FOR = timedelta(days=7)


def create(user: User, purpose: LinkPurpose, *, lasts: timedelta) -> str:
    """Store a new link and return its full address; it cannot be shown again."""
    withdraw(user.id, purpose)
    token = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        OneTimeLink(
            token_hash=hash_token(token), user_id=user.id, purpose=purpose, created_at=now,
            expires_at=now + lasts,
        )
    )  # fmt: skip
    door = "sign-in/link" if purpose is LinkPurpose.SIGN_IN else "password"
    return f"{current_app.extensions['settings'].base_url}/{door}/{token}"


def owner(token: str, purpose: LinkPurpose) -> User | None:
    """Return whose open link this is, without using it up."""
    return db.session.scalar(
        sa.select(User).join(OneTimeLink, OneTimeLink.user_id == User.id).where(
            User.active.is_(True), *_is_open(token, purpose)
        )
    )  # fmt: skip


def consume(token: str, purpose: LinkPurpose) -> User | None:
    """Use an open link up and return whose it was; None the second time."""
    user_id = db.session.scalar(
        sa.update(OneTimeLink)
        .where(*_is_open(token, purpose))
        .values(ended_at=clock.now())
        .returning(OneTimeLink.user_id)
    )
    user = db.session.get(User, user_id) if user_id is not None else None
    return user if user is not None and user.active else None


def withdraw(user_id: int, purpose: LinkPurpose | None = None) -> None:
    """End the open links of a person, of one purpose or of all."""
    which = [OneTimeLink.user_id == user_id, OneTimeLink.ended_at.is_(None)]
    if purpose:
        which.append(OneTimeLink.purpose == purpose)
    db.session.execute(sa.update(OneTimeLink).where(*which).values(ended_at=clock.now()))


def sweep() -> int:
    """Delete the links that expired a week ago; return how many."""
    old = clock.now() - INVITATION_FOR
    gone = db.session.execute(sa.delete(OneTimeLink).where(OneTimeLink.expires_at < old))
    return affected(gone)


def _is_open(token: str, purpose: LinkPurpose) -> list[sa.ColumnElement[bool]]:
    return [
        OneTimeLink.token_hash == hash_token(token),
        OneTimeLink.purpose == purpose,
        OneTimeLink.ended_at.is_(None),
        OneTimeLink.expires_at > clock.now(),
    ]
