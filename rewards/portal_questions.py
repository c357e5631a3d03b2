"""The ambassadors' door of questions: ask about a purchase with one click, read the answers."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from core.db import db
from core.errors import InvalidInputError
from core.web import is_local_path
from rewards import questions
from rewards.models import QuestionKind
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_questions", __name__, url_prefix="/portal"), permissions.AMBASSADOR
)


@door.get("/questions")
def everything() -> ResponseReturnValue:
    """Show what I asked and what the team answered."""
    return render_template("rewards/portal/questions.html", questions=questions.everything(me().id))


@door.post("/questions/read")
def read() -> ResponseReturnValue:
    """Note that I read the answers."""
    questions.mark_read(me().id)
    db.session.commit()
    return redirect(url_for("rewards_portal.home"), code=303)


@door.post("/purchases/<int:purchase_id>/question")
def ask(purchase_id: int) -> ResponseReturnValue:
    """Ask the team about a purchase of my list."""
    kind = request.form.get("kind", "")
    if kind not in set(QuestionKind):
        raise InvalidInputError(_("Choose a question or an objection."))
    ambassador_id = me().id
    questions.limit(ambassador_id)
    questions.ask(ambassador_id, purchase_id, QuestionKind(kind), request.form.get("text", ""))
    db.session.commit()
    flash(_("Sent. The team answers here and by e-mail."))
    back = request.form.get("next", "")
    return redirect(back if is_local_path(back) else url_for(".everything"), code=303)
