"""Tables of missions and badges: what a campaign asks for and gives, and who did it."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models_perks import OfferStatus, Perk
from core.db import BigId, CurrencyCode, MinorUnits, Model, PrimaryKey, UtcTime, choice


class Proof(StrEnum):
    """How it is shown that a mission was done."""

    CONTENT = "content"  # the address of what they published, looked at by a person
    PURCHASES = "purchases"  # so many purchases through them in the campaign; a tier's bonus
    CHECK_IN = "check_in"  # a code that is told on the spot
    HAND = "hand"  # a person of the team says so


class TakeState(StrEnum):
    """Where an ambassador's mission stands."""

    WAITING = "waiting"  # for a person to look at the proof
    DONE = "done"  # and given
    DECLINED = "declined"  # may be handed in again
    REVERSED = "reversed"  # what was given was taken back


class Badge(Model):
    """A mark of recognition; it is worth nothing and counts nothing."""

    __tablename__ = "badge"

    id: Mapped[PrimaryKey]
    name_en: Mapped[str] = mapped_column(sa.String(60))
    name_fr: Mapped[str] = mapped_column(sa.String(60))
    created_at: Mapped[UtcTime]


class BadgeHolder(Model):
    """Who has a badge, and why."""

    __tablename__ = "badge_holder"

    badge_id: Mapped[BigId] = mapped_column(sa.ForeignKey("badge.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, index=True
    )
    mission_id: Mapped[BigId | None] = mapped_column(
        sa.ForeignKey("mission.id")
    )  # None: by a person
    given_at: Mapped[UtcTime]

    badge: Mapped[Badge] = relationship(lazy="joined")


class Mission(Model):
    """A task of a campaign, what it gives, and how often; its terms never change."""

    __tablename__ = "mission"
    __table_args__ = (
        sa.CheckConstraint("amount >= 0 AND points >= 0", name="not_negative"),
        sa.CheckConstraint("takes_limit IS NULL OR taken <= takes_limit", name="within_limit"),
        sa.CheckConstraint("budget IS NULL OR committed <= budget", name="within_budget"),
    )

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    name_en: Mapped[str] = mapped_column(sa.String(120))
    name_fr: Mapped[str] = mapped_column(sa.String(120))
    text_en: Mapped[str] = mapped_column(sa.String(1000))  # what to do
    text_fr: Mapped[str] = mapped_column(sa.String(1000))
    proof: Mapped[Proof] = mapped_column(choice(Proof))
    goal: Mapped[int | None]  # purchases to reach
    code_key: Mapped[str | None] = mapped_column(sa.String(60))  # of a check-in, folded
    amount: Mapped[MinorUnits]  # added to the balance
    currency: Mapped[CurrencyCode]  # of amount and budget
    points: Mapped[MinorUnits]
    perk_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk.id"))
    badge_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("badge.id"))
    starts_at: Mapped[UtcTime | None]
    ends_at: Mapped[UtcTime | None]  # the first instant after the last day
    takes_limit: Mapped[int | None]  # people to whom it gives, at most
    taken: Mapped[int]  # to whom it gave; a reversal does not free it, as with budgets
    budget: Mapped[MinorUnits | None]  # money in all, at most
    committed: Mapped[MinorUnits]
    status: Mapped[OfferStatus] = mapped_column(choice(OfferStatus))
    created_at: Mapped[UtcTime]

    perk: Mapped[Perk | None] = relationship()
    badge: Mapped[Badge | None] = relationship()


class MissionTake(Model):
    """A mission as one ambassador did it, once; what it gave is frozen when it is given."""

    __tablename__ = "mission_take"
    __table_args__ = (
        sa.UniqueConstraint("mission_id", "ambassador_id"),
        sa.CheckConstraint("points_back <= points", name="no_more_back_than_given"),
    )

    id: Mapped[PrimaryKey]
    mission_id: Mapped[BigId] = mapped_column(sa.ForeignKey("mission.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    state: Mapped[TakeState] = mapped_column(choice(TakeState), index=True)
    url: Mapped[str | None] = mapped_column(sa.String(500))  # of content; https, never fetched
    handed_in_at: Mapped[UtcTime]
    decided_at: Mapped[UtcTime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(100))  # as the audit log names people
    reason: Mapped[str | None] = mapped_column(sa.String(500))  # of a decline or a reversal
    amount: Mapped[MinorUnits]  # given, minor units of the mission's currency
    points: Mapped[MinorUnits]  # given
    points_back: Mapped[MinorUnits]  # of those, taken back by a reversal
    exchange_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk_exchange.id"))

    mission: Mapped[Mission] = relationship(lazy="joined")
