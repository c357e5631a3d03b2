"""How many people a lot has to draw, so that a difference can be seen before it is sent.

Source: S. Chow, J. Shao, H. Wang, "Sample size calculations in clinical research", chapter 4.2:
two shares, a two-sided test at 5 %, seen in 80 of 100 cases.
"""

from __future__ import annotations

import math
from bisect import bisect_left

from core.money import BASIS_POINTS

FEWEST = 30  # on either side: with fewer, no lift is told
_Z, _POWER = 1.959963984540054, 0.8416212335729143  # 95 % certain, to see it in 80 of 100 cases


def needed(base: float, lift: float, withheld: float) -> int:
    """Return how many people to draw in all, to see a lift in 80 of 100 cases.

    Args:
        base: The share who would buy anyhow, 0 to 1.
        lift: By how much the invitation is hoped to raise it.
        withheld: The share left out.

    Raises:
        ValueError: Shares that cannot be.
    """
    raised = base + lift
    if not (0 < base < 1 and 0 < raised < 1 and lift and 0 < withheld < 1):
        raise ValueError("shares lie between 0 and 1, and a lift is not zero")
    spread = raised * (1 - raised) / (1 - withheld) + base * (1 - base) / withheld
    return math.ceil((_Z + _POWER) ** 2 * spread / lift**2)


def to_draw(base: int, lift: int, withheld: int) -> int:
    """Return how many people to draw in all, with enough of them on either side to be told.

    Args:
        base: The share who would buy anyhow, basis points.
        lift: By how much it is hoped to rise, basis points.
        withheld: The share left out, basis points.

    Raises:
        ValueError: Shares that cannot be.
    """
    one, more, out = (share / BASIS_POINTS for share in (base, lift, withheld))
    smaller = min(withheld, BASIS_POINTS - withheld)
    return max(needed(one, more, out), math.ceil(FEWEST * BASIS_POINTS / smaller))


def smallest(base: int, people: int, withheld: int) -> int | None:
    """Return the smallest rise that so many people show, basis points; None where none does."""
    rises = range(1, BASIS_POINTS - base)
    at = bisect_left(rises, -people, key=lambda rise: -to_draw(base, rise, withheld))
    return rises[at] if at < len(rises) else None
