"""How long something lasts when for many the end has not come yet: Kaplan and Meier's estimate.

S(t) is the product over times u <= t of 1 - events(u) / at risk(u).  Its variance is
Greenwood's, S(t)^2 times the sum of events / (at risk * (at risk - events)); the interval is
taken on the scale log(-log S), on which it stays between 0 and 1.

Source: E. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations", JASA 53,
1958; M. Greenwood, "The natural duration of cancer", 1926; J. Kalbfleisch, R. Prentice, "The
statistical analysis of failure time data", 2nd edition 2002, chapter 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_Z = 1.959963984540054  # the normal quantile of a 95 % interval


@dataclass(frozen=True, slots=True)
class Point:
    """The share that lasts beyond a time, with its 95 % interval."""

    time: int
    at_risk: int  # just before that time
    share: float
    low: float | None  # None where no interval can be told: nobody has left, or all have
    high: float | None


def curve(
    durations: npt.ArrayLike, has_ended: npt.ArrayLike, entries: npt.ArrayLike | None = None
) -> list[Point]:
    """Return the estimate at each time at which something ended.

    Args:
        durations: Whole time units that each lasted, so far if it has not ended.
        has_ended: Whether it has.
        entries: The time from which each is observed; who came in late was not at risk before.
    """
    lasted, ended = np.asarray(durations), np.asarray(has_ended, dtype=np.bool_)
    began = np.full(len(lasted), -1) if entries is None else np.asarray(entries)
    found = []
    share, summed = 1.0, 0.0
    for time in np.unique(lasted[ended]):
        risk = int(((lasted >= time) & (began < time)).sum())
        events = int((ended & (lasted == time) & (began < time)).sum())
        if not risk or not events:
            continue
        share *= 1 - events / risk
        if risk > events:
            summed += events / (risk * (risk - events))
        found.append(Point(int(time), risk, share, *_interval(share, summed)))
    return found


def churn_rate(has_ended: npt.ArrayLike) -> float | None:
    """Return the share that has ended so far; None of nobody."""
    ended = np.asarray(has_ended, dtype=np.bool_)
    return float(ended.mean()) if len(ended) else None


def at(points: Sequence[Point], time: int) -> Point | None:
    """Return the estimate that holds at a time; None before anything has ended."""
    return next((point for point in reversed(points) if point.time <= time), None)


def median(points: Sequence[Point]) -> int | None:
    """Return the first time beyond which at most half last; None while more than half do."""
    return next((point.time for point in points if point.share <= 0.5), None)


def _interval(share: float, summed: float) -> tuple[float | None, float | None]:
    if not 0 < share < 1:
        return None, None
    reach = _Z * math.sqrt(summed) / abs(math.log(share))
    return share ** math.exp(reach), share ** math.exp(-reach)
