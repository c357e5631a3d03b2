"""The staff's door of the 3-6-12 board: what was expected at a launch, and what came."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice

from accounts import identities, permissions
from ambassadors import program
from campaigns import campaigns as plans
from core import forms, i18n
from core.db import db
from core.errors import DomainError
from reports import engine, expectations, views
from reports.expectations import PROGRAM, Verdict
from reports.forms import MEASURE_WORDS, ExpectationForm
from reports.models_kept import Expectation, Measure

door = permissions.guard(
    Blueprint("board", __name__, url_prefix="/console/reports/board"), permissions.STAFF
)

MOST = 200  # campaigns to choose from
VERDICTS = {
    Verdict.TOO_EARLY: _l("Too early"),
    Verdict.NOBODY: _l("Nobody came"),
    Verdict.BELOW: _l("Below the range"),
    Verdict.WITHIN: _l("In the range"),
    Verdict.ABOVE: _l("Above the range"),
}


@door.get("")
def show() -> str:
    """Show what was expected beside what came, for the program and each campaign."""
    return _page(_form(is_sent=False))


@door.post("")
@permissions.allow(permissions.MARKETER)
def write() -> ResponseReturnValue:
    """Write what is expected."""
    form = _form(is_sent=True)
    if not form.validate_on_submit():
        return _page(form), 422
    currency = _currency(str(form.scope.data))
    try:
        low, high = form.range(currency)
        expectations.write(
            str(form.scope.data), Measure(form.measure.data), int(form.after_months.data),
            low=low, high=high, currency=currency, month=form.launched.data or None,
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _page(form), error.status
    flash(_("Written. It can be changed until the third month is over."))
    return redirect(url_for("board.show"), code=303)


def _page(form: ExpectationForm) -> str:
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    names = dict(_scopes())
    boards = [
        (names.get(scope, scope), scope, expectations.board(scope, copy))
        for scope in expectations.scopes()
    ]
    return render_template(
        "reports/console/board.html", boards=boards, form=form, figure=_figure,
        verdicts=VERDICTS, measures=MEASURE_WORDS, views=views.listed(),
        may_write=permissions.authorize(identities.current(), permissions.MARKETER),
    )  # fmt: skip


def _form(*, is_sent: bool) -> ExpectationForm:
    form = ExpectationForm() if is_sent else ExpectationForm(formdata=None)
    form.scope.choices = [SelectChoice(scope, name) for scope, name in _scopes()]
    return form


def _scopes() -> list[tuple[str, str]]:
    every = [(one.slug, one.name) for one in plans.newest(limit=MOST)]
    return [(PROGRAM, _("The whole program")), *every]


def _currency(scope: str) -> str:
    return program.current().currency if scope == PROGRAM else plans.get(scope).currency


def _figure(one: Expectation, value: int | None) -> str:
    """Return a figure of an expectation in words."""
    if value is None:
        return "–"
    if one.measure is Measure.CAC:
        return i18n.money(value, one.currency)
    if one.measure is Measure.SHARE:
        return i18n.percent(value / expectations.MILLION)
    return i18n.number(value)
