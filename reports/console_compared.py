"""The staff's door to the people behind members against others: by number, and to their orders."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask_babel import gettext as _

from accounts import permissions
from core import sheets
from core.web import row_asked
from reports import catalogue, compared, engine, exports, figures, wording_members
from reports.compared import Filter, People
from reports.console import audited, choices, workbook
from reports.models import Period

door = permissions.guard(
    Blueprint("members_people", __name__, url_prefix="/console/reports/members"),
    permissions.STAFF,
)


class _Asked(NamedTuple):
    """What the address asks for, and the people it finds."""

    copy: engine.Copy
    period: Period
    currency: str
    wanted: Filter
    people: People


@door.get("/people")
def show() -> str:
    """Show the people behind a count, each with the way to their orders."""
    asked = _asked()
    start = row_asked("after") or 0
    stop = start + compared.PAGE
    return render_template(
        "reports/console/compared.html", rows=asked.people.rows(start, stop),
        count=len(asked.people), members=asked.people.members, wanted=asked.wanted,
        currency=asked.currency, period=asked.period, groups=wording_members.GROUPS,
        period_words=figures.words(asked.period), choices=choices(asked.period),
        as_of=asked.copy.manifest.as_of, lede=_lede(asked), text=compared.TEXT,
        next_after=stop if stop < len(asked.people) else None,
        address={name: value for name, value in request.args.items() if name != "after"},
    )  # fmt: skip


@door.get("/people.csv")
def download_csv() -> Response:
    """Give all of them as CSV."""
    asked = _asked()
    audited(compared.NAME, asked.period, "csv")
    rows = exports.cells(compared.COLUMNS, asked.people.every(), asked.currency)
    lines = stream_with_context(sheets.lines(exports.heads(compared.COLUMNS), rows))
    answer = Response(lines, mimetype="text/csv")
    name = f"{compared.NAME}-{asked.period.first}-{asked.period.last}-{asked.currency}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@door.get("/people.xlsx")
def download_xlsx() -> Response:
    """Give them as a workbook with its definitions."""
    asked = _asked()
    report = compared.report(asked.copy, asked.period, asked.currency, asked.people)
    audited(compared.NAME, asked.period, "xlsx")
    return workbook(report)


def _asked() -> _Asked:
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    wanted, copy = compared.asked_filter(request.args), engine.fresh(most_rows=engine.MOST_ROWS)
    return _Asked(copy, span, currency, wanted, compared.people(copy, span, currency, wanted))


def _lede(asked: _Asked) -> str:
    """Say in words who these are."""
    measure = asked.wanted.measure
    about = measure and _("measure: %(name)s", name=wording_members.MEASURES[measure])
    told = (figures.words(asked.period), str(wording_members.GROUPS[asked.wanted.group]), about)
    return ", ".join(part for part in told if part) + "."
