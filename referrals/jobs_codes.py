"""Running a job of codes: the worker, a thread of the process that took it in, or a command.

The claim of `core/jobs.py` lets one of them run it at a time; after a crash another goes on
at the part that was not committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy.exc
import structlog
from flask import Flask, current_app

from core import db as database
from core import jobs
from core.db import db
from core.jobs import Job, JobState
from referrals import code_batches, code_signals

log = structlog.get_logger()

_WAITS = (1, 2, 4, 8, 15, 15)  # seconds between attempts while the database is busy


def start_thread(job_id: int) -> None:
    """Run a job in the background of this process."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_in_thread, args=(app, job_id), daemon=True).start()


def run_due(stop: Callable[[], bool] = lambda: False) -> int:
    """Run every job of codes that waits or was left behind; return how many.  For the worker."""
    with database.reading():
        ids = jobs.due(code_batches.KIND)
        db.session.rollback()
    for job_id in ids:
        run_job(job_id, stop=stop)
    return len(ids)


def run_job(
    job_id: int,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_part: Callable[[int], None] = lambda done: None,
) -> None:
    """Run one job to its end, unless another runner has it.

    Args:
        job_id: The job.
        stop: Asked after each part; true leaves the rest to the next runner.
        on_part: Told how many codes are there after each part.
    """
    with database.writing():
        job = jobs.claim(job_id)
        db.session.commit()
    if job is not None:
        _run(job, stop, on_part)


def look_for_leaks() -> int:
    """Write down what is unusual about codes; return how many signals.  For the worker."""
    found = code_signals.look()
    db.session.commit()
    return found


def _run(job: Job, stop: Callable[[], bool], on_part: Callable[[int], None]) -> None:
    job_id, payload, seen_at, made = job.id, dict(job.payload), job.seen_at, dict(job.result)
    assert seen_at is not None  # noqa: S101  the claim set it
    plan = payload["plan"]
    try:
        while made.get("part", 0) < len(plan):
            seen_at, made = _part(job_id, seen_at, payload, made)
            on_part(sum(plan[: made["part"]]))
            if stop():
                return
    except code_batches.PartLostError:
        db.session.rollback()
        return
    except Exception:
        log.exception("codes.failed", job=job_id)
        _end(job_id, seen_at, JobState.FAILED)
        return
    _end(job_id, seen_at, JobState.DONE)


def _part(
    job_id: int, seen_at: datetime, payload: dict[str, Any], made: code_batches.Made
) -> tuple[datetime, code_batches.Made]:
    """Make and commit one part; again while the database is busy."""
    for wait in (*_WAITS, None):
        try:
            with database.writing():
                after = code_batches.make_part(job_id, seen_at, payload, made)
                db.session.commit()
        except sqlalchemy.exc.DBAPIError as error:
            db.session.rollback()
            if wait is None or not database.will_pass(error):
                raise
            time.sleep(wait)
        else:
            db.session.expunge_all()  # memory stays flat
            return after
    raise AssertionError("the last attempt returns or raises")


def _end(job_id: int, seen_at: datetime, state: JobState) -> None:
    db.session.rollback()
    with database.writing():
        job = code_batches.find(job_id)
        jobs.end(job_id, seen_at, state, dict(job.result))
        db.session.commit()


def _in_thread(app: Flask, job_id: int) -> None:
    with app.app_context():
        try:
            run_job(job_id)
        except Exception:
            log.exception("codes.thread", job=job_id)
        finally:
            db.session.remove()
