"""What the clock does for data protection: make the files people asked for, drop old ones."""

from __future__ import annotations

import structlog

from accounts import audit
from core import jobs
from core.db import BATCH_ROWS, db, reading
from core.jobs import JobState
from rewards import person_data, retention

log = structlog.get_logger()


def write_exports() -> int:
    """Make every file that was asked for; return how many."""
    written = 0
    for job_id in jobs.due(person_data.KIND):
        written += _write(job_id)
    return written


def sweep() -> int:
    """Delete the files whose week is over; return how many."""
    swept = person_data.sweep()
    db.session.commit()
    return swept


def sweep_all(*, is_trial: bool = False) -> dict[str, int]:
    """Forget all whose time is over; return how many of each term.

    Args:
        is_trial: Only count.
    """
    swept = {}
    for name, sweep_now in retention.SMALL.items():
        swept[name] = sweep_now()
        db.session.rollback() if is_trial else db.session.commit()
    for name, large in retention.LARGE.items():
        with reading():
            due = large.due()
            db.session.rollback()
        swept[name] = len(due) if is_trial else _forget(large, due)
    if any(swept.values()) and not is_trial:
        audit.record("privacy.sweep", "program", 1, {k: n for k, n in swept.items() if n})
        db.session.commit()
    return swept


def sweep_daily() -> int:
    """Forget all whose time is over, as the clock does once a day; return how much."""
    return sum(sweep_all().values())


def _forget(large: retention.Large, due: list[int]) -> int:
    forgotten = 0
    for start in range(0, len(due), BATCH_ROWS):
        forgotten += large.forget(due[start : start + BATCH_ROWS])
        db.session.commit()
    return forgotten


def _write(job_id: int) -> bool:
    job = jobs.claim(job_id)
    db.session.commit()
    if job is None or job.seen_at is None:
        return False
    seen_at, member_id = job.seen_at, int(job.payload["member_id"])
    try:
        person_data.write(member_id)
    except Exception:  # the next run tries again, when the lease is over
        db.session.rollback()
        log.exception("privacy.export", job=job_id)
        return False
    is_ours = jobs.end(job_id, seen_at, JobState.DONE, {})
    if is_ours:
        db.session.commit()
    else:
        db.session.rollback()
    return is_ours
