"""Codes that ambassadors wish for: asked in the portal, decided by a person, answered by mail.

A refusal never says which code stands in the way: a wish must not become a way to look
codes up.  How often one may wish is counted by the door.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns.models import Campaign, CampaignStatus
from core import clock, mails
from core.db import db, upsert_dialect
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals import codes
from referrals.codes import CodeTakenError
from referrals.models import Code, CodeRequest, Link, RequestState


class CannotHaveError(ConflictError):
    """This code is taken or reads like one that is; which, is not said."""

    code = "code_not_free"


class WaitingError(ConflictError):
    """A wish of theirs waits already in this campaign."""

    code = "request_waiting"


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish, as a list shows it."""

    id: int
    text: str
    state: RequestState
    reason: str | None
    created_at: datetime
    decided_at: datetime | None
    campaign: str
    ambassador_id: int
    ambassador: str


def ask(ambassador: Ambassador, campaign_id: int, text: str) -> CodeRequest:
    """Write down a wish.

    Raises:
        InvalidInputError: The campaign is not one of theirs that runs, or they are not active.
        InvalidCodeError: The text cannot be a code.
        CannotHaveError: It is taken, or reads like one that is.
        WaitingError: Another wish of theirs in this campaign waits.
    """
    if ambassador.status is not AmbassadorStatus.ACTIVE:
        raise InvalidInputError(_("Once the team has activated you, you can ask for a code."))
    if campaign_id not in {one for one, _name in open_campaigns(ambassador.id)}:
        raise InvalidInputError(_("Choose one of your campaigns."))
    key = codes.require_key(text)
    _require_free(key)
    request_id = db.session.scalar(
        upsert_dialect()
        .insert(CodeRequest)
        .values(
            ambassador_id=ambassador.id, campaign_id=campaign_id, text=codes.readable(text, key),
            state=RequestState.WAITING, created_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(CodeRequest.id)
    )  # fmt: skip
    if request_id is None:
        raise WaitingError(_("You have asked already. The team answers by e-mail."))
    return db.session.get_one(CodeRequest, request_id)


def approve(request_id: int) -> Code:
    """Make the code that somebody wished for, and tell them.

    Raises:
        NotFoundError: No such wish waits.
        CodeTakenError: Somebody got it, or one that reads alike, in the meantime.
    """
    wish = _decide(request_id, RequestState.APPROVED, reason=None)
    code = codes.create(wish.text, campaign_id=wish.campaign_id, ambassador_id=wish.ambassador_id)
    wish.code_id = code.id
    _tell(wish, "code_granted", code=code.text)
    return code


def decline(request_id: int, *, reason: str) -> None:
    """Say no, with a reason that the person reads.

    Raises:
        InvalidInputError: No reason.
        NotFoundError: No such wish waits.
    """
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise InvalidInputError(_("Say why: the person reads it."))
    wish = _decide(request_id, RequestState.DECLINED, reason=reason)
    details = {"text": wish.text, "reason": reason}
    audit.record("code.decline", "ambassador", wish.ambassador_id, details)
    _tell(wish, "code_declined", code=wish.text, reason=reason)


def open_campaigns(ambassador_id: int) -> list[tuple[int, str]]:
    """Return id and name of the running campaigns in which somebody has a code or link."""
    theirs = sa.union(
        sa.select(Code.campaign_id).where(Code.ambassador_id == ambassador_id),
        sa.select(Link.campaign_id).where(Link.ambassador_id == ambassador_id),
    )
    query = (
        sa.select(Campaign.id, Campaign.name)
        .where(Campaign.id.in_(theirs), Campaign.status == CampaignStatus.RUNNING)
        .order_by(Campaign.id.desc())
    )
    return [(row.id, row.name) for row in db.session.execute(query)]


def waiting(*, limit: int = 100) -> list[Wish]:
    """Return the wishes to decide, the oldest first."""
    return _wishes(
        _WISHES.where(CodeRequest.state == RequestState.WAITING)
        .order_by(CodeRequest.id)
        .limit(limit)
    )


def count_waiting() -> int:
    """Return how many wishes wait."""
    query = sa.select(sa.func.count()).where(CodeRequest.state == RequestState.WAITING)
    return int(db.session.scalar(query.select_from(CodeRequest)) or 0)


def of_ambassador(ambassador_id: int, *, limit: int = 10) -> list[Wish]:
    """Return somebody's wishes, the newest first."""
    return _wishes(
        _WISHES.where(CodeRequest.ambassador_id == ambassador_id)
        .order_by(CodeRequest.id.desc())
        .limit(limit)
    )


_WISHES = (
    sa.select(
        CodeRequest.id, CodeRequest.text, CodeRequest.state, CodeRequest.reason,
        CodeRequest.created_at, CodeRequest.decided_at, Campaign.name.label("campaign"),
        CodeRequest.ambassador_id, Member.name.label("ambassador"),
    )
    .join(Campaign, Campaign.id == CodeRequest.campaign_id)
    .join(Ambassador, Ambassador.id == CodeRequest.ambassador_id)
    .join(Member, Member.id == Ambassador.member_id)
)  # fmt: skip


def _wishes(query: sa.Select[*tuple[Any, ...]]) -> list[Wish]:
    return [Wish(**row._mapping) for row in db.session.execute(query)]


def _require_free(key: str) -> None:
    try:
        codes.require_distinct(key)
    except CodeTakenError:
        raise CannotHaveError(_("This one cannot be had. Please choose another.")) from None


def _decide(request_id: int, state: RequestState, *, reason: str | None) -> CodeRequest:
    """Take a waiting wish; of two who decide at once, one does."""
    wish = db.session.scalar(
        sa.update(CodeRequest)
        .where(CodeRequest.id == request_id, CodeRequest.state == RequestState.WAITING)
        .values(state=state, reason=reason, decided_at=clock.now())
        .returning(CodeRequest)
        .execution_options(populate_existing=True)
    )
    if wish is None:
        raise NotFoundError(_("There is no such request, or it is decided already."))
    return wish


def _tell(wish: CodeRequest, message: str, **context: object) -> None:
    member = db.session.get_one(Ambassador, wish.ambassador_id).member
    if member.email:
        campaign = db.session.get_one(Campaign, wish.campaign_id)
        mails.enqueue(
            message, to=member.email, locale=member.locale, key=f"{message}:{wish.id}",
            name=member.name, campaign=campaign.name, **context,
        )  # fmt: skip
