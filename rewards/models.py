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
    RELEASE = "release"  # the hold period is over, or a person has decided
    HOLD = "hold"  # something is suspicious: a person has to decide
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
    currency: Mapped[CurrencyCode]
    amount: Mapped[MinorUnits]  # at accrual, after caps, before any refund
    is_active: Mapped[bool]  # False once the credit went to somebody else
    earned_at: Mapped[UtcTime]
    payable_at: Mapped[UtcTime]


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


class QuestionKind(StrEnum):
    """What an ambassador says of a purchase."""

    QUESTION = "question"
    OBJECTION = "objection"  # it should have counted


class PurchaseQuestion(Model):
    """What an ambassador asked about a purchase of their list, and what the team answered."""

    __tablename__ = "purchase_question"
    __table_args__ = (sa.UniqueConstraint("purchase_id", "ambassador_id"),)

    id: Mapped[PrimaryKey]
    purchase_id: Mapped[BigId] = mapped_column(sa.ForeignKey("purchase.id"))
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    kind: Mapped[QuestionKind] = mapped_column(choice(QuestionKind))
    text: Mapped[str] = mapped_column(sa.String(1000))  # may be empty: one click asks
    asked_at: Mapped[UtcTime]
    answer: Mapped[str | None] = mapped_column(sa.String(2000))
    answered_at: Mapped[UtcTime | None] = mapped_column(index=True)
    answered_by: Mapped[str | None] = mapped_column(sa.String(100))  # as the audit log names people
    read_at: Mapped[UtcTime | None]  # when the ambassador saw the answer


class DataExport(Model):
    """The file of all we hold of a member, while it can be fetched; one a member."""

    __tablename__ = "data_export"

    id: Mapped[PrimaryKey]
    member_id: Mapped[BigId] = mapped_column(sa.ForeignKey("member.id"), unique=True)
    asked_at: Mapped[UtcTime]
    ready_at: Mapped[UtcTime | None]
    expires_at: Mapped[UtcTime]
    body: Mapped[str | None] = mapped_column(sa.Text)  # JSON


class PayoutMethod(StrEnum):
    """How an ambassador wishes to be paid."""

    BANK = "bank"  # to an IBAN
    STORE_CREDIT = "store_credit"  # as a code of the shop


class PayoutDetail(Model):
    """Where an ambassador's money goes; the account number only sealed."""

    __tablename__ = "payout_detail"

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), unique=True)
    method: Mapped[PayoutMethod] = mapped_column(choice(PayoutMethod))
    holder: Mapped[str] = mapped_column(sa.String(70))
    sealed: Mapped[str | None] = mapped_column(sa.Text)  # encrypted IBAN
    last4: Mapped[str] = mapped_column(sa.String(4))
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64), index=True)  # same account
    changed_at: Mapped[UtcTime]  # payouts wait 72 h after it
