"""Counts the statements that a block sends to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from core.db import db

MOST = 12  # statements of a page, by speed.md


@contextmanager
def counted() -> Iterator[list[str]]:
    """Yield the list of statements; BEGIN and the like are not among them."""
    seen: list[str] = []

    def note(*call: Any) -> None:
        if call[2].startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            seen.append(call[2])

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
