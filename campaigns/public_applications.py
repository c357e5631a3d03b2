"""The door on which anyone applies to a campaign, and reads the charter.

An answer is the same whether the address is known or not, and guesses are
counted per network, so the page tells nobody who applied.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import applications, charter, program
from ambassadors.forms_applications import ApplyForm, application_form
from ambassadors.models_recruiting import ApplicationPage
from campaigns import campaigns, wording
from campaigns import terms as campaign_terms
from campaigns.models import Campaign, CampaignStatus
from core import forms, i18n, limits
from core.db import db
from core.errors import DomainError, NotFoundError, TooManyError

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
IN_A_MINUTE, IN_AN_HOUR = 10, 100  # applications of one network

door = permissions.guard(Blueprint("applications", __name__), permissions.PUBLIC)


@door.route("/apply/<slug>", methods=["GET", "POST"])
def apply(slug: str) -> ResponseReturnValue:
    """Show the application page of a campaign, and take an application."""
    campaign, page = _open_page(slug)
    accepted = charter.current()
    version = accepted.version if accepted else 0
    questions = applications.questions_of(page)
    form = application_form(questions, i18n.language(), version)
    if not form.validate_on_submit():
        return _shown(form, campaign, page), 422 if form.is_submitted() else 200
    campaign_id = campaign.id
    try:
        _require_room()
        sent = form.sent(questions, i18n.language())
        applications.apply(campaign_id, sent, brand=program.current().name)
        db.session.commit()
    except TooManyError as error:
        db.session.rollback()
        form.form_errors.append(error.detail)
        return _shown(form, *_open_page(slug)), 429, {"Retry-After": str(error.retry_after)}
    except DomainError as error:
        db.session.rollback()
        form.version.data = str(version)
        forms.show(form, error)
        return _shown(form, *_open_page(slug)), 422
    return redirect(url_for(".thanks", slug=slug), code=303)


@door.get("/apply/<slug>/thanks")
def thanks(slug: str) -> ResponseReturnValue:
    """Say thank you, to everybody in the same words."""
    campaign, page = _open_page(slug)
    return render_template(
        "campaigns/public_applications/thanks.html", campaign=campaign, title=_title(page)
    )


@door.get("/charter")
def read_charter() -> ResponseReturnValue:
    """Show the charter in force, or the version that an application names."""
    version = request.args.get("version", type=int)
    wanted = charter.current()
    if version is not None:
        wanted = charter.of_version(version) if 0 < version < 2**31 else None
    if wanted is None:
        raise NotFoundError(_("There is no such charter."))
    return render_template(
        "campaigns/public_applications/charter.html",
        charter=wanted, lines=charter.text_in(wanted, i18n.language()).splitlines(),
    )  # fmt: skip


def _open_page(slug: str) -> tuple[Campaign, ApplicationPage]:
    """Return a campaign on which one can apply; any other is not found."""
    campaign = campaigns.find(slug)
    page = applications.page_of(campaign.id) if campaign else None
    if campaign is None or page is None or not page.is_open:
        raise NotFoundError(_("Nobody can apply here at the moment."))
    if campaign.status is CampaignStatus.ENDED:
        raise NotFoundError(_("Nobody can apply here at the moment."))
    return campaign, page


def _require_room() -> None:
    caller = limits.network(request.remote_addr)
    limits.hit("application", caller, limit=IN_A_MINUTE, per=_MINUTE)
    limits.hit("application", caller, limit=IN_AN_HOUR, per=_HOUR)


def _shown(form: ApplyForm, campaign: Campaign, page: ApplicationPage) -> str:
    terms = campaign_terms.in_force(campaign)
    accepted = charter.current()
    return render_template(
        "campaigns/public_applications/apply.html",
        form=form, campaign=campaign, page=page, title=_title(page),
        intro=page.intro_fr if i18n.language() == "fr" else page.intro_en,
        answers=[field for field in form if field.name.startswith("answer_")],
        charter_version=accepted.version if accepted else None,
        benefits=[wording.benefit(gets, campaign.currency) for gets in terms.benefits],
        reward=wording.reward(terms.reward, campaign.currency, is_own=True),
    )  # fmt: skip


def _title(page: ApplicationPage) -> str:
    return page.title_fr if i18n.language() == "fr" else page.title_en
