"""What an invitation causes, read from a lot: people invited beside people left out.

Nobody chose their side, so the two differ by the invitation and by chance only; the interval
says how much chance may have done.  Everybody drawn counts, whether they came or not: leaving
out who did not come would bring self-selection back.

Source: Newcombe's interval for a difference of shares (R. Newcombe, "Interval estimation for the
difference between independent proportions", Statistics in Medicine 17, 1998, method 10); Welch's
for a difference of means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ambassadors import holdouts, program
from ambassadors.holdout_size import FEWEST
from ambassadors.models_holdouts import Holdout, HoldoutMember
from core import clock
from reports import engine, estimates, people, survey
from reports.estimates import Estimate, Verdict
from reports.matching import Bools, Floats
from reports.models import Period

NAME = "lift"  # of its definition in SQL
DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the lot: people, how many of them bought, and their mean net."""

    people: int
    buyers: int
    net: float  # minor units for each person, also those who did not buy


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Invited against left out, over as many days after the lot."""

    days: int
    waiting: int  # drawn too recently: their days are not over
    invited: Side
    withheld: Side
    buying: Estimate  # difference of the shares who bought
    net: Estimate  # difference of the means
    verdict: Verdict  # of `buying`


def read(
    holdout: Holdout, *, days: int = DAYS, most_rows: int | None = None,
    copy: engine.Copy | None = None, currency: str | None = None,
) -> Lift:  # fmt: skip
    """Return the lift of a holdout, of everybody whose days since the lot are over.

    Args:
        holdout: Whose.
        days: After the lot of each person.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
        currency: Of the purchases that count; the program's unless told.
    """
    drawn = holdouts.lots(holdout)
    over = [one for one in drawn if one.drawn_at + timedelta(days=days) <= clock.now()]
    net = np.zeros((0, 2))
    if over:
        money = currency or program.current().currency
        net = _net(over, days, copy or engine.fresh(most_rows=most_rows), money)
    out = np.array([one.is_withheld for one in over], dtype=np.bool_)
    invited, withheld = _side(net, ~out), _side(net, out)
    buying = _buying(invited, withheld)
    return Lift(
        days=days, waiting=len(drawn) - len(over), invited=invited, withheld=withheld,
        buying=buying, net=_means(net[~out, 1], net[out, 1]),
        verdict=estimates.verdict(buying, None),
    )  # fmt: skip


def _net(drawn: list[HoldoutMember], days: int, copy: engine.Copy, currency: str) -> Floats:
    """Return for each person drawn: purchases and net within the days after the lot."""
    zone = program.current().timezone
    first, last = (
        clock.local_month(at, zone) for at in (min(one.drawn_at for one in drawn), clock.now())
    )
    found = engine.arrays(copy, NAME, Period(first, last), {"currency": currency})
    at = {one.member_id: number for number, one in enumerate(drawn)}
    since = [one.drawn_at.timestamp() for one in drawn]
    customers = people.customers_of(at)
    mine = np.isin(found["customer_id"], list(customers))  # few of a shop's purchases
    bought = (found[name][mine].tolist() for name in ("customer_id", "at", "net"))
    sums = np.zeros((len(drawn), 2))
    for customer, moment, net in zip(*bought, strict=True):
        number = at[customers[customer]]
        if since[number] <= moment < since[number] + days * 86_400:
            sums[number] += (1, net)
    return sums


def _side(net: Floats, who: Bools) -> Side:
    mine = net[who]
    return Side(
        people=len(mine), buyers=int((mine[:, 0] > 0).sum()),
        net=float(mine[:, 1].mean()) if len(mine) else 0.0,
    )  # fmt: skip


def _buying(invited: Side, withheld: Side) -> Estimate:
    if min(invited.people, withheld.people) < FEWEST:
        return Estimate(None, None, None, invited.people + withheld.people)
    shares, reach = [], []
    for side in (invited, withheld):
        share = side.buyers / side.people
        low, high = (float(end or 0) for end in survey.wilson(side.buyers, side.people))
        shares.append(share)
        reach.append((share - low, high - share))
    gap = shares[0] - shares[1]
    down, up = math.hypot(reach[0][0], reach[1][1]), math.hypot(reach[0][1], reach[1][0])
    return Estimate(gap, gap - down, gap + up, invited.people + withheld.people)


def _means(invited: Floats, withheld: Floats) -> Estimate:
    number = len(invited) + len(withheld)
    if min(len(invited), len(withheld)) < FEWEST:
        return Estimate(None, None, None, number)
    parts = [float(side.var(ddof=1)) / len(side) for side in (invited, withheld)]
    error = math.sqrt(sum(parts))
    gap = float(invited.mean() - withheld.mean())
    if error < estimates.NO_SPREAD:
        return Estimate(None, None, None, number)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(side) - 1) for part, side in zip(parts, (invited, withheld), strict=True)
    )
    reach = estimates.student(int(freedom)) * error
    return Estimate(gap, gap - reach, gap + reach, number)
