"""Signs that a code leaked: its last seven days against its own twelve weeks before.

A signal says what is unusual, with the figures, and proposes one act; a person decides, and
nothing happens to the code by itself.  Each kind has a floor of orders and a chance: were the
code used as before, the figures would come about less often than once in 10,000 weeks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador, Member
from core import clock
from core.db import BATCH_ROWS, db, upsert_dialect
from core.errors import NotFoundError
from referrals.models import (
    Attribution,
    Code,
    CodeSignal,
    CodeStatus,
    Customer,
    Purchase,
    PurchaseStatus,
    SignalKind,
)

RECENT = timedelta(days=7)
PAST_WEEKS = 12
CHANCE = 1e-4  # of a false alarm, for each code, kind and week, were nothing unusual
FEWEST_ORDERS = 10  # in the week; below it nothing is said
FEWEST_NEW = 5  # new customers from unusual countries
TIMES = 3  # so many times its usual week, at least
RARE = 0.05  # a country with a smaller share of a code's new customers is unusual for it


@dataclass(slots=True)
class Use:
    """How a code was used in a time."""

    orders: int = 0
    without_click: int = 0
    new_by_country: dict[str, int] = field(default_factory=dict)

    @property
    def new_customers(self) -> int:
        return sum(self.new_by_country.values())


@dataclass(frozen=True, slots=True)
class Seen:
    """A signal, as a list shows it."""

    id: int
    code_id: int
    text: str
    ambassador_id: int | None
    ambassador: str | None
    kind: SignalKind
    evidence: dict[str, Any]
    seen_at: datetime


def look() -> int:
    """Look at every code that was used this week and write down what is unusual; return how many.

    Looking twice writes nothing twice: one signal for a code, kind and week, and none while
    one of its kind is open.
    """
    now = clock.now()
    week_on = clock.local_day(now, program.current().timezone)
    week_on -= timedelta(days=week_on.weekday())
    rows: list[dict[str, Any]] = []
    busy = _busy_codes(now)
    for start in range(0, len(busy), BATCH_ROWS):
        ids = busy[start : start + BATCH_ROWS]
        recent = _used(ids, now - RECENT, now)
        past = _used(ids, now - RECENT - timedelta(weeks=PAST_WEEKS), now - RECENT)
        is_open = _open_kinds(ids)
        rows += [
            {
                "code_id": code_id, "kind": kind, "week_on": week_on, "evidence": evidence,
                "seen_at": now,
            }
            for code_id in ids
            for kind, evidence in unusual(recent[code_id], past[code_id])
            if (code_id, kind) not in is_open
        ]  # fmt: skip
    if not rows:
        return 0
    made = upsert_dialect().insert(CodeSignal).values(rows).on_conflict_do_nothing()
    return len(list(db.session.scalars(made.returning(CodeSignal.id))))


def unusual(recent: Use, past: Use) -> Iterator[tuple[SignalKind, dict[str, Any]]]:
    """Tell what is unusual in a week beside the twelve weeks before, with the figures.

    Source: upper tails of the Poisson distribution (orders a week) and of the binomial one
    (shares), their parameters from the code's own past, at least one order a week.
    """
    usual = max(past.orders / PAST_WEEKS, 1.0)
    if recent.orders >= max(FEWEST_ORDERS, TIMES * usual) and (
        _poisson_tail(recent.orders, usual) < CHANCE
    ):
        yield (
            SignalKind.BEYOND_ITS_PAST,
            {"orders": recent.orders, "usual": round(usual, 1), "weeks": PAST_WEEKS},
        )
    if recent.orders >= FEWEST_ORDERS and past.orders >= FEWEST_ORDERS:
        share = (past.without_click + 1) / (past.orders + 2)
        if _binomial_tail(recent.without_click, recent.orders, share) < CHANCE:
            yield (
                SignalKind.WITHOUT_CLICK,
                {
                    "orders": recent.orders,
                    "without_click": recent.without_click,
                    "usual_share": round(past.without_click / past.orders, 3),
                },
            )
    yield from _from_far(recent, past)


def waiting(*, limit: int = 100, code_id: int | None = None) -> list[Seen]:
    """Return the signals that nobody has decided, the latest first."""
    query = (
        sa.select(
            CodeSignal.id, CodeSignal.code_id, Code.text, Code.ambassador_id,
            Member.name.label("ambassador"), CodeSignal.kind, CodeSignal.evidence,
            CodeSignal.seen_at,
        )
        .join(Code, Code.id == CodeSignal.code_id)
        .outerjoin(Ambassador, Ambassador.id == Code.ambassador_id)
        .outerjoin(Member, Member.id == Ambassador.member_id)
        .where(CodeSignal.closed_at.is_(None))
        .order_by(CodeSignal.id.desc())
        .limit(limit)
    )  # fmt: skip
    if code_id is not None:
        query = query.where(CodeSignal.code_id == code_id)
    return [Seen(**row._mapping) for row in db.session.execute(query)]


def count_waiting() -> int:
    """Return how many signals nobody has decided."""
    query = sa.select(sa.func.count()).select_from(CodeSignal)
    return int(db.session.scalar(query.where(CodeSignal.closed_at.is_(None))) or 0)


def dismiss(signal_id: int) -> int:
    """Close a signal as harmless, as a person decided; return its code.

    Raises:
        NotFoundError: No such signal is open.
    """
    closed = db.session.execute(
        sa.update(CodeSignal)
        .where(CodeSignal.id == signal_id, CodeSignal.closed_at.is_(None))
        .values(closed_at=clock.now(), closed_as="harmless")
        .returning(CodeSignal.code_id, CodeSignal.kind)
    ).one_or_none()
    if closed is None:
        raise NotFoundError(_("There is no such open signal."))
    code = db.session.get_one(Code, closed.code_id)
    audit.record("code.signal", "code", code.key, {"kind": closed.kind.value, "as": "harmless"})
    return code.id


def close(code_id: int) -> None:
    """Close the signals of a code that was stopped."""
    db.session.execute(
        sa.update(CodeSignal)
        .where(CodeSignal.code_id == code_id, CodeSignal.closed_at.is_(None))
        .values(closed_at=clock.now(), closed_as="frozen")
    )


def _from_far(recent: Use, past: Use) -> Iterator[tuple[SignalKind, dict[str, Any]]]:
    if past.new_customers < FEWEST_ORDERS:
        return
    shares = {
        country: past.new_by_country.get(country, 0) / past.new_customers
        for country in recent.new_by_country
    }
    rare = sorted(country for country, share in shares.items() if share < RARE)
    number = sum(recent.new_by_country[country] for country in rare)
    usual = max(sum(shares[country] for country in rare), RARE)
    if number < FEWEST_NEW or _binomial_tail(number, recent.new_customers, usual) >= CHANCE:
        return
    evidence = {"new_customers": recent.new_customers, "from_far": number, "countries": rare[:12]}
    yield SignalKind.UNUSUAL_COUNTRIES, evidence


def _busy_codes(now: datetime) -> list[int]:
    """Return the active codes with enough orders in the last week to say anything."""
    query = (
        sa.select(Attribution.code_id)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .join(Code, Code.id == Attribution.code_id)
        .where(*_counts(now - RECENT, now), Code.status == CodeStatus.ACTIVE)
        .group_by(Attribution.code_id)
        .having(sa.func.count() >= FEWEST_NEW)
        .order_by(Attribution.code_id)
    )
    return [code_id for code_id in db.session.scalars(query) if code_id is not None]


def _used(code_ids: Sequence[int], start: datetime, end: datetime) -> dict[int, Use]:
    """Return how codes were used from an instant up to another."""
    is_new = Customer.first_purchase_id == Purchase.id
    rows = db.session.execute(
        sa.select(
            Attribution.code_id, Purchase.country, sa.func.count(),
            sa.func.count(sa.case((Purchase.click_token.is_(None), 1))),
            sa.func.count(sa.case((is_new, 1))),
        )
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .where(Attribution.code_id.in_(code_ids), *_counts(start, end))
        .group_by(Attribution.code_id, Purchase.country)
    )  # fmt: skip
    found = {code_id: Use() for code_id in code_ids}
    for code_id, country, orders, without_click, new in rows:
        use = found[code_id or 0]
        use.orders += orders
        use.without_click += without_click
        if new and country:
            use.new_by_country[country] = new
    return found


def _counts(start: datetime, end: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Purchase.occurred_at > start,
        Purchase.occurred_at <= end,
        Purchase.status == PurchaseStatus.PAID,
        Purchase.is_test.is_(False),
    )


def _open_kinds(code_ids: Sequence[int]) -> set[tuple[int, SignalKind]]:
    query = sa.select(CodeSignal.code_id, CodeSignal.kind).where(
        CodeSignal.code_id.in_(code_ids), CodeSignal.closed_at.is_(None)
    )
    return {(row.code_id, row.kind) for row in db.session.execute(query)}


def _poisson_tail(least: int, mean: float) -> float:
    """Return the chance of so many events or more."""
    below = sum(
        math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
        for number in range(least)
    )
    return max(0.0, 1.0 - below)


def _binomial_tail(least: int, trials: int, share: float) -> float:
    """Return the chance of so many successes or more."""
    if share >= 1.0:
        return 1.0
    return sum(
        math.exp(
            math.lgamma(trials + 1) - math.lgamma(number + 1) - math.lgamma(trials - number + 1)
            + number * math.log(share) + (trials - number) * math.log1p(-share)
        )
        for number in range(least, trials + 1)
    )  # fmt: skip
