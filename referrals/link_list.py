"""The list of links: who shares where to, and what came of it in a period.

A purchase belongs to a link whose visit won it the credit; it counts on its own day, as a
visit counts on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core.db import db
from referrals.models import (
    Attribution,
    Click,
    ClickKind,
    CreditTouch,
    Link,
    Purchase,
    PurchaseStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # in the end of the link, where it leads, or the ambassador's name
    campaign_id: int | None = None
    ambassador_id: int | None = None
    since: datetime | None = None  # visits and purchases from then on
    until: datetime | None = None  # and before


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One link, with what came of it in the period."""

    id: int
    slug: str
    destination: str
    created_at: datetime
    campaign: str  # slug
    campaign_name: str
    ambassador_id: int
    ambassador: str
    clicks: int  # visits of people
    purchases: int  # paid, no tests


def page(search: Search, *, before: int | None = None, limit: int = 50) -> list[Row]:
    """Return links, the newest first, going on before an id, in one statement."""
    query = (
        sa.select(
            Link.id, Link.slug, Link.destination, Link.created_at,
            Campaign.slug.label("campaign"), Campaign.name.label("campaign_name"),
            Link.ambassador_id, Member.name.label("ambassador"),
            _clicks(search).label("clicks"), _purchases(search).label("purchases"),
        )
        .join(Campaign, Campaign.id == Link.campaign_id)
        .join(Ambassador, Ambassador.id == Link.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .where(*_conditions(search))
        .order_by(Link.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(Link.id < before)
    return [Row(**row._mapping) for row in db.session.execute(query)]


def _clicks(search: Search) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .where(
            Click.link_id == Link.id, Click.kind == ClickKind.VISIT,
            *_within(Click.clicked_at, search),
        )
        .correlate(Link)
        .scalar_subquery()
    )  # fmt: skip


def _purchases(search: Search) -> sa.ScalarSelect[int]:
    """Count through the owner's credits, which are few; the click of a credit has no index."""
    return (
        sa.select(sa.func.count())
        .select_from(Attribution)
        .join(Click, Click.id == Attribution.click_id)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .where(
            Attribution.ambassador_id == Link.ambassador_id, Click.link_id == Link.id,
            Attribution.touch == CreditTouch.LINK, Purchase.status == PurchaseStatus.PAID,
            Purchase.is_test.is_(False), *_within(Purchase.occurred_at, search),
        )
        .correlate(Link)
        .scalar_subquery()
    )  # fmt: skip


def _within(instant: Any, search: Search) -> list[sa.ColumnElement[bool]]:
    found = []
    if search.since is not None:
        found.append(instant >= search.since)
    if search.until is not None:
        found.append(instant < search.until)
    return found


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    text = search.text.strip().replace("\x00", "")
    if text:
        said = (Link.slug, Link.destination, Member.name)
        found.append(sa.or_(*(one.icontains(text, autoescape=True) for one in said)))
    if search.campaign_id is not None:
        found.append(Link.campaign_id == search.campaign_id)
    if search.ambassador_id is not None:
        found.append(Link.ambassador_id == search.ambassador_id)
    return found
