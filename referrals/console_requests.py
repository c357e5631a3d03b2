"""The staff's door of wished codes, and of codes given to everybody in a campaign."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts import permissions
from campaigns import campaigns
from campaigns.models import CampaignStatus
from core import i18n
from core.db import db
from core.errors import ConflictError, DomainError
from referrals import code_requests, given_codes

AT_ONCE = 20  # transactions of 500 in one request

door = permissions.guard(
    Blueprint("code_requests", __name__, url_prefix="/console/codes"), permissions.MARKETER
)


@door.get("/requests")
def index() -> str:
    """Show the wishes that wait for a decision, the oldest first."""
    return render_template(
        "referrals/console/requests.html", wishes=code_requests.waiting(), problem_at=None
    )


@door.post("/requests/<int:request_id>")
def decide(request_id: int) -> ResponseReturnValue:
    """Approve or decline a wish; the person is told by mail."""
    try:
        if request.form.get("act") == "approve":
            told = _("%(code)s is theirs now. They are told by e-mail.", code=_approve(request_id))
        else:
            code_requests.decline(request_id, reason=request.form.get("reason", ""))
            told = _("Declined. They are told by e-mail, with the reason.")
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        page = render_template(
            "referrals/console/requests.html", wishes=code_requests.waiting(),
            problem_at=request_id, problem=error.detail,
        )  # fmt: skip
        return page, error.status
    flash(told)
    return redirect(url_for(".index"))


@door.route("/give/<slug>", methods=["GET", "POST"])
def give(slug: str) -> ResponseReturnValue:
    """Give a code and a link to every active ambassador who has none in a campaign."""
    campaign = campaigns.get(slug)
    if campaign.status is CampaignStatus.ENDED:
        raise ConflictError(_("This campaign has ended."))
    if request.method == "GET":
        return render_template(
            "referrals/console/give.html", campaign=campaign,
            number=given_codes.count_without(campaign.id),
        )  # fmt: skip
    number = 0
    for _round in range(AT_ONCE):
        given = given_codes.on_joining(given_codes.without(campaign.id), campaign)
        db.session.commit()
        number += len(given)
        if not given:
            break
    flash(
        ngettext(
            "%(count)s ambassador has a code and a link now.",
            "%(count)s ambassadors have a code and a link now.",
            number,
            count=i18n.number(number),
        )
    )
    return redirect(url_for("codes_console.everything", campaign=slug))


def _approve(request_id: int) -> str:
    return code_requests.approve(request_id).text
