"""Tables of the books: the closed months, what they were closed with, codes, checks."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import CurrencyCode, Digest, MinorUnits, Model, PrimaryKey, UtcTime, Words, choice
from rewards.models import Account


class ClosedMonth(Model):
    """One month whose figures stand; its digest covers them and the digest before."""

    __tablename__ = "closed_month"

    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)  # YYYY-MM
    closed_at: Mapped[UtcTime]
    closed_by: Mapped[str] = mapped_column(sa.String(100))  # as the audit log names people
    digest: Mapped[Digest]


class ClosedBalance(Model):
    """An account's balance of a closed month; debits positive, credits as positive amounts too."""

    __tablename__ = "closed_balance"

    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    currency: Mapped[CurrencyCode] = mapped_column(primary_key=True)
    account: Mapped[Account] = mapped_column(choice(Account), primary_key=True)
    opening: Mapped[MinorUnits]  # signed
    debit: Mapped[MinorUnits]
    credit: Mapped[MinorUnits]


class ClosedDocument(Model):
    """A report as it read when its month was closed, byte for byte."""

    __tablename__ = "closed_document"

    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)  # of its file
    body: Mapped[str] = mapped_column(sa.Text)


class AccountCode(Model):
    """What the brand's own bookkeeping calls an account of the ledger."""

    __tablename__ = "account_code"

    account: Mapped[Account] = mapped_column(choice(Account), primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20))
    label: Mapped[str] = mapped_column(sa.String(100))


class LedgerCheck(Model):
    """One run of the checks of the money invariants, and what it found."""

    __tablename__ = "ledger_check"

    id: Mapped[PrimaryKey]
    ran_at: Mapped[UtcTime] = mapped_column(index=True)
    milliseconds: Mapped[int]
    entries: Mapped[int]  # in the ledger when it ran
    breaches: Mapped[Words]  # a sentence each; empty: all holds
