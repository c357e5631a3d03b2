"""The machines' door of the reports."""

from __future__ import annotations

from flask import Blueprint, Response, request

from accounts import permissions
from accounts.models import Scope
from core import api
from core.errors import InvalidInputError
from reports import catalogue, engine, exports

door = permissions.guard(
    Blueprint("reports_api", __name__, url_prefix="/api/v1/reports"),
    permissions.key_with(Scope.READ),
)


@door.get("/<name>")
@api.operation(
    "Read a report: acquisition, codes or cac.",
    answers={200: None},
    query={
        "from": "The first month, YYYY-MM; eleven months before `to` unless given.",
        "to": "The last month, YYYY-MM; the present one unless given.",
        "currency": "ISO 4217; the program's unless given.",
    },
)
def read(name: str) -> Response:
    """Give a report's definition, rows and totals."""
    if "group_by" in request.args:
        raise InvalidInputError("group_by: this report has its rows by month; leave it out.")
    report = catalogue.make(name, request.args, most_rows=engine.MOST_ROWS)
    return Response(exports.to_json(report), mimetype="application/json")
