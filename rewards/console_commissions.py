"""The staff's door of commissions: what each order earned whom, as a page and as files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from accounts import audit, permissions
from ambassadors import enrolment, program
from campaigns import campaigns
from core import clock, money, sheets
from core.db import db, writing
from core.sheets import Column
from core.web import month_asked, row_asked
from rewards import commission_list
from rewards.commission_list import Search, State
from rewards.models import Commission

PAGE = 50
NAME = "commissions"

door = permissions.guard(
    Blueprint("commissions_console", __name__, url_prefix="/console/commissions"),
    permissions.STAFF,
)

STATES = {
    State.PENDING: _l("Pending"),
    State.HELD: _l("Held"),
    State.PAYABLE: _l("Payable or paid"),
    State.REVERSED: _l("Taken back"),
}
COLUMNS = (
    Column(_l("Day of the order"), _l("When the order was placed, in the program’s time zone.")),
    Column(_l("Order"), _l("The order’s id in its shop.")),
    Column(_l("Source"), _l("The shop or file that told the order.")),
    Column(_l("Ambassador"), _l("Who earned it.")),
    Column(_l("Campaign"), _l("Whose rule gave it.")),
    Column(_l("Earned"), _l("What the rule gave after all limits, before any refund.")),
    Column(_l("Commission"), _l("What is left of it in the ledger, after refunds and decisions.")),
    Column(_l("Currency"), _l("Of both amounts.")),
    Column(
        _l("State"),
        _l("Where the money stands. A payout pays a balance, not single commissions."),
    ),
    Column(_l("Payable on"), _l("The end of the hold period.")),
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show commissions: narrowed, page by page, with their totals by currency."""
    search, month = _search()
    found = commission_list.page(search, before=_before(), limit=PAGE + 1)
    who = search.ambassador_id
    return render_template(
        "rewards/console/commissions.html",
        rows=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        totals=commission_list.totals(search), search=search, month=month, states=STATES,
        campaigns=campaigns.names(), slug=request.args.get("campaign", ""),
        ambassador=enrolment.names({who}).get(who) if who else None,
        before=request.args.get("before"),
    )  # fmt: skip


@door.get("/commissions.csv")
def as_csv() -> ResponseReturnValue:
    """Give all that fits as CSV; the audit log keeps who took it."""
    search, _month = _search()
    _audited("csv")
    heads = [str(column.head) for column in COLUMNS]
    lines = stream_with_context(sheets.lines(heads, _cells(search)))
    return sheets.attached(Response(lines, mimetype="text/csv"), f"{NAME}.csv")


@door.get("/commissions.xlsx")
def as_workbook() -> ResponseReturnValue:
    """Give all that fits as a workbook with its definitions; the audit log keeps who took it."""
    search, _month = _search()
    _audited("xlsx")
    book = sheets.workbook(NAME, COLUMNS, _cells(search))
    return sheets.attached(Response(book, mimetype=sheets.XLSX), f"{NAME}.xlsx")


def _cells(search: Search) -> Iterator[list[object]]:
    zone = program.current().timezone
    for one in commission_list.every(search):
        yield [
            clock.local_day(one.earned_at, zone), one.external_id, one.source, one.ambassador,
            one.campaign_name, money.to_major(one.accrued, one.currency),
            money.to_major(one.amount, one.currency), one.currency, str(STATES[one.state]),
            clock.local_day(one.payable_at, zone),
        ]  # fmt: skip


def _audited(kind: str) -> None:
    """Leave a line of an export; a GET only reads unless it says otherwise."""
    with writing():
        audit.record("commission.export", "commission", "many",
                     {"format": kind, "filters": dict(request.args)})  # fmt: skip
        db.session.commit()


def _search() -> tuple[Search, str]:
    """Return what the address asks for, and its month; the present one unless told."""
    zone = program.current().timezone
    month = month_asked("month")
    if "month" not in request.args:
        month = clock.local_month(clock.now(), zone)
    since, until = clock.month_bounds(month, zone) if month else (None, None)
    asked = request.args.get("state")
    slug = request.args.get("campaign")
    chosen = campaigns.find(slug) if slug else None
    search = Search(
        text=request.args.get("q", "")[:100],
        state=State(asked) if asked in set(State) else None,
        campaign_id=chosen.id if chosen else None, ambassador_id=row_asked("ambassador"),
        since=since, until=until,
    )  # fmt: skip
    return search, month or ""


def _before() -> tuple[datetime, int] | None:
    commission_id = row_asked("before")
    known = db.session.get(Commission, commission_id) if commission_id else None
    return (known.earned_at, known.id) if known else None
