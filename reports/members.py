"""Members against others: what was observed, what is left with a control, and what may be said.

Fans select themselves: who joins bought more before.  So each measure is told with three
numbers, the observed gap, an estimate with its 95 % interval, and a verdict that may be "not
enough data".  How customers are matched is in `matching`, how the estimate is made and checked
in `estimates`; this file reads the figures and puts the report together.

Source: rule 23 of the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from ambassadors import program
from core import clock
from reports import engine, estimates, matching, people, subscribers, survival
from reports import wording_members as wording
from reports.estimates import Estimate, Measure, Verdict
from reports.matching import NEVER, Bools, Cell, Customers, Ints
from reports.models import SIX_PLACES, Kind, Period, Report, following
from reports.subscribers import Subscribers

NAME = "members"
HISTORY = 24  # months before the period that are read for what customers bought before
LTV_AGE = 6  # months after that of the first purchase
LASTING_AGES = (1, 2, 3, 6, 9, 12, 18, 24, 36)  # months
SEED = 23  # the same question gives the same interval
TRAITS = ("first_month", "basket", "country", "channel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure; figures are of the row's kind, money in minor units."""

    measure: str
    kind: Kind
    observed_members: int | Decimal | None
    observed_others: int | Decimal | None
    gap: int | Decimal | None
    estimate: int | Decimal | None
    low: int | Decimal | None
    high: int | Decimal | None
    trend_low: int | Decimal | None
    trend_high: int | Decimal | None
    n_members: int
    n_matched: int
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Who was compared, how alike they are, and how long subscriptions last."""

    members: int
    others: int
    comparable: int
    matched: int
    balance: tuple[matching.Balance, ...]
    lasting_members: tuple[survival.Point, ...]
    lasting_others: tuple[survival.Point, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read, months counted from the first of the history."""

    customers: Customers
    position: Ints  # the customer of each row of sums
    month: Ints
    purchases: Ints
    gross: Ints
    net: Ints
    subscribers: Subscribers
    months: range  # of the period that are over
    firsts: Mapping[str, Any]  # the columns of members_firsts.sql, a row for each customer

    @property
    def last(self) -> int:
        return self.months.stop - 1

    @property
    def is_member(self) -> Bools:
        known: Bools = self.customers.joined != NEVER
        return known

    @property
    def since(self) -> Ints:
        """The month after which a customer's purchases are compared."""
        first, joined = self.customers.first, self.customers.joined
        return np.where(self.is_member, np.maximum(first, joined), first)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A measure as observed, and how it is estimated."""

    name: str
    kind: Kind
    members: float | None
    others: float | None
    n_members: int
    measure: Measure
    last: int
    times: int = 1  # months that the figure stands for


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return members against others, a row for each measure.

    Args:
        period: Whole months: the observed purchases, and the months of joining, lie within.
            What came before is read as history; a month that is not over is left out.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    facts = read(copy, period, currency)
    chosen, cells = compared(facts)
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=wording.TEXT,
        columns=wording.COLUMNS, rows=_rows(facts, cells),
        totals=_totals(facts, chosen, cells), total_columns=wording.TOTALS,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def compared(facts: Facts) -> tuple[Ints, list[Cell]]:
    """Return the members who can be compared, and the cells of who is; the same ones each time."""
    chosen = matching.comparable(facts.customers, facts.months)
    return chosen, matching.cells(facts.customers, chosen, np.random.default_rng(SEED))


def counted(facts: Facts, cells: list[Cell], name: str) -> list[Cell]:
    """Return who stands behind the estimate of the measure of that name."""
    kept, few, within = _matched(facts, cells)
    measure = next(seen.measure for seen in _measures(facts, kept) if seen.name == name)
    found = estimates.counted(few, within, measure)
    return [Cell(kept[one.members], kept[one.others]) for one in found]


def lasting(
    totals: Totals,
) -> list[tuple[int, survival.Point | None, survival.Point | None]]:
    """Return which share of subscriptions still runs at some ages: members', others'."""
    sides = totals.lasting_members, totals.lasting_others
    longest = max((points[-1].time for points in sides if points), default=0)
    return [
        (age, survival.at(sides[0], age), survival.at(sides[1], age))
        for age in LASTING_AGES
        if age <= longest
    ]


def read(copy: engine.Copy, period: Period, currency: str) -> Facts:
    """Return the figures that the report is made of, see `report`."""
    present = clock.local_month(clock.now(), program.current().timezone)
    last = min(period.last, following(present, -1))
    begin = min(following(period.first, -HISTORY), last)
    span, given = Period(begin, last), {"currency": currency}
    zero = _number(begin)
    months = range(_number(period.first) - zero, _number(last) - zero + 1)
    firsts = engine.arrays(copy, "members_firsts", span, given)
    known = _ints(firsts["customer_id"])
    sums = _of_known(engine.arrays(copy, NAME, span, given), known, zero)
    paid = _of_known(engine.arrays(copy, "members_subscriptions", span, given), known, zero)
    return Facts(
        _customers(firsts, known, zero), sums["position"], sums["month_number"],
        sums["purchases"], sums["gross"], sums["net"],
        subscribers.read(paid, paid["position"], len(known), months.stop - 1), months, firsts,
    )  # fmt: skip


def _customers(firsts: Mapping[str, Any], known: Ints, zero: int) -> Customers:
    joined = np.full(len(known), NEVER)
    days = people.joined()
    ids = np.array(sorted(days), dtype=np.int64)
    here = np.flatnonzero(np.isin(known, ids))
    joined[here] = [_number(f"{days[int(one)]:%Y-%m}") - zero for one in known[here]]
    country, channel = (
        np.unique(np.asarray(firsts[name], dtype=str), return_inverse=True)[1].astype(np.int64)
        for name in ("country", "channel")
    )
    return Customers(
        _ints(firsts["month_number"]) - zero, _ints(firsts["basket"]), country, channel, joined
    )


def _of_known(found: Mapping[str, Any], known: Ints, zero: int) -> dict[str, Ints]:
    """Return the columns of the rows whose customer is known, with the customer's position."""
    columns = {name: _ints(values) for name, values in found.items()}
    kept = np.isin(columns["customer_id"], known)
    columns = {name: values[kept] for name, values in columns.items()}
    columns["position"] = np.searchsorted(known, columns["customer_id"]).astype(np.int64)
    columns["month_number"] = columns["month_number"] - zero
    return columns


def _rows(facts: Facts, cells: list[Cell]) -> list[Row]:
    """Return a row for each measure."""
    kept, few, within = _matched(facts, cells)
    return [_row(seen, few, within) for seen in _measures(facts, kept)]


def _matched(facts: Facts, cells: list[Cell]) -> tuple[Ints, Customers, list[Cell]]:
    """Return the matched people alone, as only they are laid out by month.

    Their positions among all, what is known of them, and the cells with positions among them.
    """
    nobody = np.zeros(0, dtype=np.int64)
    sides = [side for one in cells for side in (one.members, one.others)]
    kept = np.unique(np.concatenate([nobody, *sides]))
    within = [
        Cell(np.searchsorted(kept, one.members), np.searchsorted(kept, one.others)) for one in cells
    ]
    few = facts.customers
    few = Customers(
        few.first[kept], few.basket[kept], few.country[kept], few.channel[kept], few.joined[kept]
    )
    return kept, few, within


def _row(seen: _Seen, customers: Customers, cells: list[Cell]) -> Row:
    found = estimates.estimated(customers, cells, seen.measure, seen.last, seed=SEED)
    before = (
        estimates.trend(customers, cells, seen.measure, seed=SEED)
        if seen.measure.is_differenced
        else None
    )
    members, others = (_told(value, seen.kind) for value in (seen.members, seen.others))
    gap = None if members is None or others is None else members - others
    trend = before or Estimate(None, None, None, 0)
    figures = {
        name: _told(value * seen.times if value is not None else None, seen.kind)
        for name, value in (
            ("estimate", found.value), ("low", found.low), ("high", found.high),
            ("trend_low", trend.low), ("trend_high", trend.high),
        )
    }  # fmt: skip
    return Row(
        measure=seen.name, kind=seen.kind, observed_members=members, observed_others=others,
        gap=gap, n_members=seen.n_members, n_matched=found.members,
        verdict=estimates.verdict(found, before), **figures,
    )  # fmt: skip


def _measures(facts: Facts, kept: Ints) -> Iterator[_Seen]:
    counts, gross, net = (
        _laid_out(facts, values, kept) for values in (facts.purchases, facts.gross, facts.net)
    )
    sides = [_observed(facts, who) for who in (facts.is_member, ~facts.is_member)]
    inside, outside = sides
    buyers = int(facts.is_member.sum())
    for name, kind, measure, times in (
        ("aov", Kind.MONEY, Measure(gross, counts), 1),
        ("frequency", Kind.RATIO, Measure(counts), 1),
        ("ltv", Kind.MONEY, Measure(net), LTV_AGE),
    ):
        yield _Seen(name, kind, inside[name], outside[name], buyers, measure, facts.last, times)
    them, width = facts.subscribers, facts.months.stop
    with_one = int((facts.is_member & them.has_any).sum())
    for name, kind, measure, last in (
        ("churn", Kind.SHARE, subscribers.churn(them, kept, width), them.known),
        ("mrr", Kind.MONEY, subscribers.mrr(them, kept, width), facts.last),
    ):
        yield _Seen(name, kind, inside[name], outside[name], with_one, measure, last)


def _laid_out(facts: Facts, values: Ints, kept: Ints) -> Any:
    """Return sums as customers by months, without the month of the first purchase."""
    place = np.full(len(facts.customers), -1)
    place[kept] = np.arange(len(kept))
    here = (place[facts.position] >= 0) & (facts.month > facts.customers.first[facts.position])
    panel = np.zeros((len(kept), facts.months.stop))
    panel[place[facts.position[here]], facts.month[here]] = values[here]
    return panel


def _observed(facts: Facts, who: Bools) -> dict[str, float | None]:
    """Return each measure as it was seen, without any control."""
    since, months = facts.since, facts.months
    rows = (
        who[facts.position] & (facts.month > since[facts.position])
        & (facts.month >= months.start)
    )  # fmt: skip
    exposed = np.maximum(facts.last - np.maximum(since, months.start - 1), 0)[who].sum()
    purchases, gross = facts.purchases[rows].sum(), facts.gross[rows].sum()
    first = facts.customers.first
    old = who & (first + LTV_AGE <= facts.last)
    young = old[facts.position] & (facts.month <= first[facts.position] + LTV_AGE)
    paying = subscribers.observed(facts.subscribers, since, who, months)
    return {
        "aov": _ratio(gross, purchases),
        "frequency": _ratio(purchases, exposed),
        "ltv": _ratio(facts.net[young].sum(), old.sum()),
        "churn": _ratio(paying.ended, paying.exposed),
        "mrr": _ratio(paying.amount, paying.paid),
    }


def _totals(facts: Facts, chosen: Ints, cells: list[Cell]) -> Totals:
    joined, them = facts.customers.joined, facts.subscribers
    return Totals(
        members=int(facts.is_member.sum()), others=int((~facts.is_member).sum()),
        comparable=len(chosen), matched=sum(len(one.members) for one in cells),
        balance=tuple(matching.balance(facts.customers, chosen, cells, TRAITS)),
        lasting_members=tuple(subscribers.lasting(them, joined, are_members=True)),
        lasting_others=tuple(subscribers.lasting(them, joined, are_members=False)),
    )  # fmt: skip


def _told(value: float | None, kind: Kind) -> int | Decimal | None:
    if value is None:
        return None
    exact = Decimal(repr(float(value)))
    if kind is Kind.MONEY:
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    return exact.quantize(SIX_PLACES, ROUND_HALF_UP)


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if whole else None


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _ints(values: Any) -> Ints:
    return np.asarray(values).astype(np.int64)
