"""Points: the unit that perks are priced in, in the same ledger as money.

Points are whole, stand under the unit PTS and are never exchanged for money.
Vouchers give them (`rewards/vouchers.py`), people give them here with a reason.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models import Ambassador, Member
from core import clock
from core.db import db
from core.errors import ConflictError, Fault, InvalidInputError
from core.money import POINTS
from rewards import gives, ledger, lots, purse
from rewards.ledger import Draft
from rewards.models import Account, EntryKind
from rewards.models_points import PointsGrant

MOST = 1_000_000  # points in one act


class TooFewPointsError(ConflictError):
    """More points than the ambassador has."""


def grant(ambassador_id: int, points: int, *, reason: str, key: str) -> PointsGrant:
    """Give points, or take some back to correct a mistake; the same key again changes nothing.

    Args:
        ambassador_id: Whose.
        points: Above zero gives, below zero takes back.
        reason: Kept with it and in the audit log.
        key: Of this act, at most 80 characters; a form's own.

    Raises:
        InvalidInputError: No points, too many, or no reason.
        TooFewPointsError: They have fewer than would be taken back.
    """
    if not 0 < abs(points) <= MOST:
        detail = _("Write a number of points, other than 0 and at most 1,000,000.")
        raise InvalidInputError(detail, faults=[Fault("/points", detail)])
    if not reason.strip():
        detail = _("Say why: the reason is kept with the decision.")
        raise InvalidInputError(detail, faults=[Fault("/reason", detail)])
    purse.lock(ambassador_id, needs_active=False)
    known = db.session.scalar(sa.select(PointsGrant).where(PointsGrant.key == key))
    if known is not None:
        return known
    if purse.available(ambassador_id, POINTS) + points < 0:
        detail = _("They have fewer points than that.")
        raise TooFewPointsError(detail, faults=[Fault("/points", detail)])
    given = PointsGrant(
        key=key, ambassador_id=ambassador_id, points=points, reason=reason.strip()[:500],
        created_at=clock.now(),
    )  # fmt: skip
    db.session.add(given)
    db.session.flush()  # the entry is named after its id
    post_given(ambassador_id, points, source=f"points:{given.id}")
    if points > 0:
        gives.count(ambassador_id, what="points", key=f"points:{given.id}")
    details = {"points": points, "reason": given.reason}
    audit.record("points.grant", "ambassador", ambassador_id, details)
    return given


def post_given(ambassador_id: int, points: int, *, source: str, months: int | None = None) -> None:
    """Give points, or take them back below zero; the same source again changes nothing.

    Args:
        ambassador_id: Whose.
        points: How many.
        source: Of the entry.
        months: They last so long; None as the program says, 0 for ever.
    """
    ledger.post([_entry(ambassador_id, points, source=source)])
    lots.begin({source: months})


def _entry(ambassador_id: int, points: int, *, source: str) -> Draft:
    debit, credit = Account.POINTS_GIVEN, Account.POINTS
    if points < 0:
        debit, credit = credit, debit
    legs = ledger.move(abs(points), POINTS, debit=debit, credit=credit, ambassador_id=ambassador_id)
    return Draft(kind=EntryKind.POINTS, source=source, occurred_at=clock.now(), legs=legs)


def latest(*, limit: int = 50) -> list[tuple[PointsGrant, str]]:
    """Return what people gave, the newest first, each with the ambassador's name."""
    rows = db.session.execute(
        sa.select(PointsGrant, Member.name)
        .join(Ambassador, Ambassador.id == PointsGrant.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .order_by(PointsGrant.id.desc())
        .limit(limit)
    )
    return [(row.PointsGrant, row.name) for row in rows]
