"""What a process may remember for a few seconds, so that hot paths ask no database.

What is remembered can be as old as `CACHE_SECONDS`; nothing that must hold to
the last one (a limit, a budget, a balance) is ever decided on it.
"""

from __future__ import annotations

import time
from typing import Generic, TypeVar

from flask import current_app

Value = TypeVar("Value")

_MOST = 50_000  # entries of one kind; past that, a process starts anew


class Remembered(Generic[Value]):
    """Values by their key, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[str, tuple[float, Value]] = {}

    def get(self, key: str) -> Value | None:
        """Return what is remembered, or None."""
        known = self._known.get(key)
        return known[1] if known is not None and known[0] > time.monotonic() else None

    def put(self, key: str, value: Value) -> None:
        """Remember a value."""
        if self._seconds <= 0:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (time.monotonic() + self._seconds, value)

    def clear(self) -> None:
        """Remember nothing any longer."""
        self._known.clear()


def of_app(kind: str) -> Remembered[Value]:
    """Return what this application's process remembers of a kind."""
    stores = current_app.extensions.setdefault("remembered", {})
    if kind not in stores:
        stores[kind] = Remembered(current_app.extensions["settings"].cache_seconds)
    store: Remembered[Value] = stores[kind]
    return store
