"""The staff's door of campaigns: the list, and their start and end; one of them is in reports."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from campaigns import campaigns, wording
from campaigns import terms as campaign_terms
from campaigns.models import CampaignStatus
from core.db import db
from core.errors import NotFoundError
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
