"""The ambassadors' door of self-billing: the mandate, my VAT status, my invoices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from accounts import permissions
from ambassadors import program
from core import clock, forms, i18n
from core.db import db, retried
from core.errors import DomainError
from rewards import self_billing
from rewards.forms_billing import MandateForm, VatForm
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_billing", __name__, url_prefix="/portal/invoices"), permissions.AMBASSADOR
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show my invoices, my mandate and my VAT status."""
    return _page(MandateForm(formdata=None), VatForm(formdata=None), 200)


@door.post("/mandate")
@retried
def accept() -> ResponseReturnValue:
    """Ask the brand to write my invoices."""
    form = MandateForm()

    def act() -> None:
        version = form.version.data or ""
        self_billing.accept(
            me().id, version=int(version) if version.isdecimal() else 0,
            name=form.name.data or "", address=form.address.data or "",
            tax_id=form.tax_id.data or "",
        )  # fmt: skip

    return _done(form, act, lambda: _page(form, VatForm(formdata=None), 422))


@door.post("/withdraw")
@retried
def withdraw() -> ResponseReturnValue:
    """Take the mandate back; what was issued stays."""
    self_billing.withdraw(me().id)
    db.session.commit()
    flash(_("Done. From now on you write your invoices yourself."))
    return redirect(url_for(".everything"), code=303)


@door.post("/vat")
@retried
def vat() -> ResponseReturnValue:
    """Say whether I charge VAT, from a day on."""
    form = VatForm()

    def act() -> None:
        self_billing.set_vat(
            me().id, effective_from=form.effective_from.data or date.min,
            rate=_basis_points(form.rate.data or ""), vat_number=form.vat_number.data or "",
        )  # fmt: skip

    return _done(form, act, lambda: _page(MandateForm(formdata=None), form, 422))


@door.get("/<int:invoice_id>")
def one(invoice_id: int) -> ResponseReturnValue:
    """Show one of my invoices, to read and print."""
    return render_template(
        "rewards/portal_billing/one.html", invoice=self_billing.find(invoice_id, me().id)
    )


def _done(
    form: FlaskForm, act: Callable[[], None], refused: Callable[[], ResponseReturnValue]
) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return refused()
    try:
        act()
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        return refused()
    flash(_("Saved."))
    return redirect(url_for(".everything"), code=303)


def _basis_points(text: str) -> int:
    """Return a percentage as basis points; -1 for what is none, which the verb refuses."""
    try:
        value = Decimal(text.strip().removesuffix("%").strip().replace(",", ".")) * 100
    except InvalidOperation:
        return -1
    return int(value) if value.is_finite() and value == int(value) else -1


def _page(mandate: MandateForm, status: VatForm, code: int) -> ResponseReturnValue:
    ambassador, terms = me(), self_billing.terms()
    today = clock.local_day(clock.now(), program.current().timezone)
    mandate.version.data = str(terms.version)
    if not mandate.is_submitted():
        mandate.name.data = ambassador.member.name
    page = render_template(
        "rewards/portal_billing/list.html",
        terms=terms, text=terms.text_fr if i18n.language() == "fr" else terms.text_en,
        mandate=self_billing.mandate_of(ambassador.id), form=mandate, vat_form=status,
        vat=self_billing.vat_at(ambassador.id, today),
        found=self_billing.of_ambassador(ambassador.id),
    )  # fmt: skip
    return page, code
