"""The staff's door of what ambassadors published: see it, and thank for it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from core.db import db
from core.web import row_asked
from referrals import content_links

PAGE = 50

door = permissions.guard(
    Blueprint("console_content", __name__, url_prefix="/console/content"), permissions.MARKETER
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the links that nobody has seen yet, or those that were thanked for."""
    is_new = request.args.get("show") != "seen"
    found = content_links.queue(is_new=is_new, before=row_asked("before"), limit=PAGE + 1)
    return render_template(
        "rewards/console/content.html",
        contents=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        is_new=is_new, before=request.args.get("before"),
    )  # fmt: skip


@door.post("/<int:content_id>/thank")
def thank(content_id: int) -> ResponseReturnValue:
    """Note that it was seen, with some words if one likes."""
    content_links.thank(content_id, request.form.get("thanks", ""), by=identities.current().name)
    db.session.commit()
    flash(_("Thanked: they read it in their portal."))
    return redirect(url_for(".everything"), code=303)
