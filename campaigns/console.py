"""The staff's door of campaigns: the list and the plain form; what one brought is in reports."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from campaigns import campaigns, wording
from campaigns import terms as campaign_terms
from campaigns.forms import CampaignForm, ChangeForm, NewCampaignForm, of_campaign, terms_of
from campaigns.models import CampaignStatus
from core import forms
from core.db import db
from core.errors import DomainError, NotFoundError
from core.web import row_asked

PAGE = 50
_ACTS = {"start": campaigns.start, "pause": campaigns.pause, "end": campaigns.end}

door = permissions.guard(
    Blueprint("campaigns_console", __name__, url_prefix="/console/campaigns"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the campaigns, the newest first."""
    asked = request.args.get("status")
    status = CampaignStatus(asked) if asked in set(CampaignStatus) else None
    before = row_asked("before")
    found = campaigns.newest(status=status, before=before, limit=PAGE + 1)
    return render_template(
        "campaigns/console/list.html",
        campaigns=[(one, _last_day(one.ends_at)) for one in found[:PAGE]],
        next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before, status=status, statuses=wording.STATUSES, objectives=wording.OBJECTIVES,
    )  # fmt: skip


@door.route("/new", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def create() -> ResponseReturnValue:
    """Set a campaign up."""
    rules = program.current()
    form = NewCampaignForm(
        data=None if request.method == "POST" else {"hold_days": str(rules.hold_days)}
    )
    if form.validate_on_submit():
        try:
            decided = terms_of(form, currency=rules.currency, timezone=rules.timezone, before=None)
            campaign = campaigns.create((form.slug.data or "").strip(), decided)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("The campaign is a draft: read its terms, then start it."))
            return redirect(url_for("overview.campaign", slug=campaign.slug))
    return _form_page(form, None, rules.currency)


@door.route("/<slug>/edit", methods=["GET", "POST"])
@permissions.allow(permissions.MARKETER)
def edit(slug: str) -> ResponseReturnValue:
    """Change a campaign's terms."""
    campaign = campaigns.get(slug)
    currency, timezone = campaign.currency, program.current().timezone
    form = ChangeForm(data=None if request.method == "POST" else of_campaign(campaign, timezone))
    if form.validate_on_submit():
        try:
            before = campaign_terms.of(campaign)
            decided = terms_of(form, currency=currency, timezone=timezone, before=before)
            campaigns.change(campaign, decided, seen=form.seen.data or "")
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            forms.show(form, error)
        else:
            flash(_("Saved."))
            return redirect(url_for("overview.campaign", slug=slug))
    return _form_page(form, slug, currency)


@door.post("/<slug>/<act>")
@permissions.allow(permissions.MARKETER)
def move(slug: str, act: str) -> ResponseReturnValue:
    """Start, pause or end a campaign."""
    if act not in _ACTS:
        raise NotFoundError(_("There is nothing at this address."))
    _ACTS[act](campaigns.get(slug))
    db.session.commit()
    return redirect(url_for("overview.campaign", slug=slug))


def _last_day(ends_at: datetime | None) -> date | None:
    return campaign_terms.days(None, ends_at, program.current().timezone)[1]


def _form_page(form: CampaignForm, slug: str | None, currency: str) -> ResponseReturnValue:
    page = render_template("campaigns/console/form.html", form=form, slug=slug, currency=currency)
    return page, 422 if form.is_submitted() else 200
