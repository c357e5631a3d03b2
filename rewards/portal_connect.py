"""The ambassadors' door to an account at Stripe: opened here, filled in on Stripe's own pages.

A browser may not send a form of ours on to another site (form-action of our policy), so the
account is opened by a form and Stripe's page by a plain link.
"""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from core.db import db
from core.errors import NotFoundError
from integrations import stripe_accounts
from integrations.stripe_accounts import Accounts, LostAnswer, Refused
from rewards import connected
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_connect", __name__, url_prefix="/portal/me/stripe"), permissions.AMBASSADOR
)


@door.get("")
def show() -> ResponseReturnValue:
    """Show whether Stripe can pay me, and the one next step."""
    _stripe()
    return render_template("rewards/portal/connect.html", known=connected.of(me().id))


@door.post("")
@permissions.fresh
def open_account() -> ResponseReturnValue:
    """Open an account for me; asked again it is the same one."""
    stripe, ambassador = _stripe(), me()
    who, ambassador_id = connected.holder(ambassador), ambassador.id
    db.session.rollback()  # no transaction waits for Stripe
    try:
        told = stripe.open(who)
    except (Refused, LostAnswer) as error:
        return _later(error)
    connected.keep(ambassador_id, told)
    audit.record("payout_detail.connect", "ambassador", ambassador_id, {"account": told.account})
    db.session.commit()
    return redirect(url_for(".show"), code=303)


@door.get("/go")
@permissions.fresh
def go() -> ResponseReturnValue:
    """Send me to Stripe's pages, which are made for one visit and know where my money goes."""
    stripe, known = _stripe(), connected.of(me().id)
    if known is None:
        return redirect(url_for(".show"), code=303)
    account = known.account
    db.session.rollback()
    base = current_app.extensions["settings"].base_url
    try:
        url = stripe.link(account, base + url_for(".back"), base + url_for(".go"))
    except (Refused, LostAnswer) as error:
        return _later(error)
    return redirect(url, code=303)


@door.get("/back")
def back() -> ResponseReturnValue:
    """Ask Stripe how it stands when I come back from its pages."""
    stripe, known = _stripe(), connected.of(me().id)
    if known is None:
        return redirect(url_for(".show"), code=303)
    account = known.account
    db.session.rollback()
    try:
        told = stripe.read(account)
    except (Refused, LostAnswer) as error:
        return _later(error)
    connected.note(told)
    db.session.commit()
    return redirect(url_for(".show"), code=303)


def _stripe() -> Accounts:
    """Return the way to Stripe; raises NotFoundError where this program has none."""
    found = stripe_accounts.accounts(current_app.extensions["settings"])
    if found is None:
        raise NotFoundError(_("This program does not pay by Stripe."))
    return found


def _later(error: Exception) -> ResponseReturnValue:
    current_app.logger.warning("stripe account: %s", error)
    flash(_("Stripe could not be reached just now. Please try again in a moment."), "error")
    return redirect(url_for(".show"), code=303)
