"""What the models of `lifetimes.py` say of a period's customers, and what speaks against it.

Only months that are over are read, so a forecast stays the same until a month ends or a refund
changes one.  It is checked on months left out: fitted to the first two thirds of the period, how
many repeat purchases did it expect in the last third, and how many came?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from reports import engine, lifetimes
from reports.lifetimes import Buying, Fit, History, Numbers, Spending
from reports.models import Doubt, Period, Reason, following

MOST_CUSTOMERS = 5_000  # of more, a fixed sample stands for all
FEWEST_CUSTOMERS, FEWEST_REPEATERS = 100, 50  # with fewer, the fit is chance
FEWEST_MONTHS = 6  # of which some can be left out
MISS = 0.20  # share of the expected purchases by which a check may be off, beyond chance
LINK = 0.30  # correlation of how often and how much at which the models do not hold
LEAST_TAIL = 0.05  # of q - 1: below it no mean basket exists to speak of

Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Repeat purchases in months that the model had not seen."""

    months: int
    expected: float
    low: float  # of the interval at 95 in 100
    high: float
    actual: int

    @property
    def is_off(self) -> bool:
        """Tell whether it is far off, and farther than chance would bring it."""
        is_far = abs(self.actual - self.expected) > MISS * self.expected
        return is_far and not self.low <= self.actual <= self.high


@dataclass(frozen=True, slots=True)
class Ahead:
    """What to expect of a cohort's customers, on average."""

    alive: float
    purchases: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the models say; amounts in minor units."""

    buying: Buying
    spending: Spending
    link: float
    check: Check | None
    doubts: Sequence[Doubt]
    cohorts: Mapping[str, Ahead]  # those that have not reached the age
    futures: Numbers  # per customer: a row for each possible future, a column per cohort

    def pooled(self, sizes: Mapping[str, int]) -> tuple[float, float]:
        """Return the interval of what all these cohorts' customers may spend together."""
        weights = np.array([sizes[cohort] for cohort in self.cohorts], dtype=np.float64)
        low, high = lifetimes.interval((self.futures @ weights)[:, None])
        return float(low[0]), float(high[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The models' word on a period, or why there is none."""

    customers: int  # whose histories were read
    repeaters: int
    reason: Reason | None = None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where histories come from."""

    copy: engine.Copy
    first: str
    currency: str
    one_in: int
    segment: str | None

    def read(self, last: str) -> tuple[History, Names]:
        """Return the histories up to the end of a month, and the cohort of each."""
        given = {
            "currency": self.currency, "one_in": self.one_in, "until": _end(last).isoformat(),
            "segment": self.segment,
        }  # fmt: skip
        rows = engine.run(self.copy, "prediction", Period(self.first, last), given)
        names = ("repeats", "recency_days", "age_days", "baskets", "spent")
        table = np.array([[row[name] for name in names] for row in rows], dtype=np.float64)
        repeats, recency, age, baskets, spent = table.reshape(-1, len(names)).T
        cohorts = np.array([row["cohort"] for row in rows], dtype=np.str_)
        return History(repeats, recency / 7, age / 7, baskets, spent), cohorts


def forecast(
    copy: engine.Copy, seen: Period, currency: str, *, customers: int, age: int,
    segment: str | None = None,
) -> Forecast:  # fmt: skip
    """Return the forecast for the cohorts of a period that have not reached an age.

    Remembered as long as the files of these months stay the same.

    Args:
        copy: The state to read.
        seen: Months that are over; cohorts, and what is known of them.
        currency: Only purchases in this currency.
        customers: How many first bought in these months.
        age: In months, as `age_months` of the cohorts.
        segment: Only customers who came so; all unless given.
    """
    source = _Source(copy, seen.first, currency, max(1, -(-customers // MOST_CUSTOMERS)), segment)
    files = copy.manifest.paths("purchases", seen.months)
    question = ("forecast", str(copy.folder), *files, source.one_in, seen, currency, age, segment)
    return engine.remembered(question, lambda: _made(source, seen, age))


def _made(source: _Source, seen: Period, age: int) -> Forecast:
    history, cohorts = source.read(seen.last)
    made = Forecast(customers=len(cohorts), repeaters=int(np.sum(history.repeats > 0)))
    if reason := _too_few(history):
        return replace(made, reason=reason)
    try:
        bought, paid = lifetimes.fit_buying(history), lifetimes.fit_spending(history)
    except lifetimes.NoFitError:
        return replace(made, reason=Reason.NO_FIT)
    if lifetimes.spending(paid.at).q - 1 < LEAST_TAIL:
        return replace(made, reason=Reason.NO_MEAN)
    weeks = {name: _weeks_ahead(name, seen.last, age) for name in dict.fromkeys(cohorts.tolist())}
    ahead, futures = _ahead((bought, paid), history, cohorts, weeks)
    link, check = lifetimes.dependence(history), _check(source, seen, history, cohorts)
    told = Told(
        buying=lifetimes.buying(bought.at), spending=lifetimes.spending(paid.at), link=link,
        check=check, doubts=_doubts((bought, paid), link, check), cohorts=ahead, futures=futures,
    )  # fmt: skip
    return replace(made, told=told)


def _too_few(history: History) -> Reason | None:
    if len(history.age) < FEWEST_CUSTOMERS:
        return Reason.TOO_FEW_CUSTOMERS
    if np.sum(history.baskets > 0) < FEWEST_REPEATERS:
        return Reason.TOO_FEW_REPEATERS
    return None


def _ahead(
    fits: tuple[Fit, Fit], history: History, cohorts: Names, weeks: Mapping[str, float]
) -> tuple[dict[str, Ahead], Numbers]:
    """Return what to expect of each cohort that is to be looked ahead for, and its futures."""
    names = [name for name in sorted(weeks) if weeks[name] > 0]
    chosen = np.isin(cohorts, names)
    if not names:
        return {}, np.zeros((lifetimes.DRAWS, 0))
    known, group = history.of(chosen), np.searchsorted(names, cohorts[chosen])
    span = np.array([weeks[name] for name in names])[group]
    bought, paid = fits
    share_paid = float(history.baskets.sum() / history.repeats.sum())
    when, much = lifetimes.buying(bought.at), lifetimes.spending(paid.at)
    purchases = lifetimes.expected_purchases(when, known, span)
    value = purchases * share_paid * lifetimes.expected_basket(much, known)
    sizes = np.bincount(group)
    mean = [
        np.bincount(group, column) / sizes
        for column in (lifetimes.alive(when, known), purchases, value)
    ]
    futures = lifetimes.futures(bought, paid, known, span, group, share_paid) / sizes
    ends = lifetimes.interval(futures)
    rows = np.column_stack((*mean, *ends)).tolist()
    return {name: Ahead(*row) for name, row in zip(names, rows, strict=True)}, futures


def _check(source: _Source, seen: Period, history: History, cohorts: Names) -> Check | None:
    """Fit the models to the first two thirds and count the repeat purchases of the last one."""
    months = seen.months
    split = months[-(-2 * len(months) // 3) - 1]
    if len(months) < FEWEST_MONTHS:
        return None
    before, _cohorts = source.read(split)
    if _too_few(before):
        return None
    try:
        fit = lifetimes.fit_buying(before)
    except lifetimes.NoFitError:
        return None
    weeks = (_end(seen.last) - _end(split)).days / 7
    expected = lifetimes.expected_purchases(lifetimes.buying(fit.at), before, weeks).sum()
    low, high = lifetimes.interval(lifetimes.purchases_together(fit, before, weeks))
    after = history.repeats[cohorts <= split].sum() - before.repeats.sum()
    return Check(
        months=len(months) - months.index(split) - 1, expected=float(expected),
        low=float(low[0]), high=float(high[0]), actual=int(after),
    )  # fmt: skip


def _doubts(fits: tuple[Fit, Fit], link: float, check: Check | None) -> tuple[Doubt, ...]:
    found = {
        Doubt.UNCHECKED: check is None,
        Doubt.OFF: check is not None and check.is_off,
        Doubt.DEPENDENT: abs(link) > LINK,
        Doubt.LOOSE: any(fit.is_at_an_edge for fit in fits),
    }
    return tuple(doubt for doubt, speaks in found.items() if speaks)


def _weeks_ahead(cohort: str, last: str, age: int) -> float:
    """Return the weeks from the end of what is known until a cohort has lived that age."""
    return (_end(following(cohort, age)) - _end(last)).days / 7


def _end(month: str) -> date:
    """Return the day after a month."""
    return date.fromisoformat(f"{following(month)}-01")
