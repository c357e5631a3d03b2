"""Spend: what the brand paid for a channel on a day, in lines that are only ever added.

A line is never changed or removed; a mistake is corrected by a negative line
on the day it concerns.  Each line has a key, so telling it twice records it
once.  Amounts are minor units of the line's own currency.

A line counts in the month of its day.  Once that month is closed it counts on the
day it is recorded instead, as a correction that keeps the day it concerns: what a
closed month cost never changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns.models import Spend, SpendKind
from campaigns.models_closed import Books
from core import changes, clock, money
from core.db import BATCH_ROWS, db, upsert_dialect
from core.errors import InvalidInputError

FACT = "spend"  # its name among the facts of `core.changes`
COMMUNITY = "community"
RESERVED = frozenset({"unattributed"})  # the reports' word for customers without a channel
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2100, 1, 1)
LONGEST_NOTE = 200
COUNTED_ON = sa.func.coalesce(Spend.booked_on, Spend.on)
_CHANNEL = re.compile(r"[a-z0-9_]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of spend, as somebody tells it."""

    channel: str
    on: date  # in the program's time zone
    amount: int  # minor units; negative corrects an earlier line
    currency: str
    kind: SpendKind
    key: str
    note: str = ""
    ambassador_id: int | None = None  # for whom, where that is known


class State(StrEnum):
    """What became of a line that was told."""

    CREATED = "created"
    UNCHANGED = "unchanged"  # the same line was there
    CONFLICT = "conflict"  # the key was there, with other facts; nothing was written


@dataclass(frozen=True, slots=True)
class Sum:
    """The spend of one month, channel and kind in one currency."""

    month: str
    channel: str
    kind: SpendKind
    currency: str
    amount: int  # minor units
    lines: int


def channel_name(text: str) -> str:
    """Return a channel's name as it is kept: `Paid Social` gives `paid_social`.

    Raises:
        InvalidInputError: Empty, too long, with other than letters and digits, or reserved.
    """
    name = re.sub(r"[\s\-]+", "_", text.strip().lower())
    if not _CHANNEL.fullmatch(name) or name in RESERVED:
        raise InvalidInputError(
            _(
                "“%(text)s” cannot name a channel; use letters and digits, such as paid_social.",
                text=text[:80],
            )
        )
    return name


def line(
    *, channel: str, on: date, amount: int, currency: str, kind: SpendKind, key: str, note: str = ""
) -> Line:
    """Return a line whose parts have been checked.

    Raises:
        InvalidInputError: A channel, day, amount, currency or key that cannot be.
    """
    try:
        code = money.require_currency(currency)
    except money.MoneyError as error:
        raise InvalidInputError(f"{error}.") from None
    if not FIRST_DAY <= on < LAST_DAY:
        raise InvalidInputError(
            _(
                "%(day)s is not a day between %(first)s and %(last)s.",
                day=on,
                first=FIRST_DAY,
                last=LAST_DAY,
            )
        )
    if abs(amount) > money.LARGEST:
        raise InvalidInputError(_("%(amount)s is more than can be recorded.", amount=amount))
    if not 0 < len(key) <= LONGEST_NOTE or len(note) > LONGEST_NOTE or "\0" in key + note:
        raise InvalidInputError(
            _("Use at most %(n)s characters for a key and a note.", n=LONGEST_NOTE)
        )
    return Line(
        channel=channel_name(channel), on=on, amount=amount, currency=code, kind=kind, key=key,
        note=note,
    )  # fmt: skip


def record(lines: Sequence[Line]) -> list[State]:
    """Record lines of spend; a key that is there already changes nothing.

    Args:
        lines: Any number; each batch of 500 takes two statements.

    Returns:
        What became of each line, in their order.
    """
    states: list[State] = []
    closed = closed_through() if lines else None
    for start in range(0, len(lines), BATCH_ROWS):
        states += _record_batch(lines[start : start + BATCH_ROWS], closed)
    created = [one for one, state in zip(lines, states, strict=True) if state is State.CREATED]
    if created:
        days = {booked_on(one.on, closed) or one.on for one in created}
        changes.mark(FACT, {f"{day:%Y-%m}" for day in days})
        audit.record("spend.record", "spend", created[0].key, _told(created))
    return states


def booked_on(on: date, closed: str | None) -> date | None:
    """Return the day on which a line counts that is recorded now; None on its own day.

    Args:
        on: The day it concerns.
        closed: The last closed month, `YYYY-MM`, if any.
    """
    if closed is None or f"{on:%Y-%m}" > closed:
        return None
    count = int(closed[:4]) * 12 + int(closed[5:])
    open_from = date(count // 12, count % 12 + 1, 1)
    return max(clock.local_day(clock.now(), program.current().timezone), open_from)


def count() -> int:
    """Return how many lines there are, to know whether another came."""
    return db.session.scalars(sa.select(sa.func.count(Spend.id))).one()


def closed_through() -> str | None:
    """Return the last closed month, and keep the next from being closed meanwhile."""
    query = sa.select(Books.closed_through).where(Books.id == 1)
    return db.session.scalar(query.with_for_update(read=True))


def _record_batch(lines: Sequence[Line], closed: str | None) -> list[State]:
    rows: dict[str, dict[str, Any]] = {}
    for one in lines:
        rows.setdefault(one.key, _row(one, closed))  # of equal keys the first is written
    insert = (
        upsert_dialect()
        .insert(Spend)
        .values(list(rows.values()))
        .on_conflict_do_nothing(index_elements=[Spend.key])
        .returning(Spend.key)
    )
    fresh = set(db.session.scalars(insert))
    known = {
        row.key: (row.channel, row.on, row.amount, row.currency, row.kind)
        for row in db.session.execute(
            sa.select(
                Spend.key, Spend.channel, Spend.on, Spend.amount, Spend.currency, Spend.kind
            ).where(Spend.key.in_(rows))
        )
    }
    return [_state(one, known[one.key], fresh) for one in lines]


def _state(one: Line, known: tuple[Any, ...], fresh: set[str]) -> State:
    if known != (one.channel, one.on, one.amount, one.currency, one.kind):
        return State.CONFLICT
    if one.key in fresh:
        fresh.discard(one.key)  # the same key later in the list is a repeat
        return State.CREATED
    return State.UNCHANGED


def _row(one: Line, closed: str | None) -> dict[str, Any]:
    return {
        "key": one.key, "channel": one.channel, "on": one.on, "amount": one.amount,
        "currency": one.currency, "kind": one.kind, "note": one.note,
        "ambassador_id": one.ambassador_id, "created_at": clock.now(),
        "booked_on": booked_on(one.on, closed),
    }  # fmt: skip


def _told(created: Sequence[Line]) -> dict[str, Any]:
    totals: dict[str, int] = {}
    for one in created:
        totals[one.currency] = totals.get(one.currency, 0) + one.amount
    return {"lines": len(created), "totals": totals}


def months(start: date, end: date) -> list[Sum]:
    """Return the spend by month in which it counts, channel, kind and currency, latest first.

    Args:
        start: The first day.
        end: The first day after.
    """
    by_day = (
        sa.select(
            COUNTED_ON.label("counted"), Spend.channel, Spend.kind, Spend.currency,
            sa.func.sum(Spend.amount).label("amount"), sa.func.count().label("lines"),
        )
        .where(start <= COUNTED_ON, end > COUNTED_ON)
        .group_by(COUNTED_ON, Spend.channel, Spend.kind, Spend.currency)
    )  # fmt: skip
    sums: dict[tuple[str, str, SpendKind, str], tuple[int, int]] = {}
    for row in db.session.execute(by_day):
        name = (f"{row.counted:%Y-%m}", row.channel, row.kind, row.currency)
        amount, count = sums.get(name, (0, 0))
        sums[name] = (amount + int(row.amount), count + row.lines)
    found = [Sum(*name, amount, count) for name, (amount, count) in sums.items()]
    found.sort(key=lambda one: (one.channel, one.kind, one.currency))
    return sorted(found, key=lambda one: one.month, reverse=True)


def page(
    *,
    start: date,
    end: date,
    channel: str | None = None,
    kind: SpendKind | None = None,
    currency: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Spend]:
    """Return lines, the last recorded first.

    Args:
        start: The first day on which they count.
        end: The first day after.
        channel: Only this channel.
        kind: Only this kind.
        currency: Only this currency.
        after: Only lines recorded before the one with this id.
        limit: At most so many.
    """  # fmt: skip
    query = sa.select(Spend).where(start <= COUNTED_ON, end > COUNTED_ON)
    for column, value in (
        (Spend.channel, channel), (Spend.kind, kind), (Spend.currency, currency),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(Spend.id < after)
    return list(db.session.scalars(query.order_by(Spend.id.desc()).limit(limit)))


def every(**filters: Any) -> Iterator[Spend]:
    """Yield all lines that `page` would give, page after page."""
    last: int | None = None
    while found := page(after=last, limit=BATCH_ROWS, **filters):
        yield from found
        last = found[-1].id


def corrections(start: date, end: date, *, limit: int) -> list[Spend]:
    """Return lines that count from a day to another, but concern a month that was closed."""
    query = sa.select(Spend).where(Spend.booked_on >= start, Spend.booked_on < end)
    return list(db.session.scalars(query.order_by(Spend.id).limit(limit)))
