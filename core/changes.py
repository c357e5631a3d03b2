"""Which months of which fact table changed, told by whoever changes them.

Reports are read from a columnar copy.  A verb that writes a fact marks its
month in the same transaction; the refresh of the copy reads the marks,
rewrites those months, and removes exactly the marks it had read.  Rows are
only ever added by writers, so marking never waits for another writer.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, PrimaryKey, run


class FactChange(Model):
    """A month of a fact table whose rows changed since the last refresh."""

    __tablename__ = "fact_change"

    id: Mapped[PrimaryKey]
    fact: Mapped[str] = mapped_column(sa.String(20))  # purchases, clicks, spend, ...
    month: Mapped[str] = mapped_column(sa.String(7))  # YYYY-MM, the program's time zone


def mark(fact: str, months: Iterable[str]) -> None:
    """Say that these months of a fact table changed; part of the caller's transaction."""
    rows = [{"fact": fact, "month": month} for month in sorted(set(months))]
    if rows:
        run(sa.insert(FactChange), rows)
