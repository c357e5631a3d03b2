"""The staff's door of one member: circles, tags, notes, asks and gives, what happened."""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, identities, permissions
from ambassadors import bulk, choices, circles, guard, members, tags, timeline
from ambassadors.forms_lists import ACTS
from ambassadors.models import SuppressionReason
from core.db import db
from core.errors import DomainError
from core.web import row_asked

door = permissions.guard(
    Blueprint("members_console", __name__, url_prefix="/console"), permissions.STAFF
)


@door.get("/members/<int:member_id>")
def one(member_id: int) -> ResponseReturnValue:
    """Show what we know of a member, beside their earnings."""
    member = members.get(member_id)
    asks, gives = guard.balance(member.id)
    return render_template(
        "ambassadors/console/member.html",
        member=member, tags=tags.of_member(member.id), notes=tags.notes(member.id),
        circles=circles.of_member(member.id), choice=choices.of_member(member.id),
        contacts=guard.contacts(member.id), asks=asks, gives=gives,
        spared=guard.spared([member.id]).get(member.id), reasons=guard.WORDS,
        moments=timeline.of_member(member.id), moment_words=timeline.WORDS,
        key=secrets.token_hex(16),
    )  # fmt: skip


@door.post("/members/<int:member_id>/<act>")
@permissions.allow(permissions.MARKETER)
def change(member_id: int, act: str) -> ResponseReturnValue:
    """Tag, untag, write a note, take one away, or write down a give."""
    member = members.get(member_id)
    text = " ".join(request.form.get("text", "").split())[:100]
    try:
        if act == "tag":
            tags.tag([member.id], text)
        elif act == "untag":
            tags.untag([member.id], text)
        elif act == "note":
            user_id = identities.current().user_id
            tags.write_note(member.id, request.form.get("text", ""), user_id=user_id)
        elif act == "unnote":
            tags.remove_note(member.id, int(text) if text.isdecimal() and len(text) < 19 else 0)
        elif act == "give" and text:
            guard.gave([member.id], what=text, key=f"given:{request.form.get('key', '')[:64]}")
        audit.record("member.mark", "member", member.id, {"act": act})
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "warning")
    return redirect(url_for(".one", member_id=member_id))


@door.get("/acts")
def acts() -> ResponseReturnValue:
    """Show the latest acts on lists, each with its way back."""
    return render_template(
        "ambassadors/console/acts.html",
        acts=bulk.recent(),
        words=ACTS, circles=circles.names(),
    )  # fmt: skip


@door.post("/acts/<int:act_id>/undo")
@permissions.allow(permissions.MARKETER)
def undo(act_id: int) -> ResponseReturnValue:
    """Take an act on a list back."""
    count = bulk.undo(bulk.find(act_id))
    db.session.commit()
    flash(_("Taken back for %(count)s people.", count=count))
    return redirect(url_for(".acts"))


@door.get("/suppressions")
def suppressions() -> ResponseReturnValue:
    """Show the addresses that get no messages."""
    asked = request.args.get("reason")
    known = {one.value: one for one in SuppressionReason}
    return render_template(
        "ambassadors/console/suppressions.html",
        rows=choices.suppressions(known.get(asked or ""), before=row_asked("before"), limit=100),
        reason=known.get(asked or ""), words=choices.WORDS,
    )  # fmt: skip


@door.post("/suppressions/<int:suppression_id>/lift")
@permissions.allow(permissions.MARKETER)
def lift(suppression_id: int) -> ResponseReturnValue:
    """Let an address that bounced get messages again."""
    choices.lift(suppression_id)
    db.session.commit()
    flash(_("This address gets messages again."))
    return redirect(url_for(".suppressions"))
