"""Where a value stands on paper: linear scales, round ticks, labels that do not collide.

Positions are SVG user units; values are whatever the chart counts (minor units,
people, ratios).  Nothing here is exact arithmetic on money: it only draws.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

LETTER = 7.2  # mean width of a 13 px letter, in user units
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight mapping of values `low`..`high` onto positions `start`..`end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def ticks(low: float, high: float, *, most: int = 6, is_whole: bool = False) -> list[float]:
    """Return round values that span `low`..`high`, both ends included.

    Args:
        low: Smallest value to show.
        high: Largest value to show.
        most: How many ticks at most; at least 2.
        is_whole: Whether only whole numbers make sense, as for people.
    """
    if high <= low:
        high = low + 1
    floor = 1.0 if is_whole else 0.0
    step = next(
        s for s in _round_steps((high - low) / most) if s >= floor and _fits(low, high, s, most)
    )
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _round_steps(near: float) -> itertools.chain[float]:
    power = math.floor(math.log10(near))
    return itertools.chain.from_iterable(
        (step * 10.0**p for step in STEPS) for p in itertools.count(power)
    )


def _fits(low: float, high: float, step: float, most: int) -> bool:
    return math.ceil(high / step) - math.floor(low / step) + 1 <= most


def width(text: str) -> float:
    """Return about how wide a label is."""
    return len(text) * LETTER


def every(labels: Sequence[str], room: float) -> int:
    """Return n such that each n-th label fits beside the next in `room` units."""
    if not labels:
        return 1
    widest = max(width(label) for label in labels) + 22
    return max(1, math.ceil(widest * len(labels) / max(room, 1)))


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Return the positions pushed apart until neighbours are `gap` away, in the same order."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    placed = list(positions)
    for before, after in itertools.pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    shift = sum(new - old for new, old in zip(placed, positions, strict=True)) / max(len(placed), 1)
    return [round(position - shift, 1) for position in placed]
