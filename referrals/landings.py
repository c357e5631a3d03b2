"""The page on which a friend lands before the shop: whose recommendation, and what it gives now.

It is found by a link's end, shows the code that its owner has in the campaign, and
promises nothing that the shop's checkout would refuse at this moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from campaigns.models import Campaign, CampaignStatus
from core import clock
from core.db import db
from referrals.eligibility import Reason, outside_window
from referrals.models import Code, CodeStatus, Link


class Standing(StrEnum):
    """Whether what a friend was told of holds now."""

    OPEN = "open"
    NOT_YET = "not_yet"
    RESTING = "resting"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Landing:
    """What a friend finds."""

    slug: str  # of the link that leads on to the shop
    standing: Standing
    campaign: Campaign
    code: str | None
    name: str | None  # of who recommends; None unless they agreed


def find(slug: str) -> Landing | None:
    """Return where a link's friends land, or None where there is nothing to tell."""
    row = db.session.execute(
        sa.select(Link, Campaign, Ambassador)
        .join(Campaign, Campaign.id == Link.campaign_id)
        .join(Ambassador, Ambassador.id == Link.ambassador_id)
        .where(Link.slug == slug.lower(), Campaign.status != CampaignStatus.DRAFT)
    ).one_or_none()
    if row is None:
        return None
    link, campaign, ambassador = row
    now = clock.now()
    standing = _standing(campaign, ambassador, now)
    return Landing(
        link.slug, standing, campaign,
        code=_code(link, now) if standing is Standing.OPEN else None,
        name=name_of(ambassador),
    )  # fmt: skip


def name_of(ambassador: Ambassador) -> str | None:
    """Return what friends read of a name, if its owner agreed.

    The first name; a partner, such as a paper, goes by all of it.
    """
    if not ambassador.shows_name:
        return None
    name = ambassador.member.name
    return name if ambassador.kind is AmbassadorKind.PARTNER else name.split()[0]


def _standing(campaign: Campaign, ambassador: Ambassador, now: datetime) -> Standing:
    is_spent = campaign.budget is not None and campaign.committed >= campaign.budget
    has_stopped = ambassador.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}
    outside = outside_window([campaign.starts_at], [campaign.ends_at], now)
    is_over = campaign.status is CampaignStatus.ENDED or outside is Reason.EXPIRED
    if is_over or has_stopped or is_spent:
        return Standing.OVER
    if outside is Reason.NOT_STARTED or ambassador.status is AmbassadorStatus.INVITED:
        return Standing.NOT_YET
    return Standing.RESTING if campaign.status is CampaignStatus.PAUSED else Standing.OPEN


def _code(link: Link, now: datetime) -> str | None:
    """Return the newest code of a link's owner that applies in its campaign."""
    return db.session.scalar(
        sa.select(Code.text)
        .where(
            Code.ambassador_id == link.ambassador_id, Code.campaign_id == link.campaign_id,
            Code.status == CodeStatus.ACTIVE,
            sa.or_(Code.starts_at.is_(None), Code.starts_at <= now),
            sa.or_(Code.ends_at.is_(None), Code.ends_at > now),
            sa.or_(Code.uses_limit.is_(None), Code.used < Code.uses_limit),
        )
        .order_by(Code.id.desc())
        .limit(1)
    )  # fmt: skip
