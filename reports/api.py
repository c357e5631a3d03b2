"""The machines' door of the reports."""

from __future__ import annotations

from datetime import datetime

import msgspec
from flask import Blueprint, Response, request

from accounts import permissions
from accounts.models import Scope
from core import api
from core.api import Struct
from reports import catalogue, engine, exports

door = permissions.guard(
    Blueprint("reports_api", __name__, url_prefix="/api/v1/reports"),
    permissions.key_with(Scope.READ),
)


Figure = str | int | float | None
Figures = dict[str, Figure | dict[str, Figure]]  # some stand in groups, such as `declared`


class DefinitionOut(Struct):
    """What a report means: in words, column by column, and the SQL that ran."""

    text: str
    columns: dict[str, str]
    sql: str


class ReportOut(Struct):
    """A report; amounts in minor units of `currency`, shares with six places."""

    definition: DefinitionOut
    name: str
    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")
    timezone: str
    as_of: datetime
    currency: str
    other_currencies: list[str]
    rows: list[Figures]
    totals: Figures
    months: list[Figures] = []  # the totals of each month, for cac


@door.get("/<name>")
@api.operation(
    "Read a report: acquisition, codes, cac, cohorts, ltv, members or one of the predictions.",
    answers={200: ReportOut},
    query={
        "from": "The first month, YYYY-MM; eleven months before `to` unless given.",
        "to": "The last month, YYYY-MM; the present one unless given.",
        "currency": "ISO 4217; the program's unless given.",
        "group_by": "Rows of acquisition and cac by month (as it is), quarter, channel, campaign, "
        "circle, country or kind of ambassador.",
    },
    choices={"name": list(catalogue.REPORTS)},
)
def read(name: str) -> Response:
    """Give a report's definition, rows and totals."""
    report = catalogue.make(name, request.args, most_rows=engine.MOST_ROWS)
    return Response(exports.to_json(report), mimetype="application/json")
