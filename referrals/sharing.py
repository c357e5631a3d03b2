"""What ambassadors share: their codes and links, as lists show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from campaigns.models import Campaign
from core.db import db
from referrals.models import Code, CodeStatus, Link

CODE, LINK = "code", "link"


@dataclass(frozen=True, slots=True)
class Shared:
    """A code or a link of an ambassador."""

    kind: str  # code or link
    id: int
    text: str  # the code, or the end of the link's address
    status: str
    used: int  # a link's is 0: its clicks are counted apart
    campaign_id: int
    campaign: str
    campaign_slug: str
    campaign_status: str
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.status == CodeStatus.ACTIVE


def of_ambassador(ambassador_id: int, *, limit: int = 100) -> list[Shared]:
    """Return an ambassador's codes and links, the newest first, in one statement."""
    both = sa.union_all(
        _columns(CODE, Code, Code.text, Code.status, Code.used).where(
            Code.ambassador_id == ambassador_id
        ),
        _columns(LINK, Link, Link.slug, sa.literal(CodeStatus.ACTIVE.value), sa.literal(0)).where(
            Link.ambassador_id == ambassador_id
        ),
    ).subquery()
    query = (
        sa.select(
            both, Campaign.name.label("campaign"), Campaign.slug.label("campaign_slug"),
            Campaign.status.label("campaign_status"),
        )
        .join(Campaign, Campaign.id == both.c.campaign_id)
        .order_by(both.c.created_at.desc(), both.c.kind, both.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [Shared(**row._mapping) for row in db.session.execute(query)]


def words(code: str | None, benefits: list[str]) -> str:
    """Return honest words to share: what friends get, and that the person is rewarded."""
    brand, gets = program.current().name, ", ".join(benefits)
    if code and gets:
        said = _("With my code %(code)s at %(brand)s: %(gets)s.", code=code, brand=brand, gets=gets)
    elif code:
        said = _("My code at %(brand)s: %(code)s.", code=code, brand=brand)
    else:
        said = _("My link to %(brand)s.", brand=brand)
    honest = _("I am rewarded when you order with it.")
    return f"{said} {honest}"


def _columns(kind: str, table: type[Code] | type[Link], *columns: Any) -> Any:
    text, status, used = columns
    return sa.select(
        sa.literal(kind).label("kind"), table.id, sa.cast(text, sa.String).label("text"),
        sa.cast(status, sa.String).label("status"), sa.cast(used, sa.Integer).label("used"),
        table.campaign_id, table.created_at,
    )  # fmt: skip
