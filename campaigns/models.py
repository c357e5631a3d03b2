"""Tables of the campaigns room: campaigns, benefits, reward rules, spend."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import clock
from core.db import (
    BasisPoints,
    BigId,
    CurrencyCode,
    Facts,
    LocalDay,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    Words,
    choice,
)  # fmt: skip
from core.spans import Spans, SpansColumn


class Objective(StrEnum):
    """What a campaign is for."""

    ACQUISITION = "acquisition"
    LOYALTY = "loyalty"
    CO_CREATION = "co_creation"
    CONTENT = "content"
    EVENTS = "events"


class CampaignStatus(StrEnum):
    """Whether a campaign's codes apply."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class BenefitKind(StrEnum):
    """What the friend gets at once."""

    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_SHIPPING = "free_shipping"
    FREE_PRODUCT = "free_product"


class RewardKind(StrEnum):
    """What a purchase earns the ambassador."""

    PERCENT = "percent"
    FIXED = "fixed"
    POINTS = "points"
    PERK = "perk"

    @property
    def is_money(self) -> bool:
        """Tell whether it is a commission."""
        return self in {RewardKind.PERCENT, RewardKind.FIXED}


class SpendKind(StrEnum):
    """What a cost was for."""

    MEDIA = "media"
    PEOPLE = "people"
    TOOLS = "tools"
    EVENTS = "events"
    BOXES = "boxes"
    PERKS = "perks"
    OTHER = "other"


class Campaign(Model):
    """What the brand sets up: objective, scope, benefits, reward, budget, window."""

    __tablename__ = "campaign"
    __table_args__ = (
        sa.CheckConstraint("budget IS NULL OR committed <= budget", name="within_budget"),
        sa.CheckConstraint("committed >= 0", name="committed_not_negative"),
        sa.CheckConstraint(
            "rewarded >= 0 AND (rewarded_limit IS NULL OR rewarded <= rewarded_limit)",
            name="within_rewarded_limit",
        ),
    )

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(sa.String(60), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    objective: Mapped[Objective] = mapped_column(choice(Objective))
    status: Mapped[CampaignStatus] = mapped_column(choice(CampaignStatus), index=True)
    status_since: Mapped[UtcTime] = mapped_column(default=clock.now)  # earlier orders keep
    breaks: Mapped[Spans] = mapped_column(SpansColumn, default=())  # stops that are over
    starts_at: Mapped[UtcTime | None]
    ends_at: Mapped[UtcTime | None]  # the first instant after the campaign
    countries: Mapped[Words]  # empty: everywhere
    currencies: Mapped[Words]  # empty: any
    products: Mapped[Words]  # SKUs; empty: any
    minimum_basket: Mapped[MinorUnits | None]  # in the campaign's currency
    new_customers_only: Mapped[bool]
    uses_per_code: Mapped[int | None]
    uses_per_customer: Mapped[int | None]
    refund_frees_use: Mapped[bool]
    currency: Mapped[CurrencyCode]  # of budget, minimum and fixed amounts
    budget: Mapped[MinorUnits | None]  # commissions in all, at most
    committed: Mapped[
        MinorUnits
    ]  # commissions accrued since there is a budget; a refund does not free it
    rewarded_limit: Mapped[int | None]  # purchases that earn something, at most
    rewarded: Mapped[int] = mapped_column(default=0)  # since there is that limit, as `committed`
    points_months: Mapped[int | None]  # its points last so long; 0: for ever; None: the program's
    landing_url: Mapped[str | None] = mapped_column(sa.String(500))
    created_at: Mapped[UtcTime]

    benefits: Mapped[list[Benefit]] = relationship(
        back_populates="campaign", order_by="Benefit.position", lazy="selectin"
    )
    rules: Mapped[list[RewardRule]] = relationship(
        back_populates="campaign", order_by="RewardRule.version", lazy="selectin"
    )


class Benefit(Model):
    """One of the things a campaign's codes give the friend."""

    __tablename__ = "benefit"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "position"),)

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    position: Mapped[int]
    kind: Mapped[BenefitKind] = mapped_column(choice(BenefitKind))
    percent: Mapped[BasisPoints | None]
    amount: Mapped[MinorUnits | None]  # in the campaign's currency
    product: Mapped[str | None] = mapped_column(sa.String(100))  # SKU

    campaign: Mapped[Campaign] = relationship(back_populates="benefits")


class Period(StrEnum):
    """A part of the calendar, in the program's time zone, in which a cap counts anew."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class RewardRule(Model):
    """A version of what a campaign pays its ambassadors; never edited."""

    __tablename__ = "reward_rule"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "version"),)

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    version: Mapped[int]
    kind: Mapped[RewardKind] = mapped_column(choice(RewardKind))
    rate: Mapped[BasisPoints | None]
    amount: Mapped[MinorUnits | None]  # fixed, in the campaign's currency; or points
    perk_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("perk.id"))
    include_tax: Mapped[bool]  # switches of the base (rule 14)
    include_shipping: Mapped[bool]
    before_discount: Mapped[bool]
    maximum: Mapped[MinorUnits | None]  # per purchase, in the campaign's currency
    hold_days: Mapped[int]
    new_customers_only: Mapped[bool]
    cases: Mapped[list[Facts]] = mapped_column(sa.JSON, default=list)  # the first that fits pays
    tiers: Mapped[list[Facts]] = mapped_column(sa.JSON, default=list)  # by the purchase's number
    months: Mapped[int | None]  # of one customer's purchases; 0: the first alone; None: for life
    ambassador_maximum: Mapped[MinorUnits | None]  # of one ambassador, in the campaign's currency
    ambassador_period: Mapped[Period | None] = mapped_column(choice(Period))
    ambassador_period_maximum: Mapped[MinorUnits | None]  # of one ambassador in such a period
    campaign_period: Mapped[Period | None] = mapped_column(choice(Period))
    campaign_period_maximum: Mapped[MinorUnits | None]  # of all of them in such a period
    effective_from: Mapped[UtcTime | None]  # None: since ever
    created_at: Mapped[UtcTime]

    campaign: Mapped[Campaign] = relationship(back_populates="rules")


class Draft(Model):
    """A campaign in the making, or a change of one: what a person wrote so far, as they wrote it.

    Once it is launched it names its campaign, so that launching twice makes one; a change
    is applied once, to the terms that it began with.
    """

    __tablename__ = "campaign_draft"

    id: Mapped[PrimaryKey]
    token: Mapped[str] = mapped_column(sa.String(32), unique=True)  # in addresses
    name: Mapped[str] = mapped_column(sa.String(120))
    answers: Mapped[Facts]  # field: list of texts
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"), unique=True)
    changes_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    seen: Mapped[str | None] = mapped_column(sa.String(16))  # mark of the terms that it changes
    applied_at: Mapped[UtcTime | None]  # a change: since then they are the campaign's
    saved_at: Mapped[UtcTime]
    created_at: Mapped[UtcTime]


class Format(StrEnum):
    """How a person speaks of the brand, by which the law asks for a mention."""

    COMMISSION = "commission"  # earns by what friends buy
    PAID = "paid"
    GIFTED = "gifted"


class Brief(Model):
    """For whom a campaign is, and what ambassadors share of it."""

    __tablename__ = "campaign_brief"

    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    audience: Mapped[Facts]  # as `audiences.told` writes it
    format: Mapped[Format] = mapped_column(choice(Format))
    text_en: Mapped[str] = mapped_column(sa.Text)
    text_fr: Mapped[str] = mapped_column(sa.Text)
    goal: Mapped[int | None]  # purchases that a sprint wants to reach until its end


class Mention(Model):
    """What the law asks to say beside shared content, from a day on."""

    __tablename__ = "mention"
    __table_args__ = (sa.UniqueConstraint("format", "effective_on"),)

    id: Mapped[PrimaryKey]
    format: Mapped[Format] = mapped_column(choice(Format))
    effective_on: Mapped[LocalDay]
    text_fr: Mapped[str] = mapped_column(sa.String(200))
    text_en: Mapped[str] = mapped_column(sa.String(200))
    source: Mapped[str] = mapped_column(sa.String(300))

    def text_in(self, language: str) -> str:
        """Return its words in a language."""
        return self.text_fr if language == "fr" else self.text_en


class Spend(Model):
    """Money the brand spent on a channel on a day."""

    __tablename__ = "spend"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)  # what makes a repeat harmless
    channel: Mapped[str] = mapped_column(sa.String(60))
    on: Mapped[LocalDay] = mapped_column("spent_on", index=True)
    booked_on: Mapped[LocalDay | None]  # counts then, as its own month was closed
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]
    kind: Mapped[SpendKind] = mapped_column(choice(SpendKind))
    note: Mapped[str] = mapped_column(sa.String(200))
    ambassador_id: Mapped[BigId | None]  # for whom, where that is known: perks
    created_at: Mapped[UtcTime]


class MessageStatus(StrEnum):
    """How far a message to an audience has come."""

    DRAFT = "draft"
    SENDING = "sending"  # its readers are being decided
    SENT = "sent"  # all are decided; the outbox may still be at work


class Message(Model):
    """A message to an audience, in both languages, with variables only."""

    __tablename__ = "message"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(120))
    audience: Mapped[Facts]  # as `audiences.told` writes it
    subject_en: Mapped[str] = mapped_column(sa.String(200))
    body_en: Mapped[str] = mapped_column(sa.Text)
    subject_fr: Mapped[str] = mapped_column(sa.String(200))
    body_fr: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[MessageStatus] = mapped_column(choice(MessageStatus), index=True)
    created_at: Mapped[UtcTime]
    started_at: Mapped[UtcTime | None]
    finished_at: Mapped[UtcTime | None]
    decided_to: Mapped[BigId] = mapped_column(default=0)  # the last member who is decided


class MessageReader(Model):
    """One member of a message's audience: reached or spared, and what became of the mail."""

    __tablename__ = "message_reader"
    __table_args__ = (
        sa.UniqueConstraint("message_id", "member_id"),
        sa.Index("ix_message_reader_list", "message_id", "id"),
    )

    id: Mapped[PrimaryKey]
    message_id: Mapped[BigId] = mapped_column(sa.ForeignKey("message.id"))
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), index=True)
    spared: Mapped[str | None] = mapped_column(sa.String(30))  # a word of `guard.Spared`
    decided_at: Mapped[UtcTime]
    tried_at: Mapped[UtcTime | None]  # a call whose answer we do not know yet
    sent_at: Mapped[UtcTime | None]
    delivered_at: Mapped[UtcTime | None]
    opened_at: Mapped[UtcTime | None]
    bounced_at: Mapped[UtcTime | None]
    unsubscribed_at: Mapped[UtcTime | None]
    reported_at: Mapped[UtcTime | None]  # as spam


class MailEvent(Model):
    """An event of the mail provider that had its effect, once by its id."""

    __tablename__ = "mail_event"

    event_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    mail_key: Mapped[str | None] = mapped_column(sa.String(200), index=True)
    kind: Mapped[str] = mapped_column(sa.String(30))
    occurred_at: Mapped[UtcTime]
