"""The staff's door of codes: the list, one code for one ambassador, freezing a leaked one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from accounts import permissions
from ambassadors import enrolment, members
from ambassadors.models import Ambassador
from campaigns import campaigns
from core import forms
from core.db import db
from core.errors import DomainError, Fault, InvalidInputError, NotFoundError
from core.web import row_asked
from referrals import (
    code_list,
    code_mails,
    code_requests,
    code_signals,
    code_story,
    codes,
    links,
)
from referrals.code_list import Search
from referrals.forms import FreezeForm, NewCodeForm
from referrals.models import Code, CodeStatus

PAGE = 50

door = permissions.guard(
    Blueprint("codes_console", __name__, url_prefix="/console/codes"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show codes: searched, narrowed, page by page."""
    asked = request.args.get("status")
    slug = request.args.get("campaign") or None
    chosen = campaigns.find(slug) if slug else None
    before = row_asked("before")
    search = Search(
        text=request.args.get("q", "")[:100],
        campaign_id=chosen.id if chosen else None,
        ambassador_id=row_asked("ambassador"),
        status=CodeStatus(asked) if asked in set(CodeStatus) else None,
    )
    found = code_list.page(search, before=before, limit=PAGE + 1)
    return render_template(
        "referrals/console/codes.html",
        codes=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before, search=search, slug=slug, campaigns=code_list.campaigns(),
        chosen=chosen, wishes=code_requests.count_waiting(), signals=code_signals.count_waiting(),
        total=code_list.count_by_campaign([chosen.id])[chosen.id] if chosen else None,
    )  # fmt: skip


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Give an ambassador a code, a link or both; a running campaign is chosen first."""
    asked = row_asked("ambassador")
    form = NewCodeForm(data=None if request.method == "POST" else {"ambassador": asked or ""})
    form.campaign.choices = [SelectChoice(slug, name) for slug, name in code_list.campaigns()]
    if form.validate_on_submit():
        try:
            owner = _owner(form.ambassador.data or "")
            _give(form, owner.id)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            _show(form, error)
        else:
            flash(_("Done: it can be shared now."))
            return redirect(url_for(".everything", ambassador=owner.id))
    page = render_template("referrals/console/new.html", form=form)
    return page, 422 if form.is_submitted() else 200


@door.route("/<int:code_id>/freeze", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def freeze(code_id: int) -> ResponseReturnValue:
    """Freeze a leaked code, and give its owner another."""
    code = db.session.get(Code, code_id)
    if code is None or code.status is CodeStatus.FROZEN:
        raise NotFoundError(_("There is no such active code."))
    suggested = {"replacement": codes.suggest_replacement(code)} if code.ambassador_id else None
    form = FreezeForm(data=None if request.method == "POST" else suggested)
    if form.validate_on_submit():
        try:
            _stop(code_id, form)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            _show(form, error, pointer="replacement")
        else:
            flash(_("The code is frozen. Earlier orders keep their credit."))
            return redirect(url_for("code_console.show", code_id=code_id))
    page = render_template(
        "referrals/console/freeze.html", form=form, code=code,
        figures=code_story.figures(code_id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _owner(text: str) -> Ambassador:
    wanted = text.strip()
    member = members.find(email=wanted, external_id=wanted)
    if member is not None and member.ambassador is not None:
        return member.ambassador
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 18:
        return enrolment.get(int(wanted))
    detail = _("No ambassador has this e-mail address, id or number.")
    raise InvalidInputError(detail, faults=[Fault("/ambassador", detail)])


def _give(form: NewCodeForm, ambassador_id: int) -> None:
    campaign = campaigns.get(form.campaign.data)
    text, slug = (form.code.data or "").strip(), (form.slug.data or "").strip()
    if not text and not slug:
        detail = _("Write a code, the end of a link, or both.")
        raise InvalidInputError(detail, faults=[Fault("/code", detail)])
    if text:
        codes.create(text, campaign_id=campaign.id, ambassador_id=ambassador_id)
    if slug:
        links.create(campaign_id=campaign.id, ambassador_id=ambassador_id, slug=slug)


def _stop(code_id: int, form: FreezeForm) -> None:
    reason = (form.reason.data or "").strip()
    wanted = (form.replacement.data or "").strip()
    old = codes.freeze(code_id, reason=reason)
    new = codes.create_replacement(old, wanted) if wanted else None
    code_signals.close(code_id)
    code_mails.stopped(old, new)


def _show(form: NewCodeForm | FreezeForm, error: DomainError, *, pointer: str = "code") -> None:
    """Put what a verb of codes or links refused at its field."""
    if not error.faults:
        at = "slug" if isinstance(error, links.InvalidSlugError) else pointer
        error.faults = [Fault(f"/{at}", error.detail)]
    forms.show(form, error)
