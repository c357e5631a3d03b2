"""The guard (rule 27): who may be asked something now, and who is spared, and why.

Asks and gives are counted per member.  A message, mission, box request or poll
passes here; transactional mail does not, so it always goes out.  The reason is
one SQL expression, used alike to preview a whole audience and to decide; a
decision locks its members in the order of their ids and writes the asks in the
same transaction, so two sendings at once cannot pass the limit together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from ambassadors import program
from ambassadors.models import (
    Ambassador,
    AmbassadorStatus,
    Contact,
    ContactChoice,
    ContactKind,
    Member,
    Suppression,
    SuppressionReason,
)
from core import clock
from core.db import db, upsert_dialect

WEEK = timedelta(days=7)
SEASON = timedelta(days=90)  # in which gives and asks are compared


class Spared(StrEnum):
    """Why a member is not asked now, in the order in which we look."""

    NO_ADDRESS = "no_address"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"  # mail to this address came back
    REPORTED = "reported"  # they called our mail spam
    LEFT = "left"  # has left the program, or is suspended
    SNOOZED = "snoozed"  # said "not now"
    WEEKLY_LIMIT = "weekly_limit"
    GIVE_FIRST = "give_first"  # two asks since the last give
    WITHHELD = "withheld"  # by the lot of a message's holdout; the guard itself never says so


WORDS = {
    Spared.NO_ADDRESS: _l("no e-mail address"),
    Spared.UNSUBSCRIBED: _l("unsubscribed"),
    Spared.BOUNCED: _l("mail to them came back"),
    Spared.REPORTED: _l("reported a message as spam"),
    Spared.LEFT: _l("suspended or has left"),
    Spared.SNOOZED: _l("said “not now”"),
    Spared.WEEKLY_LIMIT: _l("asked often enough this week"),
    Spared.GIVE_FIRST: _l("a give is due first"),
    Spared.WITHHELD: _l("left out by lot"),
}
_ALWAYS = {  # hold at the moment of sending too, whatever was decided before
    Spared.NO_ADDRESS, Spared.UNSUBSCRIBED, Spared.BOUNCED, Spared.REPORTED, Spared.LEFT,
    Spared.SNOOZED,
}  # fmt: skip


def spared(member_ids: Sequence[int]) -> dict[int, Spared]:
    """Return those of at most 500 members who are not to be asked now, each with the reason."""
    reason = _reason(clock.now())
    rows = db.session.execute(
        sa.select(Member.id, reason).where(Member.id.in_(member_ids), reason.is_not(None))
    )
    return {row[0]: Spared(row[1]) for row in rows}


def still_spared(member_id: int) -> Spared | None:
    """Return why somebody who was to be reached must not be any more; limits are past then."""
    reason = spared([member_id]).get(member_id)
    return reason if reason in _ALWAYS else None


def preview(members: sa.Select[Any]) -> dict[Spared | None, int]:
    """Count who of a query of member ids is reached (None), and who is spared and why."""
    wanted = members.order_by(None).subquery()
    weighed = (
        sa.select(_reason(clock.now()).label("reason"))
        .where(Member.id.in_(sa.select(wanted.c[0])))
        .subquery()
    )
    rows = db.session.execute(
        sa.select(weighed.c.reason, sa.func.count()).group_by(weighed.c.reason)
    )
    return {(Spared(row[0]) if row[0] else None): row[1] for row in rows}


def ask(member_ids: Sequence[int], *, what: str, key: str) -> Mapping[int, Spared]:
    """Count an ask of each of at most 500 members who may be asked, and return the others.

    Args:
        member_ids: Whom.
        what: message, mission, box, poll.
        key: Names the ask; the member's id is added to it.  A repeat counts nothing more.
    """
    db.session.execute(
        sa.select(Member.id)
        .where(Member.id.in_(member_ids))
        .order_by(Member.id)
        .with_for_update(key_share=True)  # rows that point at a member do not wait
    )
    refused = spared(member_ids)
    asked = [member_id for member_id in member_ids if member_id not in refused]
    _count(asked, ContactKind.ASK, what=what, key=key)
    return refused


def gave(
    member_ids: Sequence[int], *, what: str, key: str, at: datetime | None = None
) -> list[int]:
    """Count something the brand did for at most 500 members; return those counted just now."""
    return _count(member_ids, ContactKind.GIVE, what=what, key=key, at=at)


def take_back(member_ids: Sequence[int], *, key: str) -> None:
    """Forget asks or gives of this key: they did not take place."""
    keys = [f"{key}:{member_id}" for member_id in member_ids]
    db.session.execute(sa.delete(Contact).where(Contact.key.in_(keys)))


def contacts(member_id: int, *, limit: int = 20) -> list[Contact]:
    """Return the latest asks and gives of a member, the newest first."""
    query = sa.select(Contact).where(Contact.member_id == member_id)
    newest = query.order_by(Contact.occurred_at.desc(), Contact.id.desc()).limit(limit)
    return list(db.session.scalars(newest))


def balance(member_id: int) -> tuple[int, int]:
    """Return the asks and the gives of a member in the last 90 days."""
    rows = db.session.execute(
        sa.select(Contact.kind, sa.func.count())
        .where(Contact.member_id == member_id, Contact.occurred_at > clock.now() - SEASON)
        .group_by(Contact.kind)
    )
    found = {row[0]: row[1] for row in rows}
    return found.get(ContactKind.ASK, 0), found.get(ContactKind.GIVE, 0)


def quiet_until(instant: datetime) -> datetime | None:
    """Return when the quiet time of an instant ends, or None if it is not quiet then."""
    rules = program.current()
    zone = clock.zone(rules.timezone)
    local = instant.astimezone(zone)
    opens = local
    while _is_quiet(opens, rules):  # at most a week of hours
        opens = opens.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return None if opens == local else opens.astimezone(UTC)


def _is_quiet(local: datetime, rules: program.Rules) -> bool:
    if local.weekday() in rules.quiet_days:
        return True
    start, end, hour = rules.quiet_from, rules.quiet_until, local.hour
    return start <= hour < end if start <= end else hour >= start or hour < end


def _count(
    member_ids: Sequence[int],
    kind: ContactKind,
    *,
    what: str,
    key: str,
    at: datetime | None = None,
) -> list[int]:
    if not member_ids:
        return []
    rows = [
        {
            "key": f"{key}:{member_id}", "member_id": member_id, "kind": kind,
            "what": what[:100], "occurred_at": at or clock.now(),
        }
        for member_id in member_ids
    ]  # fmt: skip
    insert = upsert_dialect().insert(Contact).values(rows)
    added = insert.on_conflict_do_nothing(index_elements=["key"]).returning(Contact.member_id)
    return list(db.session.scalars(added))


def _reason(now: datetime) -> sa.ColumnElement[Any]:
    """Return the reason as a column beside `Member`: a word of `Spared`, or null."""
    rules = program.current()
    stopped = [AmbassadorStatus.LEFT, AmbassadorStatus.SUSPENDED]
    has_left = sa.exists().where(
        Ambassador.member_id == Member.id, Ambassador.status.in_(stopped)
    )  # fmt: skip
    asks, gives = _number(ContactKind.ASK, now - SEASON), _number(ContactKind.GIVE, now - SEASON)
    lately = _number(ContactKind.ASK, now - WEEK)
    is_due = asks >= rules.asks_per_give * (gives + 1) if rules.asks_per_give else sa.false()
    whens: list[tuple[sa.ColumnElement[bool], Spared]] = [
        (Member.email.is_(None), Spared.NO_ADDRESS),
        (_chose(ContactChoice.unsubscribed_at.is_not(None)), Spared.UNSUBSCRIBED),
        (_suppressed(SuppressionReason.UNSUBSCRIBE), Spared.UNSUBSCRIBED),
        (_suppressed(SuppressionReason.BOUNCE), Spared.BOUNCED),
        (_suppressed(SuppressionReason.SPAM_REPORT), Spared.REPORTED),
        (has_left, Spared.LEFT),
        (_chose(ContactChoice.snoozed_until > now), Spared.SNOOZED),
        (lately >= rules.asks_per_week, Spared.WEEKLY_LIMIT),
        (is_due, Spared.GIVE_FIRST),
    ]
    return sa.case(*((when, sa.literal(word.value)) for when, word in whens), else_=sa.null())


def _number(kind: ContactKind, since: datetime) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .select_from(Contact)
        .where(Contact.member_id == Member.id, Contact.kind == kind, Contact.occurred_at > since)
        .correlate(Member)
        .scalar_subquery()
    )


def _chose(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(ContactChoice.member_id == Member.id, condition).correlate(Member)


def _suppressed(reason: SuppressionReason) -> sa.ColumnElement[bool]:
    same = Suppression.email_hash == Member.email_hash
    return sa.exists().where(same, Suppression.reason == reason).correlate(Member)
