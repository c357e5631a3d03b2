"""The ambassadors' door of missions: what there is to do, what it gives, how far I am."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from core import forms
from core.db import db, retried
from core.errors import DomainError, NotFoundError
from rewards import badges, mission_takes, missions
from rewards.forms_missions import ProofForm
from rewards.models_missions import TakeState
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_missions", __name__, url_prefix="/portal/missions"), permissions.AMBASSADOR
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the missions of my campaigns, and my badges."""
    ambassador_id = me().id
    return render_template(
        "rewards/portal_missions/list.html",
        offered=missions.offered(ambassador_id), badges=badges.of_ambassador(ambassador_id),
    )  # fmt: skip


@door.get("/<int:mission_id>")
def one(mission_id: int) -> ResponseReturnValue:
    """Show a mission of mine: what to do, what it gives, what became of it."""
    return _page(mission_id, ProofForm(formdata=None))


@door.post("/<int:mission_id>")
def hand_in(mission_id: int) -> ResponseReturnValue:
    """Hand in the proof of a mission."""
    form, ambassador_id = ProofForm(), me().id
    if not form.validate_on_submit():
        return _page(mission_id, form), 422
    mission_takes.limit(ambassador_id)
    return _handed_in(mission_id, ambassador_id, form)


@retried
def _handed_in(mission_id: int, ambassador_id: int, form: ProofForm) -> ResponseReturnValue:
    try:
        take = mission_takes.hand_in(mission_id, ambassador_id, form.text.data)
        is_done = take.state is TakeState.DONE
        db.session.commit()
    except NotFoundError:
        raise
    except DomainError as error:
        db.session.rollback()
        forms.show(form, error)
        if not form.text.errors:
            form.text.errors = [error.detail]
        return _page(mission_id, form), 422
    flash(_("Done. Thank you.") if is_done else _("Handed in. The team looks at it; thank you."))
    return redirect(url_for(".one", mission_id=mission_id), code=303)


def _page(mission_id: int, form: ProofForm) -> str:
    found = missions.find(mission_id, me().id)
    return render_template("rewards/portal_missions/one.html", one=found, form=form)
