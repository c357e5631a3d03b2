"""The public door of a message's last line: not now, or unsubscribe, without signing in.

Opening the link changes nothing, for mail scanners follow links.  A mail
program's own button posts here (RFC 8058), so a POST without words unsubscribes.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import permissions
from ambassadors import choices
from core import clock
from core.db import db

door = permissions.guard(Blueprint("unsubscribe", __name__), permissions.PUBLIC)

_ACTS = {
    "not_now": choices.snooze,
    "wake": choices.wake,
    "subscribe": choices.subscribe,
}


@door.get("/unsubscribe/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show what a member can decide about messages."""
    member = choices.owner(token)
    return render_template(
        "ambassadors/public/unsubscribe.html",
        choice=choices.of_member(member.id), token=token, now=clock.now(),
    )  # fmt: skip


@door.post("/unsubscribe/<token>")
def decide(token: str) -> ResponseReturnValue:
    """Do as the member says; a mail program's click says nothing more than to unsubscribe."""
    member = choices.owner(token)
    _ACTS.get(request.form.get("act", ""), choices.unsubscribe)(member)
    db.session.commit()
    return redirect(url_for(".show", token=token), code=303)
