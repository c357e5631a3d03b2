"""Estimates of what membership changes, in worlds in which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import simulations
from benchmarks.simulations import SWELLING, World
from reports import estimates, matching
from reports.estimates import Estimate, Measure, Verdict
from reports.matching import NEVER, Customers

RUNS = 40


def _world(measure: str, effect: str) -> World:
    return next(one for one in simulations.WORLDS if (one.measure, one.effect) == (measure, effect))


@pytest.mark.parametrize("measure", simulations.SIZES)
def test_intervals_hold_the_truth_where_fans_select_themselves(measure: str) -> None:
    tally = simulations.run(_world(measure, "none"), RUNS, draws=200)
    assert tally.untold == 0
    assert sum(tally.is_covered) >= 34  # of 40; fewer comes less than once in 500 at 95 %


@pytest.mark.parametrize("measure", ["frequency", "ltv", "mrr"])
def test_the_raw_gap_is_biased_where_the_estimate_is_not(measure: str) -> None:
    tally = simulations.run(_world(measure, "large"), RUNS, draws=50)
    truth = np.mean(tally.truth)
    assert np.mean(tally.raw) > 1.5 * truth
    assert abs(np.mean(tally.estimate) - truth) < 0.1 * truth


def test_a_large_effect_is_seen() -> None:
    told = simulations.run(_world("frequency", "large"), 5, draws=200)
    assert all(value > 0.1 for value in told.estimate)


def test_fans_whose_purchases_were_growing_raise_the_alarm_more_often_than_chance() -> None:
    tally = simulations.run(SWELLING, RUNS, draws=200)
    assert sum(tally.is_alarm) >= 6  # of 40, where 2 come by chance
    assert sum(tally.is_covered) < 4  # the alarm is there because the estimate is wrong here


@pytest.mark.parametrize("measure", simulations.SIZES)
def test_ten_members_are_not_enough(measure: str) -> None:
    tally = simulations.run(_world(measure, "large"), 3, members=10)
    assert tally.untold == 3
    assert estimates.verdict(Estimate(None, None, None, 10), None) is Verdict.NOT_ENOUGH


@pytest.mark.parametrize(
    ("low", "high", "before", "said"),
    [
        (1.0, 3.0, None, Verdict.HIGHER),
        (-3.0, -1.0, None, Verdict.LOWER),
        (-1.0, 1.0, (-1.0, 1.0), Verdict.NO_DIFFERENCE),
        (1.0, 3.0, (0.5, 1.0), Verdict.TRENDS_DIFFER),
    ],
)
def test_a_verdict_follows_the_interval_unless_trends_differed(
    low: float, high: float, before: tuple[float, float] | None, said: Verdict
) -> None:
    trend = Estimate(0.0, *before, 40) if before else None
    assert estimates.verdict(Estimate((low + high) / 2, low, high, 40), trend) is said


def _customers(members: int, others: int, *, country: int = 0) -> Customers:
    """Return members who joined in month 6 and others; all bought first in month 0."""
    number = members + others
    flat = np.zeros(number, dtype=np.int64)
    joined = np.where(np.arange(number) < members, 6, NEVER)
    countries = np.where(np.arange(number) < members, country, 0)
    return Customers(flat, flat + 1_000, countries, flat, joined)


def test_the_estimate_is_the_change_of_members_less_that_of_the_others() -> None:
    customers = _customers(40, 60)
    top = np.ones((100, 13))
    top[:40, :] = 5  # members always bought more
    top[:, 7:] += 2  # everybody buys more later
    top[:20, 7:] += 1  # half of the members still more
    chosen = matching.comparable(customers, range(13))
    cells = matching.cells(customers, chosen, np.random.default_rng(0))
    found = estimates.estimated(customers, cells, Measure(top), 12)
    assert found.value == pytest.approx(0.5)
    assert found.low is not None
    assert found.high is not None
    # by hand: variance 40 * 0.25 / 39 of each member, Student's quantile of 39 is 2.0227
    reach = 2.0227 * (0.25 * 40 / 39 / 40) ** 0.5
    assert found.high - found.low == pytest.approx(2 * reach, rel=0.08)
    assert found == estimates.estimated(customers, cells, Measure(top), 12)


def test_members_without_anybody_alike_are_not_matched() -> None:
    customers = _customers(40, 60, country=1)
    chosen = matching.comparable(customers, range(13))
    assert len(chosen) == 40
    assert matching.cells(customers, chosen, np.random.default_rng(0)) == []


def test_a_member_needs_two_months_on_either_side_of_joining() -> None:
    joined = np.array([3, 4, 10, 11, NEVER])
    flat = np.zeros(5, dtype=np.int64)
    customers = Customers(flat, flat, flat, flat, joined)
    assert matching.comparable(customers, range(13)).tolist() == [1, 2]


def test_the_months_around_joining_are_left_out() -> None:
    assert matching.before_joining(0, 10) == range(3, 9)
    assert matching.after_joining(10, 23) == range(11, 17)


def test_balance_shows_what_matching_mends() -> None:
    rng = np.random.default_rng(3)
    made = _customers(100, 900)
    basket = np.where(made.joined == NEVER, rng.integers(0, 1_000, 1_000), 900)
    customers = Customers(made.first, basket + rng.integers(0, 50, 1_000), made.country,
                          made.channel, made.joined)  # fmt: skip
    chosen = matching.comparable(customers, range(13))
    cells = matching.cells(customers, chosen, rng)
    names = ("month", "basket", "country", "channel")
    told = {one.name: one for one in matching.balance(customers, chosen, cells, names)}
    basket_told = told["basket"]
    assert basket_told.before is not None
    assert basket_told.after is not None
    assert basket_told.before > 1
    assert abs(basket_told.after) < 0.3
    assert told["country"].before is None


def test_students_quantile_is_that_of_the_tables() -> None:
    assert estimates.student(29) == pytest.approx(2.0452, abs=1e-3)
    assert estimates.student(120) == pytest.approx(1.9799, abs=1e-4)
