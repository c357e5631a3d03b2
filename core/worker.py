"""The clock: jobs that come round, run by huey or once by hand.

A job is a plain function of a room's `jobs.py` that does what is due, commits,
and returns how much it did.  Running it twice, or late, changes nothing: what
is due is told by rows in the database, never by the queue.  The queue only
says when to look, so losing it loses nothing.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import huey
import sqlalchemy as sa
import structlog
from flask import Flask
from huey.consumer import Consumer, Scheduler

from core.config import Settings, SettingsError
from core.db import db, is_sqlite

log = structlog.get_logger()

_stopping = threading.Event()

TICK = 5  # seconds between two looks at the jobs
STATEMENT_LIMIT = 60_000  # milliseconds for one statement of the worker on PostgreSQL
PATIENCE = 30  # seconds a stopping worker waits for the job in hand


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again."""

    name: str
    every: int  # seconds, at least; a tick at the shortest
    run: Callable[[], int | None]  # does what is due, commits, returns how much it did


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of a job came to."""

    name: str
    done: int
    error: str | None = None


def run_once(app: Flask, jobs: Sequence[Job]) -> Iterator[Ran]:
    """Run every job once, in order; one that fails stops no other."""
    for job in jobs:
        yield _run(app, job)


def run(app: Flask, jobs: Sequence[Job]) -> None:
    """Run the jobs as they come round, until SIGTERM or SIGINT.

    The job in hand is finished first, for 30 seconds at most; one that is
    killed after that is due again, since its transaction never ended.
    """
    queue = storage(app.extensions["settings"])
    for job in jobs:
        _schedule(queue, app, job)
    consumer = _Consumer(
        queue, workers=2, graceful_signal="TERM", shutdown_timeout=PATIENCE, max_delay=1.0
    )
    _stopping.clear()
    consumer.run()


def is_stopping() -> bool:
    """Tell a long job that the worker was asked to stop."""
    return _stopping.is_set()


def storage(settings: Settings) -> Any:
    """Return huey on the storage that the settings name.

    Redis with `REDIS_URL`, else PostgreSQL if that is our database, else a
    SQLite file of its own beside the embedded database.
    """
    if settings.redis_url:
        if importlib.util.find_spec("redis") is None:
            raise SettingsError("REDIS_URL is set: `pip install redis`, or leave it out.")
        return huey.RedisHuey("cercle", url=settings.redis_url, results=False)
    if settings.database_url.startswith("postgresql"):
        dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
        return huey.PostgresHuey("cercle", dsn=dsn, results=False)
    return huey.SqliteHuey("cercle", filename=str(settings.instance / "queue.db"), results=False)


def allow_long_statements(engine: sa.Engine) -> None:
    """Give the statements of this process a minute on PostgreSQL instead of five seconds."""

    def connect(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {STATEMENT_LIMIT}")
        connection.commit()

    if not is_sqlite():
        sa.event.listen(engine, "connect", connect)


def _run(app: Flask, job: Job) -> Ran:
    with app.app_context():
        try:
            done = job.run() or 0
        except Exception as error:
            db.session.rollback()
            log.exception("job.failed", job=job.name)
            return Ran(job.name, 0, f"{type(error).__name__}: {error}")
        if done:
            log.info("job.done", job=job.name, done=done)
        return Ran(job.name, done)


def _schedule(queue: Any, app: Flask, job: Job) -> None:
    in_hand = threading.Lock()

    def work() -> None:
        if in_hand.acquire(blocking=False):  # a slow run must not pile up behind itself
            try:
                _run(app, job)
            finally:
                in_hand.release()

    queue.periodic_task(_Due(job.every), name=job.name)(work)


class _Due:
    """Tells huey whether a job has come round; each has when the worker starts."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._last: float | None = None

    def __call__(self, instant: datetime) -> bool:
        now = time.monotonic()
        if self._last is not None and now - self._last < self._every - 1:
            return False
        self._last = now
        return True


class _Scheduler(Scheduler):  # type: ignore[misc]  # huey is untyped
    periodic_task_seconds = TICK


class _Consumer(Consumer):  # type: ignore[misc]
    scheduler_class = _Scheduler

    def stop(self, graceful: bool = False) -> None:
        _stopping.set()
        super().stop(graceful)
