"""The staff's door of the direction report: its page, and who gets it each month."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from core.db import db, writing
from core.errors import DomainError
from reports import catalogue, direction, engine, figures, views
from reports.console import behind, choices

door = permissions.guard(
    Blueprint("direction", __name__, url_prefix="/console/reports/direction"), permissions.STAFF
)


@door.get("")
def show() -> str:
    """Show the report; the last whole month unless told."""
    asked = dict(request.args)
    if not asked.get("from") and not asked.get("to"):
        asked |= {"from": direction.due(), "to": direction.due()}
    span, currency = catalogue.asked_period(asked), catalogue.asked_currency(asked)
    report = direction.made(span, currency, most_rows=engine.MOST_ROWS)
    may_choose = permissions.authorize(identities.current(), permissions.FINANCE)
    return render_template(
        "reports/console/direction.html", report=report, came=report.came, cost=report.cost,
        currency=currency, period_words=figures.words(span), choices=choices(span),
        before_words=figures.words(report.before), behind=behind(report.shown),
        may_choose=may_choose, readers=direction.readers() if may_choose else [],
        views=views.listed(),
    )  # fmt: skip


@door.post("/readers")
@permissions.allow(permissions.FINANCE)
def add_reader() -> ResponseReturnValue:
    """Let an address get the report each month."""
    try:
        with writing():
            direction.add_reader(request.form.get("email", ""), request.form.get("locale", ""))
            db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("This address gets the next report."))
    return redirect(url_for("direction.show"), code=303)


@door.post("/readers/<int:reader_id>/remove")
@permissions.allow(permissions.FINANCE)
def remove_reader(reader_id: int) -> ResponseReturnValue:
    """Stop sending the report to an address."""
    with writing():
        direction.remove_reader(reader_id)
        db.session.commit()
    flash(_("This address gets no more reports."))
    return redirect(url_for("direction.show"), code=303)
