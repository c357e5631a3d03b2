"""`/console/imports`: take a file in, show what was understood of it, import it, watch it.

Nothing is written before a person has seen the format, the columns and the first rows.  The
import itself is a job: a thread of this process takes it at once, and the worker, or whoever
opens its page, takes it up again when that process has gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import (
    Blueprint,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)  # fmt: skip
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from werkzeug.utils import secure_filename

from accounts import audit, identities, permissions
from ambassadors import program
from core import db as database
from core import i18n, jobs
from core.db import db
from core.errors import DomainError, InvalidInputError, NotFoundError
from core.jobs import Job, JobState
from integrations.order_files import formats, reading
from integrations.order_files.shapes import FIELDS, Layout, Order, Refused
from integrations.tables import Row, Table
from rewards import imports, jobs_imports, uploads
from rewards.uploads import Upload

LARGEST = 200 * 1024 * 1024  # bytes of an upload
LOOKED_AT = 2_000  # orders that the preview reads
SHOWN = 8
SHOWN_REFUSED = 20
FOLDER = "uploads"

door = permissions.guard(
    Blueprint("imports", __name__, url_prefix="/console/imports"), permissions.MARKETER
)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first orders of a file would do."""

    created: int
    updated: int
    unchanged: int
    is_whole: bool  # the file has no more orders than these
    orders: list[Order]
    refused: list[Refused]
    lines: list[Row]  # of the refused orders, for the page

    @property
    def importable(self) -> int:
        return self.created + self.updated + self.unchanged


@door.url_value_preprocessor
def _allow_large_uploads(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Lift the limit before anything reads the body, for those who may import."""
    if request.method == "POST" and endpoint == "imports.upload":
        with _only_looking():  # no lock is held while a slow body comes in
            may_import = permissions.authorize(identities.current(), permissions.MARKETER)
        request.max_content_length = LARGEST if may_import else None


@contextmanager
def _only_looking() -> Iterator[None]:
    """Read files and the database without keeping a writer waiting, whatever the method."""
    db.session.rollback()
    with database.reading():
        yield
        db.session.rollback()


@door.get("")
def index() -> str:
    """List the imports, with the form that takes a file."""
    query = sa.select(Job).where(Job.kind == jobs_imports.KIND).order_by(Job.id.desc()).limit(50)
    return render_template(
        "rewards/console_imports/index.html", jobs=list(db.session.scalars(query)),
        largest=LARGEST // 1024 // 1024,
    )  # fmt: skip


@door.post("")
def upload() -> ResponseReturnValue:
    """Take a file in, and show what is in it."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash(_("Choose a file first."), "error")
        return redirect(url_for("imports.index"))
    kept = uploads.keep(file, FOLDER)
    try:
        with _only_looking():
            Table(kept.path)
    except DomainError as error:
        uploads.forget(kept.path)
        flash(error.detail, "error")
        return redirect(url_for("imports.index"))
    return redirect(url_for("imports.preview", token=kept.token))


@door.get("/preview/<token>")
def preview(token: str) -> ResponseReturnValue:
    """Show what was understood of a file; nothing is written."""
    return _preview(uploads.find(token, FOLDER), {})


@door.post("/preview/<token>")
def look_again(token: str) -> ResponseReturnValue:
    """Read the file as the person says, or import it so."""
    uploaded, said = uploads.find(token, FOLDER), _said()
    if request.form.get("act") != "start":
        return _preview(uploaded, said)
    try:
        with _only_looking():
            table = Table(uploaded.path)
            layout = _recognise(table, said)
            formats.require_clear(layout)
    except DomainError as error:
        flash(imports.reason(error), "error")
        return _preview(uploaded, said)
    with database.writing():
        job_id = _create_job(uploaded, table, layout, said).id
        db.session.commit()
    jobs_imports.start_thread(job_id)
    return redirect(url_for("imports.show", job_id=job_id))


@door.get("/<int:job_id>")
def show(job_id: int) -> str:
    """Show how an import goes or went."""
    job = _job(job_id)
    if jobs.is_orphan(job):
        jobs_imports.start_thread(job.id)
    return render_template(
        "rewards/console_imports/show.html", job=job, counts=job.result.get("counts", {}),
        is_open=job.state in {JobState.WAITING, JobState.RUNNING}, left=_time_left(job),
    )  # fmt: skip


@door.post("/<int:job_id>/cancel")
def cancel(job_id: int) -> ResponseReturnValue:
    """Stop an import after its present batch."""
    job = _job(job_id)
    if jobs.cancel(job.id):
        audit.record("purchases.import.cancel", "job", job.id, {"file": job.payload["name"]})
        db.session.commit()
        flash(_("The import stops. What was recorded so far stays."))
    return redirect(url_for("imports.show", job_id=job_id))


@door.get("/<int:job_id>/rejected")
def rejected(job_id: int) -> ResponseReturnValue:
    """Send the refused lines, with the reasons."""
    job = _job(job_id)
    path = jobs_imports.rejected_path(Path(job.payload["path"]))
    if not job.result.get("has_rejected") or not path.is_file():
        raise NotFoundError(_("This import has no refused lines."))
    with database.writing():  # a download of people's data is written down
        audit.record("purchases.import.download", "job", job_id, {"file": job.payload["name"]})
        db.session.commit()
    name = f"{secure_filename(job.payload['name']) or 'import'}.rejected.csv"
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name=name)


def _preview(uploaded: Upload, said: dict[str, Any]) -> str:
    with _only_looking():
        return _looked_at(uploaded, said)


def _looked_at(uploaded: Upload, said: dict[str, Any]) -> str:
    problem, looked = None, None
    table = Table(uploaded.path)
    try:
        layout = _recognise(table, said)
        formats.require_clear(layout)
        looked = _look(table, layout)
    except InvalidInputError as error:
        problem, layout = imports.reason(error), _recognise(table, {})
    except DomainError as error:
        problem = imports.reason(error)
    return render_template(
        "rewards/console_imports/preview.html", upload=uploaded, shape=table.shape, layout=layout,
        problem=problem, looked=looked, said=said, columns=_columns(table, layout),
        formats=[(f.name, f.label) for f in formats.FORMATS.values()], fields=FIELDS, shown=SHOWN,
    )  # fmt: skip


def _look(table: Table, layout: Layout) -> Preview:
    """Read the first orders and hold them against what is recorded."""
    found = list(islice(reading.read(table, layout), LOOKED_AT + 1))
    orders = [item for item in found[:LOOKED_AT] if isinstance(item, Order)]
    refused = [item for item in found[:LOOKED_AT] if isinstance(item, Refused)]
    known: dict[tuple[str, str], int] = {}
    for start in range(0, len(orders), database.BATCH_ROWS):
        known |= imports.known(orders[start : start + database.BATCH_ROWS])
    told = [(order, (order.purchase.source, order.purchase.external_id)) for order in orders]
    updated = sum(order.refunded > known[key] for order, key in told if key in known)
    existing = sum(key in known for _order, key in told)
    return Preview(
        len(orders) - existing, updated, existing - updated, len(found) <= LOOKED_AT,
        orders[:SHOWN], refused,
        [row for item in refused for row in item.rows[:1]][:SHOWN_REFUSED],
    )  # fmt: skip


def _columns(table: Table, layout: Layout) -> list[tuple[int, str, str, str]]:
    """Return place, name, field and an example of each column."""
    field_of = {place: field for field, places in layout.columns.items() for place in places}
    rows = [row.cells for row in islice(table, 20) if not row.problem]
    return [
        (
            place, name, field_of.get(place, ""),
            next((cells[place] for cells in rows if cells[place]), "")[:40],
        )
        for place, name in enumerate(table.header)
    ]  # fmt: skip


def _said() -> dict[str, Any]:
    """Return what a person chose on the form; the columns only if their format is still chosen."""
    form = request.form
    said: dict[str, Any] = {
        name: form.get(name, "").strip() for name in ("format", "source", "decimal", "dates")
    }
    if form.get("columns_of") == said["format"]:
        said["columns"] = {
            int(name.removeprefix("column_")): field
            for name, field in form.items()
            if re.fullmatch(r"column_\d{1,4}", name)
        }
    return said


def _recognise(table: Table, said: dict[str, Any]) -> Layout:
    rules = program.current()
    return formats.recognise(
        table, timezone=rules.timezone, currency=rules.currency,
        name=said.get("format") or formats.AUTO, source=said.get("source") or None,
        mapping=_mapping(table, said.get("columns")), decimal=_sign(said.get("decimal")),
        dates=said.get("dates") if said.get("dates") in {"dmy", "mdy"} else None,
    )  # fmt: skip


def _sign(text: str | None) -> str | None:
    return text if text in {".", ","} else None


def _mapping(table: Table, columns: dict[int, str] | None) -> dict[str, list[str]]:
    """Return the columns of every field, as a person chose them."""
    if columns is None:
        return {}
    mapping: dict[str, list[str]] = {field: [] for field in FIELDS}
    for place, field in sorted(columns.items()):
        if field in mapping and place < len(table.header):
            mapping[field].append(table.header[place])
    return mapping


def _create_job(uploaded: Upload, table: Table, layout: Layout, said: dict[str, Any]) -> Job:
    payload = {
        "path": str(uploaded.path), "name": uploaded.name, "format": layout.format.name,
        "source": layout.source if layout.is_source_fixed else "",
        "mapping": _mapping(table, said.get("columns")), "decimal": layout.notation.decimal,
        "dates": layout.notation.dates, "language": i18n.language(),
    }  # fmt: skip
    job = jobs.create(
        jobs_imports.KIND, payload, created_by=identities.current().name, total=table.size
    )
    details = {"file": uploaded.name, "format": layout.format.name, "source": layout.source}
    audit.record("purchases.import.start", "job", job.id, details)
    return job


def _job(job_id: int) -> Job:
    job = db.session.get(Job, job_id)
    if job is None or job.kind != jobs_imports.KIND:
        raise NotFoundError(_("There is no such import."))
    return job


def _time_left(job: Job) -> str | None:
    """Guess how long a running import still takes, from how far it is."""
    if job.state is not JobState.RUNNING or not job.total or not job.done or not job.seen_at:
        return None
    spent = job.seen_at - job.created_at
    left = spent * max(job.total - job.done, 0) / job.done
    return str(format_timedelta(left))
