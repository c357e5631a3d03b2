"""Referral links: `/r/<slug>` leads to the shop and remembers who sent the visitor."""

from __future__ import annotations

import re
import secrets

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from ambassadors.models import Ambassador
from campaigns.models import Campaign
from core import clock
from core.db import db
from core.errors import ConflictError, DomainError, NotFoundError
from referrals.models import Link

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,58}[a-z0-9]\Z")
_SYMBOLS = "abcdefghjkmnpqrstuvwxyz23456789"


class InvalidSlugError(DomainError):
    """A text that cannot end a link."""

    code = "invalid_slug"


def create(
    *, campaign_id: int, ambassador_id: int, slug: str | None = None, destination: str | None = None
) -> Link:
    """Make a link of an ambassador in a campaign.

    Args:
        campaign_id: Whose landing page and reward it carries.
        ambassador_id: Who gets the credit.
        slug: The end of the address; random unless given.
        destination: Where it leads; the campaign's landing page, then the shop.

    Raises:
        InvalidSlugError: Not 3 to 60 small letters, digits and dashes.
        ConflictError: Another link has this slug.
        NotFoundError: There is no such campaign.
    """
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFoundError(_("There is no such campaign."))
    slug = slug or "".join(secrets.choice(_SYMBOLS) for _n in range(8))
    if not _SLUG.match(slug):
        raise InvalidSlugError(_("Use 3 to 60 small letters, digits and dashes, such as zoe-ice."))
    link = Link(
        slug=slug, campaign_id=campaign_id, ambassador_id=ambassador_id,
        destination=destination or campaign.landing_url or program.current().shop_url,
        created_at=clock.now(),
    )  # fmt: skip
    db.session.add(link)
    try:
        db.session.flush()  # somebody may have taken it this instant
    except sa.exc.IntegrityError:
        raise ConflictError(_("The link %(slug)s exists already.", slug=slug)) from None
    return link


def ensure(ambassador: Ambassador, campaign_id: int) -> Link:
    """Return an ambassador's newest link of a campaign, made if there is none; twice makes one.

    Raises:
        NotFoundError: There is no such campaign.
    """
    own = sa.select(Ambassador.id).where(Ambassador.id == ambassador.id).with_for_update()
    db.session.execute(own)  # a second tap waits here, then finds the link
    known = db.session.scalar(
        sa.select(Link)
        .where(Link.ambassador_id == ambassador.id, Link.campaign_id == campaign_id)
        .order_by(Link.id.desc())
        .limit(1)
    )
    return known or create(campaign_id=campaign_id, ambassador_id=ambassador.id)


def of_ambassador(ambassador_id: int) -> list[Link]:
    """Return an ambassador's links, newest first."""
    query = sa.select(Link).where(Link.ambassador_id == ambassador_id).order_by(Link.id.desc())
    return list(db.session.scalars(query))
