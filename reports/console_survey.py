"""The staff's door of the survey: what customers answer, and which channel each answer names."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from ambassadors import program
from campaigns import wording
from core import clock
from core.db import db, writing
from core.errors import DomainError
from referrals import survey
from referrals.forms_survey import WORDS
from reports import answers, campaigns, engine

door = permissions.guard(
    Blueprint("survey", __name__, url_prefix="/console/survey"), permissions.STAFF
)

MOST = 200  # answers on the page; whoever gives these a channel sees the next


@door.get("")
def show() -> str:
    """Show the answers by count, those without a channel first."""
    present = clock.local_month(clock.now(), program.current().timezone)
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    found = answers.found(copy, campaigns.whole_life(copy, present))
    return render_template(
        "reports/console/survey.html", rows=found[:MOST], more=max(0, len(found) - MOST),
        channels=answers.by_channel(found), channel_words=wording.channel, words=WORDS,
        waiting=sum(one.channel is None for one in found),
        known=sorted({*wording.CHANNELS, *survey.CHOICES.values()} - {"unattributed"}),
        may_map=permissions.authorize(identities.current(), permissions.MARKETER),
    )  # fmt: skip


@door.post("")
@permissions.allow(permissions.MARKETER)
def give() -> ResponseReturnValue:
    """Give an answer a channel, for past and future orders alike."""
    try:
        with writing():
            name = survey.give_channel(
                request.form.get("answer", ""), request.form.get("channel", "")
            )
            db.session.commit()
    except DomainError as error:
        flash(error.detail, "error")
    else:
        flash(_("This answer counts for %(channel)s now.", channel=wording.channel(name)))
    return redirect(url_for("survey.show"), code=303)
