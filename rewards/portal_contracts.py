"""The ambassadors' door of contracts: read them, sign them by typing one's name, keep a copy."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from campaigns.wording import OBJECTIVES
from core import forms
from core.db import db, retried
from core.errors import DomainError
from rewards import contracts
from rewards.forms_contracts import SignForm
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_contracts", __name__, url_prefix="/portal/contracts"), permissions.AMBASSADOR
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show my contracts, those to sign first."""
    return render_template(
        "rewards/portal_contracts/list.html",
        found=contracts.of_ambassador(me().id), objectives=OBJECTIVES,
    )  # fmt: skip


@door.get("/<int:contract_id>")
def one(contract_id: int) -> ResponseReturnValue:
    """Show the text of one of my contracts, with the field to sign it."""
    return _page(contract_id, None, 200)


@door.post("/<int:contract_id>")
@retried
def sign(contract_id: int) -> ResponseReturnValue:
    """Sign a contract."""
    form = SignForm()
    if not form.validate_on_submit():
        return _page(contract_id, form, 422)
    try:
        contracts.sign(
            contract_id, me().id, name=form.name.data or "", seen=form.seen.data or ""
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        contracts.find(contract_id, me().id)
        forms.show(form, error)
        return _page(contract_id, form, error.status)
    flash(_("Signed. Thank you; your copy stays here."))
    return redirect(url_for(".one", contract_id=contract_id), code=303)


def _page(contract_id: int, form: SignForm | None, status: int) -> ResponseReturnValue:
    contract = contracts.find(contract_id, me().id)
    shown = form or SignForm(formdata=None)
    shown.seen.data = contract.text_hash
    page = render_template(
        "rewards/portal_contracts/one.html",
        contract=contract, form=shown, objectives=OBJECTIVES,
    )  # fmt: skip
    return page, status
