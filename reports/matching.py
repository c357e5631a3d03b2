"""Who is like whom: members beside customers who never joined but began alike.

A member is compared only with customers of the same cell: same month of the first purchase,
same band of the first basket, same country, same channel.  Everything in a cell is known
before anybody joins, so joining cannot have changed it.

Months are counted from the first month of the panel, which is 0.

Source: S. Iacus, G. King, G. Porro, "Causal inference without balance checking: coarsened exact
matching", Political Analysis 20, 2012; standardised differences as in E. Stuart, "Matching
methods for causal inference", Statistical Science 25, 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 1_000_000  # the month of joining of who has not joined
AROUND = 6  # months compared on either side of joining
AT_LEAST = 2  # of these months must be there, on either side
BANDS = (0, 0.25, 0.5, 0.75, 1)  # where members' first baskets are cut
ENOUGH_OTHERS = 50  # of a cell, or ten for each of its members; more add next to no certainty
EACH = 10
MOST_MEMBERS = 5_000  # chosen at random among more: the interval is narrow by then
FEWEST_OTHERS = 2  # of a cell: one alone shows nothing of how customers differ


@dataclass(frozen=True, slots=True)
class Customers:
    """What is known of each customer before anybody joins, and when they did."""

    first: Ints  # month of the first purchase
    basket: Ints  # its total, minor units
    country: Ints  # a number for each country
    channel: Ints  # a number for each channel
    joined: Ints  # month of joining, or NEVER

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True)
class Cell:
    """Members and others who began alike; positions in `Customers`."""

    members: Ints
    others: Ints


@dataclass(frozen=True, slots=True)
class Balance:
    """How far members stand from the others, in standard deviations; None: all are alike."""

    name: str
    before: float | None
    after: float | None


def before_joining(first: int, joined: int) -> range:
    """Return the months before joining that count.

    The month of joining and the one before are left out: people join when they have just
    bought, and what was high by chance falls by itself.  So is the month of the first
    purchase, in which everybody bought.
    """
    return range(max(first + 1, joined - 1 - AROUND), joined - 1)


def after_joining(joined: int, last: int) -> range:
    """Return the months after joining that count, up to the last one that is over."""
    return range(joined + 1, min(joined + AROUND, last) + 1)


def comparable(customers: Customers, months: range) -> Ints:
    """Return the members who joined in these months with enough months on either side.

    Args:
        customers: Everybody.
        months: In which they joined; its end is after the last month that is over.
    """
    joined, last = customers.joined, months.stop - 1
    early = joined - 1 - np.maximum(customers.first + 1, joined - 1 - AROUND)
    late = np.minimum(joined + AROUND, last) - joined
    fits = (joined >= months.start) & (joined <= last) & (early >= AT_LEAST) & (late >= AT_LEAST)
    return np.flatnonzero(fits).astype(np.int64)


def cells(customers: Customers, members: Ints, rng: np.random.Generator) -> list[Cell]:
    """Return the cells that hold both members and enough others.

    Args:
        customers: Everybody.
        members: Whom to find others for, from `comparable`.
        rng: Chooses where there are more than `MOST_MEMBERS`, or than enough others.
    """
    if not len(members):
        return []
    if len(members) > MOST_MEMBERS:
        members = np.sort(rng.choice(members, MOST_MEMBERS, replace=False))
    key = _keys(customers, members)
    others = np.flatnonzero(customers.joined == NEVER)
    others = others[np.argsort(key[others], kind="stable")]
    known = key[others]
    found = []
    for value in np.unique(key[members]):
        start, stop = np.searchsorted(known, value), np.searchsorted(known, value, "right")
        alike = others[start:stop]
        mine = members[key[members] == value]
        most = max(ENOUGH_OTHERS, EACH * len(mine))
        if len(alike) > most:
            alike = np.sort(rng.choice(alike, most, replace=False))
        if len(alike) >= FEWEST_OTHERS:
            found.append(Cell(mine, alike.astype(np.int64)))
    return found


def balance(
    customers: Customers, members: Ints, matched: Sequence[Cell], names: Sequence[str]
) -> list[Balance]:
    """Return how far members stand from others, before and after matching.

    Args:
        customers: Everybody.
        members: From `comparable`.
        matched: From `cells`.
        names: For month, basket, country and channel, in this order.
    """
    others = np.flatnonzero(customers.joined == NEVER)
    told = []
    for name, values in zip(names, _traits(customers, members), strict=True):
        inside, outside = values[members], values[others]
        spread = _spread(inside, outside)
        gap = _mean(inside) - _mean(outside)
        kept = [float(values[one.members].sum()) for one in matched]
        alike = [float(values[one.others].mean()) * len(one.members) for one in matched]
        number = sum(len(one.members) for one in matched)
        left = (sum(kept) - sum(alike)) / number if number else 0.0
        told.append(
            Balance(name, gap / spread, left / spread if number else None)
            if spread
            else Balance(name, None, None)
        )
    return told


def _keys(customers: Customers, members: Ints) -> Ints:
    """Return one number for each customer; equal numbers are the same cell."""
    cuts = np.quantile(customers.basket[members], BANDS)
    cuts[-1] += 1  # baskets are whole: the largest of a member stays inside
    band = np.searchsorted(cuts, customers.basket, "right")
    parts = (customers.first, band, customers.country, customers.channel)
    key = np.zeros(len(customers), dtype=np.int64)
    for part in parts:
        key = key * (int(part.max()) + 1) + part
    return key


def _traits(customers: Customers, members: Ints) -> list[Floats]:
    """Return month, basket, and whether country and channel are those of most members."""
    usual: list[Any] = [
        values == np.bincount(values[members]).argmax() if len(members) else values == 0
        for values in (customers.country, customers.channel)
    ]
    return [values.astype(np.float64) for values in (customers.first, customers.basket, *usual)]


def _spread(inside: Floats, outside: Floats) -> float:
    if len(inside) < 2 or len(outside) < 2:
        return 0.0
    return float(np.sqrt((inside.var(ddof=1) + outside.var(ddof=1)) / 2))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
