"""What this room holds of a person beside their name: told to them, and forgotten with them.

Places in circles, words of colleagues, applications, what they chose about messages.
Asks and gives stay at an erasure: they are counted per number and name nobody.

Source: GDPR, articles 15 and 17.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from ambassadors import circles
from ambassadors.models import (
    Circle,
    CircleSeat,
    CircleStay,
    Contact,
    ContactChoice,
    MemberNote,
    MemberTag,
    SegmentMember,
    Tag,
    TimelineEntry,
)
from ambassadors.models_holdouts import Holdout, HoldoutMember
from ambassadors.models_recruiting import Application, ApplicationState, SocialProfile
from core.db import affected, db

Told = dict[str, list[dict[str, Any]]]


def told(member_id: int, digests: Collection[str]) -> Told:
    """Return what is held of a member, by kind.

    Args:
        member_id: Whom.
        digests: Hashes of their e-mail addresses, by which applications are known.
    """
    of = member_id
    queries = {
        "circles": sa.select(Circle.name, CircleSeat.state, CircleSeat.since)
        .join(Circle, Circle.id == CircleSeat.circle_id)
        .where(CircleSeat.member_id == of),
        "circle_stays": sa.select(Circle.name, CircleStay.since, CircleStay.until)
        .join(Circle, Circle.id == CircleStay.circle_id)
        .where(CircleStay.member_id == of),
        "tags": sa.select(Tag.name).join(MemberTag).where(MemberTag.member_id == of),
        "notes": sa.select(MemberNote.text, MemberNote.created_at).where(
            MemberNote.member_id == of
        ),
        "timeline": sa.select(
            TimelineEntry.kind, TimelineEntry.about, TimelineEntry.occurred_at
        ).where(TimelineEntry.member_id == of),
        "asks_and_gives": sa.select(Contact.kind, Contact.what, Contact.occurred_at).where(
            Contact.member_id == of
        ),
        "holdouts": sa.select(Holdout.name, HoldoutMember.is_withheld, HoldoutMember.drawn_at)
        .join(Holdout, Holdout.id == HoldoutMember.holdout_id)
        .where(HoldoutMember.member_id == of),
        "message_choices": sa.select(
            ContactChoice.snoozed_until, ContactChoice.unsubscribed_at
        ).where(ContactChoice.member_id == of),
        "applications": sa.select(
            Application.name, Application.email, Application.answers, Application.applied_at,
            Application.state, Application.reason, SocialProfile.address.label("profile"),
        )
        .outerjoin(SocialProfile, SocialProfile.application_id == Application.id)
        .where(Application.email_hash.in_(sorted(digests))),
    }  # fmt: skip
    return {
        kind: [dict(row._mapping) for row in db.session.execute(query)]
        for kind, query in queries.items()
    }


def forget(member_id: int, digests: Collection[str]) -> None:
    """Take away places, words and applications of a member who is erased."""
    for circle, _state in circles.of_member(member_id):
        circles.leave(circle, member_id)
    for table in (MemberNote, MemberTag, SegmentMember, TimelineEntry):
        db.session.execute(sa.delete(table).where(table.member_id == member_id))
    forget_applications(digests)


def forget_applications(digests: Collection[str]) -> int:
    """Delete the applications of some addresses, and empty those that led to an enrolment.

    Args:
        digests: Hashes of e-mail addresses.

    Returns:
        How many there were.
    """
    theirs = Application.email_hash.in_(sorted(digests))
    is_enrolled = Application.state == ApplicationState.APPROVED
    gone = db.session.execute(sa.delete(Application).where(theirs, sa.not_(is_enrolled)))
    kept = list(db.session.scalars(sa.select(Application).where(theirs)))
    for one in kept:
        one.name, one.email, one.answers, one.reason = f"#{one.ambassador_id}", "", [], ""
        one.email_hash = secrets.token_hex(32)  # nobody finds it by the address again
    db.session.execute(
        sa.delete(SocialProfile).where(
            SocialProfile.application_id.in_([application.id for application in kept])
        )
    )
    return affected(gone) + len(kept)
