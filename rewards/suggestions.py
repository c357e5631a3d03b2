"""Who might become an ambassador: customers who come back, and members who take part.

Customers are found by orders, by value and by how likely they are to recommend the brand.
Each suggestion says why in figures.  Only people who agreed to be written to
are invited from here: a customer by the word their shop told us
(`referrals/consents.py`), a member by the guard (rule 27), where the invitation
counts as an ask.  All others are listed with the reason why not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from ambassadors import guard, program, segments
from ambassadors.models import Ambassador, Circle, CircleSeat, Member, SeatState, TimelineEntry
from core import clock, emails
from core.db import db
from referrals import consents, invitations, invitees, nps
from referrals.invitations import Manner
from referrals.invitees import Invitee, Target
from referrals.models import Customer, CustomerIdentity, Purchase, PurchaseStatus
from rewards import segments as computed

MOST = 50  # of each kind
LATELY = timedelta(days=90)  # in which a member who did something is active


class Silent(StrEnum):
    """Why somebody cannot be written to."""

    NO_WORD = "no_word"
    SAID_NO = "said_no"


WORDS = {
    Silent.NO_WORD: _l("never said that we may write to them"),
    Silent.SAID_NO: _l("said that they want no messages"),
}
Reason = Silent | invitees.Spared | guard.Spared


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which customers are looked for."""

    orders: int = 3  # at least
    value: int = 0  # at least, in minor units of the program's currency
    days: int = 365  # until now
    score: int | None = None  # of the NPS, their latest one at least; None: it is not asked
    segment_id: int | None = None  # of members; None: the active ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer who buys again and again."""

    key: str  # customer:7
    customer_id: int
    country: str | None
    orders: int
    value: int  # charged less refunded, minor units of the program's currency
    last_at: datetime
    score: int | None  # their latest answer to the NPS
    email: str  # empty for who cannot be written to
    why_not: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberWho:
    """A member who takes part and is no ambassador."""

    key: str  # member:7
    member: Member
    circles: tuple[str, ...]
    seen_at: datetime | None  # when something happened with them last
    why_not: Reason | None


def all_words() -> dict[str, LazyString]:
    """Return every reason why somebody cannot be written to, in words."""
    known = [*WORDS.items(), *guard.WORDS.items(), *invitees.WORDS.items()]
    return {str(reason): said for reason, said in known}


def customers(wish: Wish, target: Target) -> list[Buyer]:
    """Return customers who bought so often and for so much, and say so, the most orders first.

    Who is an ambassador already is left out.  The value counts orders in the
    program's currency; without a least value those in others count as orders.
    """
    spent = sa.func.sum(
        sa.case(
            (
                Purchase.currency == program.current().currency,
                Purchase.total - Purchase.refunded,
            ),
            else_=0,
        )
    )
    orders, latest = sa.func.count(), nps.latest_of(Customer.id)
    query = (
        sa.select(
            Customer.id, Customer.country, orders.label("orders"), spent.label("value"),
            sa.func.max(Purchase.occurred_at).label("last_at"), latest.label("score"),
        )
        .join(Purchase, Purchase.customer_id == Customer.id)
        .where(
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
            Purchase.occurred_at >= clock.now() - timedelta(days=wish.days),
            ~_is_ambassador(),
        )
        .group_by(Customer.id, Customer.country)
        .having(orders >= wish.orders, spent >= wish.value)
        .order_by(orders.desc(), spent.desc(), Customer.id)
        .limit(MOST)
    )  # fmt: skip
    if wish.score is not None:
        query = query.having(latest >= wish.score)
    return _with_word(db.session.execute(query).all(), target)


def members(wish: Wish, target: Target) -> list[MemberWho]:
    """Return members who are no ambassadors: the active ones, or those of a segment."""
    is_free = ~sa.exists().where(Ambassador.member_id == Member.id).correlate(Member)
    if wish.segment_id is None:
        wanted = sa.or_(_has_seat(), _was_seen())
    else:
        rule = segments.rule_of(segments.find(wish.segment_id))
        wanted = computed.condition(rule)
    found = segments.people(sa.and_(wanted, is_free), limit=MOST)
    ids = [one.id for one in found]
    places, seen, spared = _places(ids), _seen(ids), guard.spared(ids)
    weighed = invitees.weigh([_invitee(one) for one in found], target)
    return [
        MemberWho(
            key=f"member:{one.id}", member=one, circles=tuple(places.get(one.id, ())),
            seen_at=seen.get(one.id), why_not=spared.get(one.id) or person.spared,
        )
        for one, person in zip(found, weighed, strict=True)
    ]  # fmt: skip


def invite(keys: Collection[str], wish: Wish, target: Target, manner: Manner) -> int:
    """Invite some of those who are suggested now; who may not be written to is left out.

    Returns:
        How many invitations are on their way.

    Raises:
        InvalidInputError: The campaign has ended.
    """
    found = [one for one in customers(wish, target) if one.key in keys and one.why_not is None]
    people = [Invitee(email=one.email, digest=emails.digest(one.email) or "") for one in found]
    asked = [one for one in members(wish, target) if one.key in keys and one.why_not is None]
    key = f"invitation:{target.key}"
    refused = guard.ask([one.member.id for one in asked], what="invitation", key=key)
    people += [_invitee(one.member) for one in asked if one.member.id not in refused]
    weighed = invitations.send(people, target, manner) if people else []
    return sum(one.spared is None for one in weighed)


def _with_word(
    rows: Sequence[sa.Row[tuple[int, str | None, int, int, datetime, int]]], target: Target
) -> list[Buyer]:
    """Return customers with the address that they agreed to be written to at, or why not."""
    digests = _digests([row.id for row in rows])
    said = consents.known({one for some in digests.values() for one in some})
    people = {
        row.id: next(
            (said[d] for d in digests.get(row.id, ()) if d in said and said[d].may_write), None
        )
        for row in rows
    }
    weighed = invitees.weigh(
        [Invitee(email=one.email, digest=one.email_hash) for one in people.values() if one], target
    )
    spared = {one.digest: one.spared for one in weighed}
    found = []
    for row in rows:
        consent = people[row.id]
        why: Reason | None = spared.get(consent.email_hash) if consent else None
        if consent is None:
            has_said = any(one in said for one in digests.get(row.id, ()))
            why = Silent.SAID_NO if has_said else Silent.NO_WORD
        found.append(
            Buyer(
                key=f"customer:{row.id}", customer_id=row.id, country=row.country,
                orders=row.orders, value=int(row.value), last_at=row.last_at,
                score=row.score, email=consent.email if consent else "", why_not=why,
            )
        )  # fmt: skip
    return found


def _digests(customer_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the hashes of the addresses with which customers bought."""
    rows = db.session.execute(
        sa.select(CustomerIdentity.customer_id, CustomerIdentity.key)
        .where(
            CustomerIdentity.customer_id.in_(customer_ids),
            CustomerIdentity.key.startswith("email:"),
        )
        .order_by(CustomerIdentity.key)
    )
    found: dict[int, list[str]] = {}
    for customer_id, key in rows:
        found.setdefault(customer_id, []).append(key.removeprefix("email:"))
    return found


def _is_ambassador() -> sa.ColumnElement[bool]:
    """Return the condition on `Customer` to be an ambassador, also one not linked yet."""
    linked = sa.exists().where(Ambassador.member_id == Customer.member_id)
    same = sa.exists().where(
        CustomerIdentity.customer_id == Customer.id,
        CustomerIdentity.key == sa.literal("email:") + Member.email_hash,
        Ambassador.member_id == Member.id,
    )
    return sa.or_(linked.correlate(Customer), same.correlate(Customer))


def _has_seat() -> sa.ColumnElement[bool]:
    return (
        sa.exists()
        .where(CircleSeat.member_id == Member.id, CircleSeat.state == SeatState.SEATED)
        .correlate(Member)
    )


def _was_seen() -> sa.ColumnElement[bool]:
    since = clock.now() - LATELY
    mine = TimelineEntry.member_id == Member.id
    own = TimelineEntry.kind.not_in(_OURS)
    return sa.exists().where(mine, own, TimelineEntry.occurred_at >= since).correlate(Member)


_OURS = ("message", "messages.unsubscribed", "messages.snoozed")  # not a sign of taking part


def _places(member_ids: Sequence[int]) -> dict[int, list[str]]:
    rows = db.session.execute(
        sa.select(CircleSeat.member_id, Circle.name)
        .join(Circle, Circle.id == CircleSeat.circle_id)
        .where(CircleSeat.member_id.in_(member_ids), CircleSeat.state == SeatState.SEATED)
        .order_by(Circle.name)
    )
    found: dict[int, list[str]] = {}
    for member_id, name in rows:
        found.setdefault(member_id, []).append(name)
    return found


def _seen(member_ids: Sequence[int]) -> dict[int, datetime]:
    rows = db.session.execute(
        sa.select(TimelineEntry.member_id, sa.func.max(TimelineEntry.occurred_at))
        .where(TimelineEntry.member_id.in_(member_ids), TimelineEntry.kind.not_in(_OURS))
        .group_by(TimelineEntry.member_id)
    )
    return {row[0]: row[1] for row in rows}


def _invitee(member: Member) -> Invitee:
    return Invitee(email=member.email or "", name=member.name, digest=member.email_hash or "")
