"""What a reward rule gives, as plain arithmetic: base, commission, shares of lines.

Integers in minor units; rounded half-up once for a purchase.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from campaigns.models import RewardKind, RewardRule
from core import money
from rewards.models import Commission


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a purchase, as far as a reward looks at it."""

    sku: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a rule gives for a purchase, before caps that others share."""

    amount: int  # minor units, or points
    fixed: int | None = None  # where the reward is a fixed amount
    parts: tuple[tuple[int, int], ...] = ()  # (rate, base) each, where it is a share
    perk_id: int | None = None  # where it is a perk


def grant(purchase: Any, rule: Any, *, lines: Sequence[Line], number: int = 1) -> Granted:
    """Return what a rule gives for a purchase (rules 14 and 15).

    Args:
        purchase: Its amounts, `country`, `is_new` (None: unknown), and the `circles` that the
            ambassador was in.
        rule: The version in force.
        lines: Its lines; their share of the base is by largest remainder.
        number: Which of the ambassador's purchases in the campaign it is.
    """
    if rule.kind is RewardKind.PERK:
        perk_id = _chosen("perk_id", purchase, rule, lines=lines, number=number)
        return Granted(amount=0, perk_id=perk_id)
    if rule.kind is not RewardKind.PERCENT:
        fixed = _chosen("amount", purchase, rule, lines=lines, number=number) or 0
        return Granted(amount=_capped(fixed, rule), fixed=fixed)
    parts = _parts(purchase, rule, lines=lines, number=number)
    amount = money.divide_half_up(sum(rate * part for rate, part in parts), money.BASIS_POINTS)
    return Granted(amount=_capped(amount, rule), parts=parts)


def _capped(amount: int, rule: Any) -> int:
    return amount if rule.maximum is None else min(amount, rule.maximum)


def _chosen(
    name: str, purchase: Any, rule: Any, *, lines: Sequence[Line], number: int
) -> int | None:
    """Return the amount or the perk of the first case that fits, else of the tier, else of all."""
    skus = {line.sku for line in lines}
    for case in rule.cases or ():
        if _fits(case, purchase) and (not case["products"] or skus & set(case["products"])):
            return int(case[name])
    tier = _tier(rule, number)
    found = tier[name] if tier else getattr(rule, name)
    return None if found is None else int(found)


def _parts(
    purchase: Any, rule: Any, *, lines: Sequence[Line], number: int
) -> tuple[tuple[int, int], ...]:
    """Return the base of each rate, the rates in the order of their first line."""
    full = base(purchase, rule)
    usual = int(_tier(rule, number).get("rate", rule.rate) or 0)
    cases = [case for case in rule.cases or () if _fits(case, purchase)]
    if not cases:
        return ((usual, full),)
    told = list(lines) or [Line(sku="", amount=1)]
    by_rate: dict[int, int] = {}
    for line, part in zip(told, line_shares(full, [line.amount for line in told]), strict=True):
        rate = _rate_of(line.sku, cases, usual)
        by_rate[rate] = by_rate.get(rate, 0) + part
    return tuple(by_rate.items())


def _rate_of(sku: str, cases: Sequence[Any], usual: int) -> int:
    for case in cases:
        if not case["products"] or sku in case["products"]:
            return int(case["rate"])
    return usual


def _fits(case: Any, purchase: Any) -> bool:
    """Tell whether a case is about a purchase; an unknown buyer is neither new nor existing."""
    if case["countries"] and purchase.country not in case["countries"]:
        return False
    circle_id = case.get("circle_id")
    if circle_id is not None and circle_id not in purchase.circles:
        return False
    wanted = {"new": True, "existing": False}.get(case["buyer"] or "")
    return wanted is None or purchase.is_new is wanted


def circles_of(rule: Any) -> set[int]:
    """Return the circles that a rule asks for."""
    found = (case.get("circle_id") for case in rule.cases or ())
    return {circle_id for circle_id in found if circle_id is not None}


def _tier(rule: Any, number: int) -> dict[str, Any]:
    reached = [tier for tier in rule.tiers or () if tier["start"] <= number]
    return dict(reached[-1]) if reached else {}


def is_counted(rule: Any) -> bool:
    """Tell whether a rule looks at how much, or how often, an ambassador earned so far."""
    return bool(rule.tiers) or rule.ambassador_maximum is not None


def is_within(months: int | None, *, first: date, on: date) -> bool:
    """Tell whether a later purchase of a customer still earns, by their local days.

    Args:
        months: How long; None is for life.  0 (the first purchase alone) is not a matter of days.
        first: Day of the customer's first commission.
        on: Day of the purchase.

    Source: rule 15; 12 months pay months 0 to 11.
    """
    return months is None or on < add_months(first, months)


def add_months(day: date, months: int) -> date:
    """Return the same day some months later, or the last day of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    year = min(day.year + years, date.max.year)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def base(purchase: Any, rule: Any) -> int:
    """Return what a rule's rate applies to, in minor units, before any refund (rule 14).

    Net of discount, tax and shipping, each put back by its own switch.
    """
    return int(
        purchase.net_amount
        + (purchase.tax if rule.include_tax else 0)
        + (purchase.shipping if rule.include_shipping else 0)
        + (purchase.discount if rule.before_discount else 0)
    )


def earned(commission: Commission, *, total: int, refunded: int) -> int:
    """Return what the frozen rule gives on what remains of a purchase, in minor units.

    Percent: rate x base (the sum of its parts) x remaining / total;
    fixed: amount x remaining / total;
    rounded half-up once, never above what was accrued.

    Args:
        commission: The frozen rule and base.
        total: What was charged.
        refunded: How much of it went back so far, in all.

    Source: rule 17; refunding in parts or at once leaves the same amount.
    """
    if total <= 0:
        return 0
    remaining = total - refunded
    if commission.kind is RewardKind.FIXED:
        amount = left(commission.fixed or 0, total=total, refunded=refunded)
    else:
        parts = commission.parts or [[commission.rate or 0, commission.base]]
        weighted = sum(rate * part for rate, part in parts)
        amount = money.divide_half_up(weighted * remaining, money.BASIS_POINTS * total)
    return min(amount, commission.amount)


def left(amount: int, *, total: int, refunded: int) -> int:
    """Return what remains of a fixed amount, or of points, after refunds: half-up (rule 17)."""
    return money.divide_half_up(amount * (total - refunded), total) if total > 0 else 0


def line_shares(amount: int, lines: Sequence[int]) -> list[int]:
    """Return each line's share of a commission; they sum to it exactly (rule 14)."""
    return money.split(amount, [max(line, 0) for line in lines])


def rule_at(versions: list[tuple[RewardRule, str]], at: datetime) -> tuple[RewardRule, str] | None:
    """Return the newest version in force at an instant."""
    in_force = [v for v in versions if v[0].effective_from is None or v[0].effective_from <= at]
    return in_force[-1] if in_force else None
