"""The staff's door of ambassadors' questions: the queue, the answer, and the credit if due."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from core import forms
from core.db import db
from core.errors import DomainError
from core.web import row_asked
from rewards import earnings, questions, wording
from rewards.forms_portal import AnswerForm

PAGE = 50

door = permissions.guard(
    Blueprint("console_questions", __name__, url_prefix="/console/questions"), permissions.MARKETER
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the questions that wait, or those that were answered."""
    is_open = request.args.get("show") != "answered"
    found = questions.queue(is_open=is_open, after=row_asked("after"), limit=PAGE + 1)
    return render_template(
        "rewards/console/questions.html",
        questions=found[:PAGE], next_after=found[PAGE - 1].id if len(found) > PAGE else None,
        is_open=is_open, after=request.args.get("after"),
    )  # fmt: skip


@door.route("/<int:question_id>", methods=["GET", "POST"])
def one(question_id: int) -> ResponseReturnValue:
    """Show a question with what its ambassador reads, and answer it."""
    asked = questions.one(question_id)
    form = AnswerForm()
    if form.validate_on_submit():
        try:
            questions.answer(
                question_id, form.answer.data or "", by=identities.current().name,
                gives_credit=form.gives_credit.data,
            )  # fmt: skip
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Answered: they read it in their portal and in their mail."))
            return redirect(url_for(".everything"), code=303)
    seen = earnings.brought(asked.ambassador_id, limit=1, only=asked.purchase_id)
    page = render_template(
        "rewards/console/question.html",
        asked=asked, seen=seen[0] if seen else None, why=wording.why, form=form,
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200
