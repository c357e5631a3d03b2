"""The ambassadors' door of what declarations say of me, once one is near."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from core import forms
from core.db import db, retried
from core.errors import DomainError
from rewards import tax_details
from rewards.forms_contracts import TaxForm
from rewards.models_contracts import TaxDetail
from rewards.portal import me
from rewards.tax_details import Said

_FIELDS = (
    "name", "is_business", "siret", "profession", "street", "postal_code", "city", "country",
)  # fmt: skip

door = permissions.guard(
    Blueprint("portal_tax", __name__, url_prefix="/portal/me/tax"), permissions.AMBASSADOR
)


@door.route("", methods=["GET", "POST"])
@permissions.fresh
@retried
def details() -> ResponseReturnValue:
    """Show and change what the brand has to tell a tax office of me."""
    ambassador = me()
    known, kinds = tax_details.of(ambassador.id), tax_details.needed(ambassador.id)
    form = TaxForm(data=None if request.method == "POST" else _shown(known))
    if form.validate_on_submit():
        try:
            told = {name: form[name].data or "" for name in _FIELDS if name != "is_business"}
            tax_details.change(
                ambassador.id,
                Said(**told, is_business=bool(form.is_business.data), tin=form.tin.data or ""),
            )
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for("portal_payouts.everything"), code=303)
    page = render_template(
        "rewards/portal_tax/details.html",
        form=form, known=known, asks=bool(known or kinds), kinds=kinds,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _shown(known: TaxDetail | None) -> dict[str, object]:
    if known:
        return {name: getattr(known, name) for name in _FIELDS}
    member = me().member
    return {"name": member.name, "country": member.country}
