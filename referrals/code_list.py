"""The list of codes: searched, narrowed and cut into pages by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign, CampaignStatus
from core.db import db
from referrals import codes
from referrals.models import Code, CodeStatus

_CHOICES = 500  # campaigns in a menu


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # in the code, or the ambassador's name
    campaign_id: int | None = None
    ambassador_id: int | None = None
    status: CodeStatus | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One code, as a list shows it."""

    id: int
    text: str
    status: CodeStatus
    used: int
    uses_limit: int | None
    created_at: datetime
    campaign: str  # slug
    campaign_name: str
    ambassador_id: int | None
    ambassador: str | None


def page(search: Search, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """Return codes, the newest first, going on before an id."""
    query = (
        sa.select(
            Code.id, Code.text, Code.status, Code.used, Code.uses_limit, Code.created_at,
            Campaign.slug.label("campaign"), Campaign.name.label("campaign_name"),
            Code.ambassador_id, Member.name.label("ambassador"),
        )
        .join(Campaign, Campaign.id == Code.campaign_id)
        .outerjoin(Ambassador, Ambassador.id == Code.ambassador_id)
        .outerjoin(Member, Member.id == Ambassador.member_id)
        .order_by(Code.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(Code.id < before)
    rows = db.session.execute(query.where(*_conditions(search)))
    return [Row(**row._mapping) for row in rows]


def campaigns() -> list[tuple[str, str]]:
    """Return slug and name of the campaigns that can have new codes, running ones first."""
    query = (
        sa.select(Campaign.slug, Campaign.name)
        .where(Campaign.status != CampaignStatus.ENDED)
        .order_by((Campaign.status == CampaignStatus.RUNNING).desc(), Campaign.id.desc())
        .limit(_CHOICES)
    )
    return [(row.slug, row.name) for row in db.session.execute(query)]


def count_by_campaign(campaign_ids: list[int]) -> dict[int, int]:
    """Return how many codes each of these campaigns has."""
    rows = db.session.execute(
        sa.select(Code.campaign_id, sa.func.count())
        .where(Code.campaign_id.in_(campaign_ids))
        .group_by(Code.campaign_id)
    )
    known = {row[0]: row[1] for row in rows}
    return {campaign_id: known.get(campaign_id, 0) for campaign_id in campaign_ids}


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    text = search.text.strip().replace("\x00", "")
    if text:
        says = [Member.name.icontains(text, autoescape=True)]
        if key := codes.fold(text):
            says.append(Code.key.contains(key, autoescape=True))
        found.append(sa.or_(*says))
    if search.campaign_id is not None:
        found.append(Code.campaign_id == search.campaign_id)
    if search.ambassador_id is not None:
        found.append(Code.ambassador_id == search.ambassador_id)
    if search.status is not None:
        found.append(Code.status == search.status)
    return found
