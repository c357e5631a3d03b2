"""Table of the catalogue of perks: what ambassadors get for points, balance or purchases."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, CurrencyCode, MinorUnits, Model, PrimaryKey, UtcTime, choice


class PerkKind(StrEnum):
    """What an ambassador gets for points or balance."""

    REWARD_CODE = "reward_code"  # a code for the shop's checkout
    PRODUCT = "product"  # a thing that somebody hands over or sends
    EARLY_ACCESS = "early_access"  # a page that holders open before the others
    EXPERIENCE = "experience"  # a date and a place, with seats: the stock


class OfferStatus(StrEnum):
    """Whether a voucher or a perk can be taken."""

    ACTIVE = "active"
    FROZEN = "frozen"


class Perk(Model):
    """A thing of the catalogue; its price is in points (unit PTS) or in a currency."""

    __tablename__ = "perk"
    __table_args__ = (
        sa.CheckConstraint("taken >= 0", name="taken_not_negative"),
        sa.CheckConstraint("stock IS NULL OR taken <= stock", name="within_stock"),
        sa.CheckConstraint("price > 0", name="price_positive"),
    )

    id: Mapped[PrimaryKey]
    kind: Mapped[PerkKind] = mapped_column(choice(PerkKind))
    name_en: Mapped[str] = mapped_column(sa.String(120))
    name_fr: Mapped[str] = mapped_column(sa.String(120))
    text_en: Mapped[str] = mapped_column(sa.String(500))
    text_fr: Mapped[str] = mapped_column(sa.String(500))
    price: Mapped[MinorUnits]  # points, or minor units of the currency
    unit: Mapped[CurrencyCode]  # PTS, or the currency of the price
    stock: Mapped[int | None]  # exchanges in all, at most; None: no limit
    per_person: Mapped[int | None]  # exchanges of one ambassador, at most
    taken: Mapped[int]  # exchanges that were not cancelled
    starts_at: Mapped[UtcTime | None]
    ends_at: Mapped[UtcTime | None]  # the first instant at which it is over
    cost: Mapped[MinorUnits]  # of one to the brand, in the program's currency
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"))
    code_days: Mapped[int | None]  # how long a reward code is valid
    happens_at: Mapped[UtcTime | None]  # an experience begins, or early access opens
    closes_at: Mapped[UtcTime | None]  # when early access is over
    place: Mapped[str] = mapped_column(sa.String(200), server_default="")  # of an experience
    link: Mapped[str | None] = mapped_column(sa.String(500))  # of early access; https
    status: Mapped[OfferStatus] = mapped_column(choice(OfferStatus))
    created_at: Mapped[UtcTime]
