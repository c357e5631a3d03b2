"""Spans of time in which something stood still, so that its past can be asked later.

A span begins at its first instant and ends before its second one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

Spans = tuple[tuple[datetime, datetime], ...]


class SpansColumn(sa.TypeDecorator[Spans]):
    """Spans as JSON: a list of pairs of instants."""

    impl = sa.JSON
    cache_ok = True

    def process_bind_param(self, value: Spans | None, dialect: Dialect) -> Any:
        return [[start.isoformat(), end.isoformat()] for start, end in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> Spans:
        return tuple(
            (datetime.fromisoformat(start), datetime.fromisoformat(end))
            for start, end in value or ()
        )


def covers(spans: Spans, at: datetime) -> bool:
    """Tell whether an instant lies in one of the spans."""
    return any(start <= at < end for start, end in spans)
