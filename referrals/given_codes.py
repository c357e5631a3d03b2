"""The code and the link that an ambassador gets on joining a campaign: once, named after them.

`on_joining` takes a list and issues a constant number of statements; asking again, or two
people asking at once, gives nothing twice.  Who has a code in the campaign already keeps it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns.models import Campaign
from core import clock
from core.db import BATCH_ROWS, db, upsert_dialect
from referrals import codes
from referrals.codes import ALPHABET, InvalidCodeError
from referrals.models import Code, CodeStatus, GivenCode, Link

_LONGEST_NAME = 12
_SYMBOLS = 4  # 923,521 codes of one name


def on_joining(ambassador_ids: Sequence[int], campaign: Campaign) -> dict[int, str]:
    """Give ambassadors a code and a link of a campaign, and return the codes by ambassador.

    Args:
        ambassador_ids: At most 500, for one transaction.
        campaign: What they join.

    Returns:
        The codes that were made; nothing for who had one already.
    """
    now = clock.now()
    claimed = _claim(ambassador_ids, campaign.id, now)
    if not claimed:
        return {}
    query = (
        sa.select(Ambassador.id, Member.name).join(Member).where(Ambassador.id.in_(sorted(claimed)))
    )
    names = {row.id: _stem(row.name) for row in db.session.execute(query)}
    given: dict[int, str] = {}
    while missing := [one for one in sorted(claimed) if one not in given]:
        given |= _insert({one: _draw(names[one]) for one in missing}, campaign, now)
    _add_links(given, campaign, now)
    details = {"count": len(given), "ambassadors": sorted(given)}
    audit.record("code.give", "campaign", campaign.slug, details)
    return given


def without(campaign_id: int, *, limit: int = BATCH_ROWS) -> list[int]:
    """Return active ambassadors who have no code in a campaign yet."""
    query = _without(sa.select(Ambassador.id), campaign_id).order_by(Ambassador.id).limit(limit)
    return list(db.session.scalars(query))


def count_without(campaign_id: int) -> int:
    """Return how many active ambassadors have no code in a campaign yet."""
    counted = _without(sa.select(sa.func.count()).select_from(Ambassador), campaign_id)
    return int(db.session.scalar(counted) or 0)


def _without(query: sa.Select[int], campaign_id: int) -> sa.Select[int]:
    has_code = sa.exists().where(
        Code.ambassador_id == Ambassador.id, Code.campaign_id == campaign_id
    )
    was_given = sa.exists().where(
        GivenCode.ambassador_id == Ambassador.id, GivenCode.campaign_id == campaign_id
    )
    return query.where(Ambassador.status == AmbassadorStatus.ACTIVE, ~has_code, ~was_given)


def _claim(ambassador_ids: Sequence[int], campaign_id: int, now: datetime) -> set[int]:
    have = set(
        db.session.scalars(
            sa.select(Code.ambassador_id).where(
                Code.campaign_id == campaign_id, Code.ambassador_id.in_(ambassador_ids)
            )
        )
    )
    rows = [
        {"ambassador_id": one, "campaign_id": campaign_id, "given_at": now}
        for one in sorted(set(ambassador_ids) - have)
    ]
    if not rows:
        return set()
    statement = upsert_dialect().insert(GivenCode).values(rows).on_conflict_do_nothing()
    return set(db.session.scalars(statement.returning(GivenCode.ambassador_id)))


def _stem(name: str) -> str:
    """Return the first name as a code begins with it: Zoé gives ZOE."""
    first = codes.fold(name.split()[0] if name.split() else "")
    stem = "".join(sign for sign in first if sign.isascii() and sign.isalnum())[:_LONGEST_NAME]
    try:
        codes.require_key(stem + "X" * _SYMBOLS)
    except InvalidCodeError:
        return "CERCLE"
    return stem or "CERCLE"


def _draw(stem: str) -> str:
    return f"{stem}-{''.join(secrets.choice(ALPHABET) for _n in range(_SYMBOLS))}"


def _insert(drawn: dict[int, str], campaign: Campaign, now: datetime) -> dict[int, str]:
    """Insert codes, and return those that did not exist yet."""
    common = {
        "campaign_id": campaign.id, "status": CodeStatus.ACTIVE, "status_since": now, "used": 0,
        "uses_limit": campaign.uses_per_code, "uses_per_customer": campaign.uses_per_customer,
        "created_at": now,
    }  # fmt: skip
    rows = [
        {"key": codes.fold(text), "text": text, "ambassador_id": one, **common}
        for one, text in drawn.items()
    ]
    statement = upsert_dialect().insert(Code).values(rows).on_conflict_do_nothing()
    made = db.session.execute(statement.returning(Code.ambassador_id, Code.text))
    return {row.ambassador_id: row.text for row in made}


def _add_links(given: dict[int, str], campaign: Campaign, now: datetime) -> None:
    have = set(
        db.session.scalars(
            sa.select(Link.ambassador_id).where(
                Link.campaign_id == campaign.id, Link.ambassador_id.in_(sorted(given))
            )
        )
    )
    destination = campaign.landing_url or program.current().shop_url
    rows = [
        {
            "slug": text.lower(), "campaign_id": campaign.id, "ambassador_id": one,
            "destination": destination, "created_at": now,
        }
        for one, text in given.items() if one not in have
    ]  # fmt: skip
    if rows:
        db.session.execute(upsert_dialect().insert(Link).values(rows).on_conflict_do_nothing())
