"""Content links: what ambassadors published for a campaign, seen and thanked by the team.

An address is kept as it is, https only, rebuilt from its parts; nothing is
ever fetched from it.  The same address handed in again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core import clock, limits, redirects
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError
from referrals import sharing
from referrals.models_content import ContentLink

A_DAY = 20  # links of one ambassador
LONGEST, LONGEST_THANKS = 500, 300  # characters


class SeenError(ConflictError):
    """A colleague was quicker."""


@dataclass(frozen=True, slots=True)
class Content:
    """A link that was handed in, as lists show it."""

    id: int
    url: str
    handed_in_at: datetime
    seen_at: datetime | None
    thanks: str | None
    campaign: str
    ambassador_id: int
    name: str


def campaigns_of(ambassador_id: int) -> list[tuple[int, str]]:
    """Return the campaigns an ambassador shares: id and name, each once."""
    shared = sharing.of_ambassador(ambassador_id)
    return list({one.campaign_id: one.campaign for one in shared}.items())


def limit(ambassador_id: int) -> None:
    """Count a link.  Commits, so a door calls it before the work starts.

    Raises:
        TooManyError: More than `A_DAY` in a day.
    """
    limits.hit("content_link", str(ambassador_id), limit=A_DAY, per=timedelta(days=1))


def hand_in(ambassador_id: int, campaign_id: int, address: str) -> None:
    """Write down what an ambassador published for one of their campaigns.

    Raises:
        InvalidInputError: No https address, or a campaign that is not theirs.
    """
    if campaign_id not in dict(campaigns_of(ambassador_id)):
        said = _("Choose one of your campaigns.")
        raise InvalidInputError(said, faults=[Fault("/campaign", said)])
    db.session.execute(
        upsert_dialect()
        .insert(ContentLink)
        .values(
            ambassador_id=ambassador_id, campaign_id=campaign_id, url=vetted(address),
            handed_in_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["ambassador_id", "url"])
    )  # fmt: skip


def vetted(address: str) -> str:
    """Return an address of published content, rebuilt; raises InvalidInputError for another."""
    text = address.strip()
    host = redirects.host_of(text)
    url = redirects.vetted(text, {host}) if host and "." in host else None
    if url is None or len(url) > LONGEST:
        said = _("Write a whole address such as https://www.instagram.com/p/abc.")
        raise InvalidInputError(said, faults=[Fault("/url", said)])
    return url


def thank(content_id: int, thanks: str, *, by: str) -> None:
    """Note that the team has seen a link, and thank for it.

    Args:
        content_id: The link.
        thanks: What the ambassador reads; may be empty.
        by: Who thanks, as the audit log names people.

    Raises:
        InvalidInputError: The words are too long.
        SeenError: Somebody thanked already, or there is no such link.
    """
    words = thanks.strip()
    if len(words) > LONGEST_THANKS:
        raise InvalidInputError(_("Use at most %(n)s characters.", n=LONGEST_THANKS))
    owner = db.session.scalar(
        sa.update(ContentLink)
        .where(ContentLink.id == content_id, ContentLink.seen_at.is_(None))
        .values(seen_at=clock.now(), seen_by=by, thanks=words)
        .returning(ContentLink.ambassador_id)
    )
    if owner is None:
        raise SeenError(_("A colleague has thanked for this already."))
    audit.record("content.thank", "ambassador", owner, {"content": content_id})


def of_ambassador(ambassador_id: int, *, limit: int = 100) -> list[Content]:
    """Return what an ambassador handed in, the latest first."""
    query = _columns().where(ContentLink.ambassador_id == ambassador_id)
    return _contents(query.order_by(ContentLink.id.desc()).limit(limit))


def queue(*, is_new: bool, before: int | None = None, limit: int = 50) -> list[Content]:
    """Return links that nobody has seen, or those that were, the latest first."""
    seen = ContentLink.seen_at.is_(None) if is_new else ContentLink.seen_at.is_not(None)
    query = _columns().where(seen).order_by(ContentLink.id.desc()).limit(limit)
    return _contents(query.where(ContentLink.id < before) if before else query)


def forget(ambassador_id: int) -> None:
    """Delete what an ambassador handed in: an address tells who they are."""
    which = ContentLink.ambassador_id == ambassador_id
    db.session.execute(sa.delete(ContentLink).where(which))


def _columns() -> Any:
    return (
        sa.select(
            ContentLink.id, ContentLink.url, ContentLink.handed_in_at, ContentLink.seen_at,
            ContentLink.thanks, Campaign.name.label("campaign"), ContentLink.ambassador_id,
            Member.name,
        )
        .join(Campaign, Campaign.id == ContentLink.campaign_id)
        .join(Ambassador, Ambassador.id == ContentLink.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
    )  # fmt: skip


def _contents(query: Any) -> list[Content]:
    return [Content(**row._mapping) for row in db.session.execute(query)]
