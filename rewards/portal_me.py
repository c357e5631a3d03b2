"""The ambassadors' door of what is theirs: name and language, payout details, their data."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from accounts import audit, identities, passkeys, permissions, security, users
from ambassadors import members, program
from ambassadors.members import Person
from ambassadors.models import Ambassador
from core import forms
from core.db import db
from core.errors import DomainError
from core.i18n import LANGUAGES
from integrations import stripe_accounts
from rewards import erasure, payout_details, person_data
from rewards.forms_portal import EraseForm, PayoutForm, ProfileForm
from rewards.models import PayoutMethod
from rewards.portal import me, wallets

door = permissions.guard(
    Blueprint("portal_me", __name__, url_prefix="/portal/me"), permissions.AMBASSADOR
)


@door.route("", methods=["GET", "POST"])
def profile() -> ResponseReturnValue:
    """Show and change my name and language."""
    ambassador = me()
    form = ProfileForm(data=None if request.method == "POST" else _of(ambassador))
    if form.validate_on_submit():
        try:
            _change(ambassador, form.name.data or "", form.locale.data)
            ambassador.shows_name = form.shows_name.data
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            g.remember_language = form.locale.data
            with force_locale(form.locale.data):
                flash(_("Saved."))
            return redirect(url_for(".profile"), code=303)
    page = render_template(
        "rewards/portal/me.html",
        me=me(), form=form, destination=payout_details.of(ambassador.id),
        asks_payout=payout_details.is_needed(ambassador.id), has_passkeys=passkeys.is_possible(),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.route("/payout", methods=["GET", "POST"])
@permissions.fresh
def payout() -> ResponseReturnValue:
    """Show and change where my money goes, once there is some to pay."""
    ambassador = me()
    known = payout_details.of(ambassador.id)
    form = PayoutForm(data=None if request.method == "POST" else _of_payout(known))
    form.offer(has_stripe=_has_stripe())
    if form.validate_on_submit():
        try:
            payout_details.change(
                ambassador, PayoutMethod(form.method.data), holder=form.holder.data or "",
                number=form.iban.data or "",
            )  # fmt: skip
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved. We have told you by e-mail, in case it was not you."))
            if form.method.data == PayoutMethod.STRIPE.value:
                return redirect(url_for("portal_connect.show"), code=303)
            return redirect(url_for(".profile"), code=303)
    page = render_template(
        "rewards/portal/payout.html",
        form=form, destination=known, asks=bool(known) or payout_details.is_needed(ambassador.id),
        wallet=wallets(ambassador.id)[0], minimum=program.current().minimum_payout,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.get("/data")
def data() -> ResponseReturnValue:
    """Show what I may do with my data."""
    return render_template("rewards/portal/data.html", file=person_data.known(me().member_id))


@door.post("/data/file")
@permissions.fresh
def ask_file() -> ResponseReturnValue:
    """Ask for a file of all my data."""
    member_id = me().member_id
    person_data.limit(member_id)
    person_data.ask(member_id, by=identities.current().name)
    db.session.commit()
    flash(_("Your file is being made. It will be here within the hour."))
    return redirect(url_for(".data"), code=303)


@door.post("/data/file/download")
@permissions.fresh
def download() -> ResponseReturnValue:
    """Send the file of my data."""
    body = person_data.fetch(me().member_id)
    db.session.commit()
    answer = Response(body, mimetype="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


@door.route("/erase", methods=["GET", "POST"])
@permissions.fresh
def erase() -> ResponseReturnValue:
    """Say what an erasure does, and do it."""
    ambassador = me()
    form = EraseForm()
    if form.validate_on_submit():
        erasure.erase(ambassador.member)
        security.sign_out()
        db.session.commit()
        flash(_("Your data are erased. Thank you for the time with us."))
        return redirect(url_for("security.login"), code=303)
    owed = [
        one for one in wallets(ambassador.id) if one.payable > 0 or one.pending > 0 or one.held > 0
    ]
    page = render_template("rewards/portal/erase.html", form=form, owed=owed)
    return page, 422 if form.is_submitted() else 200


def _of(ambassador: Ambassador) -> dict[str, str | bool]:
    locale = ambassador.member.locale or program.current().locale
    return {
        "name": ambassador.member.name,
        "locale": locale if locale in LANGUAGES else LANGUAGES[0],
        "shows_name": ambassador.shows_name,
    }


def _has_stripe() -> bool:
    return stripe_accounts.accounts(current_app.extensions["settings"]) is not None


def _of_payout(known: payout_details.Destination | None) -> dict[str, str]:
    if known is None:
        return {"method": PayoutMethod.BANK.value}
    return {"method": known.method.value, "holder": known.holder}


def _change(ambassador: Ambassador, name: str, locale: str) -> None:
    """Write a name and a language to the member and the account."""
    member = ambassador.member
    members.change(
        member,
        Person(
            name=name, email=member.email, external_id=member.external_id,
            country=member.country, locale=locale, joined_on=member.joined_on,
        ),
    )  # fmt: skip
    if ambassador.user_id is not None:
        user = users.load(ambassador.user_id)
        user.name, user.locale = member.name, locale
    audit.record("member.change", "member", member.id, {})
