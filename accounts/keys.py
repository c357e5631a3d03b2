"""API keys: 32 random bytes, shown once, stored as a SHA-256, found by a prefix."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from accounts.models import ApiKey, Scope
from core import clock
from core.db import affected, db, reading
from core.errors import InvalidInputError, NotFoundError
from core.remembered import Remembered, of_app

_LONGEST_NAME = 100
_PREFIX = 12  # characters of the key that are stored in clear to find it


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A valid key, as the authorization sees it."""

    id: int
    scopes: frozenset[Scope]


def create(name: str, scopes: frozenset[Scope]) -> str:
    """Store a new key and return it; it cannot be shown again.

    Raises:
        InvalidInputError: No name, a name over 100 characters, or no scope.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise InvalidInputError(_("Give the key a name of at most 100 characters."))
    if not scopes:
        raise InvalidInputError(_("Choose at least one thing the key may do."))
    secret = f"ck_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        prefix=secret[:_PREFIX], key_hash=_hash(secret), name=name,
        scopes=sorted(scopes), created_at=clock.now(),
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()  # the audit line names its id
    audit.record("key.create", "key", key.id, {"name": name, "scopes": sorted(scopes)})
    return secret


def every() -> list[ApiKey]:
    """Return the keys, those in use first, then the newest."""
    query = sa.select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
    return list(db.session.scalars(query))


def remembered(secret: str) -> KnownKey | None:
    """Return the valid key that this is, or None, in a transaction of its own if any.

    A process may remember a key for some seconds; one revoked in another
    process ends when that time is over.
    """
    known = _recent().get(_hash(secret))
    if known is None:
        with reading():  # a machine's write waits for no other machine's key to be read
            known = find(secret)
            db.session.rollback()
    return known


def find(secret: str) -> KnownKey | None:
    """Return the valid key that this is, or None; remember it for a moment."""
    if not secret.startswith("ck_") or not secret.isascii():
        return None
    row = db.session.execute(
        sa.select(ApiKey.id, ApiKey.key_hash, ApiKey.scopes).where(
            ApiKey.prefix == secret[:_PREFIX], ApiKey.revoked_at.is_(None)
        )
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.key_hash, _hash(secret)):
        return None
    key = KnownKey(row.id, frozenset(Scope(word) for word in row.scopes))
    _recent().put(row.key_hash, key)
    return key


def _recent() -> Remembered[KnownKey]:
    return of_app("api keys")


def revoke(key_id: int) -> None:
    """End a key: at once in this process, in others when they forget it after some seconds.

    Raises:
        NotFoundError: There is no such key, or it is revoked already.
    """
    done = db.session.execute(
        sa.update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )
    if not affected(done):
        raise NotFoundError(_("There is no active key %(key_id)s.", key_id=key_id))
    _recent().clear()
    audit.record("key.revoke", "key", key_id, {})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
