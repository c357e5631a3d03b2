"""The staff's door of codes in bulk: ask for them, watch the job, stop it, fetch or print them.

A thread of this process takes a job at once; the worker, or whoever opens its page, takes it
up again when that process has gone.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from accounts import audit, identities, permissions
from core import forms, jobs
from core.db import db
from core.errors import DomainError, Fault
from core.jobs import Job, JobState
from referrals import code_batches, code_list, codes, jobs_codes
from referrals.api_code_jobs import download
from referrals.forms import BulkForm

door = permissions.guard(
    Blueprint("code_batches", __name__, url_prefix="/console/codes/batches"), permissions.MARKETER
)


@door.route("", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """Take an order for codes in bulk, and list the jobs."""
    form = BulkForm(data=None if request.method == "POST" else {"pattern": codes.DEFAULT_PATTERN})
    form.campaign.choices = [SelectChoice(slug, name) for slug, name in code_list.campaigns()]
    if form.validate_on_submit():
        try:
            job_id = _create(form)
        except DomainError as error:
            db.session.rollback()
            if not error.faults:
                error.faults = [Fault("/pattern", error.detail)]
            forms.show(form, error)
        else:
            jobs_codes.start_thread(job_id)
            return redirect(url_for(".show", job_id=job_id))
    page = render_template(
        "referrals/console/batches.html", form=form, jobs=code_batches.newest()
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.get("/<int:job_id>")
def show(job_id: int) -> str:
    """Show how a job goes or went."""
    job = code_batches.find(job_id)
    if jobs.is_orphan(job):
        jobs_codes.start_thread(job.id)
    return render_template(
        "referrals/console/batch.html", job=job, left=_time_left(job),
        is_open=job.state in {JobState.WAITING, JobState.RUNNING},
        some=code_batches.page(job_id, after=0, limit=8),
    )  # fmt: skip


@door.post("/<int:job_id>/cancel")
def cancel(job_id: int) -> ResponseReturnValue:
    """Stop a job after its present part."""
    job = code_batches.find(job_id)
    if jobs.cancel(job_id):
        details = {"pattern": job.payload["pattern"], "done": job.done}
        audit.record("code.generate.cancel", "job", job_id, details)
        db.session.commit()
        flash(_("The job stops. The codes made so far stay."))
    return redirect(url_for(".show", job_id=job_id))


@door.get("/<int:job_id>/codes.csv")
def fetch(job_id: int) -> ResponseReturnValue:
    """Send the codes, sorted."""
    return download(code_batches.find(job_id))


def _create(form: BulkForm) -> int:
    job = code_batches.create(
        form.campaign.data, form.count.data, form.pattern.data.strip(),
        created_by=identities.current().name,
    )  # fmt: skip
    job_id = job.id
    db.session.commit()
    return job_id


def _time_left(job: Job) -> str | None:
    """Guess how long a running job still takes, from how far it is."""
    if job.state is not JobState.RUNNING or not job.total or not job.done or not job.seen_at:
        return None
    spent = job.seen_at - job.created_at
    return str(format_timedelta(spent * max(job.total - job.done, 0) / job.done))
