"""A bounded buffer of small facts, written in batches by a thread of each process.

What is added waits 50 ms at most in memory, so whoever adds never waits for
the database; a process that is killed loses those 50 ms.  When the buffer is
full the caller writes its own fact at once.  A write that fails is tried again
with the next batch, as long as there is room.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from core.db import BATCH_ROWS

log = structlog.get_logger()

Fact = TypeVar("Fact")
INTERVAL = 0.05  # seconds


class Buffer(Generic[Fact]):
    """Facts on their way to the database.

    Args:
        write: Writes facts and commits; raises when it could not.
        size: Facts held in memory at most.
        at_once: Never hold anything back; memory is only for what could not be written.
    """

    def __init__(
        self, write: Callable[[Sequence[Fact]], None], *, size: int = 5000, at_once: bool = False
    ) -> None:
        self._write = write
        self._size = size
        self._at_once = at_once
        self._facts: deque[Fact] = deque()
        self._flushing = threading.Lock()
        self._pid: int | None = None  # of the process whose thread runs
        self.lost = 0

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> None:
        """Take a fact; never raises, whatever the database does."""
        if (self._at_once or len(self._facts) >= self._size) and self._try([fact]):
            return
        if len(self._facts) >= self._size:
            self.lost += 1
            log.error("buffer.lost", lost=self.lost)
            return
        self._facts.append(fact)
        self._ensure_thread()

    def flush(self) -> int:
        """Write what waits and return how many facts that were; stops at the first failure."""
        written = 0
        with self._flushing:
            while batch := self._take():
                if not self._try(batch):
                    self._facts.extendleft(reversed(batch))
                    break
                written += len(batch)
        return written

    def _take(self) -> list[Fact]:
        batch: list[Fact] = []
        while self._facts and len(batch) < BATCH_ROWS:
            batch.append(self._facts.popleft())
        return batch

    def _try(self, facts: Sequence[Fact]) -> bool:
        try:
            self._write(facts)
        except Exception as error:
            log.warning("buffer.not_written", facts=len(facts), error=type(error).__name__)
            return False
        return True

    def _ensure_thread(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()  # a forked worker starts a thread of its own
        threading.Thread(target=self._run, name="buffer", daemon=True).start()
        atexit.register(self.flush)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(INTERVAL)
            if self._facts:
                self.flush()
