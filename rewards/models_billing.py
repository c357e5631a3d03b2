"""Tables of self-billing: the terms, who accepted them, VAT by day, and what was issued.

Every row stays as it was written; the numbers of one supplier have no gap.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ambassadors.models import Ambassador
from core.db import (
    BasisPoints,
    BigId,
    CurrencyCode,
    LocalDay,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    choice,
)  # fmt: skip


class InvoiceKind(StrEnum):
    """What a document says."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class BillingTerms(Model):
    """A version of the program's self-billing: on or off, whom to bill, and the mandate's words."""

    __tablename__ = "billing_terms"

    id: Mapped[PrimaryKey]
    version: Mapped[int] = mapped_column(unique=True)
    is_on: Mapped[bool]
    customer: Mapped[str] = mapped_column(sa.String(500))  # name, address and numbers of the brand
    text_en: Mapped[str] = mapped_column(sa.Text)
    text_fr: Mapped[str] = mapped_column(sa.Text)
    published_at: Mapped[UtcTime]
    published_by: Mapped[str] = mapped_column(sa.String(100))


class BillingMandate(Model):
    """An ambassador's word that the brand writes their invoices; the latest one counts."""

    __tablename__ = "billing_mandate"

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    terms_version: Mapped[int] = mapped_column(sa.ForeignKey("billing_terms.version"))
    name: Mapped[str] = mapped_column(sa.String(200))
    address: Mapped[str] = mapped_column(sa.String(500))
    tax_id: Mapped[str] = mapped_column(sa.String(40))  # such as SIRET; may be empty
    accepted_at: Mapped[UtcTime]
    withdrawn_at: Mapped[UtcTime | None]


class VatStatus(Model):
    """Whether an ambassador charges VAT, from a day on."""

    __tablename__ = "vat_status"
    __table_args__ = (
        sa.UniqueConstraint("ambassador_id", "effective_from"),
        sa.CheckConstraint("rate >= 0 AND rate < 10000", name="rate_in_range"),
    )

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"))
    effective_from: Mapped[LocalDay]
    rate: Mapped[BasisPoints]  # 0: exempt (franchise en base)
    vat_number: Mapped[str] = mapped_column(sa.String(20))
    recorded_at: Mapped[UtcTime]


class InvoiceCounter(Model):
    """The last number of an ambassador's invoices and credit notes."""

    __tablename__ = "invoice_counter"

    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, autoincrement=False
    )
    last: Mapped[int]


class Invoice(Model):
    """An invoice written in an ambassador's name, or the credit note that corrects it."""

    # What the law wants on it, in French, where no VAT is due.
    NO_VAT: ClassVar[str] = "TVA non applicable, art. 293 B du CGI"

    __tablename__ = "invoice"
    __table_args__ = (
        sa.UniqueConstraint("ambassador_id", "number"),
        sa.CheckConstraint("gross = net + vat", name="adds_up"),
        sa.CheckConstraint("gross > 0 AND vat >= 0", name="positive"),
    )

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"))
    number: Mapped[int]
    kind: Mapped[InvoiceKind] = mapped_column(choice(InvoiceKind))
    payout_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("payout.id"), unique=True)
    corrects_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("invoice.id"))
    mandate_id: Mapped[BigId] = mapped_column(sa.ForeignKey("billing_mandate.id"))
    issued_on: Mapped[LocalDay]
    issued_at: Mapped[UtcTime] = mapped_column(index=True)
    currency: Mapped[CurrencyCode]
    net: Mapped[MinorUnits]
    vat_rate: Mapped[BasisPoints]
    vat: Mapped[MinorUnits]
    gross: Mapped[MinorUnits]  # what was paid, or taken back
    vat_number: Mapped[str] = mapped_column(sa.String(20))
    customer: Mapped[str] = mapped_column(sa.String(500))

    mandate: Mapped[BillingMandate] = relationship()
    corrects: Mapped[Invoice | None] = relationship(remote_side="Invoice.id")
    ambassador: Mapped[Ambassador] = relationship()

    @property
    def label(self) -> str:
        """Return the whole number: the supplier's, then the document's."""
        return f"{self.ambassador_id}-{self.number:04}"
