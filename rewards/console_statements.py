"""The team's door of statements, yearly totals and what tax offices are told."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors.models import Ambassador
from core import sheets
from core.db import db
from core.errors import NotFoundError
from rewards import statements, year_totals
from rewards import wording_statements as words
from rewards.models_contracts import ThresholdKind

SHOWN = 500  # rows; the file has all

door = permissions.guard(
    Blueprint("statements_console", __name__, url_prefix="/console/statements"),
    permissions.FINANCE,
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the totals of a year for each ambassador, and the declarations."""
    year = _year()
    totals = year_totals.totals(year)
    return render_template(
        "rewards/console_statements/year.html",
        year=year, years=year_totals.years(), totals=totals[:SHOWN], more=len(totals) > SHOWN,
        das2=year_totals.declared(ThresholdKind.DAS2, year),
        nec=year_totals.declared(ThresholdKind.NEC, year), most=SHOWN,
        figures=year_totals.FIGURES, words=words, paid_accounts=year_totals.PAID,
    )  # fmt: skip


@door.post(f"/<int:year>/totals.{sheets.ENDING}")
def totals_file(year: int, ending: str) -> ResponseReturnValue:
    """Send the totals of a year as a file; the audit log keeps who took it."""
    rows = list(words.total_rows(_known(year), year_totals.totals(year)))
    audit.record("year_totals.export", "year", year, {"count": len(rows), "format": ending})
    db.session.commit()
    return sheets.download(f"totals-{year}.{ending}", words.TOTAL_HEADS, rows)


@door.post(f"/<int:year>/<kind>.{sheets.ENDING}")
def declaration(year: int, kind: str, ending: str) -> ResponseReturnValue:
    """Send a declaration as a file; the audit log keeps who took it."""
    if kind not in {ThresholdKind.DAS2.value, ThresholdKind.NEC.value}:
        raise NotFoundError(_("There is no such declaration."))
    told = ThresholdKind(kind)
    limit, found = year_totals.declared(told, _known(year))
    rows = list(words.declared_rows(told, year, limit, found)) if limit else []
    details = {"kind": kind, "count": len(rows), "format": ending}
    audit.record("declaration.export", "year", year, details)
    db.session.commit()
    return sheets.download(f"{kind}-{year}.{ending}", words.DECLARED_HEADS[told], rows)


@door.get("/of/<int:ambassador_id>")
def months(ambassador_id: int) -> ResponseReturnValue:
    """List the months of an ambassador's statements."""
    return render_template(
        "rewards/console_statements/months.html",
        who=_who(ambassador_id), months=statements.months(ambassador_id),
    )  # fmt: skip


@door.get("/of/<int:ambassador_id>/<month>")
def one(ambassador_id: int, month: str) -> ResponseReturnValue:
    """Show an ambassador's statement of a month, as they see it."""
    return render_template(
        "rewards/console_statements/one.html",
        who=_who(ambassador_id), month=month, found=statements.of_month(ambassador_id, month),
        before=statements.before(ambassador_id, month), words=words,
    )  # fmt: skip


@door.get(f"/of/<int:ambassador_id>/<month>/statement.{sheets.ENDING}")
def file(ambassador_id: int, month: str, ending: str) -> ResponseReturnValue:
    """Send an ambassador's statement of a month as a file."""
    rows = list(words.file_rows(statements.of_month(ambassador_id, month)))
    name = f"statement-{ambassador_id}-{month}.{ending}"
    return sheets.download(name, words.FILE_HEADS, rows)


def _who(ambassador_id: int) -> Ambassador:
    found = db.session.get(Ambassador, ambassador_id)
    if found is None:
        raise NotFoundError(_("There is no such ambassador."))
    return found


def _known(year: int) -> int:
    if year not in year_totals.years():
        raise NotFoundError(_("There is nothing of this year."))
    return year


def _year() -> int:
    """Return the year that was asked for, the present one unless it is known."""
    years = year_totals.years()
    asked = request.args.get("year", "")
    return next((one for one in years if str(one) == asked), years[0])
