"""The table of how far the books are closed, which costs and the ledger both keep to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, UtcTime


class Books(Model):
    """Up to where the books are closed; one row that entries and spend read under a lock."""

    __tablename__ = "books"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    closed_through: Mapped[str | None] = mapped_column(sa.String(7))  # YYYY-MM
    closed_until: Mapped[UtcTime | None]  # the first instant of the month after
