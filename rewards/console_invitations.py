"""The marketers' door to invitations: a list weighed before it is sent, codes with places."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext, ngettext

from accounts import permissions
from ambassadors import circles, enrolment, program
from campaigns import campaigns
from campaigns import terms as campaign_terms
from core import forms, i18n
from core.db import db, retried
from core.errors import DomainError, Fault, InvalidInputError, NotFoundError
from core.web import row_asked
from referrals import invitations, invitees
from referrals.models_invitations import Invitation, Standing
from rewards import invitation_codes
from rewards import wording_perks as wording
from rewards.forms_joining import InvitationCodeForm, InviteForm, offer_targets, target_of
from rewards.forms_perks import whole
from rewards.models import VoucherBatch

PAGE = 50
STANDINGS = {
    Standing.SENT: (lazy_pgettext("invitation", "sent"), "pending"),
    Standing.OPENED: (_l("link opened"), "payable"),
    Standing.ACCEPTED: (_l("accepted"), "good"),
    Standing.EXPIRED: (lazy_pgettext("invitation", "expired"), "unknown"),
    Standing.WITHDRAWN: (_l("withdrawn"), "plain"),
}

door = permissions.guard(
    Blueprint("invitations_console", __name__, url_prefix="/console/invitations"),
    permissions.MARKETER,
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show who was invited and how far that came, the codes, and what ambassadors invite."""
    asked = request.args.get("state")
    state = Standing(asked) if asked in set(Standing) else None
    before = row_asked("before")
    found = invitations.of_team(state, before=before, limit=PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        "rewards/console_invitations/list.html",
        rows=[(one, invitations.standing(one)) for one in shown],
        next_before=shown[-1].id if len(found) > PAGE else None, before=before, state=state,
        standings=STANDINGS, counts=invitations.counts(), names=_names(),
        may_be_sent_again=invitations.may_be_sent_again,
        codes=[
            (row, wording.INVITES[invitation_codes.state_of(row.VoucherBatch, 0)])
            for row in invitation_codes.of_team()
        ],
        by_ambassadors=[
            (row, wording.INVITES[invitation_codes.state_of(row.VoucherBatch, row.taken)])
            for row in invitation_codes.of_ambassadors()
        ],
        joined=enrolment.names({one.ambassador_id for one in shown if one.ambassador_id}),
    )  # fmt: skip


@door.route("/new", methods=["GET", "POST"])
@retried
def new() -> ResponseReturnValue:
    """Weigh a list, and send the invitations once its preview was seen."""
    form = InviteForm()
    offer_targets(form)
    if not form.is_submitted():
        form.locale.data = program.current().locale
        form.addresses.data = request.args.get("to", "")[:254]
    weighed = None
    if form.validate_on_submit():
        try:
            people, target = invitees.read(form.addresses.data), target_of(form)
            invitees.require_target(target)
            if request.form.get("act") == "send":
                manner = form.manner(program.current().name)
                weighed = invitations.send(people, target, manner)
                db.session.commit()
                return _sent(weighed)
            weighed = invitees.weigh(people, target)
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
    page = render_template(
        "rewards/console_invitations/new.html",
        form=form, weighed=weighed, reasons=invitees.WORDS,
        reached=[one for one in weighed or () if one.spared is None],
    )  # fmt: skip
    return page, 422 if form.is_submitted() and weighed is None else 200


@door.route("/codes/new", methods=["GET", "POST"])
def new_code() -> ResponseReturnValue:
    """Make a code that people type at /join."""
    form = InvitationCodeForm()
    offer_targets(form)
    if form.validate_on_submit():
        try:
            made = _made(form)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            return redirect(url_for("vouchers_console.one", batch_id=made.id), code=303)
    page = render_template("rewards/console_invitations/code.html", form=form)
    return page, 422 if form.is_submitted() else 200


@door.post("/<int:invitation_id>/<act>")
@retried
def move(invitation_id: int, act: str) -> ResponseReturnValue:
    """Send an invitation again, or withdraw it."""
    invitation = invitations.get(invitation_id)
    if act not in _ACTS:
        raise NotFoundError(_("There is nothing at this address."))
    do, said = _ACTS[act]
    try:
        do(invitation)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(str(said))
    return redirect(url_for(".everything"), code=303)


def _again(invitation: Invitation) -> None:
    invitations.send_again(invitation, brand=program.current().name)


_ACTS = {
    "again": (_again, _l("Sent again, with a new link.")),
    "withdraw": (invitations.withdraw, _l("Withdrawn: the link does not work any more.")),
}


def _made(form: InvitationCodeForm) -> VoucherBatch:
    places = whole(form, "places") or 0
    if places < 1:
        detail = _("Write a whole number above zero.")
        raise InvalidInputError(detail, faults=[Fault("/places", detail)])
    zone = program.current().timezone
    _start, ends_at = campaign_terms.window(None, form.ends_on.data, zone)
    return invitation_codes.create(
        target_of(form), text=(form.text.data or "").strip(), places=places, ends_at=ends_at
    )


def _sent(weighed: list[invitees.Invitee]) -> ResponseReturnValue:
    count = sum(one.spared is None for one in weighed)
    said = ngettext(
        "%(count)s invitation is on its way.", "%(count)s invitations are on their way.", count,
        count=i18n.number(count),
    )  # fmt: skip
    flash(said)
    return redirect(url_for(".everything"), code=303)


def _names() -> dict[str, str]:
    """Return the names of what one can be invited to, by target."""
    named = {f"campaign:{one.id}": one.name for one in campaigns.newest(limit=200)}
    named |= {f"circle:{number}": name for number, name in circles.names().items()}
    return named | {"program": _("The program")}
