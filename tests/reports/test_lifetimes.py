"""BG/NBD and gamma-gamma: published figures, simulated customers with a known truth, odd data.

Source of the published figures: Fader, Hardie and Lee 2005, table 2; Fader and Hardie, note 025.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from reports import lifetimes
from reports.lifetimes import Buying, Fit, History, Spending
from tests.conftest import SHARED

SAMPLE = Path(__file__).parents[1] / "data" / "cdnow_sample.csv"
PAPER = Buying(r=0.24259, alpha=4.41353, a=0.79289, b=2.42575)
TRUTH = Buying(r=0.8, alpha=6.0, a=0.9, b=3.5)
SPEND = Spending(p=4.0, q=4.0, v=6_000.0)


def _history(*rows: tuple[float, ...]) -> History:
    """Return customers given as repeats, recency, age, and their mean basket."""
    repeats, recency, age, mean = np.array(rows, dtype=np.float64).T
    return History(repeats, recency, age, repeats * (mean > 0), repeats * mean)


@pytest.fixture(scope="module")
def sample() -> History:
    with SAMPLE.open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return _history(*(tuple(map(float, row.values())) for row in rows))


@pytest.fixture(scope="module")
def bought(sample: History) -> Fit:
    return lifetimes.fit_buying(sample)


@pytest.fixture(scope="module")
def paid(sample: History) -> Fit:
    return lifetimes.fit_spending(sample)


def test_the_published_fit_of_purchases_comes_out(bought: Fit) -> None:
    assert lifetimes.buying(bought.at) == pytest.approx((0.2426, 4.4135, 0.7929, 2.4258), rel=1e-4)
    assert bought.log_likelihood == pytest.approx(-9582.4256, abs=1e-3)


def test_its_published_standard_errors_come_out(bought: Fit) -> None:
    published = (0.012557, 0.378221, 0.185719, 0.705345)
    assert bought.errors == pytest.approx(published, rel=1e-4)


def test_the_published_fit_of_baskets_comes_out(paid: Fit) -> None:
    assert lifetimes.spending(paid.at) == pytest.approx((6.2488, 3.7446, 15.4477), rel=1e-4)
    assert paid.log_likelihood == pytest.approx(-4055.9232, abs=1e-3)


def test_the_unit_of_amounts_changes_nothing(sample: History, paid: Fit) -> None:
    finer = lifetimes.fit_spending(sample._replace(spent=sample.spent * 1e5))
    p, q, v = lifetimes.spending(paid.at)
    assert lifetimes.spending(finer.at) == pytest.approx((p, q, v * 1e5), rel=1e-4)
    assert not finer.is_at_an_edge


@pytest.mark.parametrize(
    ("repeats", "recency", "chance", "purchases"),
    [(2, 30.43, 0.72661, 1.22591), (7, 29.43, 0.64, 3.34)],
)
def test_a_customer_is_judged_as_in_the_paper(
    repeats: int, recency: float, chance: float, purchases: float
) -> None:
    one = _history((repeats, recency, 38.86, 0))
    assert lifetimes.alive(PAPER, one)[0] == pytest.approx(chance, abs=3e-3)
    assert lifetimes.expected_purchases(PAPER, one, 39.0)[0] == pytest.approx(purchases, abs=4e-3)


def test_a_basket_is_drawn_towards_everybodys(paid: Fit) -> None:
    model = lifetimes.spending(paid.at)
    some = _history((2, 30.43, 38.86, 22.35), (0, 0, 38.86, 0))
    assert lifetimes.expected_basket(model, some) == pytest.approx((24.6586, 35.1710), rel=1e-4)


def test_the_whole_of_cdnow_gives_its_fit() -> None:
    file = SHARED / "orders" / "cdnow_master.txt.gz"
    if not file.exists():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    days: dict[str, set[date]] = defaultdict(set)
    with gzip.open(file, "rt") as lines:
        next(lines)  # the heads
        for customer, day, *_ in (line.split() for line in lines):
            days[customer].add(date.fromisoformat(day))
    end = date(1997, 9, 30)
    rows = []
    for seen in days.values():
        first, last = min(seen), max(day for day in seen if day <= end)
        repeats = sum(first < day <= end for day in seen)
        rows.append((repeats, (last - first).days / 7, (end - first).days / 7, 0))
    assert len(rows) == 23_570
    fit = lifetimes.fit_buying(_history(*rows))
    assert lifetimes.buying(fit.at) == pytest.approx((0.2516, 4.789, 0.723, 2.161), rel=2e-3)


def _simulated(seed: int, customers: int, weeks: float = 60.0) -> tuple[History, list[list[float]]]:
    """Return customers who live by the models with `TRUTH` and `SPEND`, and what follows."""
    random = np.random.default_rng(seed)
    rows, later = [], []
    for _ in range(customers):
        age = random.uniform(weeks / 3, weeks)
        rate = random.gamma(TRUTH.r, 1 / TRUTH.alpha)
        chance = random.beta(TRUTH.a, TRUTH.b)
        scale = random.gamma(SPEND.q, 1 / SPEND.v)
        at, last = 0.0, 0.0
        paid: list[float] = []
        ahead: list[float] = []
        while (at := at + random.exponential(1 / rate)) < age + 52:
            amount = random.gamma(SPEND.p, 1 / scale)
            if at <= age:
                last, paid = at, [*paid, amount]
            else:
                ahead.append(amount)
            if random.random() < chance:
                break
        rows.append((len(paid), last, age, sum(paid) / max(len(paid), 1)))
        later.append(ahead)
    return _history(*rows), later


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated_customers_give_back_what_they_were_made_of(seed: int) -> None:
    history, later = _simulated(seed, 3_000)
    bought, paid = lifetimes.fit_buying(history), lifetimes.fit_spending(history)
    off = (bought.at - np.log(TRUTH)) / (bought.errors / np.exp(bought.at))
    assert np.abs(off).max() < 3.5
    assert lifetimes.spending(paid.at) == pytest.approx(SPEND, rel=0.25)
    expected = lifetimes.expected_purchases(lifetimes.buying(bought.at), history, 52.0).sum()
    assert expected == pytest.approx(sum(map(len, later)), rel=0.06)


def test_the_interval_holds_the_future() -> None:
    held, worlds = 0, 8
    for seed in range(worlds):
        history, later = _simulated(100 + seed, 300)
        everybody = np.zeros(len(later), dtype=np.int64)
        low, high = lifetimes.interval(
            lifetimes.futures(
                lifetimes.fit_buying(history), lifetimes.fit_spending(history), history,
                np.full(len(later), 52.0), everybody, 1.0,
            )
        )  # fmt: skip
        held += low[0] <= sum(map(sum, later)) <= high[0]
    assert held >= worlds - 2


def test_more_customers_make_a_narrower_interval_and_the_same_ones_the_same(
    sample: History, bought: Fit, paid: Fit
) -> None:
    groups = (np.arange(len(sample.age)) % 10 == 0).astype(np.int64)  # nine tenths; one tenth
    weeks = np.full(len(groups), 39.0)
    drawn = lifetimes.futures(bought, paid, sample, weeks, groups, 1.0)
    assert np.array_equal(drawn, lifetimes.futures(bought, paid, sample, weeks, groups, 1.0))
    low, high = lifetimes.interval(drawn)
    many, few = (high - low) / np.bincount(groups)
    assert many < few
    purchases = lifetimes.expected_purchases(lifetimes.buying(bought.at), sample, weeks)
    baskets = lifetimes.expected_basket(lifetimes.spending(paid.at), sample)
    expected = np.bincount(groups, purchases * baskets)
    assert np.all(low < expected)
    assert np.all(expected < high)


def test_nothing_is_expected_of_no_time() -> None:
    some = _history((2, 30.0, 40.0, 10), (0, 0, 0, 0))
    assert lifetimes.expected_purchases(PAPER, some, 0.0) == pytest.approx((0, 0))


@pytest.mark.parametrize("a", [0.1, 0.79, 1.5, 4.0])
def test_the_integral_agrees_with_the_published_solution(a: float) -> None:
    r, alpha, _, b = PAPER
    some = _history((0, 0.0, 30.0, 0), (1, 20.0, 30.0, 10), (14, 25.0, 30.0, 10))
    part, x = 26 / (alpha + 30 + 26), some.repeats
    series = hyp2f1(r + x, b + x, a + b + x - 1, part) * (1 - part) ** (r + x)
    solved = (a + b + x - 1) / (a - 1) * (1 - series)
    model = PAPER._replace(a=a)
    told = lifetimes.expected_purchases(model, some, 26.0)
    assert told == pytest.approx(solved * lifetimes.alive(model, some), rel=1e-4)


def test_a_customer_with_hundreds_of_purchases_is_no_trouble() -> None:
    one = _history((900, 51.9, 52.0, 10))  # some will leave: 900 purchases are 900 chances
    assert 600 < lifetimes.expected_purchases(PAPER, one, 52.0)[0] < 700
    assert 0 <= lifetimes.alive(PAPER, _history((900, 1.0, 500.0, 10)))[0] < 1e-9


HOSTILE = {
    "everybody buys once": [(0, 0, age, 0) for age in range(50)],
    "one customer": [(1, 2.0, 9.0, 30.0)],
    "everybody on the same days": [(1, 4.0, 20.0, 25.0)] * 200,
    "nobody has had any time": [(0, 0, 0, 0)] * 100,
    "everybody again and again, nobody leaves": [(12, 48.0, 52.0, 20.0)] * 150,
    "one of a million": [(1, 3.0, 30.0, 20.0)] * 99 + [(5, 29.0, 30.0, 1e9)],
    "everybody pays the same": [(n % 6, (n % 6) * 4.0, 30.0, 20.0) for n in range(300)],
}


@pytest.mark.parametrize("rows", HOSTILE.values(), ids=HOSTILE.keys())
def test_odd_customers_give_a_finite_answer_or_say_that_there_is_none(
    rows: list[tuple[float, ...]],
) -> None:
    history = _history(*rows)
    try:
        bought = lifetimes.fit_buying(history)
        expected = lifetimes.expected_purchases(lifetimes.buying(bought.at), history, 52.0)
        assert np.all(np.isfinite(expected) & (expected >= 0))
        if not history.baskets.any():
            return
        paid = lifetimes.fit_spending(history)
    except lifetimes.NoFitError:
        return
    assert np.all(np.isfinite(lifetimes.expected_basket(lifetimes.spending(paid.at), history)))
    weeks, groups = np.full(len(rows), 52.0), np.zeros(len(rows), dtype=np.int64)
    drawn = lifetimes.futures(bought, paid, history, weeks, groups, 0.9)
    assert np.all(np.isfinite(drawn) & (drawn >= 0))


@pytest.mark.parametrize("seed", range(12))
def test_a_strange_shop_gives_a_finite_answer_or_says_that_there_is_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    days = np.sort(random.integers(0, random.choice([3, 30, 400, 3_000]), 120))
    repeats = np.minimum(random.poisson(random.gamma(0.5, random.choice([1, 9, 90]), 120)), days)
    recency = np.where(repeats > 0, np.maximum(repeats, days * random.random(120)), 0)
    means = np.exp(random.normal(8, random.choice([0.0, 0.5, 4.0]), 120))
    columns = (repeats, np.round(recency) / 7, days / 7, means)
    history = _history(*np.column_stack(columns).tolist())
    try:
        bought, paid = lifetimes.fit_buying(history), lifetimes.fit_spending(history)
    except lifetimes.NoFitError:
        return
    weeks, groups = np.full(120, 52.0), np.zeros(120, dtype=np.int64)
    drawn = lifetimes.futures(bought, paid, history, weeks, groups, 0.9)
    assert np.all(np.isfinite(drawn) & (drawn >= 0))
    assert np.all(lifetimes.expected_purchases(lifetimes.buying(bought.at), history, 52.0) >= 0)


def test_how_often_and_how_much_may_go_together() -> None:
    loyal = _history(*((n, n, 60.0, 10.0 * n) for n in range(1, 20)))
    alike = _history(*((n, n, 60.0, 10.0) for n in range(1, 20)))
    assert lifetimes.dependence(loyal) == pytest.approx(1.0)
    assert lifetimes.dependence(alike) == 0.0
