"""Facts wait in memory, are written once, and never stop whoever brings them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from core.buffers import Buffer


class Shelf:
    """Where facts are written; can be away."""

    def __init__(self) -> None:
        self.facts: list[int] = []
        self.is_away = False
        self.batches = 0
        self.written = threading.Event()

    def write(self, facts: Sequence[int]) -> None:
        if self.is_away:
            raise OSError("locked")
        self.facts += facts
        self.batches += 1
        self.written.set()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def _still(shelf: Shelf, **options: Any) -> Buffer[int]:
    buffer = Buffer(shelf.write, **options)
    buffer._ensure_thread = lambda: None  # type: ignore[method-assign]  # flushed by hand
    return buffer


def test_what_waits_is_written_in_one_batch_and_in_order(shelf: Shelf) -> None:
    buffer = _still(shelf)
    for fact in range(3):
        buffer.add(fact)
    assert shelf.facts == []
    assert buffer.flush() == 3
    assert shelf.facts == [0, 1, 2]
    assert shelf.batches == 1
    assert buffer.flush() == 0


def test_a_failed_write_loses_nothing_and_keeps_the_order(shelf: Shelf) -> None:
    buffer = _still(shelf)
    shelf.is_away = True
    for fact in range(3):
        buffer.add(fact)
    assert buffer.flush() == 0
    shelf.is_away = False
    assert buffer.flush() == 3
    assert shelf.facts == [0, 1, 2]


def test_a_full_buffer_writes_at_once(shelf: Shelf) -> None:
    buffer = _still(shelf, size=2)
    for fact in range(3):
        buffer.add(fact)
    assert shelf.facts == [2]
    assert len(buffer) == 2


def test_a_full_buffer_without_a_database_counts_what_it_lost(shelf: Shelf) -> None:
    buffer = _still(shelf, size=2)
    shelf.is_away = True
    for fact in range(3):
        buffer.add(fact)
    assert buffer.lost == 1
    assert len(buffer) == 2


def test_a_durable_buffer_holds_only_what_could_not_be_written(shelf: Shelf) -> None:
    buffer: Buffer[int] = Buffer(shelf.write, at_once=True)
    buffer._ensure_thread = lambda: None  # type: ignore[method-assign]
    buffer.add(1)
    assert shelf.facts == [1]
    shelf.is_away = True
    buffer.add(2)
    assert len(buffer) == 1


def test_a_thread_writes_soon_by_itself(shelf: Shelf) -> None:
    buffer = Buffer(shelf.write)
    buffer.add(1)
    assert shelf.written.wait(5)
    assert shelf.facts == [1]
