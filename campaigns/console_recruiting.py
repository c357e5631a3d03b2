"""The staff's door of application pages: a campaign's heading, questions and seats."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import applications, charter
from ambassadors.forms_applications import PageForm, of_page
from campaigns import campaigns
from core import forms
from core.db import db
from core.errors import DomainError

door = permissions.guard(
    Blueprint("recruiting_console", __name__, url_prefix="/console/campaigns"),
    permissions.MARKETER,
)


@door.route("/<slug>/application-page", methods=["GET", "POST"])
def edit(slug: str) -> ResponseReturnValue:
    """Show and change what people read and answer when they apply to a campaign."""
    campaign = campaigns.get(slug)
    page = applications.page_of(campaign.id)
    known = of_page(page, applications.questions_of(page) if page else [])
    form = PageForm(data=None if request.method == "POST" else known)
    if form.validate_on_submit():
        try:
            applications.set_up(campaign.id, form.setup())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for(".edit", slug=slug))
    shown = render_template(
        "campaigns/console_recruiting/page.html",
        form=form, campaign=campaigns.get(slug), page=applications.page_of(campaign.id),
        has_charter=charter.current() is not None,
        address=url_for("applications.apply", slug=slug, _external=True),
    )  # fmt: skip
    return shown, 422 if form.is_submitted() else 200
