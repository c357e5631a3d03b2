"""The staff's door of holdouts: what each lot shows, and one of them with its messages."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from accounts import permissions
from ambassadors import holdouts, program
from campaigns import message_holdouts
from core import clock
from reports import catalogue, engine, figures, holdout_report, views
from reports import wording_holdouts as wording
from reports.console import choices
from reports.models import Period

door = permissions.guard(
    Blueprint("holdouts", __name__, url_prefix="/console/reports/holdouts"), permissions.STAFF
)


@door.get("")
def everything() -> str:
    """Show the holdouts of a period, the newest first, each with its verdict."""
    report = catalogue.make(holdout_report.NAME, request.args, most_rows=engine.MOST_ROWS)
    return render_template(
        "reports/console/holdouts.html", report=report, currency=report.currency,
        period_words=figures.words(report.period), choices=choices(report.period),
        views=views.listed(), verdicts=wording.VERDICTS, looks=wording.LOOKS,
        about={one.name: one.definition for one in report.columns},
    )  # fmt: skip


@door.get("/<int:holdout_id>")
def one(holdout_id: int) -> str:
    """Show one holdout: its lift, what may be said, and the messages that it belongs to."""
    holdout, currency = holdouts.get(holdout_id), catalogue.asked_currency(request.args)
    month = clock.local_month(holdout.created_at, program.current().timezone)
    report = holdout_report.of(
        [holdout], Period(month, month), currency, most_rows=engine.MOST_ROWS
    )
    return render_template(
        "reports/console/holdout.html", report=report, currency=currency, row=report.rows[0],
        messages=message_holdouts.messages_of(holdout.id), verdicts=wording.VERDICTS,
        looks=wording.LOOKS, sentences=wording.SENTENCES,
        about={one.name: one.definition for one in report.columns},
    )  # fmt: skip
