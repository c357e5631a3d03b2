"""Codes in bulk: up to a million as a job, in parts that a killed runner leaves whole.

How many codes begin with each of the 31 symbols is drawn when the job is made, from the same
source as the codes themselves.  The job then makes one first symbol after the other, in the
order of the alphabet, so memory holds one part and the ids of the whole follow the order of
the keys: they tell nothing about which code came first.  A part, its progress and the id of
the batch on each code are one transaction; what was not committed was never made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from campaigns import campaigns
from campaigns.models import Campaign
from core import i18n, jobs
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.jobs import Job
from referrals import codes
from referrals.codes import ALPHABET, Pattern
from referrals.models import Code

KIND = "codes.generate"
MOST = 1_000_000
FIRSTS = sorted(ALPHABET)
_PAGE = 10_000  # codes of a file read at once
_FAIR = 8 * len(ALPHABET)  # random bytes below this are even over the symbols


class PartLostError(ConflictError):
    """The job is another runner's now, or was cancelled: nothing of this part is kept."""

    code = "part_lost"


def create(slug: str, count: int, pattern: str, *, created_by: str) -> Job:
    """Add a job that makes so many codes of a campaign.

    Args:
        slug: The campaign's.
        count: 1 to 1,000,000.
        pattern: Each # is a random symbol.
        created_by: Who asked, as the audit log names people.

    Raises:
        InvalidInputError: More than a million, or none.
        InvalidCodeError: The pattern cannot make codes.
        TooFewCodesError: They would fill more than 1 % of the code space.
        NotFoundError: There is no such campaign.
    """
    if not 1 <= count <= MOST:
        raise InvalidInputError(_("Ask for 1 to %(most)s codes at a time.", most=i18n.number(MOST)))
    campaign = campaigns.get(slug)
    shape = codes.require_pattern(pattern, count)
    payload = {
        "campaign_id": campaign.id, "campaign": slug, "campaign_name": campaign.name,
        "pattern": shape.text, "plan": _draw_plan(count),
    }  # fmt: skip
    job = jobs.create(KIND, payload, created_by=created_by, total=count)
    details = {"count": count, "pattern": shape.text, "job": job.id}
    audit.record("code.generate", "campaign", slug, details)
    return job


def make_part(job_id: int, seen_at: datetime, payload: dict[str, Any], part: int) -> datetime:
    """Make the codes of one first symbol, and write down the progress with them.

    Returns:
        The job's new sign of life.

    Raises:
        PartLostError: The job is no longer this runner's; the caller rolls back.
    """
    shape = Pattern(payload["pattern"].replace("#", FIRSTS[part], 1))
    campaign = db.session.get_one(Campaign, payload["campaign_id"])
    count = payload["plan"][part]
    if count:
        codes.fill(shape, count, campaign=campaign, batch_id=job_id)
    done = sum(payload["plan"][: part + 1])
    seen = jobs.beat(job_id, seen_at, done=done, result={"part": part + 1})
    if seen is None:
        raise PartLostError("The job was cancelled, or another runner has it.")
    return seen


def find(job_id: int) -> Job:
    """Return a job of codes.

    Raises:
        NotFoundError: There is none of this id.
    """
    job = db.session.get(Job, job_id)
    if job is None or job.kind != KIND:
        raise NotFoundError(_("There is no such job."))
    return job


def newest(*, limit: int = 20) -> list[Job]:
    """Return the jobs of codes, the newest first."""
    query = sa.select(Job).where(Job.kind == KIND).order_by(Job.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def texts(job_id: int) -> Iterator[str]:
    """Return the codes of a batch in the order of their keys, read in pages.

    Each page is a transaction of its own, so that a slow download holds nothing.
    """
    after = 0
    while True:
        rows = page(job_id, after=after, limit=_PAGE)
        db.session.rollback()
        yield from (row.text for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def page(job_id: int, *, after: int, limit: int) -> list[Any]:
    """Return `id` and `text` of codes of a batch, going on after an id: the order of the keys."""
    query = (
        sa.select(Code.id, Code.text)
        .where(Code.batch_id == job_id, Code.id > after)
        .order_by(Code.id)
        .limit(limit)
    )
    return list(db.session.execute(query))


def _draw_plan(count: int) -> list[int]:
    """Draw the first symbols of so many codes, and return how many begin with each."""
    drawn = b""
    while len(drawn) < count:
        fair = os.urandom(count + 64).translate(None, bytes(range(_FAIR, 256)))
        drawn += bytes(value % len(ALPHABET) for value in fair)
    return [drawn[:count].count(number) for number in range(len(ALPHABET))]
