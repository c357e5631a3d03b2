"""Who is calling: a signed-in person, an API key, or nobody."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request
from flask_login import current_user

from accounts import keys
from accounts.models import RoleName, Scope


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of this request."""

    name: str  # user:7, key:3 or anonymous; what the audit log writes
    user_id: int | None = None
    key_id: int | None = None
    roles: frozenset[RoleName] = frozenset()
    scopes: frozenset[Scope] = frozenset()

    @property
    def is_known(self) -> bool:
        return self.user_id is not None or self.key_id is not None


ANONYMOUS = Identity("anonymous")


def current() -> Identity:
    """Return who is calling; read once a request."""
    if "caller" not in g:
        g.caller = _by_key() if "Authorization" in request.headers else _by_session()
    identity: Identity = g.caller
    return identity


def calling_key() -> int | None:
    """Return the id of the API key of this request, if it came with a valid one."""
    return current().key_id if "Authorization" in request.headers else None


def act_as(user_id: int) -> None:
    """Say who is at work in a public door that learnt it from a one-time link."""
    g.caller = Identity(f"user:{user_id}", user_id=user_id)


def _by_key() -> Identity:
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    known = keys.remembered(secret.strip()) if scheme.lower() == "bearer" else None
    if known is None:
        return ANONYMOUS
    return Identity(f"key:{known.id}", key_id=known.id, scopes=known.scopes)


def _by_session() -> Identity:
    if not current_user.is_authenticated:
        return ANONYMOUS
    roles = frozenset(RoleName(role.name) for role in current_user.roles)
    return Identity(f"user:{current_user.id}", user_id=current_user.id, roles=roles)
