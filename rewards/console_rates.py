"""`/console/rates`: rates of currency, files of them, and the purchases that await one.

A file is kept until it is imported; nothing is written before a person has seen what it
adds and corrects.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts import audit, identities, permissions
from ambassadors import program
from core import db as database
from core import i18n, sheets
from core.db import db
from core.errors import DomainError
from core.web import row_asked
from integrations.tables import REJECTED_COLUMNS, Table
from referrals.models import Purchase
from rewards import jobs_rates, rate_files, rate_imports, rate_queue, rates, uploads, wording
from rewards.rate_files import Layout
from rewards.uploads import Upload

FOLDER = "uploads-rates"
LARGEST = 8 * 1024 * 1024  # bytes of an upload; the bank's whole history has two millions
PAGE = 100
WAITING = 50

door = permissions.guard(
    Blueprint("rates", __name__, url_prefix="/console/rates"), permissions.STAFF
)


@door.url_value_preprocessor
def _allow_large_uploads(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Lift the limit before anything reads the body, for those who may import."""
    if request.method == "POST" and endpoint == "rates.upload":
        db.session.rollback()
        with database.reading():  # no lock is held while a slow body comes in
            may_import = permissions.authorize(identities.current(), permissions.FINANCE)
            db.session.rollback()
        request.max_content_length = LARGEST if may_import else None


@door.get("")
def index() -> str:
    """List the rates, with the form that takes a file and what is awaited."""
    currency = request.args.get("currency", "").strip().upper()[:3]
    found = rates.page(currency=currency or None, before=row_asked("before"), limit=PAGE + 1)
    return render_template(
        "rewards/console_rates/index.html", rates=found[:PAGE], currency=currency,
        next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        missing=rate_queue.missing(), waiting=rate_queue.size(), source=wording.rate_source,
        longest=program.current().rate_days, largest=LARGEST // 1024 // 1024,
        may_import=_may_import(),
    )  # fmt: skip


@door.post("")
@permissions.allow(permissions.FINANCE)
def upload() -> ResponseReturnValue:
    """Take a file in, and show what is in it."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash(_("Choose a file first."), "error")
        return redirect(url_for("rates.index"))
    kept = uploads.keep(file, FOLDER)
    try:
        Table(kept.path)
    except DomainError as error:
        uploads.forget(kept.path)
        flash(error.detail, "error")
        return redirect(url_for("rates.index"))
    return redirect(url_for("rates.preview", token=kept.token))


@door.get("/preview/<token>")
@permissions.allow(permissions.FINANCE)
def preview(token: str) -> str:
    """Show what a file adds and corrects; nothing is written."""
    return _preview(uploads.find(token, FOLDER))


@door.post("/preview/<token>")
@permissions.allow(permissions.FINANCE)
def look_again(token: str) -> ResponseReturnValue:
    """Read the file as the person says, or import it so and pay what awaited its rates."""
    uploaded = uploads.find(token, FOLDER)
    if request.form.get("act") != "start":
        return _preview(uploaded)
    db.session.rollback()
    try:
        table = Table(uploaded.path)
        layout = _recognise(table)
    except DomainError as error:
        flash(error.detail, "error")
        return _preview(uploaded)
    outcome = jobs_rates.import_file(table, layout, name=uploaded.name)
    paid = jobs_rates.settle_waiting()
    flash(
        _("Imported: %(new)s new, %(corrected)s corrected, %(known)s known already.",
          new=i18n.number(outcome.created), corrected=i18n.number(outcome.corrected),
          known=i18n.number(outcome.unchanged))
    )  # fmt: skip
    if paid:
        flash(_settled(paid))
    if outcome.rejected:  # the file stays, for the lines to mend
        return redirect(url_for("rates.preview", token=token))
    uploads.forget(uploaded.path)
    return redirect(url_for("rates.index"))


@door.get("/preview/<token>/lines-to-mend.csv")
@permissions.allow(permissions.FINANCE)
def refused(token: str) -> Response:
    """Give the lines that cannot be read, with their reasons, to be mended and read again."""
    table = Table(uploads.find(token, FOLDER).path)
    layout = _recognise(table)
    rows = [
        [str(row.line), row.problem or "", *row.cells]
        for row, _told in rate_files.read(table, layout)
        if row.problem
    ]
    return sheets.download("lines-to-mend.csv", [*REJECTED_COLUMNS, *table.header], rows)


@door.get("/waiting")
def waiting() -> str:
    """Show the purchases that earn nothing before there is a rate for them."""
    found = rate_queue.page(after=_after(), limit=WAITING + 1)
    return render_template(
        "rewards/console_rates/waiting.html", rows=found[:WAITING],
        next_after=found[WAITING - 1].purchase_id if len(found) > WAITING else None,
        size=rate_queue.size(), longest=program.current().rate_days, may_import=_may_import(),
    )  # fmt: skip


@door.post("/waiting")
@permissions.allow(permissions.FINANCE)
def settle() -> ResponseReturnValue:
    """Look again at every purchase of the queue, and pay those that have a rate."""
    left = jobs_rates.settle(rate_queue.everybody())
    audit.record("rates.settle", "rates", "waiting", {"settled": left})
    db.session.commit()
    flash(_settled(left) if left else _("There is still no rate for them."))
    return redirect(url_for("rates.waiting"))


def _settled(count: int) -> str:
    return str(
        ngettext(
            "%(count)s purchase that awaited a rate is settled.",
            "%(count)s purchases that awaited a rate are settled.",
            count, count=i18n.number(count),
        )
    )  # fmt: skip


def _may_import() -> bool:
    return permissions.authorize(identities.current(), permissions.FINANCE)


def _preview(uploaded: Upload) -> str:
    """Read the whole file without keeping a writer waiting."""
    db.session.rollback()
    with database.reading():
        page = _looked_at(uploaded)
        db.session.rollback()
    return page


def _looked_at(uploaded: Upload) -> str:
    table = Table(uploaded.path)
    layout, outcome, problem = None, None, None
    try:
        layout = _recognise(table)
        outcome = rate_imports.take(rate_files.read(table, layout), rates.compare)
    except DomainError as error:
        problem = error.detail
    return render_template(
        "rewards/console_rates/preview.html", upload=uploaded, layout=layout, outcome=outcome,
        problem=problem, said=request.values, source=wording.rate_source,
        own=program.current().currency,
    )  # fmt: skip


def _recognise(table: Table) -> Layout:
    """Return how a file is written, as the person says in the form or the address."""
    said = request.values
    decimal = said.get("decimal")
    return rate_files.recognise(
        table, currency=program.current().currency, source=said.get("source") or None,
        decimal=decimal if decimal in {".", ","} else None,
        is_turned=said.get("direction") == "turned",
    )  # fmt: skip


def _after() -> tuple[datetime, int] | None:
    purchase_id = row_asked("after")
    known = db.session.get(Purchase, purchase_id) if purchase_id else None
    return (known.occurred_at, known.id) if known else None
