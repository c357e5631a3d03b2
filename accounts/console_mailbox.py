"""The mailbox of a demo: what would have gone out by e-mail, to be looked at."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from core.errors import NotFoundError
from integrations import mail

door = permissions.guard(
    Blueprint("mailbox", __name__, url_prefix="/console/mailbox"), permissions.ADMIN
)


@door.get("")
def show() -> ResponseReturnValue:
    """Show the messages that the fake kept; nowhere else than in demo and development."""
    settings = current_app.extensions["settings"]
    if not mail.uses_fake(settings):
        raise NotFoundError(_("There is no such page."))
    return render_template("accounts/console/mailbox.html", messages=mail.kept(settings))
