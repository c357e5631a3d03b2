"""The staff's door of saved views: keep, rename and delete one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from core.db import db
from core.errors import DomainError
from reports import views

door = permissions.guard(
    Blueprint("views", __name__, url_prefix="/console/reports/views"), permissions.STAFF
)


@door.post("")
def save() -> ResponseReturnValue:
    """Keep the present address of a report page."""
    path, query = request.form.get("path", ""), request.form.get("query", "")
    try:
        views.save(
            request.form.get("name", ""), path=path, query=query,
            is_shared=request.form.get("shared") == "1",
        )  # fmt: skip
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("The view is saved."))
    return redirect(_back(path, query), code=303)


@door.post("/<int:view_id>/rename")
def rename(view_id: int) -> ResponseReturnValue:
    """Give a view another name."""
    url = views.rename(view_id, request.form.get("name", ""))
    db.session.commit()
    flash(_("The view has its new name."))
    return redirect(url, code=303)


@door.post("/<int:view_id>/delete")
def delete(view_id: int) -> ResponseReturnValue:
    """Delete a view."""
    url = views.delete(view_id)
    db.session.commit()
    flash(_("The view is deleted."))
    return redirect(url, code=303)


def _back(path: str, query: str) -> str:
    """Return the page that the form was on, and never another site's."""
    try:
        return views.checked(path, query)
    except DomainError:
        return "/console/reports/cac"
