"""Tables of what people keep about reports: who gets them, views by name, expectations."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, CurrencyCode, MinorUnits, Model, PrimaryKey, UtcTime, choice


class DirectionReader(Model):
    """An address that gets the direction report each month."""

    __tablename__ = "direction_reader"

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    locale: Mapped[str] = mapped_column(sa.String(5))
    last_month: Mapped[str | None] = mapped_column(sa.String(7))  # the last report that was sent
    created_at: Mapped[UtcTime]


class SavedView(Model):
    """An address of a report page under a name."""

    __tablename__ = "saved_view"
    __table_args__ = (sa.UniqueConstraint("user_id", "name"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[BigId] = mapped_column(sa.ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    path: Mapped[str] = mapped_column(sa.String(100))  # of a page of the console's reports
    query: Mapped[str] = mapped_column(sa.String(2000))
    is_shared: Mapped[bool]  # with all staff
    created_at: Mapped[UtcTime]


class Measure(StrEnum):
    """What an expectation is about."""

    NEW_CUSTOMERS = "new_customers"  # through the campaign, or through the community
    CAC = "cac"  # minor units
    SHARE = "share"  # of acquisition, in millionths; of the program alone


class Expectation(Model):
    """A range that was expected after so many months, written at the launch."""

    __tablename__ = "expectation"
    __table_args__ = (
        sa.UniqueConstraint("scope", "measure", "after_months"),
        sa.CheckConstraint("low <= high", name="in_order"),
    )

    id: Mapped[PrimaryKey]
    scope: Mapped[str] = mapped_column(sa.String(60))  # a campaign's slug; empty: the program
    measure: Mapped[Measure] = mapped_column(choice(Measure))
    after_months: Mapped[int]  # 3, 6 or 12
    launched: Mapped[str] = mapped_column(sa.String(7))  # YYYY-MM, the first month that counts
    currency: Mapped[CurrencyCode]
    low: Mapped[MinorUnits]
    high: Mapped[MinorUnits]
    written_at: Mapped[UtcTime]
