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
    Facts,
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
    payout_approval_above: Mapped[MinorUnits] = mapped_column(
        server_default="50000"
    )  # a batch of more needs a second person
    asks_per_week: Mapped[int]
    velocity_orders: Mapped[int] = mapped_column(server_default="10")  # in an hour; 0: never
    shared_ip_customers: Mapped[int] = mapped_column(server_default="5")  # behind one; 0: never
    disposable_domains: Mapped[str] = mapped_column(
        sa.String(1000), server_default=""
    )  # beside our list, space-separated
    asks_per_give: Mapped[int] = mapped_column(server_default="2")  # before the next give; 0: any
    quiet_from: Mapped[int] = mapped_column(server_default="20")  # hour of the day, 0 to 23
    quiet_until: Mapped[int] = mapped_column(server_default="8")  # the same hour: never quiet
    quiet_days: Mapped[str] = mapped_column(sa.String(40), server_default="sun")  # mon tue ...
    invitations_per_month: Mapped[int] = mapped_column(server_default="3")  # of one ambassador
    points_months: Mapped[int] = mapped_column(server_default="0")  # 0: for ever
    sepa_name: Mapped[str] = mapped_column(sa.String(70), server_default="")  # who pays by SEPA
    sepa_iban: Mapped[str] = mapped_column(sa.String(34), server_default="")  # from which account
    sepa_bic: Mapped[str] = mapped_column(sa.String(11), server_default="")  # if its bank asks
    rate_days: Mapped[int] = mapped_column(server_default="7")  # a rate of currency holds so long
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
    shows_name: Mapped[bool] = mapped_column(default=False)  # friends may read the first name
    invited_by_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)

    member: Mapped[Member] = relationship(back_populates="ambassador", lazy="joined")


class SeatState(StrEnum):
    """Whether a member is in a circle or waits for a seat."""

    SEATED = "seated"
    WAITING = "waiting"


class ContactKind(StrEnum):
    """Which way something went between the brand and a member."""

    ASK = "ask"  # a message, a mission, a box request, a poll
    GIVE = "give"  # something the brand did for them


class SuppressionReason(StrEnum):
    """Why an address gets no messages."""

    BOUNCE = "bounce"
    SPAM_REPORT = "spam_report"
    UNSUBSCRIBE = "unsubscribe"


class Circle(Model):
    """A named group of members with a purpose; `seated` never passes `capacity`."""

    __tablename__ = "circle"
    __table_args__ = (
        sa.CheckConstraint("capacity IS NULL OR seated <= capacity", name="within_capacity"),
        sa.CheckConstraint("seated >= 0", name="seated_not_negative"),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    purpose: Mapped[str] = mapped_column(sa.String(500))
    capacity: Mapped[int | None]  # seats; None: as many as come
    seated: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[UtcTime]


class CircleSeat(Model):
    """A member's place in a circle, or in its waiting list."""

    __tablename__ = "circle_seat"
    __table_args__ = (
        sa.UniqueConstraint("circle_id", "member_id"),
        sa.Index("ix_circle_seat_queue", "circle_id", "state", "id"),
    )

    id: Mapped[PrimaryKey]  # the order of asking
    circle_id: Mapped[BigId] = mapped_column(sa.ForeignKey("circle.id"))
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), index=True)
    state: Mapped[SeatState] = mapped_column(choice(SeatState))
    since: Mapped[UtcTime]


class CircleStay(Model):
    """From when until when a member was in a circle; kept when they leave."""

    __tablename__ = "circle_stay"
    __table_args__ = (sa.Index("ix_circle_stay_member", "member_id", "circle_id"),)

    id: Mapped[PrimaryKey]
    circle_id: Mapped[BigId] = mapped_column(sa.ForeignKey("circle.id"))
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"))
    since: Mapped[UtcTime]
    until: Mapped[UtcTime | None]  # None: to this day


class Tag(Model):
    """A word that staff put on members."""

    __tablename__ = "tag"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)  # the name in small letters
    name: Mapped[str] = mapped_column(sa.String(60))


class MemberTag(Model):
    """A tag on a member."""

    __tablename__ = "member_tag"

    tag_id: Mapped[BigId] = mapped_column(sa.ForeignKey("tag.id"), primary_key=True)
    member_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("member.id"), primary_key=True, index=True
    )


class MemberNote(Model):
    """What a colleague wrote about a member, for colleagues."""

    __tablename__ = "member_note"

    id: Mapped[PrimaryKey]
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), index=True)
    user_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[UtcTime]


class TimelineEntry(Model):
    """Something that happened with a member, kept once by its key."""

    __tablename__ = "timeline_entry"
    __table_args__ = (sa.Index("ix_timeline_entry_member", "member_id", "occurred_at"),)

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))  # a word of `timeline.WORDS`
    about: Mapped[str] = mapped_column(sa.String(200))  # the circle, the tag, the message
    occurred_at: Mapped[UtcTime]


class Segment(Model):
    """A list of members computed from a rule."""

    __tablename__ = "segment"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    rule: Mapped[Facts]
    created_at: Mapped[UtcTime]
    counted_at: Mapped[UtcTime | None]  # of the rows in `segment_member`


class SegmentMember(Model):
    """Who was in a segment when it was computed last, for rules on what people brought."""

    __tablename__ = "segment_member"

    segment_id: Mapped[BigId] = mapped_column(sa.ForeignKey("segment.id"), primary_key=True)
    member_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("member.id"), primary_key=True, index=True
    )


class BulkAct(Model):
    """One act on a list of members; it can be undone."""

    __tablename__ = "bulk_act"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(64), unique=True)  # of the page that asked
    act: Mapped[str] = mapped_column(sa.String(20))  # a word of `bulk.Act`
    target: Mapped[str] = mapped_column(sa.String(100))  # a tag's name, a circle's id, a gift
    list_name: Mapped[str] = mapped_column(sa.String(100))
    user_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    done_at: Mapped[UtcTime]
    undone_at: Mapped[UtcTime | None]


class BulkActMember(Model):
    """A member whom a bulk act changed: undoing it touches these only."""

    __tablename__ = "bulk_act_member"

    bulk_act_id: Mapped[BigId] = mapped_column(sa.ForeignKey("bulk_act.id"), primary_key=True)
    member_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("member.id"), primary_key=True, index=True
    )


class Contact(Model):
    """An ask or a give, counted per member by rule 27."""

    __tablename__ = "contact"
    __table_args__ = (sa.Index("ix_contact_member", "member_id", "occurred_at"),)

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[ContactKind] = mapped_column(choice(ContactKind))
    what: Mapped[str] = mapped_column(sa.String(100))  # message, mission, box, thanks, ...
    occurred_at: Mapped[UtcTime]


class ContactChoice(Model):
    """What a member decided about messages."""

    __tablename__ = "contact_choice"

    member_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("member.id"), primary_key=True, autoincrement=False
    )
    snoozed_until: Mapped[UtcTime | None]  # "not now"
    unsubscribed_at: Mapped[UtcTime | None]


class Suppression(Model):
    """An address that gets no messages; known by its hash, so it outlives an erasure."""

    __tablename__ = "suppression"

    id: Mapped[PrimaryKey]
    email_hash: Mapped[Digest] = mapped_column(unique=True)
    reason: Mapped[SuppressionReason] = mapped_column(choice(SuppressionReason))
    since: Mapped[UtcTime]
