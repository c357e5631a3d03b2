"""The staff's door of mentions: what the law asks to say, from which day, by which source."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from campaigns import briefs
from campaigns.forms_mentions import FORMATS, MentionForm
from campaigns.models import Format
from core import forms
from core.db import db
from core.errors import DomainError

door = permissions.guard(
    Blueprint("mentions_console", __name__, url_prefix="/console/settings/mentions"),
    permissions.MARKETER,
)


@door.route("", methods=["GET", "POST"])
def everything() -> ResponseReturnValue:
    """Show the mentions, and set one from a day on."""
    form = MentionForm()
    if form.validate_on_submit():
        try:
            briefs.set_mention(
                Format(form.format.data), effective_on=form.effective_on.data,
                text_fr=form.text_fr.data or "", text_en=form.text_en.data or "",
                source=form.source.data or "",
            )  # fmt: skip
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for("mentions_console.everything"))
    page = render_template(
        "campaigns/console/mentions.html", form=form, mentions=briefs.mentions(), formats=FORMATS
    )
    return page, 422 if form.is_submitted() else 200
