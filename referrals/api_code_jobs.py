"""The machines' door of codes in bulk: made at once, or by a job that one polls."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, stream_with_context

from accounts import audit, idempotency, identities, permissions
from accounts.models import Scope
from campaigns import campaigns
from core import api, jobs
from core import db as database
from core.api import Struct
from core.db import db, retried
from core.errors import ConflictError, Fault, InvalidInputError
from core.jobs import Job
from referrals import code_batches, codes, jobs_codes
from referrals.api import ambassador_id

door = permissions.guard(
    Blueprint("code_jobs_api", __name__, url_prefix="/api/v1"),
    permissions.key_with(Scope.CODES),
)


MOST_AT_ONCE = 20_000


class CodesIn(Struct):
    """Codes to make at random."""

    count: int
    pattern: str = codes.DEFAULT_PATTERN
    ambassador: str | None = None


class CodesOut(Struct):
    """The codes that were made."""

    codes: list[str]


class CodeJobOut(Struct):
    """A job that makes codes: poll `url` until `state` is done, then fetch `file`."""

    id: int
    state: str  # waiting, running, done, failed, cancelled
    campaign: str
    pattern: str
    done: int  # codes made so far
    total: int
    url: str
    file: str  # CSV, one code a line, sorted


def code_job(job: Job) -> CodeJobOut:
    """Return a job as the API tells it."""
    url = f"/api/v1/code-jobs/{job.id}"
    return CodeJobOut(
        id=job.id, state=job.state.value, campaign=job.payload["campaign"],
        pattern=job.payload["pattern"], done=job.done, total=job.total or 0, url=url,
        file=f"{url}/codes",
    )  # fmt: skip


@door.post("/campaigns/<slug>/codes")
@retried
@idempotency.honoured
@api.operation(
    "Make codes at random: up to 20,000 at once, up to a million by a job.",
    body=CodesIn, answers={201: CodesOut, 202: CodeJobOut},
)  # fmt: skip
def generate(slug: str) -> Response:
    """Make codes now, or say where the job is that makes them."""
    body = api.read(CodesIn)
    if body.count > MOST_AT_ONCE:
        return _by_job(slug, body)
    if body.count < 1:
        raise _refused("/count", f"use 1 to {code_batches.MOST:,}")
    made = codes.generate(
        body.count, campaign_id=campaigns.get(slug).id, pattern=body.pattern,
        ambassador_id=ambassador_id(body.ambassador),
    )  # fmt: skip
    db.session.commit()
    return api.answer(CodesOut(codes=made), 201)


def _by_job(slug: str, body: CodesIn) -> Response:
    if body.count > code_batches.MOST:
        raise _refused("/count", f"use 1 to {code_batches.MOST:,}")
    if body.ambassador is not None:
        raise _refused("/ambassador", f"more than {MOST_AT_ONCE:,} codes are nobody's")
    name = identities.current().name
    job = code_batches.create(slug, body.count, body.pattern, created_by=name)
    answer, job_id = code_job(job), job.id
    db.session.commit()
    jobs_codes.start_thread(job_id)
    return api.answer(answer, 202)


@door.get("/code-jobs/<int:job_id>")
@api.operation("Tell how far a job of codes is.", answers={200: CodeJobOut})
def show(job_id: int) -> Response:
    """Tell how far a job is; one that nobody runs is taken up again."""
    job = code_batches.find(job_id)
    if jobs.is_orphan(job):
        jobs_codes.start_thread(job_id)
    return api.answer(code_job(job))


@door.get("/code-jobs/<int:job_id>/codes")
@api.operation("Fetch the codes of a job as CSV, sorted.", answers={})
def fetch(job_id: int) -> Response:
    """Send the codes that are there."""
    return download(code_batches.find(job_id))


@door.post("/code-jobs/<int:job_id>/cancel")
@retried
@idempotency.honoured
@api.operation("Stop a job of codes; what it made stays.", answers={200: CodeJobOut})
def cancel(job_id: int) -> Response:
    """Stop a job after its present part."""
    job = code_batches.find(job_id)
    if not jobs.cancel(job_id):
        raise ConflictError("This job has ended.")
    audit.record("code.generate.cancel", "job", job_id, {"pattern": job.payload["pattern"]})
    db.session.commit()
    return api.answer(code_job(code_batches.find(job_id)))


def download(job: Job) -> Response:
    """Send the codes of a job as they are read, and write down who took them."""
    job_id, name = job.id, f"codes-{job.payload['campaign']}-{job.id}.csv"
    with database.writing():  # codes carry value: a download is written down
        audit.record("code.export", "job", job_id, {"codes": job.done})
        db.session.commit()
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    lines = stream_with_context(_lines(job_id))
    return Response(lines, mimetype="text/csv", headers=headers)


def _lines(job_id: int) -> Iterator[str]:
    yield "code\r\n"
    block: list[str] = []
    for text in code_batches.texts(job_id):
        block.append(f"{text}\r\n")
        if len(block) == 2_000:
            yield "".join(block)
            block.clear()
    yield "".join(block)


def _refused(pointer: str, detail: str) -> InvalidInputError:
    return InvalidInputError("The body does not fit.", faults=[Fault(pointer, detail)])
