"""Finance's door of self-billing: the terms of the program, and what was issued."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from core import forms
from core.db import db
from core.errors import DomainError
from rewards import self_billing
from rewards.forms_billing import TermsForm

door = permissions.guard(
    Blueprint("billing_console", __name__, url_prefix="/console/invoices"), permissions.FINANCE
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show what was issued last, and the terms."""
    known = self_billing.terms()
    told = {name: getattr(known, name) for name in ("is_on", "customer", "text_en", "text_fr")}
    return _page(TermsForm(formdata=None, data=told), 200)


@door.post("")
def publish() -> ResponseReturnValue:
    """Put other terms in force."""
    form = TermsForm()
    if not form.validate_on_submit():
        return _page(form, 422)
    try:
        self_billing.publish(
            is_on=bool(form.is_on.data), customer=form.customer.data or "",
            text_en=form.text_en.data or "", text_fr=form.text_fr.data or "",
            by=identities.current().name,
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return _page(form, 422)
    flash(_("Saved."))
    return redirect(url_for(".everything"), code=303)


@door.get("/<int:invoice_id>")
def one(invoice_id: int) -> ResponseReturnValue:
    """Show an invoice or a credit note, to read and print."""
    return render_template(
        "rewards/console_billing/one.html", invoice=self_billing.find(invoice_id)
    )


def _page(form: TermsForm, status: int) -> ResponseReturnValue:
    page = render_template(
        "rewards/console_billing/list.html",
        form=form, known=self_billing.terms(), found=self_billing.latest(),
    )  # fmt: skip
    return page, status
