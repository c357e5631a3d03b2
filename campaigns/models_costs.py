"""Tables behind spend that comes by itself: recurring costs, hours of the team and their rate."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from campaigns.models import SpendKind
from core.db import CurrencyCode, LocalDay, MinorUnits, Model, PrimaryKey, UtcTime, choice


class RecurringCost(Model):
    """A cost that comes back every month; each month becomes one line of spend."""

    __tablename__ = "recurring_cost"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(64), unique=True)  # what makes a repeat harmless
    channel: Mapped[str] = mapped_column(sa.String(60))
    kind: Mapped[SpendKind] = mapped_column(choice(SpendKind))
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]
    note: Mapped[str] = mapped_column(sa.String(150))
    first_month: Mapped[str] = mapped_column(sa.String(7))  # YYYY-MM, the program's time zone
    last_month: Mapped[str | None] = mapped_column(sa.String(7))  # None: until somebody ends it
    created_at: Mapped[UtcTime]


class HourRate(Model):
    """What an hour of the team costs from a day on; never changed, the next one follows it."""

    __tablename__ = "hour_rate"

    id: Mapped[PrimaryKey]
    effective_on: Mapped[LocalDay] = mapped_column(unique=True)
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]
    created_at: Mapped[UtcTime]


class HoursEntry(Model):
    """Hours of the team on a channel in a month, with the rate they were counted at."""

    __tablename__ = "hours_entry"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(64), unique=True)  # what makes a repeat harmless
    month: Mapped[str] = mapped_column(sa.String(7), index=True)
    channel: Mapped[str] = mapped_column(sa.String(60))
    activity: Mapped[str] = mapped_column(sa.String(150))
    minutes: Mapped[int]  # negative corrects an earlier entry
    rate: Mapped[MinorUnits]  # for an hour
    amount: Mapped[MinorUnits]
    currency: Mapped[CurrencyCode]
    created_at: Mapped[UtcTime]
