"""Segments that ask for what people brought and earned.

Their facts live in referrals and here, above the rooms that use a segment.  So
who is in one is written down (`segment_member`), when it is saved and by the
clock, and lower rooms read those rows.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from ambassadors import program, segments
from ambassadors.models import Ambassador, Member, Segment, SegmentMember
from ambassadors.segments import Rule
from core import clock
from core.db import db
from referrals.models import Attribution, Purchase, PurchaseStatus
from rewards.models import Account, Posting

_GONE = (PurchaseStatus.CANCELLED, PurchaseStatus.PENDING)


def condition(rule: Rule) -> sa.ColumnElement[bool]:
    """Return the whole condition of a rule on `Member`, as it stands this moment."""
    found = segments.conditions(rule)
    now = clock.now()
    if rule.brought_at_least is not None:
        since = now - timedelta(days=rule.brought_days)
        found.append(_brought(Purchase.occurred_at >= since) >= rule.brought_at_least)
    if rule.silent_days is not None:
        since = now - timedelta(days=rule.silent_days)
        found.append(_brought(Purchase.occurred_at >= since) == 0)
        found.append(sa.exists().where(Ambassador.member_id == Member.id).correlate(Member))
    if rule.earned_at_least is not None:
        found.append(_earned() >= rule.earned_at_least)
    return sa.and_(sa.true(), *found)


def refresh(segment: Segment) -> None:
    """Write down who is in a segment now, if its rule asks for what people brought."""
    rule = segments.rule_of(segment)
    mine = SegmentMember.segment_id == segment.id
    db.session.execute(sa.delete(SegmentMember).where(mine))
    if rule.needs_facts:
        within = sa.select(sa.literal(segment.id), Member.id).where(condition(rule))
        insert = sa.insert(SegmentMember).from_select(["segment_id", "member_id"], within)
        db.session.execute(insert)
    segment.counted_at = clock.now()


def refresh_all() -> None:
    """Write down anew who is in each segment, in the caller's transaction."""
    for segment in segments.everything():
        refresh(segment)


def refresh_due() -> int:
    """Write down anew who is in each segment that asks for facts; return how many.  Commits."""
    ids = [one.id for one in segments.everything() if segments.rule_of(one).needs_facts]
    for segment_id in ids:
        segment = db.session.get(Segment, segment_id, with_for_update=True)
        if segment is not None:
            refresh(segment)
        db.session.commit()
    return len(ids)


def _brought(when: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .select_from(Attribution)
        .join(Ambassador, Ambassador.id == Attribution.ambassador_id)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .where(
            Ambassador.member_id == Member.id, Purchase.is_test.is_(False),
            Purchase.status.not_in(_GONE), when,
        )
        .correlate(Member)
        .scalar_subquery()
    )  # fmt: skip


def _earned() -> sa.ColumnElement[int]:
    """Return what a member earned, less what was taken back, in the program's currency."""
    total = (
        sa.select(sa.func.sum(Posting.amount))
        .join(Ambassador, Ambassador.id == Posting.ambassador_id)
        .where(
            Ambassador.member_id == Member.id,
            Posting.account == Account.EXPENSE,
            Posting.currency == program.current().currency,
        )
        .correlate(Member)
        .scalar_subquery()
    )
    return sa.func.coalesce(total, 0)
