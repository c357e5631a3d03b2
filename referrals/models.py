"""Tables of the referrals room: codes, links, clicks, customers, purchases, attributions."""

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
    Words,
    choice,
)  # fmt: skip


class CodeStatus(StrEnum):
    """Whether a code may be used."""

    ACTIVE = "active"
    FROZEN = "frozen"


class RedemptionState(StrEnum):
    """Where one use of a code stands."""

    RESERVED = "reserved"
    REDEEMED = "redeemed"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"


class PurchaseStatus(StrEnum):
    """Whether a purchase counts: only a paid one does."""

    PAID = "paid"
    PENDING = "pending"
    CANCELLED = "cancelled"


class RefundState(StrEnum):
    """Whether a refund has taken effect."""

    PARKED = "parked"  # came before its purchase
    APPLIED = "applied"
    FAILED = "failed"  # the money came back to the shop: reinstated


class RefundKind(StrEnum):
    """Why money went back."""

    REFUND = "refund"
    DISPUTE = "dispute"


class CreditTouch(StrEnum):
    """What gave an ambassador the credit."""

    CODE = "code"
    LINK = "link"
    BINDING = "binding"
    MANUAL = "manual"


class ClickKind(StrEnum):
    """Whether a request for a link was a person's visit."""

    VISIT = "visit"
    BOT = "bot"
    PREFETCH = "prefetch"
    HEAD = "head"
    EMBEDDED = "embedded"


class Code(Model):
    """A promo code.  Its key and owner never change, and it is never deleted."""

    __tablename__ = "code"
    __table_args__ = (
        sa.CheckConstraint("used >= 0", name="used_not_negative"),
        sa.CheckConstraint("uses_limit IS NULL OR used <= uses_limit", name="within_limit"),
        sa.Index(
            "ix_code_ambassador_id",
            "ambassador_id",
            sqlite_where=sa.text("ambassador_id IS NOT NULL"),
            postgresql_where=sa.text("ambassador_id IS NOT NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)  # folded: A-Z and 0-9 only
    text: Mapped[str] = mapped_column(sa.String(60))  # as people write it
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"))
    status: Mapped[CodeStatus] = mapped_column(choice(CodeStatus))
    status_since: Mapped[UtcTime] = mapped_column(default=clock.now)  # earlier orders keep
    starts_at: Mapped[UtcTime | None]
    ends_at: Mapped[UtcTime | None]  # the first instant at which it no longer applies
    uses_limit: Mapped[int | None]
    uses_per_customer: Mapped[int | None]
    used: Mapped[int]  # redemptions reserved or redeemed
    replaces_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("code.id"))
    stripe_promotion_code: Mapped[str | None] = mapped_column(sa.String(100), unique=True)
    batch_id: Mapped[BigId | None]  # the job that made it in bulk, and knows its ids
    created_at: Mapped[UtcTime]


class CodeCustomerUse(Model):
    """How often one customer used one code; the row that a per-customer limit locks."""

    __tablename__ = "code_customer_use"
    __table_args__ = (sa.CheckConstraint("used >= 0", name="used_not_negative"),)

    code_id: Mapped[BigId] = mapped_column(sa.ForeignKey("code.id"), primary_key=True)
    customer_key: Mapped[Digest] = mapped_column(primary_key=True)
    used: Mapped[int]


class Redemption(Model):
    """One use of a code for one order."""

    __tablename__ = "redemption"
    __table_args__ = (
        sa.UniqueConstraint("code_id", "order_key"),
        sa.Index("ix_redemption_expiry", "state", "expires_at"),
    )

    id: Mapped[PrimaryKey]
    code_id: Mapped[BigId] = mapped_column(sa.ForeignKey("code.id"))
    order_key: Mapped[str] = mapped_column(sa.String(200), index=True)  # source:external_id
    state: Mapped[RedemptionState] = mapped_column(choice(RedemptionState))
    customer_key: Mapped[Digest | None]
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime | None]  # while reserved
    settled_at: Mapped[UtcTime | None]


class Link(Model):
    """A referral link, `/r/<slug>`."""

    __tablename__ = "link"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(sa.String(60), unique=True)  # lower case
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    destination: Mapped[str] = mapped_column(sa.String(500))
    created_at: Mapped[UtcTime]


class Click(Model):
    """One request for a link; only a `visit` counts."""

    __tablename__ = "click"

    id: Mapped[PrimaryKey]
    token: Mapped[str] = mapped_column(sa.String(32), unique=True)  # the public click id
    link_id: Mapped[BigId] = mapped_column(sa.ForeignKey("link.id"), index=True)
    clicked_at: Mapped[UtcTime] = mapped_column(index=True)
    kind: Mapped[ClickKind] = mapped_column(choice(ClickKind))
    has_consent: Mapped[bool]
    is_paid_traffic: Mapped[bool]  # gclid and the like were in the address
    ip_hash: Mapped[Digest | None]
    referrer_host: Mapped[str | None] = mapped_column(sa.String(200))


class Customer(Model):
    """Someone who bought.  The first paid purchase is what makes one new."""

    __tablename__ = "customer"

    id: Mapped[PrimaryKey]
    member_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("member.id"), index=True)
    country: Mapped[CountryCode | None]
    first_purchase_id: Mapped[BigId | None]  # earliest (occurred_at, id) paid, not a test
    first_purchased_at: Mapped[UtcTime | None]
    created_at: Mapped[UtcTime]


class CustomerIdentity(Model):
    """A name by which shops know a customer: an e-mail's hash or a shop's own id."""

    __tablename__ = "customer_identity"

    key: Mapped[str] = mapped_column(sa.String(300), primary_key=True)  # email:<hash>, id:<id>
    customer_id: Mapped[BigId] = mapped_column(sa.ForeignKey("customer.id"), index=True)


class Purchase(Model):
    """An order, as the shop tells it.  `total` is what was charged, after discount."""

    __tablename__ = "purchase"
    __table_args__ = (
        sa.UniqueConstraint("source", "external_id"),
        sa.Index("ix_purchase_customer", "customer_id", "occurred_at"),
        sa.Index(
            "ix_purchase_subscription",
            "subscription",
            sqlite_where=sa.text("subscription IS NOT NULL"),
            postgresql_where=sa.text("subscription IS NOT NULL"),
        ),
        sa.CheckConstraint("refunded >= 0 AND refunded <= total", name="refunded_within_total"),
    )

    id: Mapped[PrimaryKey]
    source: Mapped[str] = mapped_column(sa.String(40))
    external_id: Mapped[str] = mapped_column(sa.String(150))
    occurred_at: Mapped[UtcTime] = mapped_column(index=True)
    currency: Mapped[CurrencyCode]
    total: Mapped[MinorUnits]
    discount: Mapped[MinorUnits]
    tax: Mapped[MinorUnits]
    shipping: Mapped[MinorUnits]
    net_amount: Mapped[MinorUnits]  # total - tax - shipping
    refunded: Mapped[MinorUnits]  # of total, by applied refunds
    status: Mapped[PurchaseStatus] = mapped_column(choice(PurchaseStatus))
    is_test: Mapped[bool]
    customer_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("customer.id"))
    customer_key: Mapped[Digest | None]  # normalised e-mail's hash
    country: Mapped[CountryCode | None]
    codes: Mapped[Words]  # as the shop lists them
    click_token: Mapped[str | None] = mapped_column(sa.String(64))
    heard_from: Mapped[str | None] = mapped_column(sa.String(200))
    subscription: Mapped[str | None] = mapped_column(sa.String(150))
    period_index: Mapped[int | None]
    name_key: Mapped[Digest | None]  # hash of the letters of the mailbox, to compare with names
    is_disposable: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    fact_hash: Mapped[Digest]  # of what the shop said, to tell a replay from a contradiction
    recorded_at: Mapped[UtcTime]

    lines: Mapped[list[PurchaseLine]] = relationship(order_by="PurchaseLine.position")
    refunds: Mapped[list[Refund]] = relationship(order_by="Refund.occurred_at")


class OrderAlias(Model):
    """Another name under which a shop speaks of the same order (charge, session, invoice)."""

    __tablename__ = "order_alias"
    __table_args__ = (sa.Index("ix_order_alias_order", "source", "external_id"),)

    source: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    alias: Mapped[str] = mapped_column(sa.String(150), primary_key=True)
    external_id: Mapped[str] = mapped_column(sa.String(150))


class PurchaseLine(Model):
    """One line of a purchase; amounts after discount."""

    __tablename__ = "purchase_line"

    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str] = mapped_column(sa.String(100))
    quantity: Mapped[int]
    amount: Mapped[MinorUnits]


class Refund(Model):
    """Money that went back, by refund or dispute."""

    __tablename__ = "refund"
    __table_args__ = (
        sa.UniqueConstraint("source", "external_id"),
        sa.Index("ix_refund_order", "order_source", "order_external_id"),
        sa.Index(
            "ix_refund_parked",
            "state",
            sqlite_where=sa.text("state = 'parked'"),
            postgresql_where=sa.text("state = 'parked'"),
        ),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[PrimaryKey]
    source: Mapped[str] = mapped_column(sa.String(40))
    external_id: Mapped[str] = mapped_column(sa.String(200))
    order_source: Mapped[str] = mapped_column(sa.String(40))
    order_external_id: Mapped[str] = mapped_column(sa.String(150))
    purchase_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("purchase.id"), index=True)
    kind: Mapped[RefundKind] = mapped_column(choice(RefundKind))
    amount: Mapped[MinorUnits]
    occurred_at: Mapped[UtcTime]
    state: Mapped[RefundState] = mapped_column(choice(RefundState))
    recorded_at: Mapped[UtcTime]


class Attribution(Model):
    """Who gets the credit for a purchase, or why nobody does.

    There is a row for every purchase that had a candidate; `ambassador_id` is
    null when every candidate lost.
    """

    __tablename__ = "attribution"

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"), unique=True)
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    code_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("code.id"), index=True)
    click_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("click.id"))
    touch: Mapped[CreditTouch | None] = mapped_column(choice(CreditTouch))
    reason: Mapped[str] = mapped_column(sa.String(200))  # a word of `attribution.Reason`
    rule_version: Mapped[int]
    lost: Mapped[list[Facts]] = mapped_column(sa.JSON)  # candidates that lost, each with its reason
    suspicion: Mapped[str | None] = mapped_column(
        sa.String(100)
    )  # words of `suspicions.Signal`, each of which holds the commission


class Suspicion(Model):
    """What other orders say against a credit, with the evidence as it was found; never deleted.

    Signals that the order alone tells are decided anew with each attribution and have no row.
    """

    __tablename__ = "suspicion"

    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), primary_key=True)
    signal: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    evidence: Mapped[Facts]  # counts, and since when as seconds of Unix time
    found_at: Mapped[UtcTime]


class LostCredit(Model):
    """An ambassador whose touch did not win: finds the purchases that did not count for them.

    The reason stands in the attribution's `lost`.
    """

    __tablename__ = "lost_credit"

    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, index=True
    )


class Binding(Model):
    """A customer, or one subscription of theirs, bound to the ambassador who brought them."""

    __tablename__ = "binding"

    key: Mapped[str] = mapped_column(sa.String(220), primary_key=True)  # customer:7, subscription:x
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"))
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    bound_at: Mapped[UtcTime]


class RequestState(StrEnum):
    """Where a wish for a code of one's own stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"


class CodeRequest(Model):
    """A code that an ambassador wishes for; a person of the team decides."""

    __tablename__ = "code_request"
    __table_args__ = (
        sa.Index(
            "uq_code_request_waiting",
            "ambassador_id",
            "campaign_id",
            unique=True,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_code_request_state", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    text: Mapped[str] = mapped_column(sa.String(60))
    state: Mapped[RequestState] = mapped_column(choice(RequestState))
    reason: Mapped[str | None] = mapped_column(sa.String(300))  # of a declined one, as told
    code_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("code.id"))
    created_at: Mapped[UtcTime]
    decided_at: Mapped[UtcTime | None]


class GivenCode(Model):
    """That an ambassador got the code of a campaign on joining it: once, whoever asks again."""

    __tablename__ = "given_code"

    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), primary_key=True)
    campaign_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("campaign.id"), primary_key=True, index=True
    )
    given_at: Mapped[UtcTime]


class SignalKind(StrEnum):
    """What makes one think that a code leaked."""

    BEYOND_ITS_PAST = "beyond_its_past"
    WITHOUT_CLICK = "without_click"
    UNUSUAL_COUNTRIES = "unusual_countries"


class CodeSignal(Model):
    """Something unusual about a code, for a person to look at; never a verdict."""

    __tablename__ = "code_signal"
    __table_args__ = (
        sa.UniqueConstraint("code_id", "kind", "week_on"),
        sa.Index(
            "ix_code_signal_open",
            "id",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    code_id: Mapped[BigId] = mapped_column(sa.ForeignKey("code.id"), index=True)
    kind: Mapped[SignalKind] = mapped_column(choice(SignalKind))
    week_on: Mapped[LocalDay]  # Monday of the week that was looked at
    evidence: Mapped[Facts]  # figures, as they were when it was seen
    seen_at: Mapped[UtcTime]
    closed_at: Mapped[UtcTime | None]
    closed_as: Mapped[str | None] = mapped_column(sa.String(20))  # harmless, frozen
