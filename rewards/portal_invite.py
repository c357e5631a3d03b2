"""The ambassadors' door to inviting somebody they know: a code to pass on, and how far it came."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from core import forms
from core.db import db, retried
from core.errors import DomainError
from rewards import invitation_codes
from rewards import wording_perks as wording
from rewards.forms_joining import PeerForm
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_invite", __name__, url_prefix="/portal/invite"), permissions.AMBASSADOR
)


@door.route("", methods=["GET", "POST"])
@retried
def everything() -> ResponseReturnValue:
    """Show my invitations, and make another one."""
    form = PeerForm()
    if form.validate_on_submit():
        try:
            invitation_codes.invite(me(), note=form.note.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            return redirect(url_for(".everything"), code=303)
    ambassador_id = me().id
    page = render_template(
        "rewards/portal/invite.html",
        form=form, made=invitation_codes.mine(ambassador_id), states=wording.INVITES,
        left=invitation_codes.left(ambassador_id), brand=program.current().name,
        lasts=invitation_codes.LASTS.days,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.post("/<int:batch_id>/withdraw")
def withdraw(batch_id: int) -> ResponseReturnValue:
    """End an invitation of mine."""
    invitation_codes.withdraw(batch_id, me().id)
    db.session.commit()
    flash(_("Withdrawn: the code does not work any more."))
    return redirect(url_for(".everything"), code=303)
