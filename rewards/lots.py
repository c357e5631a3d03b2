"""Lots of points: what is left of each, until when it can be spent, and what expires.

Points that are given are a lot.  Until when it lasts is frozen with it, by the months of its
campaign or of the program; a rule that changes later takes nothing away.  What is left of lots
is worked out from the ledger alone: spending takes from the oldest lots (first in, first out),
a refund from the lots of its own purchase first, and what finds no lot is repaid by the next
ones.  So the lots add up to the balance, always.

A lot that is over leaves the balance by one entry that is named after it and dated at its
end.  A refund takes what expired of its purchase out of what expired, so that nobody loses
points twice (`rewards/purchase_rewards.py`); what a refund that failed or a cancelled
exchange gives back begins a term of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from core import clock
from core.db import db, upsert_dialect
from core.money import POINTS
from referrals.models import Purchase
from rewards import ledger, purse, rules
from rewards.ledger import Draft
from rewards.models import Account, Entry, EntryKind, Posting
from rewards.models_points import PointsTerm

_SOURCE = "points-expiry:"  # and the entry of the lot


@dataclass(slots=True)
class Lot:
    """Points given by one entry."""

    entry_id: int
    purchase_id: int | None
    left: int
    expires_at: datetime | None = None  # None: never


@dataclass(frozen=True, slots=True)
class Move:
    """A posting on somebody's points; `points` above zero gives, below takes."""

    entry_id: int
    points: int
    purchase_id: int | None = None
    of_lot: int | None = None  # the lot that expired


def begin(months: Mapping[str, int | None]) -> None:
    """Freeze until when points last that were just given.

    Args:
        months: By source of the entry; None is what the program says, 0 for ever.
    """
    usual = program.current().points_months
    lasting = {
        source: chosen
        for source, told in months.items()
        if (chosen := usual if told is None else told)
    }
    if not lasting:
        return
    given = db.session.execute(
        sa.select(Entry.id, Entry.source, Entry.occurred_at, Posting.ambassador_id)
        .join(Posting, Posting.entry_id == Entry.id)
        .where(
            Entry.source.in_(lasting), Posting.account == Account.POINTS, Posting.amount < 0
        )
    )  # fmt: skip
    rows = [
        {"entry_id": row.id, "ambassador_id": row.ambassador_id,
         "expires_at": end(row.occurred_at, lasting[row.source])}
        for row in given
    ]  # fmt: skip
    if rows:
        db.session.execute(upsert_dialect().insert(PointsTerm).on_conflict_do_nothing(), rows)


def end(given_at: datetime, months: int) -> datetime:
    """Return the first instant at which points are gone: after the same day, months later."""
    zone = clock.zone(program.current().timezone)
    last = rules.add_months(given_at.astimezone(zone).date(), months)
    return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)


def fold(moves: Iterable[Move]) -> list[Lot]:
    """Return lots, the oldest first, with what the moves after them left of each."""
    found: list[Lot] = []
    missing = 0  # taken back although nothing was left of it
    for move in moves:
        if move.points > 0:
            repaid = min(missing, move.points)
            missing -= repaid
            found.append(Lot(move.entry_id, move.purchase_id, move.points - repaid))
        else:
            missing += _take(-move.points, _order(found, move))
    return found


def _order(lots: list[Lot], move: Move) -> list[Lot]:
    """Return lots in the order in which a move takes from them."""
    if move.of_lot is not None:
        return [lot for lot in lots if lot.entry_id == move.of_lot]
    if move.purchase_id is None:
        return lots
    return sorted(lots, key=lambda lot: lot.purchase_id != move.purchase_id)


def _take(points: int, lots: Iterable[Lot]) -> int:
    """Take points from lots and return how many none of them had."""
    for lot in lots:
        taken = min(points, lot.left)
        lot.left -= taken
        points -= taken
    return points


def of_ambassador(ambassador_id: int) -> list[Lot]:
    """Return the lots of an ambassador of which something is left, the oldest first."""
    found = [lot for lot in fold(_moves(ambassador_id)) if lot.left]
    ends = {
        term.entry_id: term.expires_at
        for term in _terms(ambassador_id)
        if term.over_at is None
    }  # fmt: skip
    for lot in found:
        lot.expires_at = ends.get(lot.entry_id)
    return found


def expiring(ambassador_id: int) -> list[tuple[date, int]]:
    """Return the last days of points that are left, the next first, with how many those are."""
    days: Counter[date] = Counter()
    for lot in of_ambassador(ambassador_id):
        if lot.expires_at is not None:
            days[last_day(lot.expires_at)] += lot.left
    return sorted(days.items())


def last_day(expires_at: datetime) -> date:
    """Return the last day on which points can be spent."""
    before = expires_at - timedelta(microseconds=1)
    return clock.local_day(before, program.current().timezone)


def due() -> list[int]:
    """Return the ambassadors who have points that are over."""
    query = sa.select(PointsTerm.ambassador_id).where(*_is_over()).distinct()
    return sorted(db.session.scalars(query))


def expire(ambassador_id: int) -> int:
    """Take what is left of points that are over out of a balance; return how many points.

    Locks their purchases, then the ambassador, as a refund does; doing it twice posts nothing.
    """
    mine = PointsTerm.ambassador_id == ambassador_id
    over = sa.select(PointsTerm).where(mine, *_is_over())
    if not (waiting := db.session.scalars(over).all()):
        return 0
    _lock([term.entry_id for term in waiting], ambassador_id)
    left = {lot.entry_id: lot for lot in fold(_moves(ambassador_id))}
    again = over.order_by(PointsTerm.entry_id).execution_options(populate_existing=True)
    drafts = []
    for term in db.session.scalars(again).all():
        term.over_at = clock.now()
        if left[term.entry_id].left:
            drafts.append(_expiry(left[term.entry_id], term))
    db.session.flush()  # the terms are over as their entries say
    ledger.post(drafts)
    return sum(draft.legs[0].amount for draft in drafts)


def expired(source: str) -> int:
    """Return how many of the points that an entry gave were not spent in time."""
    lot = sa.select(sa.literal(_SOURCE) + sa.cast(Entry.id, sa.String)).where(
        Entry.source == source
    )
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.source == lot.scalar_subquery(), Posting.account == Account.POINTS)
    )
    return int(db.session.scalars(query).one())


def _expiry(lot: Lot, term: PointsTerm) -> Draft:
    legs = ledger.move(
        lot.left, POINTS, debit=Account.POINTS, credit=Account.POINTS_EXPIRED,
        ambassador_id=term.ambassador_id, purchase_id=lot.purchase_id,
    )  # fmt: skip
    source = f"{_SOURCE}{lot.entry_id}"
    return Draft(kind=EntryKind.EXPIRY, source=source, occurred_at=term.expires_at, legs=legs)


def _lock(entry_ids: Collection[int], ambassador_id: int) -> None:
    of_lots = sa.select(Posting.purchase_id).where(Posting.entry_id.in_(entry_ids))
    db.session.execute(
        sa.select(Purchase.id).where(Purchase.id.in_(of_lots))
        .order_by(Purchase.id).with_for_update(key_share=True)
    )  # fmt: skip
    purse.lock(ambassador_id, needs_active=False)


def _is_over() -> tuple[Any, Any]:
    return PointsTerm.over_at.is_(None), PointsTerm.expires_at <= clock.now()


def _terms(ambassador_id: int) -> list[PointsTerm]:
    query = sa.select(PointsTerm).where(PointsTerm.ambassador_id == ambassador_id)
    return list(db.session.scalars(query))


def _moves(ambassador_id: int) -> list[Move]:
    rows = db.session.execute(
        sa.select(Posting.entry_id, Posting.amount, Posting.purchase_id, Entry.kind, Entry.source)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Posting.ambassador_id == ambassador_id, Posting.account == Account.POINTS)
        .order_by(Posting.id)
    )
    return [
        Move(
            row.entry_id, -row.amount, row.purchase_id,
            int(row.source.removeprefix(_SOURCE)) if row.kind is EntryKind.EXPIRY else None,
        )
        for row in rows
    ]  # fmt: skip
