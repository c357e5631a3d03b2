"""The staff's door of contracts: who is near the threshold, who has to sign, and the words."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from ambassadors import program
from campaigns.models import Objective
from campaigns.wording import OBJECTIVES
from core import clock, forms
from core.db import db, retried
from core.errors import DomainError
from rewards import contract_meter, contracts, thresholds
from rewards import wording_contracts as words
from rewards.forms_contracts import PrepareContractForm, TemplateForm
from rewards.models_contracts import ThresholdKind

SHOWN = 200  # people

door = permissions.guard(
    Blueprint("contracts_console", __name__, url_prefix="/console/contracts"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show who is near the threshold of a year or above it."""
    year = _year()
    found = contracts.standings(year)
    return render_template(
        "rewards/console_contracts/list.html",
        year=year, years=contract_meter.years(), found=found[:SHOWN], more=len(found) > SHOWN,
        limit=thresholds.of_year(ThresholdKind.CONTRACT, year), warn_at=contract_meter.WARN_AT,
        states=[one.state for one in found], words=words, objectives=OBJECTIVES,
        form=PrepareContractForm(formdata=None), most=SHOWN,
    )  # fmt: skip


@door.post("")
@retried
def prepare() -> ResponseReturnValue:
    """Write a contract and tell the ambassador."""
    form = PrepareContractForm()
    try:
        who, year = int(form.ambassador_id.data or 0), int(form.year.data or 0)
        objective = Objective(form.objective.data or "")
    except ValueError:
        who = year = 0
    if not form.validate_on_submit() or not who or year not in contract_meter.years():
        flash(_("The form was not complete. Please try again."), "error")
        return redirect(url_for(".everything"), code=303)
    try:
        made = contracts.prepare(who, objective, year, by=identities.current().name)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
        return redirect(url_for(".everything", year=year), code=303)
    flash(_("The contract is ready. We told them by e-mail, if we know their address."))
    return redirect(url_for(".one", contract_id=made.id), code=303)


@door.get("/<int:contract_id>")
def one(contract_id: int) -> ResponseReturnValue:
    """Show a contract as it was written, and who signed it when."""
    return render_template(
        "rewards/console_contracts/one.html",
        contract=contracts.get(contract_id), objectives=OBJECTIVES, words=words,
    )  # fmt: skip


@door.post("/<int:contract_id>/remind")
@retried
def remind(contract_id: int) -> ResponseReturnValue:
    """Tell an ambassador once more that their contract waits."""
    try:
        contracts.remind(contract_id)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("Reminded. More than one a day is not sent."))
    return redirect(url_for(".one", contract_id=contract_id), code=303)


@door.route("/template", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def template() -> ResponseReturnValue:
    """Show the words that contracts are written from, and publish another version."""
    known = contracts.template()
    texts = {"text_en": known.text_en, "text_fr": known.text_fr}
    form = TemplateForm(data=None if request.method == "POST" else texts)
    if form.validate_on_submit():
        try:
            contracts.publish(text_en=form.text_en.data or "", text_fr=form.text_fr.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Published. Contracts are written with it from now on."))
            return redirect(url_for(".template"), code=303)
    page = render_template(
        "rewards/console_contracts/template.html",
        form=form, known=known, variables=contracts.VARIABLES,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _year() -> int:
    """Return the year that was asked for, this one unless it is another that is shown."""
    asked = request.args.get("year", "")
    this = clock.local_day(clock.now(), program.current().timezone).year
    return int(asked) if asked in map(str, contract_meter.years()) else this
