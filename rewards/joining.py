"""Joining a campaign: a code and a link of one's own in it; joining again changes nothing."""

from __future__ import annotations

import sqlalchemy as sa

from ambassadors.models import Ambassador
from campaigns.models import Campaign
from core.db import db
from core.errors import DomainError
from referrals import codes, links
from referrals.models import Code, CodeStatus, Link

_TRIES = 5  # random ends, until one reads like no other code


def join(ambassador_id: int, campaign: Campaign) -> None:
    """Give an ambassador a code and a link in a campaign, unless they have them.

    The caller holds the ambassador's row, so that joining twice at once makes one of each.
    """
    has_code = sa.select(Code.id).where(
        Code.ambassador_id == ambassador_id, Code.campaign_id == campaign.id,
        Code.status == CodeStatus.ACTIVE,
    )  # fmt: skip
    has_link = sa.select(Link.id).where(
        Link.ambassador_id == ambassador_id, Link.campaign_id == campaign.id
    )
    if db.session.scalar(has_code.limit(1)) is None:
        _make_code(ambassador_id, campaign.id)
    if db.session.scalar(has_link.limit(1)) is None:
        links.create(campaign_id=campaign.id, ambassador_id=ambassador_id)


def _make_code(ambassador_id: int, campaign_id: int) -> None:
    ambassador = db.session.get_one(Ambassador, ambassador_id)
    name = "".join(s for s in codes.fold(ambassador.member.name.split()[0]) if s.isascii())[:12]
    for attempt in range(_TRIES):
        word = name if attempt < _TRIES - 1 else ""
        try:
            (text,) = codes.draw(codes.Pattern(f"{word}-####" if word else "####-####"), 1)
            codes.create(text, campaign_id=campaign_id, ambassador_id=ambassador_id)
        except DomainError:
            if attempt == _TRIES - 1:
                raise
        else:
            return
