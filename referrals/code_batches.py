"""Codes in bulk: up to a million as a job, in parts that a killed runner leaves whole.

How many codes begin with each of the 31 symbols is drawn when the job is made, from the same
source as the codes themselves.  The job then makes one first symbol after the other, in the
order of the alphabet, so memory holds one part and the ids of the whole follow the order of
the keys: they tell nothing about which code came first.  A part (few first symbols of a large
job, many of a small one), its progress and the id of the batch on each code are one
transaction; what was not committed was never made.

The job remembers its first and its last id: between them its codes are found by their key,
without an index of batches that each new code would have to enter.
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
PART = 20_000  # at least so many codes in one transaction, up to all of a first symbol
_PAGE = 10_000  # codes of a file read at once
_FAIR = 8 * len(ALPHABET)  # random bytes below this are even over the symbols

Made = dict[str, Any]  # `part`: first symbols that are done; `ids`: the first and the last code


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


def make_part(
    job_id: int, seen_at: datetime, payload: dict[str, Any], made: Made
) -> tuple[datetime, Made]:
    """Make the codes of the next first symbols, and write down the progress with them.

    Args:
        job_id: The job.
        seen_at: Its last sign of life.
        payload: What was asked.
        made: What earlier parts made; empty at first.

    Returns:
        The job's new sign of life, and what is made now.

    Raises:
        PartLostError: The job is no longer this runner's; the caller rolls back.
    """
    campaign = db.session.get_one(Campaign, payload["campaign_id"])
    start, texts = int(made.get("part", 0)), list[str]()
    end = _end_of_part(payload["plan"], start)
    for number in range(start, end):
        shape = Pattern(payload["pattern"].replace("#", FIRSTS[number], 1))
        if count := payload["plan"][number]:
            texts += codes.fill(shape, count, campaign=campaign, batch_id=job_id)
    now_made = {"part": end, "ids": _ids(texts, made)}
    seen = jobs.beat(job_id, seen_at, done=sum(payload["plan"][:end]), result=now_made)
    if seen is None:
        raise PartLostError("The job was cancelled, or another runner has it.")
    return seen, now_made


def _end_of_part(plan: list[int], start: int) -> int:
    """Return the first symbol after a part: one transaction is worth some thousand codes."""
    count, end = 0, start
    while count < PART and end < len(plan):
        count, end = count + plan[end], end + 1
    return end


def _ids(texts: list[str], made: Made) -> list[int]:
    """Return the first and the last id of a job, with these texts written in their order."""
    known = list(made.get("ids", ()))
    if not texts:
        return known
    keys = [codes.fold(texts[0]), codes.fold(texts[-1])]
    found = db.session.scalars(sa.select(Code.id).where(Code.key.in_(keys)).order_by(Code.id)).all()
    return [known[0] if known else found[0], found[-1]]


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
    made = db.session.scalar(sa.select(Job.result).where(Job.id == job_id)) or {}
    if not made.get("ids"):
        return []
    first, last = made["ids"]
    query = (
        sa.select(Code.id, Code.text)
        .where(Code.batch_id == job_id, Code.id > max(after, first - 1), Code.id <= last)
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
