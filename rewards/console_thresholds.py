"""The staff's door of thresholds: which amounts count from which day, by which source."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from core import forms
from core.db import db
from core.errors import DomainError
from rewards import thresholds
from rewards import wording_contracts as words
from rewards.forms_contracts import ThresholdForm
from rewards.models_contracts import ThresholdKind

door = permissions.guard(
    Blueprint("thresholds_console", __name__, url_prefix="/console/settings/thresholds"),
    permissions.STAFF,
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show every threshold, the ones that were and those to come included."""
    return _page(ThresholdForm(formdata=None), 200)


@door.post("")
@permissions.allow(permissions.FINANCE)
def add() -> ResponseReturnValue:
    """Say what counts from a day on."""
    form = ThresholdForm()
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        thresholds.add(
            ThresholdKind(form.kind.data), amount=form.amount.data or "",
            currency=form.currency.data or "", effective_from=form.effective_from.data or date.max,
            source=form.source.data or "", by=identities.current().name,
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _page(form, 422)
    flash(_("Saved. It counts from its day; what was before stays."))
    return redirect(url_for(".everything"), code=303)


def _page(form: ThresholdForm, status: int) -> ResponseReturnValue:
    may_add = permissions.authorize(identities.current(), permissions.FINANCE)
    page = render_template(
        "rewards/console_contracts/thresholds.html",
        form=form, rows=thresholds.everything(), words=words, may_add=may_add,
    )  # fmt: skip
    return page, status
