"""Spend that follows from a rule: costs that come back each month, and hours of the team.

Both become ordinary lines of spend with a key of their own, so that CAC counts them like any
other line and doing it twice records nothing.  A recorded line stays: an end or another rate
counts from its day on, and a mistake is corrected by a negative entry.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns import spend
from campaigns.models import Spend, SpendKind
from campaigns.models_costs import HourRate, HoursEntry, RecurringCost
from core import clock, money
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, InvalidInputError, NotFoundError

MINUTES = 60
MOST_HOURS = 10_000  # of one entry
LONGEST_NOTE = 150
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


def recur(
    *, channel: str, kind: SpendKind, amount: int, currency: str, first_month: str,
    last_month: str | None, note: str, key: str,
) -> bool:  # fmt: skip
    """Add a cost that comes back each month, and record the months up to now; False if known.

    Args:
        channel: Which it is spent on.
        kind: Of spend.
        amount: A month, minor units.
        currency: ISO 4217.
        first_month: `YYYY-MM`.
        last_month: The last one, or None while it is open.
        note: What it is.
        key: Telling the same key again changes nothing.

    Raises:
        InvalidInputError: Something that cannot be.
    """
    months = [require_month(first_month), require_month(last_month) if last_month else None]
    if months[1] and months[1] < first_month:
        raise InvalidInputError(_("The last month is before the first."))
    line = spend.line(
        channel=channel, on=_first_day(first_month), amount=amount, currency=currency, kind=kind,
        key=key, note=_note(note),
    )  # fmt: skip
    row = {
        "key": key, "channel": line.channel, "kind": kind, "amount": amount,
        "currency": line.currency, "note": line.note, "first_month": first_month,
        "last_month": last_month or None, "created_at": clock.now(),
    }  # fmt: skip
    new = upsert_dialect().insert(RecurringCost).values(row)
    found = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["key"]).returning(RecurringCost.id)
    )
    if found is None:
        return False
    audit.record("cost.recur", "cost", found, {"from": first_month, "to": last_month})
    record_due()
    return True


def end(cost_id: int, last_month: str) -> None:
    """End a recurring cost after a month; what is recorded already stays.

    Raises:
        NotFoundError: There is no such cost.
        InvalidInputError: No month, or one before its first.
        ConflictError: It ended before that month.
    """
    require_month(last_month)
    cost = db.session.get(RecurringCost, cost_id, populate_existing=True)
    if cost is None:
        raise NotFoundError(_("There is no such recurring cost."))
    if last_month < cost.first_month:
        raise InvalidInputError(_("The last month is before the first."))
    is_later = sa.or_(RecurringCost.last_month.is_(None), RecurringCost.last_month >= last_month)
    done = db.session.execute(
        sa.update(RecurringCost)
        .where(RecurringCost.id == cost_id, is_later)
        .values(last_month=last_month)
    )
    if not affected(done):
        raise ConflictError(_("This cost has ended before that month already."))
    audit.record("cost.end", "cost", cost_id, {"to": last_month})


def record_due() -> int:
    """Record the months up to the present one that are not recorded yet; return how many."""
    present = clock.local_month(clock.now(), program.current().timezone)
    lines = [
        spend.Line(
            channel=cost.channel, on=_first_day(month), amount=cost.amount,
            currency=cost.currency, kind=cost.kind, key=_key(cost, month), note=cost.note,
        )
        for cost in costs()
        for month in months(cost.first_month, min(present, cost.last_month or present))
    ]  # fmt: skip
    known = _known_keys()
    due = [line for line in lines if line.key not in known]
    return sum(state is spend.State.CREATED for state in spend.record(due))


def set_rate(*, effective_on: date, amount: int, currency: str) -> None:
    """Set what an hour costs from a day on.

    Raises:
        InvalidInputError: An amount or a currency that cannot be.
        ConflictError: There is a rate from that day on.
    """
    if amount <= 0:
        raise InvalidInputError(_("A rate is more than nothing."))
    code = spend.line(
        channel=spend.COMMUNITY, on=effective_on, amount=amount, currency=currency,
        kind=SpendKind.PEOPLE, key="rate",
    ).currency  # fmt: skip
    row = {
        "effective_on": effective_on, "amount": amount, "currency": code,
        "created_at": clock.now(),
    }  # fmt: skip
    new = upsert_dialect().insert(HourRate).values(row)
    found = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["effective_on"]).returning(HourRate.id)
    )
    if found is None:
        raise ConflictError(_("There is a rate from this day on already; choose another day."))
    audit.record("cost.rate", "cost", effective_on.isoformat(), {"amount": amount, "of": code})


def rate_of(month: str) -> HourRate | None:
    """Return the rate that held on the first day of a month, or None."""
    return db.session.scalar(
        sa.select(HourRate)
        .where(HourRate.effective_on <= _first_day(month))
        .order_by(HourRate.effective_on.desc())
        .limit(1)
    )


def add_hours(*, month: str, channel: str, activity: str, hours: Decimal, key: str) -> bool:
    """Record hours of the team in a month, at the rate of that month; False if known.

    cost = hours x rate, rounded half-up to the minor unit.

    Raises:
        InvalidInputError: Something that cannot be, or no rate held in that month.
    """
    require_month(month)
    minutes = _minutes(hours)
    rate = rate_of(month)
    if rate is None:
        raise InvalidInputError(
            _("No hourly rate holds in %(month)s; set one first.", month=month)
        )  # fmt: skip
    words = _note(activity)
    amount = cost_of(minutes, rate.amount)
    line = spend.line(
        channel=channel, on=_first_day(month), amount=amount, currency=rate.currency,
        kind=SpendKind.PEOPLE, key=f"hours:{key}", note=f"{words} ({hours.normalize():f} h)",
    )  # fmt: skip
    row = {
        "key": key, "month": month, "channel": line.channel, "activity": words,
        "minutes": minutes, "rate": rate.amount, "amount": amount, "currency": rate.currency,
        "created_at": clock.now(),
    }  # fmt: skip
    new = upsert_dialect().insert(HoursEntry).values(row)
    found = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["key"]).returning(HoursEntry.id)
    )
    if found is None:
        return False
    spend.record([line])
    return True


def cost_of(minutes: int, rate: int) -> int:
    """Return what minutes cost at a rate for an hour, half-up away from zero."""
    cost = money.divide_half_up(abs(minutes) * rate, MINUTES)
    return cost if minutes >= 0 else -cost


def costs() -> list[RecurringCost]:
    """Return the recurring costs, the latest first."""
    return list(db.session.scalars(sa.select(RecurringCost).order_by(RecurringCost.id.desc())))


def rates() -> list[HourRate]:
    """Return the rates for an hour, the latest first."""
    return list(db.session.scalars(sa.select(HourRate).order_by(HourRate.effective_on.desc())))


def hours(first: str, last: str) -> list[HoursEntry]:
    """Return the hours from one month to another, the latest first."""
    query = (
        sa.select(HoursEntry)
        .where(HoursEntry.month >= first, HoursEntry.month <= last)
        .order_by(HoursEntry.month.desc(), HoursEntry.id.desc())
    )
    return list(db.session.scalars(query))


def require_month(text: str) -> str:
    """Return a month such as `2026-03`.

    Raises:
        InvalidInputError: It is none.
    """
    if not _MONTH.fullmatch(text):
        raise InvalidInputError(_("Write a month such as 2026-03."))
    return text


def months(first: str, last: str) -> list[str]:
    """Return the months from one to another, both included."""
    count, end_count = (int(name[:4]) * 12 + int(name[5:]) - 1 for name in (first, last))
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(count, end_count + 1)]


def _key(cost: RecurringCost, month: str) -> str:
    return f"recurring:{cost.id}:{month}"


def _known_keys() -> set[str]:
    known = sa.select(Spend.key).where(Spend.key.like("recurring:%"))
    return set(db.session.scalars(known))


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _minutes(hours: Decimal) -> int:
    if not 0 < abs(hours) <= MOST_HOURS:
        raise InvalidInputError(_("Write hours between 0 and 10,000."))
    return int((hours * MINUTES).to_integral_value(ROUND_HALF_UP))


def _note(text: str) -> str:
    words = " ".join(text.replace("\0", " ").split())
    if not 0 < len(words) <= LONGEST_NOTE:
        raise InvalidInputError(_("Say what it is, in at most %(n)s characters.", n=LONGEST_NOTE))
    return words
