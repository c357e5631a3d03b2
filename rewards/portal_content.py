"""The ambassadors' door of what they published: hand a link in, read the thanks."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from accounts import permissions
from core import forms
from core.db import db
from core.errors import DomainError
from referrals import content_links
from rewards.forms_portal import ContentForm
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_content", __name__, url_prefix="/portal/share/content"),
    permissions.AMBASSADOR,
)


@door.route("", methods=["GET", "POST"])
def everything() -> ResponseReturnValue:
    """Show what I handed in, and take another link."""
    ambassador_id = me().id
    form = ContentForm()
    form.campaign.choices = [
        SelectChoice(number, name) for number, name in content_links.campaigns_of(ambassador_id)
    ]
    if form.validate_on_submit():
        content_links.limit(ambassador_id)
        try:
            content_links.hand_in(ambassador_id, form.campaign.data, form.url.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Handed in. The team looks at it; thank you."))
            return redirect(url_for(".everything"), code=303)
    page = render_template(
        "rewards/portal/content.html",
        form=form, contents=content_links.of_ambassador(ambassador_id),
        has_campaign=bool(form.campaign.choices),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200
