"""The ambassador's door to their own settings: messages and language."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_security import current_user

from accounts import identities, permissions
from ambassadors import choices, enrolment
from ambassadors.models import Ambassador
from core import clock, i18n
from core.db import db
from core.errors import NotFoundError

door = permissions.guard(
    Blueprint("ambassadors_portal", __name__, url_prefix="/portal"), permissions.AMBASSADOR
)

_ACTS = {
    "not_now": choices.snooze,
    "wake": choices.wake,
    "unsubscribe": choices.unsubscribe,
    "subscribe": choices.subscribe,
}


@door.get("/notifications")
def notifications() -> ResponseReturnValue:
    """Show what I get, and in which language."""
    me = _me()
    return render_template(
        "ambassadors/portal/notifications.html",
        member=me.member, choice=choices.of_member(me.member_id), now=clock.now(),
    )  # fmt: skip


@door.post("/notifications")
def decide() -> ResponseReturnValue:
    """Not now, unsubscribe, or get messages again."""
    act = _ACTS.get(request.form.get("act", ""))
    if act is None:
        raise NotFoundError(_("There is nothing at this address."))
    act(_me().member)
    db.session.commit()
    flash(_("Done: it counts from now on."))
    return redirect(url_for(".notifications"))


@door.post("/notifications/language")
def speak() -> ResponseReturnValue:
    """Choose the language of my messages and of my pages."""
    language = request.form.get("language", "")
    if language not in i18n.LANGUAGES:
        raise NotFoundError(_("There is nothing at this address."))
    _me().member.locale = language
    current_user.locale = language
    db.session.commit()
    with force_locale(language):
        flash(_("Saved."))
    return redirect(url_for(".notifications", lang=language))


def _me() -> Ambassador:
    """Return the ambassador who is signed in.

    Raises:
        NotFoundError: They have the role, and no ambassador is theirs.
    """
    found = enrolment.of_user(identities.current().user_id)
    if found is None:
        raise NotFoundError(_("Your account is not linked to an ambassador yet. Ask the team."))
    return found
