"""Tables of what the law counts: thresholds, contracts and their texts, details to declare.

The first three only grow: another threshold counts from its day, another template is a version,
and the text of a contract never changes.
"""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ambassadors.models import Ambassador
from campaigns.models import Objective
from core.db import (
    BigId,
    CountryCode,
    CurrencyCode,
    Digest,
    LocalDay,
    MinorUnits,
    Model,
    PrimaryKey,
    UtcTime,
    choice,
)  # fmt: skip


class ThresholdKind(StrEnum):
    """What a sum of a calendar year decides."""

    CONTRACT = "contract"  # pay and gifts from which a written contract is needed
    DAS2 = "das2"  # paid sums above which France asks for a declaration
    NEC = "nec"  # paid sums from which the United States ask for form 1099-NEC


class Threshold(Model):
    """An amount that counts from a day on, with who says so; never edited."""

    __tablename__ = "threshold"
    __table_args__ = (
        sa.UniqueConstraint("kind", "effective_from"),
        sa.CheckConstraint("amount IS NULL OR amount > 0", name="amount_positive"),
    )

    id: Mapped[PrimaryKey]
    kind: Mapped[ThresholdKind] = mapped_column(choice(ThresholdKind))
    amount: Mapped[MinorUnits | None]  # None: from this day on there is no threshold
    currency: Mapped[CurrencyCode]
    effective_from: Mapped[LocalDay]
    source: Mapped[str] = mapped_column(sa.String(300))
    recorded_at: Mapped[UtcTime]
    recorded_by: Mapped[str] = mapped_column(sa.String(100))  # empty: it came with Cercle


class ContractTemplate(Model):
    """A version of the contract's words in both languages, with variables; never edited."""

    __tablename__ = "contract_template"

    id: Mapped[PrimaryKey]
    version: Mapped[int] = mapped_column(unique=True)
    text_en: Mapped[str] = mapped_column(sa.Text)
    text_fr: Mapped[str] = mapped_column(sa.Text)
    published_at: Mapped[UtcTime]


_IS_CURRENT = sa.text("replaced_at IS NULL")


class Contract(Model):
    """The contract with one ambassador on one objective in one calendar year.

    Written anew before it was signed, the earlier one is replaced; a signed one stays.
    """

    __tablename__ = "contract"
    __table_args__ = (
        sa.Index(
            "uq_contract_current", "ambassador_id", "objective", "year", unique=True,
            sqlite_where=_IS_CURRENT, postgresql_where=_IS_CURRENT,
        ),
        sa.CheckConstraint(
            "(signed_at IS NULL) = (signed_name IS NULL)", name="signed_by_somebody"
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"))
    objective: Mapped[Objective] = mapped_column(choice(Objective))
    year: Mapped[int]
    template_version: Mapped[int] = mapped_column(sa.ForeignKey("contract_template.version"))
    language: Mapped[str] = mapped_column(sa.String(5))
    text: Mapped[str] = mapped_column(sa.Text)
    text_hash: Mapped[Digest]  # SHA-256 of the text in UTF-8
    prepared_at: Mapped[UtcTime]
    prepared_by: Mapped[str] = mapped_column(sa.String(100))  # as the audit log names people
    reminded_at: Mapped[UtcTime | None]
    signed_at: Mapped[UtcTime | None]
    signed_name: Mapped[str | None] = mapped_column(sa.String(200))  # as it was typed
    replaced_at: Mapped[UtcTime | None]

    ambassador: Mapped[Ambassador] = relationship()


class TaxDetail(Model):
    """What a declaration says of a person beside the sum; asked for once one is near."""

    __tablename__ = "tax_detail"

    ambassador_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ambassador.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(sa.String(200))  # or the firm's
    is_business: Mapped[bool]
    siret: Mapped[str] = mapped_column(sa.String(14))  # of a business in France, else empty
    profession: Mapped[str] = mapped_column(sa.String(100))
    street: Mapped[str] = mapped_column(sa.String(200))
    postal_code: Mapped[str] = mapped_column(sa.String(20))
    city: Mapped[str] = mapped_column(sa.String(100))
    country: Mapped[CountryCode]
    sealed_tin: Mapped[str | None] = mapped_column(sa.Text)  # encrypted; United States only
    tin_last4: Mapped[str] = mapped_column(sa.String(4))
    changed_at: Mapped[UtcTime]
    erased_at: Mapped[UtcTime | None]  # the person was erased; the law keeps this for a while

    @property
    def masked_tin(self) -> str:
        """The number as pages and files show it."""
        return f"*****{self.tin_last4}" if self.tin_last4 else ""
