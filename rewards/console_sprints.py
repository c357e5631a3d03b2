"""The staff's door of sprints: a counter that the browser asks for again by itself, if wanted."""

from __future__ import annotations

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import permissions
from campaigns import campaigns
from core.errors import NotFoundError
from rewards import sprints, steps

_SECONDS = 15  # between two looks

door = permissions.guard(
    Blueprint("sprints_console", __name__, url_prefix="/console/sprints"), permissions.STAFF
)


@door.get("/<slug>")
def one(slug: str) -> ResponseReturnValue:
    """Show how far a sprint is."""
    campaign = campaigns.get(slug)
    progress = sprints.progress(campaign)
    if progress is None:
        raise NotFoundError(_("This campaign has no goal."))
    is_live = "live" in request.args and not progress.is_over
    answer = make_response(
        render_template(
            "rewards/console_sprints/one.html",
            campaign=campaign, progress=progress, is_live=is_live, seconds=_SECONDS,
            left=steps.left(progress),
        )
    )  # fmt: skip
    if is_live:
        answer.headers["Refresh"] = str(_SECONDS)
    return answer
