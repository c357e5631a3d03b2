"""A breach of a money invariant, and how checks read many rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.db import db

MOST_SHOWN = 20  # breaches of one invariant that are named one by one
PAGE = 2000  # rows held in memory at once


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that a row does not keep."""

    invariant: str  # M1 to M11
    subject: str  # what breaks it, such as `purchase api:1001`
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}: {self.detail}"


def pages(query: sa.Select[Any], key: Any, *, size: int = PAGE) -> Iterator[list[Any]]:
    """Yield a query's rows by pages, in the order of a key that it selects as `id`."""
    after = 0
    while True:
        rows = list(db.session.execute(query.where(key > after).order_by(key).limit(size)))
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1].id
