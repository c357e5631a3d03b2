"""Tables of the accounts room: users, roles, sessions, links, API keys, the audit log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from flask_security.core import RoleMixin, UserMixin
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Digest, Facts, Model, PrimaryKey, UtcDateTime, UtcTime, Words, choice


class RoleName(StrEnum):
    """Who a signed-in person is to the program."""

    ADMIN = "admin"
    MARKETER = "marketer"
    FINANCE = "finance"
    AMBASSADOR = "ambassador"


class Scope(StrEnum):
    """What an API key may do."""

    READ = "read"
    CODES = "codes"
    PURCHASES = "purchases"
    COMMUNITY = "community"
    SPEND = "spend"


user_role = sa.Table(
    "user_role",
    Model.metadata,
    sa.Column("user_id", sa.ForeignKey("user_account.id"), primary_key=True),
    sa.Column("role_id", sa.ForeignKey("role.id"), primary_key=True),
)


class Role(Model, RoleMixin):
    """One of the four roles."""

    __tablename__ = "role"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(32), unique=True)
    description: Mapped[str | None] = mapped_column(sa.String(200))


class User(Model, UserMixin):
    """A person who can sign in."""

    __tablename__ = "user_account"

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    locale: Mapped[str | None] = mapped_column(sa.String(5))
    password: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    fs_webauthn_user_handle: Mapped[str | None] = mapped_column(  # type: ignore[assignment]
        sa.String(64), unique=True
    )
    tf_primary_method: Mapped[str | None] = mapped_column(sa.String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(sa.String(255))
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(sa.JSON))
    created_at: Mapped[UtcTime]

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=user_role, lazy="selectin"
    )


class SignIn(Model):
    """A signed-in session, kept on our side so that it can be ended."""

    __tablename__ = "sign_in"

    id: Mapped[PrimaryKey]
    token_hash: Mapped[Digest] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    created_at: Mapped[UtcTime]
    seen_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]


class LinkPurpose(StrEnum):
    """What a one-time link that we mailed or printed lets its holder do."""

    SIGN_IN = "sign_in"
    SET_PASSWORD = "set_password"  # noqa: S105  a purpose, not a secret


class OneTimeLink(Model):
    """A link that lets one person in, or set a password, once."""

    __tablename__ = "one_time_link"

    id: Mapped[PrimaryKey]
    token_hash: Mapped[Digest] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    purpose: Mapped[LinkPurpose] = mapped_column(choice(LinkPurpose))
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]  # used, or withdrawn


class FailedSignIn(Model):
    """Recent failures for an account or address, for the growing delay."""

    __tablename__ = "failed_sign_in"

    key_hash: Mapped[Digest] = mapped_column(primary_key=True)
    failures: Mapped[int]
    since: Mapped[UtcTime]
    next_at: Mapped[UtcTime]


class ApiKey(Model):
    """A shop's key: looked up by its prefix, compared by its hash."""

    __tablename__ = "api_key"

    id: Mapped[PrimaryKey]
    prefix: Mapped[str] = mapped_column(sa.String(16), unique=True)
    key_hash: Mapped[Digest]
    name: Mapped[str] = mapped_column(sa.String(100))
    scopes: Mapped[Words]
    created_at: Mapped[UtcTime]
    revoked_at: Mapped[UtcTime | None]


class IdempotentAnswer(Model):
    """The answer given to an `Idempotency-Key`, to give again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (sa.UniqueConstraint("api_key_id", "key"),)

    id: Mapped[PrimaryKey]
    api_key_id: Mapped[int] = mapped_column(sa.ForeignKey("api_key.id"))
    key: Mapped[str] = mapped_column(sa.String(255))
    request_hash: Mapped[Digest]
    status: Mapped[int]
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[UtcTime]


class AuditLine(Model):
    """One act on money, roles, codes, keys or exports.  Append-only."""

    __tablename__ = "audit_line"
    __table_args__ = (sa.Index("ix_audit_line_object", "object_kind", "object_id"),)

    id: Mapped[PrimaryKey]
    occurred_at: Mapped[UtcTime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(sa.String(100))  # user:7, key:3, operator, worker
    act: Mapped[str] = mapped_column(sa.String(60))  # code.freeze, user.create, ...
    object_kind: Mapped[str] = mapped_column(sa.String(40))
    object_id: Mapped[str] = mapped_column(sa.String(100))
    details: Mapped[Facts]
    request_id: Mapped[str | None] = mapped_column(sa.String(32))


class Passkey(Model):
    """The public half of a key that a person's device keeps."""

    __tablename__ = "passkey"

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    credential_id: Mapped[str] = mapped_column(sa.String(1400), unique=True)  # base64url
    public_key: Mapped[str] = mapped_column(sa.Text)  # COSE, base64url
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)  # grows, where devices count
    name: Mapped[str] = mapped_column(sa.String(60))
    created_at: Mapped[UtcTime]
    used_at: Mapped[UtcTime | None]
