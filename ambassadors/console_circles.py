"""The staff's door of circles: the list, one circle with its seats and its waiting list."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import circles, directory, members
from ambassadors.forms_lists import CircleForm, number, of_circle
from ambassadors.models import Circle, SeatState
from core import forms
from core.db import db, retried
from core.errors import DomainError
from core.web import row_asked

PAGE = 50
FOUND = 10  # people of a search

door = permissions.guard(
    Blueprint("circles_console", __name__, url_prefix="/console/circles"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show all circles."""
    return render_template("ambassadors/console/circles.html", circles=circles.everything())


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Add a circle."""
    form = CircleForm()
    if form.validate_on_submit():
        try:
            circle = circles.create(
                form.name.data, purpose=form.purpose.data or "", capacity=number(form.capacity)
            )
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("The circle is there: put the first members in."))
            return redirect(url_for(".one", circle_id=circle.id))
    return _form_page(form, None)


@door.get("/<int:circle_id>")
def one(circle_id: int) -> ResponseReturnValue:
    """Show who is in a circle, who waits, and who fits a search."""
    circle = circles.find(circle_id)
    text = request.args.get("q", "")[:100]
    after = row_asked("after") or 0
    seated = circles.people(circle.id, SeatState.SEATED, after=after, limit=PAGE + 1)
    found = directory.members_after(text, after=0, limit=FOUND) if text.strip() else []
    return render_template(
        "ambassadors/console/circle.html",
        circle=circle, seated=seated[:PAGE], text=text, found=found, after=after,
        waiting=circles.people(circle.id, SeatState.WAITING, limit=PAGE),
        next_after=seated[PAGE - 1][0].id if len(seated) > PAGE else None,
    )  # fmt: skip


@door.route("/<int:circle_id>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(circle_id: int) -> ResponseReturnValue:
    """Change a circle."""
    circle = circles.find(circle_id)
    form = CircleForm(data=None if request.method == "POST" else of_circle(circle))
    if form.validate_on_submit():
        try:
            circles.change(
                circle, name=form.name.data, purpose=form.purpose.data or "",
                capacity=number(form.capacity),
            )  # fmt: skip
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for(".one", circle_id=circle_id))
    return _form_page(form, circles.find(circle_id))


@door.post("/<int:circle_id>/join")
@permissions.allow(permissions.MARKETER)
@retried
def join(circle_id: int) -> ResponseReturnValue:
    """Give a member a seat, or a place in the line."""
    circle, member = circles.find(circle_id), members.get(_member_asked())
    state = circles.join(circle, member.id)
    audit.record("circle.join", "circle", circle_id, {"member": member.id, "state": state.value})
    db.session.commit()
    if state is SeatState.SEATED:
        flash(_("%(name)s has a seat.", name=member.name))
    else:
        flash(_("The circle is full: %(name)s waits in line.", name=member.name))
    return redirect(url_for(".one", circle_id=circle_id))


@door.post("/<int:circle_id>/leave")
@permissions.allow(permissions.MARKETER)
@retried
def leave(circle_id: int) -> ResponseReturnValue:
    """Take a member out of a circle or its line."""
    circle, member = circles.find(circle_id), members.get(_member_asked())
    if circles.leave(circle, member.id):
        audit.record("circle.leave", "circle", circle_id, {"member": member.id})
    db.session.commit()
    flash(_("Done."))
    return redirect(url_for(".one", circle_id=circle_id))


def _member_asked() -> int:
    text = request.form.get("member", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _form_page(form: CircleForm, circle: Circle | None) -> ResponseReturnValue:
    page = render_template("ambassadors/console/circle-form.html", form=form, circle=circle)
    return page, 422 if form.is_submitted() else 200
