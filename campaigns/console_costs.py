"""The staff's door of costs that follow from a rule: recurring ones, and hours of the team."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from campaigns import costs, wording
from campaigns.forms_costs import HoursForm, RateForm, RecurringForm
from campaigns.forms_spend import KIND_NAMES
from campaigns.models import SpendKind
from core import clock, forms, money
from core.db import db
from core.errors import DomainError, InvalidInputError
from integrations import cells

door = permissions.guard(
    Blueprint("costs", __name__, url_prefix="/console/costs"), permissions.STAFF
)


@door.get("")
def show() -> str:
    """Show the recurring costs, the hours and their rate, each with its form."""
    return _page()


@door.post("/recurring")
def recur() -> ResponseReturnValue:
    """Add a cost that comes back each month."""
    form = RecurringForm()

    def act() -> None:
        costs.recur(
            channel=str(form.channel.data), kind=SpendKind(form.kind.data),
            amount=_amount(form), currency=str(form.currency.data).upper(),
            first_month=str(form.first_month.data), last_month=form.last_month.data or None,
            note=str(form.note.data), key=f"page:{form.token.data}"[:64],
        )  # fmt: skip

    return _done(form, act, "recurring")


@door.post("/recurring/<int:cost_id>/end")
def end(cost_id: int) -> ResponseReturnValue:
    """End a recurring cost after a month."""
    try:
        costs.end(cost_id, request.form.get("last_month", ""))
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("The cost ends with this month. What is recorded already stays."))
    return redirect(url_for("costs.show"), code=303)


@door.post("/rate")
@permissions.allow(permissions.FINANCE)
def set_rate() -> ResponseReturnValue:
    """Set what an hour costs from a day on."""
    form = RateForm()

    def act() -> None:
        costs.set_rate(
            effective_on=form.effective_on.data, amount=_amount(form),
            currency=str(form.currency.data).upper(),
        )  # fmt: skip

    return _done(form, act, "rate")


@door.post("/hours")
def add_hours() -> ResponseReturnValue:
    """Record hours of the team."""
    form = HoursForm()

    def act() -> None:
        costs.add_hours(
            month=str(form.month.data), channel=str(form.channel.data),
            activity=str(form.activity.data), hours=_hours(str(form.hours.data)),
            key=f"page:{form.token.data}"[:64],
        )  # fmt: skip

    return _done(form, act, "hours")


def _done(form: Any, act: Callable[[], None], name: str) -> ResponseReturnValue:
    """Do what a form asks, commit, and say so; or show what is wrong with it."""
    if not form.validate_on_submit():
        return _page(**{name: form}), 422
    try:
        act()
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _page(**{name: form}), error.status
    flash(_("Saved."))
    return redirect(url_for("costs.show"), code=303)


def _page(**sent: Any) -> str:
    rules = program.current()
    present = clock.local_month(clock.now(), rules.timezone)
    usual = {"currency": rules.currency}
    shown = {
        "recurring": RecurringForm(formdata=None, **usual, first_month=present),
        "rate": RateForm(formdata=None, **usual, effective_on=date.fromisoformat(f"{present}-01")),
        "hours": HoursForm(formdata=None, month=present, channel="community"),
    } | sent
    year_ago = f"{int(present[:4]) - 1}{present[4:]}"
    return render_template(
        "campaigns/console/costs.html", **shown, costs=costs.costs(), rates=costs.rates(),
        entries=costs.hours(year_ago, present), kind_names=KIND_NAMES, present=present,
        channel_words=wording.channel,
    )  # fmt: skip


def _amount(form: Any) -> int:
    """Return an amount in minor units.

    Raises:
        InvalidInputError: It cannot be read.
    """
    text, currency = str(form.amount.data).strip(), str(form.currency.data).upper()
    try:
        money.require_currency(currency)
        decimal = cells.decimal_sign([text])[0] or "."
        return cells.amount(text.replace("\N{MINUS SIGN}", "-"), currency, decimal)
    except ValueError as error:
        raise InvalidInputError(str(error)) from None


def _hours(text: str) -> Decimal:
    try:
        hours = Decimal(text.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    except InvalidOperation:
        hours = Decimal("NaN")
    if not hours.is_finite():
        raise InvalidInputError(_("Write hours such as 12.5."))
    return hours
