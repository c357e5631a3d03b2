"""The staff's door of the charter: the version in force, and the form of the next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import charter
from ambassadors.forms_applications import CharterForm
from core import forms
from core.db import db
from core.errors import DomainError

door = permissions.guard(
    Blueprint("charter_console", __name__, url_prefix="/console/charter"), permissions.MARKETER
)


@door.route("", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Show the charter in force, and publish another version."""
    known = charter.current()
    texts = {"text_en": known.text_en, "text_fr": known.text_fr} if known else None
    form = CharterForm(data=None if request.method == "POST" else texts)
    if form.validate_on_submit():
        try:
            charter.publish(text_en=form.text_en.data or "", text_fr=form.text_fr.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Published. Who applies from now on accepts this version."))
            return redirect(url_for(".edit"))
    page = render_template("ambassadors/console_charter/edit.html", form=form, known=known)
    return page, 422 if form.is_submitted() else 200
