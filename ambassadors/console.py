"""The staff's door of the ambassadors room: the list, the forms, and the program's rules.

The page of one ambassador shows earnings, so it is in the rewards room.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import IO, TypeVar

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import directory, enrolment, members, program
from ambassadors.directory import Search
from ambassadors.forms import (
    KINDS,
    STATUSES,
    AmbassadorForm,
    NewAmbassadorForm,
    ProgramForm,
    StatusForm,
    of_ambassador,
)
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from core import forms, sheets
from core.db import db
from core.errors import DomainError, InvalidInputError
from core.web import row_asked

PAGE = 50
_IN_MEMORY = 4 * 1024 * 1024  # bytes
_PIECE = 64 * 1024  # bytes
Word = TypeVar("Word", bound=StrEnum)

door = permissions.guard(
    Blueprint("ambassadors_console", __name__, url_prefix="/console"), permissions.STAFF
)


@door.get("/ambassadors")
def people() -> ResponseReturnValue:
    """Show ambassadors: searched, narrowed, page by page."""
    search = _search()
    before = row_asked("before")
    found = directory.ambassadors(search, before=before, limit=PAGE + 1)
    return render_template(
        "ambassadors/console/people.html",
        people=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        search=search, counts=directory.counts(), kinds=KINDS, statuses=STATUSES, before=before,
    )  # fmt: skip


@door.post("/ambassadors/export")
@permissions.allow(permissions.MARKETER)
def export() -> ResponseReturnValue:
    """Send the list as CSV; the audit log keeps who took it."""
    search = _search()
    details = {"text": bool(search.text), "status": search.status, "kind": search.kind}
    audit.record("ambassador.export", "ambassador", "many", details)
    db.session.commit()
    head = [
        "ambassador", "external_id", "name", "email", "kind", "status", "country", "locale",
        "joined_on", "enrolled_at",
    ]  # fmt: skip
    # Kept on disk when long: a list read while it is sent would hold the write lock of SQLite.
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed when it is sent
    for text in sheets.lines(head, _rows(search)):
        file.write(text.encode())
    file.seek(0)
    answer = Response(_pieces(file), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="ambassadors.csv"'
    return answer


@door.route("/ambassadors/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Enrol somebody."""
    form = NewAmbassadorForm()
    if form.validate_on_submit():
        try:
            ambassador, link = _enrol(form)
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            _tell_access(form.has_access.data, link)
            return redirect(url_for("rewards_console.ambassador", ambassador_id=ambassador.id))
    page = render_template("ambassadors/console/form.html", form=form, ambassador=None)
    return page, 422 if form.is_submitted() else 200


@door.route("/ambassadors/<int:ambassador_id>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(ambassador_id: int) -> ResponseReturnValue:
    """Change what is known of an ambassador."""
    ambassador = enrolment.get(ambassador_id)
    form = AmbassadorForm(data=None if request.method == "POST" else of_ambassador(ambassador))
    if form.validate_on_submit():
        try:
            members.change(ambassador.member, form.person())
            enrolment.change_kind(ambassador, AmbassadorKind(form.kind.data))
            audit.record("member.change", "member", ambassador.member_id, {})
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            return redirect(url_for("rewards_console.ambassador", ambassador_id=ambassador_id))
    page = render_template("ambassadors/console/form.html", form=form, ambassador=ambassador)
    return page, 422 if form.is_submitted() else 200


@door.post("/ambassadors/<int:ambassador_id>/status")
@permissions.allow(permissions.MARKETER)
def change_status(ambassador_id: int) -> ResponseReturnValue:
    """Suspend, activate, or note that somebody left."""
    ambassador = enrolment.get(ambassador_id)
    form = StatusForm()
    if not form.validate_on_submit():
        raise InvalidInputError(_("Choose what to do."))
    reason = form.reason.data or ""
    if form.act.data == "suspend":
        enrolment.suspend(ambassador, reason=reason)
    elif form.act.data == "leave":
        enrolment.leave(ambassador, reason=reason)
    else:
        enrolment.reactivate(ambassador, reason=reason)
    db.session.commit()
    flash(_("Done: it counts from now on."))
    return redirect(url_for("rewards_console.ambassador", ambassador_id=ambassador_id))


@door.post("/ambassadors/<int:ambassador_id>/access")
@permissions.allow(permissions.MARKETER)
def give_access(ambassador_id: int) -> ResponseReturnValue:
    """Mail an ambassador the way into the portal."""
    ambassador = enrolment.get(ambassador_id)
    link = enrolment.give_access(ambassador)
    db.session.commit()
    _tell_access(True, link)
    return redirect(url_for("rewards_console.ambassador", ambassador_id=ambassador_id))


@door.route("/settings/program", methods=["GET", "POST"])
@permissions.allow(permissions.ADMIN)
def settings() -> ResponseReturnValue:
    """Show and change the program's rules."""
    form = ProgramForm(data=None if request.method == "POST" else program.texts())
    if form.validate_on_submit():
        try:
            program.set_rules({name: form[name].data or "" for name in program.NAMES})
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved: the rules count from now on."))
            return redirect(url_for("ambassadors_console.settings"))
    page = render_template("ambassadors/console/settings.html", form=form)
    return page, 422 if form.is_submitted() else 200


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _enrol(form: NewAmbassadorForm) -> tuple[Ambassador, str | None]:
    known = members.find(email=form.email.data, external_id=form.external_id.data)
    if known is not None and known.ambassador is None:
        members.change(known, form.person())
    member = known or members.create(form.person())
    ambassador = enrolment.enrol(member, kind=AmbassadorKind(form.kind.data))
    link = enrolment.give_access(ambassador) if form.has_access.data else None
    db.session.commit()
    return ambassador, link


def _tell_access(is_given: bool, link: str | None) -> None:
    if is_given and link:
        flash(_("We mailed them this link, valid 7 days: %(link)s", link=link))
    elif is_given:
        flash(_("We mailed them a link to sign in."))


def _search() -> Search:
    return Search(
        text=request.values.get("q", "")[:200],
        status=_word(AmbassadorStatus, request.values.get("status")),
        kind=_word(AmbassadorKind, request.values.get("kind")),
    )


def _word(words: type[Word], text: str | None) -> Word | None:
    return words(text) if text in set(words) else None


def _rows(search: Search) -> Iterator[list[str | int | None]]:
    for one in directory.every_ambassador(search):
        member = one.member
        yield [
            one.id, member.external_id, member.name, member.email, one.kind.value,
            one.status.value, member.country, member.locale, member.joined_on.isoformat(),
            one.enrolled_at.isoformat(),
        ]  # fmt: skip
