"""Tables of recruiting: the charter, application pages and applications.

In a file of their own because they are of one piece; they are shapes like those of `models.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ambassadors.models import AmbassadorKind
from core.db import BigId, Digest, Facts, Model, PrimaryKey, UtcTime, choice


class QuestionKind(StrEnum):
    """How a question of an application is answered."""

    SHORT = "short"
    LONG = "long"
    CHOICE = "choice"
    LINK = "link"


class ApplicationState(StrEnum):
    """Where an application stands."""

    WAITING = "waiting"
    LISTED = "listed"  # on the waiting list
    APPROVED = "approved"
    DECLINED = "declined"


class Charter(Model):
    """A version of what an ambassador agrees to; never edited."""

    __tablename__ = "charter"

    id: Mapped[PrimaryKey]
    version: Mapped[int] = mapped_column(unique=True)
    text_en: Mapped[str] = mapped_column(sa.Text)
    text_fr: Mapped[str] = mapped_column(sa.Text)
    published_at: Mapped[UtcTime]


class ApplicationPage(Model):
    """The public page on which people apply to a campaign."""

    __tablename__ = "application_page"
    __table_args__ = (
        sa.CheckConstraint("capacity IS NULL OR taken <= capacity", name="within_capacity"),
        sa.CheckConstraint("taken >= 0", name="taken_not_negative"),
    )

    campaign_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("campaign.id"), primary_key=True, autoincrement=False
    )
    is_open: Mapped[bool]
    title_en: Mapped[str] = mapped_column(sa.String(150))
    title_fr: Mapped[str] = mapped_column(sa.String(150))
    intro_en: Mapped[str] = mapped_column(sa.String(1000))
    intro_fr: Mapped[str] = mapped_column(sa.String(1000))
    questions: Mapped[list[Facts]] = mapped_column(sa.JSON)  # as `applications.Question` reads them
    capacity: Mapped[int | None]  # seats; None: without a limit
    taken: Mapped[int]  # seats given by approvals
    created_at: Mapped[UtcTime]


class Application(Model):
    """A person who asks to join a campaign; one a mailbox and campaign."""

    __tablename__ = "application"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "email_hash"),
        sa.Index("ix_application_queue", "campaign_id", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    email: Mapped[str] = mapped_column(sa.String(254))
    email_hash: Mapped[Digest]
    locale: Mapped[str] = mapped_column(sa.String(5))
    kind: Mapped[AmbassadorKind] = mapped_column(choice(AmbassadorKind))
    answers: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON)  # question, answer
    charter_id: Mapped[BigId] = mapped_column(sa.ForeignKey("charter.id"))
    wants_messages: Mapped[bool]
    applied_at: Mapped[UtcTime]  # also when the charter was accepted
    state: Mapped[ApplicationState] = mapped_column(choice(ApplicationState))
    state_since: Mapped[UtcTime] = mapped_column(index=True)
    turn: Mapped[int]  # grows with every decision, so that each is told once
    reason: Mapped[str] = mapped_column(sa.String(500))  # told to the person when declined
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"))


class ProofState(StrEnum):
    """Whether a social profile is known to be its claimant's."""

    ASKED = "asked"  # the code was mailed
    CHECKING = "checking"  # the page will be looked at
    PROVEN = "proven"
    MISSING = "missing"  # the page is there, the code is not
    UNREACHABLE = "unreachable"  # the page does not show itself to us: a person looks


class SocialProfile(Model):
    """A public page that an applicant says is theirs, and the code that proves it."""

    __tablename__ = "social_profile"

    id: Mapped[PrimaryKey]
    application_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("application.id", ondelete="CASCADE"), unique=True
    )
    address: Mapped[str] = mapped_column(sa.String(500))  # https
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)  # to put into the bio
    state: Mapped[ProofState] = mapped_column(choice(ProofState), index=True)
    state_since: Mapped[UtcTime]
