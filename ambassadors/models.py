"""Tables of the ambassadors room: the program, its members and ambassadors."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import clock
from core.db import (
    BigId,
    CountryCode,
    CurrencyCode,
    Digest,
    LocalDay,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    choice,
)  # fmt: skip
from core.spans import Spans, SpansColumn


class Touch(StrEnum):
    """Which of several link clicks wins."""

    FIRST = "first"
    LAST = "last"


class AmbassadorKind(StrEnum):
    """Where an ambassador comes from."""

    CUSTOMER = "customer"
    MICRO_CREATOR = "micro_creator"
    EMPLOYEE = "employee"
    PARTNER = "partner"  # a medium that shares one code with its readers


class AmbassadorStatus(StrEnum):
    """Whether an ambassador's codes earn."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


class Program(Model):
    """The brand's scheme of rules; one row."""

    __tablename__ = "program"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(sa.String(100))
    currency: Mapped[CurrencyCode]
    timezone: Mapped[str] = mapped_column(sa.String(64))
    locale: Mapped[str] = mapped_column(sa.String(5))
    shop_url: Mapped[str] = mapped_column(sa.String(500))  # where links lead by default
    allowed_hosts: Mapped[str] = mapped_column(sa.String(1000))  # of `?to=`, space-separated
    attribution_days: Mapped[int]
    attribution_touch: Mapped[Touch] = mapped_column(choice(Touch))
    lifetime_binding: Mapped[bool]
    hold_days: Mapped[int]
    minimum_payout: Mapped[MinorUnits]
    asks_per_week: Mapped[int]
    velocity_orders: Mapped[int] = mapped_column(server_default="10")  # in an hour; 0: never
    shared_ip_customers: Mapped[int] = mapped_column(server_default="5")  # behind one; 0: never
    disposable_domains: Mapped[str] = mapped_column(
        sa.String(1000), server_default=""
    )  # beside our list, space-separated
    rule_version: Mapped[int]  # grows with every change; frozen on attributions
    lake_id: Mapped[str] = mapped_column(sa.String(32))  # names this database's columnar copy


class Member(Model):
    """A person of the community; may never buy."""

    __tablename__ = "member"

    id: Mapped[PrimaryKey]
    external_id: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    email_hash: Mapped[Digest | None] = mapped_column(unique=True)
    country: Mapped[CountryCode | None]
    locale: Mapped[str | None] = mapped_column(sa.String(5))
    joined_on: Mapped[LocalDay]
    created_at: Mapped[UtcTime]

    ambassador: Mapped[Ambassador | None] = relationship(back_populates="member")


class Ambassador(Model):
    """A member enrolled in the program."""

    __tablename__ = "ambassador"

    id: Mapped[PrimaryKey]
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), unique=True)
    user_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("user_account.id"), unique=True)
    kind: Mapped[AmbassadorKind] = mapped_column(choice(AmbassadorKind))
    status: Mapped[AmbassadorStatus] = mapped_column(choice(AmbassadorStatus), index=True)
    status_since: Mapped[UtcTime] = mapped_column(default=clock.now)  # earlier orders keep
    breaks: Mapped[Spans] = mapped_column(SpansColumn, default=())  # stops that are over
    enrolled_at: Mapped[UtcTime]

    member: Mapped[Member] = relationship(back_populates="ambassador", lazy="joined")
