"""The table of invitations: who was asked to join, and how far that came."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ambassadors.models import AmbassadorKind
from core.db import BigId, Digest, Model, PrimaryKey, UtcTime, choice


class Standing(StrEnum):
    """How far an invitation came; read from its instants, never stored."""

    SENT = "sent"
    OPENED = "opened"  # somebody, or a program that checks mail, opened the link
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Invitation(Model):
    """A mailbox that may join by a link; one a mailbox and target."""

    __tablename__ = "invitation"
    __table_args__ = (sa.UniqueConstraint("email_hash", "target"),)

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(sa.String(254))
    email_hash: Mapped[Digest]
    name: Mapped[str] = mapped_column(sa.String(200))  # may be empty: they write it themselves
    locale: Mapped[str] = mapped_column(sa.String(5))
    kind: Mapped[AmbassadorKind] = mapped_column(choice(AmbassadorKind))
    target: Mapped[str] = mapped_column(sa.String(40))  # program, campaign:7, circle:3, voucher:9
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"))
    circle_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("circle.id"))
    voucher_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("voucher.id"))  # typed at /join
    token_hash: Mapped[Digest] = mapped_column(unique=True)
    sends: Mapped[int]
    sent_at: Mapped[UtcTime] = mapped_column(index=True)
    expires_at: Mapped[UtcTime]
    opened_at: Mapped[UtcTime | None]
    accepted_at: Mapped[UtcTime | None]
    withdrawn_at: Mapped[UtcTime | None]
    charter_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("charter.id"))  # accepted
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"))


class MailConsent(Model):
    """What a customer said last about being written to, as their shop told it.

    The address is kept only while they agree: nobody else is written to.
    """

    __tablename__ = "mail_consent"

    email_hash: Mapped[Digest] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254))  # empty once they said no
    may_write: Mapped[bool]
    said_at: Mapped[UtcTime]
    told_by: Mapped[str] = mapped_column(sa.String(200))  # source:order, or a file of customers
