"""Tables of the rewards room: commissions, and the ledger's entries and postings."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import RewardKind
from core.db import (
    BasisPoints,
    BigId,
    CurrencyCode,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    choice,
)  # fmt: skip


class Account(StrEnum):
    """Where money can stand.  Debits are positive, credits negative."""

    EXPENSE = "expense"  # what the program has cost the brand
    PENDING = "pending"  # owed to an ambassador, inside the hold period
    HELD = "held"  # owed to an ambassador, waiting for a person to decide
    PAYABLE = "payable"  # owed to an ambassador, hold period over
    CASH = "cash"  # left the brand's bank


class EntryKind(StrEnum):
    """Why money moved."""

    COMMISSION = "commission"
    RELEASE = "release"  # the hold period is over
    CLAWBACK = "clawback"  # a refund, a lost dispute, a withdrawn credit
    REINSTATEMENT = "reinstatement"  # a refund failed, a dispute was won
    PAYOUT = "payout"


class Commission(Model):
    """Money earned by one attribution, with the rule frozen as it was.

    A purchase that is credited to somebody else later keeps its first
    commission and gets a second one, so `(purchase_id, ambassador_id)` is the key.
    """

    __tablename__ = "commission"
    __table_args__ = (
        sa.UniqueConstraint("purchase_id", "ambassador_id"),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.Index("ix_commission_release", "payable_at"),
    )

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    rule_id: Mapped[BigId] = mapped_column(sa.ForeignKey("reward_rule.id"))
    kind: Mapped[RewardKind] = mapped_column(choice(RewardKind))
    rate: Mapped[BasisPoints | None]
    fixed: Mapped[MinorUnits | None]
    base: Mapped[MinorUnits]  # what the rate applied to, before any refund
    parts: Mapped[list[list[int]] | None] = mapped_column(
        sa.JSON(none_as_null=True)
    )  # [rate, base] each, where lines earn at different rates
    number: Mapped[int | None]  # which of the ambassador's purchases, where that decides
    currency: Mapped[CurrencyCode]
    amount: Mapped[MinorUnits]  # at accrual, after caps, before any refund
    is_active: Mapped[bool]  # False once the credit went to somebody else
    earned_at: Mapped[UtcTime]
    payable_at: Mapped[UtcTime]


class RewardCount(Model):
    """What a campaign's commissions are for one ambassador, where a cap or a tier counts them.

    A refund gives nothing back, as with budgets.
    """

    __tablename__ = "reward_count"
    __table_args__ = (sa.CheckConstraint("committed >= 0 AND purchases >= 0", name="not_negative"),)

    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, index=True
    )
    committed: Mapped[MinorUnits]  # accrued in all
    purchases: Mapped[int]


class Entry(Model):
    """One immutable event in the ledger; its postings add up to zero."""

    __tablename__ = "ledger_entry"

    id: Mapped[PrimaryKey]
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    source: Mapped[str] = mapped_column(sa.String(200), unique=True)
    occurred_at: Mapped[UtcTime] = mapped_column(index=True)
    recorded_at: Mapped[UtcTime]

    postings: Mapped[list[Posting]] = relationship(back_populates="entry")


class Posting(Model):
    """One leg of an entry: a signed amount on one account."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount_not_zero"),
        sa.Index("ix_ledger_posting_owed", "ambassador_id", "account", "currency"),
    )

    id: Mapped[PrimaryKey]
    entry_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ledger_entry.id"), index=True)
    ambassador_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("ambassador.id"))
    purchase_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("purchase.id"), index=True)
    account: Mapped[Account] = mapped_column(choice(Account))
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]

    entry: Mapped[Entry] = relationship(back_populates="postings")
