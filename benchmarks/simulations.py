"""Worlds in which the truth is known: do the estimates of members against others find it?

`python -m benchmarks.simulations` prints one table: for each measure and effect, how often the
95 % interval held the truth, how far the raw gap and the estimate were from it on average, and
how often the check of the months before joining raised an alarm.

In every world fans select themselves: who joins buys about twice as often and in baskets half
as large again, whatever membership does.  The worlds of `WORLDS` keep the assumptions of the
method; `SWELLING` breaks them: fans' purchases were growing before they joined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reports import estimates, matching
from reports.estimates import Measure
from reports.matching import NEVER, Customers, Floats

MONTHS = 24
FIRSTS = 8  # first purchases are in these months
JOINS = (12, 18)
BASKET = 5_000.0  # minor units


@dataclass(frozen=True, slots=True)
class World:
    """One measure with a known effect of membership."""

    measure: str
    effect: str
    size: float


@dataclass(slots=True)
class Tally:
    """What the runs of a world gave."""

    truth: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    estimate: list[float] = field(default_factory=list)
    is_covered: list[bool] = field(default_factory=list)
    is_alarm: list[bool] = field(default_factory=list)
    untold: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A world's figures, and what is true of each customer's months after joining."""

    customers: Customers
    measure: Measure
    truth: Callable[[list[matching.Cell]], float]


SIZES = {
    "frequency": (0.0, 0.05, 0.3),  # purchases a month
    "ltv": (0.0, 0.05, 0.3),  # purchases a month, of the person's usual basket
    "aov": (0.0, 250.0, 1_500.0),  # minor units on each basket
    "churn": (0.0, -0.01, -0.03),  # a month
    "mrr": (0.0, 100.0, 500.0),  # minor units a month
}
EFFECTS = ("none", "small", "large")
WORLDS = [
    World(measure, effect, size)
    for measure, sizes in SIZES.items()
    for effect, size in zip(EFFECTS, sizes, strict=True)
]
SWELLING = World("frequency", "none, fans' purchases were growing", 0.0)


def run(world: World, runs: int, *, members: int = 120, others: int = 1_800, draws: int = 400,
        seed: int = 1) -> Tally:  # fmt: skip
    """Return what so many runs of a world gave."""
    tally = Tally()
    for number in range(runs):
        rng = np.random.default_rng((seed, WORLDS.index(world) if world in WORLDS else 99, number))
        made = _made(world, rng, members, others)
        customers = made.customers
        chosen = matching.comparable(customers, range(MONTHS))
        cells = matching.cells(customers, chosen, rng)
        found = estimates.estimated(
            customers, cells, made.measure, MONTHS - 1, seed=number, draws=draws
        )
        if found.value is None or found.low is None or found.high is None:
            tally.untold += 1
            continue
        truth = made.truth(cells)
        before = (
            estimates.trend(customers, cells, made.measure, seed=number, draws=draws)
            if made.measure.is_differenced
            else None
        )
        tally.truth.append(truth)
        tally.raw.append(_raw(customers, made.measure))
        tally.estimate.append(found.value)
        tally.is_covered.append(found.low <= truth <= found.high)
        verdict = estimates.verdict(found, before)
        tally.is_alarm.append(verdict is estimates.Verdict.TRENDS_DIFFER)
    return tally


def _made(world: World, rng: np.random.Generator, members: int, others: int) -> Made:
    if world.measure == "churn":
        return _subscriptions(world, rng, members, others)
    customers, keen, taste = _people(rng, members, others)
    after = _after(customers)
    if world.measure == "mrr":
        start = BASKET / 2 * taste[:, None] + rng.normal(0, 200, (len(taste), MONTHS)).cumsum(1)
        return Made(customers, Measure(start + world.size * after), lambda _: world.size)
    more = world.size if world.measure in {"frequency", "ltv"} else 0.0
    swing = 0.0 if world.measure == "ltv" else 0.1  # as many purchases more for everybody,
    season = 0.15 + swing * np.sin(np.arange(MONTHS) * np.pi / 6)  # but not as much money
    rate = 0.3 * keen[:, None] + season + more * after
    if world is SWELLING:
        rate = rate + 0.05 * (after.sum(1) > 0)[:, None] * np.arange(MONTHS)
    counts = rng.poisson(rate).astype(np.float64)
    counts[np.arange(MONTHS) <= customers.first[:, None]] = 0
    each = BASKET * taste[:, None] + (world.size if world.measure == "aov" else 0.0) * after
    gross = each * rng.gamma(np.maximum(counts * 6, 1e-9), 1 / 6)  # the sum of so many baskets
    if world.measure == "frequency":
        return Made(customers, Measure(counts), lambda _: world.size)
    if world.measure == "aov":
        return Made(customers, Measure(gross, counts), lambda _: world.size)
    return Made(
        customers, Measure(gross),
        lambda cells: world.size * BASKET * float(taste[_matched(cells)].mean()),
    )  # fmt: skip


def _people(
    rng: np.random.Generator, members: int, others: int
) -> tuple[Customers, Floats, Floats]:
    """Return customers, how keen each is and what baskets they like; fans join."""
    number = members + others
    keen, taste = rng.gamma(2, 1 / 2, number), rng.gamma(8, 1 / 8, number)
    drawn = keen**2 * taste**4
    joins = rng.choice(number, members, replace=False, p=drawn / drawn.sum())
    joined = np.full(number, NEVER)
    joined[joins] = rng.integers(*JOINS, members)
    first = rng.integers(0, FIRSTS, number)
    basket = (BASKET * taste * rng.gamma(6, 1 / 6, number)).astype(np.int64)
    country = rng.choice(3, number, p=[0.6, 0.3, 0.1])
    channel = rng.choice(2, number, p=[0.8, 0.2])
    return Customers(first, basket, country, channel, joined), keen, taste


def _subscriptions(world: World, rng: np.random.Generator, members: int, others: int) -> Made:
    """Return subscriptions that end more often in one channel, whose people join far less."""
    number = members + others
    channel = rng.choice(2, number, p=[0.4, 0.6])
    first = rng.integers(0, FIRSTS, number)
    usual = np.where(channel == 1, 0.07, 0.04)
    ends = first + rng.geometric(usual)  # the month in which it is over
    meets = rng.integers(*JOINS, number)
    open_to_it = np.where(channel == 1, 1.0, 6.0) * (ends > meets)
    joins = rng.choice(number, members, replace=False, p=open_to_it / open_to_it.sum())
    joined = np.full(number, NEVER)
    joined[joins] = meets[joins]
    ends[joins] = joined[joins] + rng.geometric(usual[joins] + world.size)
    months = np.arange(MONTHS)
    lives = (months >= first[:, None]) & (months < ends[:, None])
    ended = (months == ends[:, None]).astype(np.float64)
    at_risk = ((months > first[:, None]) & (months <= ends[:, None])).astype(np.float64)
    flat = np.zeros(number, dtype=np.int64)
    customers = Customers(first, flat, flat, channel, joined)

    def truth(cells: list[matching.Cell]) -> float:
        people = _matched(cells)
        span = np.minimum(matching.AROUND, MONTHS - 1 - joined[people])

        def rate(hazard: Floats) -> float:
            exposed = (1 - (1 - hazard) ** span) / hazard / span
            return float((hazard * exposed).sum() / exposed.sum())

        return rate(usual[people] + world.size) - rate(usual[people])

    measure = Measure(ended, at_risk, present=lives, is_differenced=False)
    return Made(customers, measure, truth)


def _after(customers: Customers) -> Floats:
    return (np.arange(MONTHS) > customers.joined[:, None]).astype(np.float64)


def _matched(cells: list[matching.Cell]) -> matching.Ints:
    return np.concatenate([cell.members for cell in cells])


def _raw(customers: Customers, measure: Measure) -> float:
    """Return the observed gap: members' months after joining, others' after their first."""
    months = np.arange(MONTHS)
    is_member = customers.joined != NEVER
    since = np.where(is_member, customers.joined, customers.first)
    counted = months > since[:, None]
    bottom = counted if measure.bottom is None else measure.bottom * counted
    top = measure.top * counted
    inside, outside = (float(top[who].sum() / bottom[who].sum()) for who in (is_member, ~is_member))
    return inside - outside


@click.command()
@click.option("--runs", default=1_000, show_default=True, help="Of each world.")
@click.option("--members", default=120, show_default=True, help="In each world.")
@click.option("--others", default=1_800, show_default=True, help="In each world.")
@click.option("--draws", default=400, show_default=True, help="Of the bootstrap.")
@click.option("--only", default="", help="Only this measure.")
def bench(runs: int, members: int, others: int, draws: int, only: str) -> None:
    """Print how often the intervals hold the truth."""
    table = Table(
        "measure", "effect", "truth", "raw gap", "estimate", "held the truth", "alarm", "untold",
        title=f"{runs} runs of each world, {members} members among {members + others} customers",
    )  # fmt: skip
    for world in [*WORLDS, SWELLING]:
        if only in world.measure:
            tally = run(world, runs, members=members, others=others, draws=draws)
            table.add_row(world.measure, world.effect, *_figures(tally))
            click.echo(f"{world.measure}, {world.effect}", err=True)
    Console(width=120).print(table)


def _figures(tally: Tally) -> tuple[str, ...]:
    if not tally.estimate:
        return ("", "", "", "", "", str(tally.untold))
    means = (float(np.mean(one)) for one in (tally.truth, tally.raw, tally.estimate))
    shares = (float(np.mean(one)) for one in (tally.is_covered, tally.is_alarm))
    return (
        *(f"{one:,.3f}" for one in means), *(f"{one:.1%}" for one in shares), str(tally.untold),
    )  # fmt: skip


if __name__ == "__main__":
    bench()
