"""The staff's door of NPS: the figure with its interval, and a form for a file of scores."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, identities, permissions
from core import clock, i18n
from core.db import db
from core.errors import DomainError
from integrations.tables import Row, Table
from referrals import nps, nps_files
from rewards import uploads

FOLDER = "uploads-nps"
LATELY = timedelta(days=365)
MOST_REFUSED = 50  # lines on the page; the command writes all into a file

door = permissions.guard(
    Blueprint("nps_console", __name__, url_prefix="/console/nps"), permissions.STAFF
)


@door.get("")
def show() -> str:
    """Show the figure of the last year."""
    return _page([])


@door.post("")
@permissions.allow(permissions.MARKETER)
def upload() -> ResponseReturnValue:
    """Record the scores of a file; show the lines that were refused."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash(_("Choose a file first."), "error")
        return redirect(url_for(".show"), code=303)
    kept = uploads.keep(file, FOLDER)
    refused: list[Row] = []
    try:
        counts = nps_files.take(
            Table(kept.path), source=request.form.get("source", "").strip()[:40] or "shopify",
            refuse=refused.append, end=db.session.commit,
        )  # fmt: skip
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
        return redirect(url_for(".show"), code=303)
    finally:
        uploads.forget(kept.path)
    if counts["created"]:
        audit.record("nps.import", "nps", kept.name[:100], dict(counts))
        db.session.commit()
    flash(
        _("Recorded: %(new)s new, %(known)s known already, %(rejected)s refused.",
          new=i18n.number(counts["created"]), known=i18n.number(counts["unchanged"]),
          rejected=i18n.number(counts["rejected"]))
    )  # fmt: skip
    return (_page(refused), 422) if refused else redirect(url_for(".show"), code=303)


def _page(refused: list[Row]) -> str:
    return render_template(
        "rewards/console/nps.html",
        figures=nps.figures(clock.now() - LATELY), fewest=nps.FEWEST,
        refused=refused[:MOST_REFUSED], more=max(0, len(refused) - MOST_REFUSED),
        may_import=permissions.authorize(identities.current(), permissions.MARKETER),
    )  # fmt: skip
