"""Long work that a person watches: its progress, its end, and a way to stop it.

A job is claimed by one runner at a time.  The runner shows signs of life with every batch,
in the transaction of the batch; when they stop for longer than the lease, another runner
claims the job and goes on where the last batch ended.  A runner that was given up, or whose
job was cancelled, finds that out at its next sign of life and writes nothing more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Facts, Model, PrimaryKey, UtcTime, choice, db

LEASE = timedelta(minutes=2)  # longer than any batch


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Model):
    """One piece of long work."""

    __tablename__ = "job"

    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(sa.String(40))
    state: Mapped[JobState] = mapped_column(choice(JobState), index=True)
    payload: Mapped[Facts]
    done: Mapped[int]
    total: Mapped[int | None]
    result: Mapped[Facts]
    created_by: Mapped[str] = mapped_column(sa.String(100))
    created_at: Mapped[UtcTime]
    seen_at: Mapped[UtcTime | None]  # last sign of life; older than a lease: resumed
    ended_at: Mapped[UtcTime | None]


def create(kind: str, payload: dict[str, Any], *, created_by: str, total: int | None) -> Job:
    """Add a job that waits for a runner.

    Args:
        kind: A word its runner knows.
        payload: What the runner needs.
        created_by: Who asked for it, as the audit log names people.
        total: In the unit of `done`; None if unknown.
    """
    job = Job(
        kind=kind, state=JobState.WAITING, payload=payload, done=0, total=total, result={},
        created_by=created_by, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(job)
    db.session.flush()  # the caller names the job by its id
    return job


def due(kind: str) -> list[int]:
    """Return the jobs that wait, or whose runner shows no more signs of life."""
    query = sa.select(Job.id).where(Job.kind == kind, _is_free()).order_by(Job.id)
    return list(db.session.scalars(query))


def claim(job_id: int) -> Job | None:
    """Take a job for this runner; None if another has it or it has ended."""
    return db.session.scalar(
        sa.update(Job)
        .where(Job.id == job_id, _is_free())
        .values(state=JobState.RUNNING, seen_at=_later_than(job_id))
        .returning(Job)
        .execution_options(populate_existing=True)
    )


def beat(job_id: int, seen_at: datetime, *, done: int, result: dict[str, Any]) -> datetime | None:
    """Write down progress; None if the job is no longer this runner's, who must stop.

    Args:
        job_id: The job.
        seen_at: What the last claim or beat returned: it proves that the job is ours.
        done: Progress, in the unit of `total`.
        result: What the next runner needs to go on, and what the page shows.
    """
    now = max(clock.now(), seen_at + timedelta(microseconds=1))
    is_ours = _update(job_id, seen_at, {"done": done, "result": result, "seen_at": now})
    return now if is_ours else None


def end(job_id: int, seen_at: datetime, state: JobState, result: dict[str, Any]) -> bool:
    """Write down how a job ended; False if it is no longer this runner's."""
    values = {"state": state, "result": result, "ended_at": clock.now()}
    return _update(job_id, seen_at, values)


def cancel(job_id: int) -> bool:
    """Stop a job that waits or runs, after its present batch; False if it has ended."""
    found = db.session.scalar(
        sa.update(Job)
        .where(Job.id == job_id, Job.state.in_([JobState.WAITING, JobState.RUNNING]))
        .values(state=JobState.CANCELLED, ended_at=clock.now())
        .returning(Job.id)
    )
    return found is not None


def is_orphan(job: Job) -> bool:
    """Tell whether a job should run and nobody runs it."""
    if job.state is JobState.WAITING:
        return True
    is_silent = job.seen_at is None or job.seen_at < clock.now() - LEASE
    return job.state is JobState.RUNNING and is_silent


def _is_free() -> sa.ColumnElement[bool]:
    return sa.or_(
        Job.state == JobState.WAITING,
        sa.and_(Job.state == JobState.RUNNING, Job.seen_at < clock.now() - LEASE),
    )


def _later_than(job_id: int) -> datetime:
    """Return now, or a moment after the last runner's sign of life if clocks stand still."""
    last = db.session.scalar(sa.select(Job.seen_at).where(Job.id == job_id))
    return max(clock.now(), last + timedelta(microseconds=1)) if last else clock.now()


def _update(job_id: int, seen_at: datetime, values: dict[str, Any]) -> bool:
    found = db.session.scalar(
        sa.update(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING, Job.seen_at == seen_at)
        .values(**values)
        .returning(Job.id)
    )
    return found is not None
