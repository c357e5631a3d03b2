"""Tables of payouts: what we decided to pay, how far each payment came, and where it goes.

A draft moves nothing.  Approval moves money from `payable` to `transit`, settlement from
there to where it was paid; a payment that fails goes back to `payable`.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ambassadors.models import Ambassador
from core.db import BigId, CurrencyCode, MinorUnits, Model, PrimaryKey, UtcTime, choice
from rewards.models import PayoutMethod


class PayoutState(StrEnum):
    """How far a payout came."""

    DRAFT = "draft"
    APPROVED = "approved"  # a person said yes; the money is set aside
    SENDING = "sending"  # the provider is being asked right now
    UNKNOWN = "unknown"  # asked, and nobody knows yet what the answer was
    SENT = "sent"  # on its way; it waits for the proof that it arrived
    PAID = "paid"
    FAILED = "failed"  # nothing was paid, the money is payable again
    REVERSED = "reversed"  # it was paid and came back, the money is payable again
    CANCELLED = "cancelled"  # never approved


OPEN = (PayoutState.DRAFT, PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN)
_IS_OPEN = sa.text("state IN ('draft', 'approved', 'sending', 'unknown')")


class PayoutBatch(Model):
    """A set of payouts of one currency that is approved as a whole."""

    __tablename__ = "payout_batch"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)  # a repeat is the same batch
    currency: Mapped[CurrencyCode]
    created_at: Mapped[UtcTime]
    created_by: Mapped[str] = mapped_column(sa.String(100))  # as the audit log names people
    approved_at: Mapped[UtcTime | None]
    approved_by: Mapped[str | None] = mapped_column(sa.String(100))
    alone_up_to: Mapped[MinorUnits | None]  # what its maker could approve alone, that day
    cancelled_at: Mapped[UtcTime | None]
    exported_at: Mapped[UtcTime | None]  # when the bank's file was first made


class Payout(Model):
    """One amount to one ambassador."""

    __tablename__ = "payout"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.Index(
            "uq_payout_open", "ambassador_id", "currency", unique=True,
            sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN,
        ),
        sa.Index("ix_payout_due", "state", "due_at"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    batch_id: Mapped[BigId] = mapped_column(sa.ForeignKey("payout_batch.id"), index=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    method: Mapped[PayoutMethod] = mapped_column(choice(PayoutMethod))
    currency: Mapped[CurrencyCode]
    amount: Mapped[MinorUnits]
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState))
    reason: Mapped[str | None] = mapped_column(sa.String(500))  # why it failed or was left out
    # Where it goes, frozen at approval.
    holder: Mapped[str] = mapped_column(sa.String(70), default="")
    sealed: Mapped[str | None] = mapped_column(sa.Text)  # encrypted IBAN
    last4: Mapped[str] = mapped_column(sa.String(4), default="")
    account: Mapped[str | None] = mapped_column(sa.String(100))  # connected account at Stripe
    # What was asked of the provider.
    attempt: Mapped[int] = mapped_column(default=0)  # a new one, a new key
    key: Mapped[str | None] = mapped_column(sa.String(120), unique=True)
    first_sent_at: Mapped[UtcTime | None]  # of this attempt
    tries: Mapped[int] = mapped_column(default=0)  # calls of this attempt
    absent_at: Mapped[UtcTime | None]  # when the provider first had no such transfer
    due_at: Mapped[UtcTime | None]  # when a worker looks at it next
    token: Mapped[str | None] = mapped_column(sa.String(32))  # of the worker that has it
    reference: Mapped[str | None] = mapped_column(sa.String(100))  # transfer, code, what was noted
    created_at: Mapped[UtcTime]
    approved_at: Mapped[UtcTime | None]
    sent_at: Mapped[UtcTime | None]
    settled_at: Mapped[UtcTime | None]

    batch: Mapped[PayoutBatch] = relationship()
    ambassador: Mapped[Ambassador] = relationship()

    @property
    def transfer_group(self) -> str:
        """Return by what the provider finds every transfer of this payout."""
        return f"payout:{self.id}"


class ConnectedAccount(Model):
    """An ambassador's account at Stripe, as Stripe last told of it."""

    __tablename__ = "connected_account"

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), unique=True)
    account: Mapped[str] = mapped_column(sa.String(100), unique=True)
    is_ready: Mapped[bool]  # Stripe lets transfers in and pays out
    created_at: Mapped[UtcTime]
    changed_at: Mapped[UtcTime]  # when readiness was last told
