"""The staff's door of links: who shares where to, with visits and purchases of a period."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from ambassadors import program
from campaigns import campaigns
from core import clock
from core.errors import InvalidInputError
from core.web import month_asked, row_asked
from referrals import link_list
from referrals.link_list import Search

PAGE = 50

door = permissions.guard(
    Blueprint("links_console", __name__, url_prefix="/console/links"), permissions.STAFF
)


@door.get("")
def everything() -> ResponseReturnValue:
    """Show links: searched, narrowed, page by page."""
    slug = request.args.get("campaign") or None
    chosen = campaigns.find(slug) if slug else None
    since, until = _period()
    search = Search(
        text=request.args.get("q", "")[:100], campaign_id=chosen.id if chosen else None,
        ambassador_id=row_asked("ambassador"), since=since, until=until,
    )  # fmt: skip
    before = row_asked("before")
    found = link_list.page(search, before=before, limit=PAGE + 1)
    return render_template(
        "referrals/console/links.html",
        links=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before, search=search, slug=slug, campaigns=campaigns.names(),
        first=request.args.get("from", ""), last=request.args.get("to", ""),
    )  # fmt: skip


def _period() -> tuple[datetime | None, datetime | None]:
    """Return the first instant of the first month asked for, and the first after the last."""
    first, last = month_asked("from"), month_asked("to")
    if first and last and first > last:
        raise InvalidInputError(
            _("The period ends (%(last)s) before it begins (%(first)s).", last=last, first=first)
        )
    zone = program.current().timezone
    return (
        clock.month_bounds(first, zone)[0] if first else None,
        clock.month_bounds(last, zone)[1] if last else None,
    )
