"""The marketers' door of missions and badges: set them, decide proofs, give and take back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import identities, permissions
from ambassadors import program
from core import forms
from core.db import db, retried
from core.errors import DomainError, InvalidInputError, NotFoundError
from rewards import badges, mission_takes, missions
from rewards import wording_missions as wording
from rewards.console import ambassador_meant
from rewards.forms_missions import BadgeForm, MissionForm, WhoForm
from rewards.forms_perks import ReasonForm
from rewards.models import OfferStatus

_ACTS = {"freeze": OfferStatus.FROZEN, "open": OfferStatus.ACTIVE}

door = permissions.guard(
    Blueprint("missions_console", __name__, url_prefix="/console/missions"), permissions.STAFF
)


@door.app_context_processor
def _words() -> dict[str, object]:
    return {"mission_words": wording}


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the proofs that wait, and the missions, the newest first."""
    return render_template(
        "rewards/console_missions/list.html",
        waiting=mission_takes.queue(), missions=missions.newest(), form=ReasonForm(formdata=None),
    )  # fmt: skip


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def new() -> ResponseReturnValue:
    """Set a mission."""
    form = MissionForm()
    form.offer()
    if form.validate_on_submit():
        try:
            mission = missions.create(form.terms())
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            form.offer()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for(".one", mission_id=mission.id), code=303)
    page = render_template(
        "rewards/console_missions/form.html", form=form, currency=program.current().currency
    )
    return page, 422 if form.is_submitted() else 200


@door.get("/<int:mission_id>")
def one(mission_id: int) -> ResponseReturnValue:
    """Show a mission and who did it."""
    return _page(mission_id, WhoForm(formdata=None))


@door.post("/<int:mission_id>")
@permissions.allow(permissions.MARKETER)
@retried
def give(mission_id: int) -> ResponseReturnValue:
    """Say that somebody did a mission, and give what it gives."""
    form = WhoForm()
    if form.validate_on_submit():
        try:
            mission_takes.give(mission_id, _meant(form), by=identities.current().name)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Given."))
            return redirect(url_for(".one", mission_id=mission_id), code=303)
    return _page(mission_id, form), 422


@door.post("/<int:mission_id>/<act>")
@permissions.allow(permissions.MARKETER)
def offer(mission_id: int, act: str) -> ResponseReturnValue:
    """Close a mission to new proofs, or open it again."""
    if act not in _ACTS:
        raise NotFoundError(_("There is nothing at this address."))
    missions.set_status(missions.get(mission_id), _ACTS[act])
    db.session.commit()
    return redirect(url_for(".one", mission_id=mission_id), code=303)


@door.post("/proofs/<int:take_id>/accept")
@permissions.allow(permissions.MARKETER)
@retried
def accept(take_id: int) -> ResponseReturnValue:
    """Accept a proof."""
    return _decided(lambda: mission_takes.accept(take_id, by=identities.current().name))


@door.post("/proofs/<int:take_id>/decline")
@permissions.allow(permissions.MARKETER)
@retried
def decline(take_id: int) -> ResponseReturnValue:
    """Decline a proof, with a reason that the ambassador reads."""
    reason = str(ReasonForm().reason.data or "")
    by = identities.current().name
    return _decided(lambda: mission_takes.decline(take_id, reason=reason, by=by))


@door.post("/proofs/<int:take_id>/reverse")
@permissions.allow(permissions.MARKETER)
@retried
def reverse(take_id: int) -> ResponseReturnValue:
    """Take back what a mission gave to somebody."""
    reason = str(ReasonForm().reason.data or "")
    by = identities.current().name
    return _decided(lambda: mission_takes.reverse(take_id, reason=reason, by=by))


@door.route("/badges", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def all_badges() -> ResponseReturnValue:
    """Show the badges, and add one."""
    form = BadgeForm()
    if form.validate_on_submit():
        badges.create(name_en=form.name_en.data, name_fr=form.name_fr.data)
        db.session.commit()
        flash(_("Saved."))
        return redirect(url_for(".all_badges"), code=303)
    page = render_template(
        "rewards/console_missions/badges.html",
        form=form, badges=badges.everything(), who=WhoForm(formdata=None),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.post("/badges/<int:badge_id>/<act>")
@permissions.allow(permissions.MARKETER)
@retried
def move_badge(badge_id: int, act: str) -> ResponseReturnValue:
    """Give a badge to somebody, or take it back."""
    if act not in {"give", "take-back"}:
        raise NotFoundError(_("There is nothing at this address."))
    ambassador_id = _meant(WhoForm())
    if act == "give":
        badges.give(badge_id, ambassador_id)
    else:
        badges.take_back(badge_id, ambassador_id)
    db.session.commit()
    flash(_("Saved."))
    return redirect(url_for(".all_badges"), code=303)


def _decided(decide: Callable[[], object]) -> ResponseReturnValue:
    """Decide a proof and go on with the queue; what cannot be is said there."""
    try:
        decide()
        db.session.commit()
    except (InvalidInputError, mission_takes.MissionError,
            mission_takes.ContractNeededError) as error:  # fmt: skip
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("Decided."))
    return redirect(url_for(".everything"), code=303)


def _meant(form: WhoForm) -> int:
    found = ambassador_meant(form.ambassador.data or "")
    if found is None:
        raise InvalidInputError(_("No ambassador has this code, e-mail address or id."))
    return found


def _page(mission_id: int, form: WhoForm) -> str:
    mission = missions.get(mission_id)
    return render_template(
        "rewards/console_missions/one.html",
        mission=mission, takes=mission_takes.of_mission(mission_id), form=form,
        reason=ReasonForm(formdata=None),
    )  # fmt: skip
