"""What new customers answered to "How did you hear about us?", beside what was tracked.

An answer never pays anybody.  Tracking misses who came by word of mouth without a code or a
link; a survey misses who did not answer.  Crossed, each shows what the other does not see.

Source: rule 20 of the program; the counts come from `sql/acquisition.sql`.  The interval is
Wilson's score interval (E. B. Wilson, "Probable inference, the law of succession, and
statistical inference", JASA 22, 1927), which stays between 0 and 1 also for small counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from reports.models import SIX_PLACES, share

CELLS = ("tracked_and_declared", "tracked_only", "declared_only", "neither", "no_answer")
_Z = Decimal("1.959963984540054")  # the normal quantile of a 95 % interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The matrix of tracked and declared over new customers; shares with six places."""

    tracked_and_declared: int
    tracked_only: int  # they named something else
    declared_only: int
    neither: int
    no_answer: int
    answers: int
    response_rate: Decimal | None
    share_declared: Decimal | None  # of those who answered
    share_either: Decimal | None  # tracked, declared or both, of those who answered
    share_low: Decimal | None
    share_high: Decimal | None


def declared(cells: Mapping[str, int]) -> Declared:
    """Return the matrix with its rates.

    Args:
        cells: A count for each of `CELLS`; together they are all new customers.
    """
    counts = {name: cells[name] for name in CELLS}
    answers = sum(counts.values()) - counts["no_answer"]
    said = counts["tracked_and_declared"] + counts["declared_only"]
    either = said + counts["tracked_only"]
    low, high = wilson(either, answers)
    return Declared(
        **counts, answers=answers, response_rate=share(answers, sum(counts.values())),
        share_declared=share(said, answers), share_either=share(either, answers),
        share_low=low, share_high=high,
    )  # fmt: skip


def wilson(part: int, whole: int) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """Return the 95 % interval of a share, six places; None where nobody was asked."""
    if not whole:
        return None, None
    with localcontext(prec=40):
        n, p, squared = Decimal(whole), Decimal(part) / Decimal(whole), _Z * _Z
        middle = p + squared / (2 * n)
        reach = _Z * (p * (1 - p) / n + squared / (4 * n * n)).sqrt()
        ends = ((middle + sign * reach) / (1 + squared / n) for sign in (-1, 1))
        low, high = (min(max(end, Decimal(0)), Decimal(1)) for end in ends)
        return low.quantize(SIX_PLACES, ROUND_HALF_UP), high.quantize(SIX_PLACES, ROUND_HALF_UP)
