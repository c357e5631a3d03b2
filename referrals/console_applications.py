"""The staff's door of applications: the queue with what orders prove, and the decisions."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from accounts import permissions
from ambassadors import applications, profiles, program
from ambassadors.forms import KINDS
from ambassadors.forms_applications import DeclineForm
from ambassadors.models_recruiting import Application, ApplicationPage, ApplicationState, ProofState
from campaigns.models import Campaign
from core import forms
from core.db import db, retried
from core.errors import DomainError, NotFoundError
from core.web import row_asked
from referrals import proofs, recruiting

PAGE = 20
STATES = {
    ApplicationState.WAITING: _l("To decide"),
    ApplicationState.LISTED: _l("Waiting list"),
    ApplicationState.APPROVED: _l("Approved"),
    ApplicationState.DECLINED: _l("Declined"),
}
PROOFS = {
    ProofState.ASKED: _l("not checked"),
    ProofState.CHECKING: _l("being checked"),
    ProofState.PROVEN: _l("theirs"),
    ProofState.MISSING: _l("code not found"),
    ProofState.UNREACHABLE: _l("look yourself"),
}

door = permissions.guard(
    Blueprint("applications_console", __name__, url_prefix="/console/applications"),
    permissions.MARKETER,
)


@door.get("")
def queue() -> ResponseReturnValue:
    """Show applications, those to decide first, the oldest at the top."""
    asked = request.args.get("state")
    state = ApplicationState(asked) if asked in set(ApplicationState) else ApplicationState.WAITING
    pages = _pages()
    chosen = next((one for one, _page in pages if one.slug == request.args.get("campaign")), None)
    after = row_asked("after")
    found = applications.queue(
        chosen.id if chosen else None, state, after=after or 0, limit=PAGE + 1
    )
    shown = found[:PAGE]
    return render_template(
        "referrals/console_applications/queue.html",
        applications=shown, proofs=proofs.of_mailboxes({one.email_hash for one in shown}),
        next_after=found[PAGE - 1].id if len(found) > PAGE else None, after=after, state=state,
        states=STATES, counts=applications.counts(chosen.id if chosen else None), pages=pages,
        profiles=profiles.of_applications({one.id for one in shown}), proofs_words=PROOFS,
        chosen=chosen, names={campaign.id: campaign for campaign, _page in pages}, kinds=KINDS,
    )  # fmt: skip


@door.route("/<int:application_id>/decline", methods=["GET", "POST"])
def decline(application_id: int) -> ResponseReturnValue:
    """Ask for the reason, and refuse."""
    application = applications.get(application_id)
    if request.method == "GET" and application.state not in applications.OPEN:
        flash(_("This application was decided already."), "error")
        return _back(application)
    form = DeclineForm()
    if form.validate_on_submit():
        try:
            reason = form.reason.data or ""
            applications.decline(application, reason=reason, brand=program.current().name)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Declined. The mail goes out in 15 minutes; until then you can take it back."))
            return _back(application)
    page = render_template(
        "referrals/console_applications/decline.html",
        form=form, application=applications.get(application_id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


@door.post("/<int:application_id>/approve")
@retried
def approve(application_id: int) -> ResponseReturnValue:
    """Enrol the person with a code, a link and a way into the portal."""
    application = applications.get(application_id)
    try:
        recruiting.approve(application)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("%(name)s is an ambassador now, and was told by e-mail.", name=application.name))
    return _back(application)


@door.post("/<int:application_id>/<act>")
def move(application_id: int, act: str) -> ResponseReturnValue:
    """Put on the waiting list, or take a decision back."""
    application = applications.get(application_id)
    if act == "list":
        applications.put_on_list(application, brand=program.current().name)
        said = _("On the waiting list. The mail goes out in 15 minutes.")
    elif act == "take-back":
        is_withheld = applications.take_back(application)
        said = (
            _("Taken back before the mail went out: nobody was told.")
            if is_withheld
            else _("Taken back. The person had been told already: write to them.")
        )
    else:
        raise NotFoundError(_("There is nothing at this address."))
    db.session.commit()
    flash(said)
    return _back(application)


@door.post("/profiles/<int:profile_id>/<act>")
def prove(profile_id: int, act: str) -> ResponseReturnValue:
    """Have the worker look for the code on a profile's page, or note that a person saw it."""
    profile = profiles.get(profile_id)
    if act == "look":
        profiles.ask_check(profile)
        said = _("We look at the page within a minute. Come back to see what it showed.")
    elif act == "confirm":
        profiles.confirm(profile)
        said = _("Noted: the profile is theirs.")
    else:
        raise NotFoundError(_("There is nothing at this address."))
    application = applications.get(profile.application_id)
    db.session.commit()
    flash(said)
    return _back(application)


def _back(application: Application) -> ResponseReturnValue:
    campaign = db.session.get_one(Campaign, application.campaign_id)
    return redirect(url_for(".queue", campaign=campaign.slug), code=303)


def _pages() -> list[tuple[Campaign, ApplicationPage]]:
    """Return the campaigns that have an application page, the newest first."""
    query = (
        db.select(Campaign, ApplicationPage)
        .join(ApplicationPage, ApplicationPage.campaign_id == Campaign.id)
        .order_by(Campaign.id.desc())
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]
