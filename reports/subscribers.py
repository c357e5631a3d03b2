"""Customers with a subscription: from which month to which, what they pay, and how long it lasts.

A customer's subscriptions count as one: from the first month that a payment covers to the last.
The definition is `sql/members_subscriptions.sql`; months are counted from that of the panel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports import survival
from reports.estimates import Measure
from reports.matching import NEVER, Bools, Floats, Ints

GRACE = 1  # months after the last one covered in which a late payment may still come


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Each customer's subscriptions as one, and the months that their payments cover."""

    start: Ints  # of each customer; NEVER without a subscription
    end: Ints  # the first month that nothing covers; after `known` while it goes on
    known: int  # the last month of which it is known whether it is covered
    customer: Ints  # of each covered month
    month: Ints
    amount: Floats

    @property
    def has_any(self) -> Bools:
        known: Bools = self.start != NEVER
        return known


@dataclass(frozen=True, slots=True)
class Observed:
    """Sums of months with a subscription, by whether the customer is a member."""

    customers: int
    exposed: float
    ended: float
    amount: float
    paid: float  # customer-months behind `amount`


def read(found: Mapping[str, Any], positions: Ints, number: int, last: int) -> Subscribers:
    """Return the subscribers.

    Args:
        found: The columns of `members_subscriptions`, `month_number` from the panel's first.
        positions: The customer of each row.
        number: How many customers there are.
        last: The last month that is over.
    """
    months, rhythm = found["month_number"].astype(np.int64), found["rhythm"].astype(np.int64)
    start, end = np.full(number, NEVER), np.full(number, -1)
    np.minimum.at(start, positions, months)
    np.maximum.at(end, positions, months + rhythm)
    known = last - GRACE
    end[end > known] = NEVER
    repeated = np.repeat(np.arange(len(months)), rhythm)
    steps = np.arange(len(repeated)) - np.repeat(np.cumsum(rhythm) - rhythm, rhythm)
    return Subscribers(
        start, end, known, positions[repeated], months[repeated] + steps,
        (found["net"] / rhythm)[repeated],
    )  # fmt: skip


def observed(them: Subscribers, since: Ints, who: Bools, months: range) -> Observed:
    """Return what is seen of some customers in these months, each after `since`."""
    chosen = who & them.has_any
    begin = np.maximum(np.maximum(since, them.start) + 1, months.start)
    stop = np.minimum(np.minimum(them.end, them.known), months.stop - 1)
    exposed = np.maximum(stop - begin + 1, 0)[chosen].sum()
    ended = (them.end >= begin) & (them.end <= min(them.known, months.stop - 1))
    inside = (
        chosen[them.customer] & (them.month > since[them.customer])
        & (them.month >= months.start) & (them.month < months.stop)
    )  # fmt: skip
    pairs = np.unique(them.customer[inside] * NEVER + them.month[inside])
    return Observed(
        int(chosen.sum()), float(exposed), float(ended[chosen].sum()),
        float(them.amount[inside].sum()), float(len(pairs)),
    )  # fmt: skip


def churn(them: Subscribers, people: Ints, months: int) -> Measure:
    """Return the monthly rate of churn of these people, for those subscribed when they joined."""
    all_months = np.arange(months)
    start, end = them.start[people][:, None], them.end[people][:, None]
    seen = all_months <= them.known
    ended = ((all_months == end) & seen).astype(np.float64)
    at_risk = ((all_months > start) & (all_months <= end) & seen).astype(np.float64)
    return Measure(ended, at_risk, present=_alive(them, people, months), is_differenced=False)


def mrr(them: Subscribers, people: Ints, months: int) -> Measure:
    """Return the monthly recurring revenue of these people, nothing once it is over."""
    place = np.full(len(them.start), -1)
    place[people] = np.arange(len(people))
    kept = (place[them.customer] >= 0) & (them.month < months) & (them.month >= 0)
    amounts = np.zeros((len(people), months))
    np.add.at(amounts, (place[them.customer[kept]], them.month[kept]), them.amount[kept])
    return Measure(amounts, present=_alive(them, people, months))


def lasting(them: Subscribers, joined: Ints, *, are_members: bool) -> list[survival.Point]:
    """Return how long subscriptions last, members' from the month in which they joined on.

    A member has lived until joining, so the months before are nobody's merit: they count from
    then on only.
    """
    chosen = them.has_any & ((joined != NEVER) == are_members) & (them.start <= them.known)
    if are_members:
        chosen &= (them.end > joined) & (joined <= them.known)
    has_ended = them.end[chosen] <= them.known
    until = np.minimum(them.end[chosen], them.known)
    began = them.start[chosen]
    entries = np.maximum(joined[chosen] - began, -1) if are_members else None
    return survival.curve(until - began, has_ended, entries)


def _alive(them: Subscribers, people: Ints, months: int) -> Bools:
    all_months = np.arange(months)
    start, end = them.start[people][:, None], them.end[people][:, None]
    alive: Bools = (all_months >= start) & (all_months < end)
    return alive
