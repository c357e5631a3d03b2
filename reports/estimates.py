"""What membership changes, estimated with a control, its interval and a verdict.

Difference in differences: how much a member's months after joining differ from those before,
less the same difference of customers of the same cell over the same months.  What members had
more of all along falls out; what would have come anyway falls out with the others.

The interval is a bootstrap over people: members and others get random weights of mean 1, and
the estimate is made again for each draw.  A cell's others are weighted by sqrt(1 - 1/n) of n
members: with one member, what its others differ by already shows in the spread between members.

Whether both went alike before joining is checked by the same estimate between the later and
the earlier half of the months before: its interval should hold zero.

Source: A. Abadie, "Semiparametric difference-in-differences estimators", Review of Economic
Studies 72, 2005; the multiplier bootstrap as in A. van der Vaart, J. Wellner, "Weak convergence
and empirical processes", 1996, chapter 2.9; Student's quantile by Abramowitz and Stegun 26.7.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from reports.matching import (
    FEWEST_OTHERS,
    Bools,
    Cell,
    Customers,
    Floats,
    Ints,
    after_joining,
    before_joining,
)

DRAWS = 500
FEWEST_MEMBERS = 30  # fewer matched members than this: no estimate is told
NO_SPREAD = 1e-9  # an error below it is rounding: nobody differs, so nothing is shown
_Z = 1.959963984540054  # the normal quantile of a 95 % interval

Windows = Callable[[int, int], tuple[range, range]]  # first, joined: months before, after


class Verdict(StrEnum):
    """What may be said of a measure."""

    NOT_ENOUGH = "not_enough_data"
    TRENDS_DIFFER = "trends_differ"
    NO_DIFFERENCE = "no_difference_shown"
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio: the sum of `top` over the sum of `bottom`, customers by months."""

    top: Floats
    bottom: Floats | None = None  # None: customer-months
    present: Bools | None = None  # who counts must be so in the month of joining
    is_differenced: bool = True  # False: only the months after joining, as nobody left before


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval, and from how many members; None where not told."""

    value: float | None
    low: float | None
    high: float | None
    members: int


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Members of a cell who joined in one month, beside its others over the same months."""

    members: Floats  # members, 4 sums
    others: Floats  # others, 4 sums: zero for who does not count in that month
    counted: int  # others who do


def estimated(
    customers: Customers, matched: Sequence[Cell], measure: Measure, last: int, *,
    seed: int = 0, draws: int = DRAWS,
) -> Estimate:  # fmt: skip
    """Return what membership changes of a measure.

    Args:
        customers: Everybody.
        matched: From `matching.cells`.
        measure: What to compare.
        last: The last month that is over.
        seed: Of the random weights; the same seed gives the same interval.
        draws: How many of them.
    """

    def windows(first: int, joined: int) -> tuple[range, range]:
        return before_joining(first, joined), after_joining(joined, last)

    return _estimate(customers, matched, measure, windows, np.random.default_rng(seed), draws)


def trend(
    customers: Customers, matched: Sequence[Cell], measure: Measure, *, seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:  # fmt: skip
    """Return how members' later months before joining differ from the earlier, beside others'."""

    def windows(first: int, joined: int) -> tuple[range, range]:
        months = before_joining(first, joined)
        middle = months.start + len(months) // 2
        return range(months.start, middle), range(middle, months.stop)

    return _estimate(customers, matched, measure, windows, np.random.default_rng(seed), draws)


def verdict(found: Estimate, before: Estimate | None) -> Verdict:
    """Say what may be said.

    Args:
        found: From `estimated`.
        before: From `trend`; None for a measure without months before joining.
    """
    if found.low is None or found.high is None:
        return Verdict.NOT_ENOUGH
    if before and not _may_be_zero(before):
        return Verdict.TRENDS_DIFFER
    if found.low > 0:
        return Verdict.HIGHER
    return Verdict.LOWER if found.high < 0 else Verdict.NO_DIFFERENCE


def _may_be_zero(found: Estimate) -> bool:
    return found.low is None or found.high is None or found.low <= 0 <= found.high


def student(freedom: int) -> float:
    """Return Student's 97.5 % quantile, for 10 degrees of freedom or more."""
    z, n = _Z, freedom
    return z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n * n)


def _estimate(
    customers: Customers, matched: Sequence[Cell], measure: Measure, windows: Windows,
    rng: np.random.Generator, draws: int,
) -> Estimate:  # fmt: skip
    strata = [_strata(customers, cell, measure, windows) for cell in matched]
    strata = [one for one in strata if one]
    number = sum(len(one.members) for cell in strata for one in cell)
    if number < FEWEST_MEMBERS:
        return Estimate(None, None, None, number)
    found = _drawn(strata, _weights(rng, (draws + 1, number)), rng, measure.is_differenced)
    value, error = float(found[0]), float(found[1:].std())
    if not np.isfinite(value) or not np.isfinite(error) or error < NO_SPREAD:
        return Estimate(None, None, None, number)
    reach = student(number - 1) * error
    return Estimate(value, value - reach, value + reach, number)


def counted(customers: Customers, matched: Sequence[Cell], measure: Measure) -> list[Cell]:
    """Return who stands behind the estimate of a measure: the cells, without who cannot count.

    Args:
        customers: Everybody.
        matched: From `matching.cells`.
        measure: What is compared.
    """
    found = []
    for cell in matched:
        known = [(members, here) for _joined, members, here in _present(customers, cell, measure)]
        if known:
            here = np.logical_or.reduce([one for _members, one in known])
            members = np.sort(np.concatenate([one for one, _here in known]))
            found.append(Cell(members, cell.others[here]))
    return found


def _strata(customers: Customers, cell: Cell, measure: Measure, windows: Windows) -> list[_Stratum]:
    found = []
    first = int(customers.first[cell.members[0]])
    for joined, members, here in _present(customers, cell, measure):
        before, after = windows(first, joined)
        others = _sums(measure, cell.others, before, after) * here[:, None]
        found.append(_Stratum(_sums(measure, members, before, after), others, int(here.sum())))
    return found


def _present(
    customers: Customers, cell: Cell, measure: Measure
) -> Iterator[tuple[int, Ints, Bools]]:
    """Yield each month of joining with the members who count, and which of the others do."""
    for joined in np.unique(customers.joined[cell.members]).tolist():
        members = cell.members[customers.joined[cell.members] == joined]
        here = np.ones(len(cell.others), dtype=np.bool_)
        if measure.present is not None:
            members = members[measure.present[members, joined]]
            here = measure.present[cell.others, joined]
        if len(members) and here.sum() >= FEWEST_OTHERS:
            yield joined, members, here


def _sums(measure: Measure, people: Ints, before: range, after: range) -> Floats:
    """Return for each person: top and bottom a month after joining, top and bottom before."""
    sums = np.ones((len(people), 4))
    for at, months in ((0, after), (2, before)):
        span = slice(months.start, months.stop)
        if not len(months):
            sums[:, at] = 0
            continue
        sums[:, at] = measure.top[people, span].mean(axis=1)
        if measure.bottom is not None:
            sums[:, at + 1] = measure.bottom[people, span].mean(axis=1)
    return sums


def _drawn(
    strata: Sequence[Sequence[_Stratum]], weights: Floats, rng: np.random.Generator,
    is_differenced: bool,
) -> Floats:  # fmt: skip
    """Return the estimate, then the estimate under each draw of weights."""
    inside, outside = np.zeros((len(weights), 4)), np.zeros((len(weights), 4))
    at = 0
    for cell in strata:
        members = sum(len(one.members) for one in cell)
        size = (len(weights), len(cell[0].others))
        others = _weights(rng, size, float(np.sqrt(1 - 1 / members)))
        for one in cell:
            mine = weights[:, at : at + len(one.members)]
            at += len(one.members)
            inside += mine @ one.members
            outside += (others @ one.others / one.counted) * mine.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = [
            side[:, 0] / side[:, 1] - (side[:, 2] / side[:, 3] if is_differenced else 0.0)
            for side in (inside, outside)
        ]
    return np.asarray(change[0] - change[1])


def _weights(rng: np.random.Generator, size: tuple[int, int], scale: float = 1.0) -> Floats:
    """Return weights, draws by people: ones, then rows of mean 1 that vary as a sample does.

    Centred and scaled by sqrt(n / (n - 1)), they give the mean of n figures exactly the
    variance s^2 / n of its textbook formula.
    """
    if not scale:
        return np.ones(size)
    people = size[1]
    noise = rng.standard_normal(size)
    noise -= noise.mean(axis=1, keepdims=True)
    noise *= scale * np.sqrt(people / (people - 1))
    noise[0] = 0
    return np.asarray(noise + 1)
