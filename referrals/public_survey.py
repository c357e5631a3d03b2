"""The public door of the survey: one question behind the link of an order mail.

No cookie is needed and nothing of the order is shown, so whoever was sent the mail on learns
nothing.  Opening the link records nothing, for mail scanners follow links.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import permissions
from core import clock, limits
from core.db import db
from referrals import survey
from referrals.forms_survey import HeardForm
from referrals.models_survey import ToldBy

door = permissions.guard(Blueprint("heard", __name__), permissions.PUBLIC)

IN_A_MINUTE = 30  # answers of one network


@door.get("/heard/<token>")
def ask(token: str) -> ResponseReturnValue:
    """Ask how somebody heard about the brand, with what they answered before."""
    known = survey.answer_of(survey.asked(token).id)
    form = HeardForm.of(known.answer if known else None)
    return render_template("referrals/public_survey/ask.html", form=form, is_answered=bool(known))


@door.post("/heard/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Keep the answer."""
    purchase_id = survey.asked(token).id
    form = HeardForm()
    if not form.validate():
        page = render_template("referrals/public_survey/ask.html", form=form, is_answered=False)
        return page, 422
    limits.hit(
        "survey", limits.network(request.remote_addr), limit=IN_A_MINUTE, per=timedelta(minutes=1)
    )
    survey.answer(purchase_id, form.told(), ToldBy.LINK)
    db.session.commit()
    return redirect(url_for(".thank", token=token), code=303)


@door.get("/heard/<token>/thanks")
def thank(token: str) -> ResponseReturnValue:
    """Say thank you, and until when the answer can be changed."""
    until = survey.asked(token).occurred_at + survey.OPEN
    return render_template(
        "referrals/public_survey/thanks.html", token=token, days=(until - clock.now()).days
    )
