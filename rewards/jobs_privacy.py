"""What the clock does for data protection: make the files people asked for, drop old ones."""

from __future__ import annotations

import structlog

from core import jobs
from core.db import db
from core.jobs import JobState
from rewards import person_data

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
