"""The ambassadors' door of codes: wish for one of my own, fetch my QR codes."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from accounts import identities, permissions
from ambassadors.models import Ambassador
from core import forms, limits
from core.db import db
from core.errors import DomainError, Fault, NotFoundError
from referrals import code_requests, codes
from referrals.console_code import qr_file
from referrals.forms import WishForm
from referrals.models import Code, CodeStatus

_WISHES = 10  # an hour: a wish tells whether a code is free, so it must not be a way to look

door = permissions.guard(
    Blueprint("codes_portal", __name__, url_prefix="/portal/codes"), permissions.AMBASSADOR
)


@door.route("", methods=["GET", "POST"])
def mine() -> ResponseReturnValue:
    """Show my codes with their QR codes, my wishes, and the form for another."""
    me = _me()
    form = WishForm()
    form.campaign.choices = [
        SelectChoice(str(campaign_id), name)
        for campaign_id, name in code_requests.open_campaigns(me.id)
    ]
    if form.validate_on_submit():
        limits.hit("code_wish", str(me.id), limit=_WISHES, per=timedelta(hours=1))
        try:
            code_requests.ask(me, int(form.campaign.data), form.code.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            if not error.faults:
                error.faults = [Fault("/code", error.detail)]
            forms.show(form, error)
        else:
            flash(_("Asked. The team answers by e-mail, and here."))
            return redirect(url_for(".mine"))
    page = render_template(
        "referrals/portal/codes.html", me=me, form=form, wishes=code_requests.of_ambassador(me.id),
        codes=[one for one in codes.of_ambassador(me.id) if one.status is CodeStatus.ACTIVE],
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.get("/<int:code_id>/qr.<kind>")
def qr(code_id: int, kind: str) -> ResponseReturnValue:
    """Send the QR code of a code of mine; another's is not there."""
    code = db.session.scalar(
        sa.select(Code).where(Code.id == code_id, Code.ambassador_id == _me().id)
    )
    if code is None:
        raise NotFoundError(_("There is no such code."))
    return qr_file(code, kind)


def _me() -> Ambassador:
    user_id = identities.current().user_id
    me = db.session.scalar(sa.select(Ambassador).where(Ambassador.user_id == user_id))
    if me is None:
        raise NotFoundError(_("Your account is not linked to an ambassador yet. Ask the team."))
    return me
