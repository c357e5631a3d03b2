"""The marketers' door to the catalogue of perks: what there is, who took what, cancelled."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import enrolment, program
from core import forms
from core.db import db, retried
from core.errors import DomainError, NotFoundError
from rewards import exchanges, perk_mails, perks
from rewards import wording_perks as wording
from rewards.forms_perks import PerkForm, ReasonForm, of_perk
from rewards.models import OfferStatus, Perk

_ACTS = {"freeze": OfferStatus.FROZEN, "open": OfferStatus.ACTIVE}

door = permissions.guard(
    Blueprint("perks_console", __name__, url_prefix="/console/perks"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the catalogue, the newest first."""
    return render_template("rewards/console_perks/list.html", perks=perks.newest())


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def new() -> ResponseReturnValue:
    """Add a perk."""
    form = PerkForm()
    form.offer()
    if form.validate_on_submit():
        done = _saved(form, lambda: perks.create(form.terms()))
        if done is not None:
            return done
    return _form_page(form, None)


@door.get("/<int:perk_id>")
def one(perk_id: int) -> ResponseReturnValue:
    """Show a perk and who took it."""
    perk = perks.get(perk_id)
    found = exchanges.of_perk(perk_id)
    return render_template(
        "rewards/console_perks/one.html",
        perk=perk, found=found, currency=program.current().currency,
        names=enrolment.names({exchange.ambassador_id for exchange, _code in found}),
    )  # fmt: skip


@door.route("/<int:perk_id>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(perk_id: int) -> ResponseReturnValue:
    """Change a perk."""
    perk = perks.get(perk_id)
    form = PerkForm(data=of_perk(perk))
    form.offer()
    if form.validate_on_submit():
        done = _saved(form, lambda: _changed(perk, form))
        if done is not None:
            return done
    return _form_page(form, perk)


@door.post("/<int:perk_id>/<act>")
@permissions.allow(permissions.MARKETER)
def offer(perk_id: int, act: str) -> ResponseReturnValue:
    """Take a perk out of the catalogue, or put it back."""
    if act not in _ACTS:
        raise NotFoundError(_("There is nothing at this address."))
    perks.set_status(perks.get(perk_id), _ACTS[act])
    db.session.commit()
    return redirect(url_for(".one", perk_id=perk_id), code=303)


@door.route("/exchanges/<int:exchange_id>/cancel", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
@retried
def cancel(exchange_id: int) -> ResponseReturnValue:
    """Cancel an exchange and give back what was paid, once."""
    form = ReasonForm()
    if form.validate_on_submit():
        done = exchanges.cancel(exchange_id, reason=form.reason.data)
        perk_mails.cancelled(done)
        db.session.commit()
        flash(_("Cancelled. What was paid has been given back, and they get word by mail."))
        return redirect(url_for(".one", perk_id=done.perk_id), code=303)
    exchange = exchanges.get(exchange_id)
    name = enrolment.names({exchange.ambassador_id})[exchange.ambassador_id]
    page = render_template(
        "rewards/console_perks/cancel.html", form=form, exchange=exchange, name=name
    )
    return page, 422 if form.is_submitted() else 200


@door.post("/exchanges/<int:exchange_id>/hand-over")
@permissions.allow(permissions.MARKETER)
@retried
def hand_over(exchange_id: int) -> ResponseReturnValue:
    """Note that a product was handed over or sent."""
    done = exchanges.hand_over(exchange_id)
    db.session.commit()
    return redirect(url_for(".one", perk_id=done.perk_id), code=303)


def _changed(perk: Perk, form: PerkForm) -> Perk:
    perks.change(perk, form.terms())
    return perk


def _saved(form: PerkForm, save: Callable[[], Perk]) -> ResponseReturnValue | None:
    """Save what the form tells and lead on; None when it cannot be, with the reason on it."""
    try:
        perk = save()
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        form.offer()
        forms.show(form, error)
        return None
    flash(_("Saved."))
    return redirect(url_for(".one", perk_id=perk.id), code=303)


def _form_page(form: PerkForm, perk: Perk | None) -> ResponseReturnValue:
    page = render_template(
        "rewards/console_perks/form.html",
        form=form, perk=perk, heading=wording.name(perk) if perk else _("New perk"),
        currency=program.current().currency,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200
