"""Group commit: what waits at the same moment is done as one list and committed once.

A durable commit costs the same for one order and for fifty.  The first caller
leads: it takes whatever waits, does it in one transaction of its own, and gives
every caller its answer; when its own is done it hands the lead on.  If a list
fails, each of its items is done alone, so that one bad item harms no other;
but what is wrong for all (the database is away) is told to all at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    """One caller, until it is answered or asked to lead."""

    item: Item
    wake: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    error: Exception | None = None
    is_done: bool = False


class Gatherer(Generic[Item, Answer]):
    """Gathers items of many threads into lists for one function.

    Args:
        work: Does a list and commits; answers in the list's order.  It runs in
            the thread and context of one of the callers.
        most: Items in one list at most.
        wrong_for_all: Errors that no item causes: they end the whole list.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        most: int,
        wrong_for_all: tuple[type[Exception], ...] = (),
    ) -> None:
        self._work = work
        self._most = most
        self._wrong_for_all = wrong_for_all
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[Item, Answer]] = deque()
        self._is_led = False

    def submit(self, item: Item) -> Answer:
        """Do an item together with those that wait, and return its answer.

        The caller must hold no transaction open.  Raises what the work raised
        for this item.
        """
        mine: _Waiting[Item, Answer] = _Waiting(item)
        with self._lock:
            self._queue.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.wake.wait()
        if not mine.is_done:
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value]  # done and without error: answered

    def _lead(self, mine: _Waiting[Item, Answer]) -> None:
        """Do lists until the leader's own item is done, then hand the lead on."""
        while not mine.is_done:
            with self._lock:
                batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
            self._do(batch)
            for one in batch:
                one.is_done = True
                if one is not mine:
                    one.wake.set()
        with self._lock:
            heir = self._queue[0] if self._queue else None
            self._is_led = heir is not None
        if heir is not None:
            heir.wake.set()

    def _do(self, batch: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = self._work([one.item for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                one.answer = answer
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, self._wrong_for_all):
                for one in batch:
                    self._do([one])
                return
            for one in batch:
                one.error = error
