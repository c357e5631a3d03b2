"""What a reward rule gives, as plain arithmetic: base, commission, shares of lines.

Integers in minor units; rounded half-up once for a purchase.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from campaigns.models import RewardKind, RewardRule
from core import money
from rewards.models import Commission


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

    Percent: rate x base x remaining / total; fixed: amount x remaining / total;
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
        amount = money.divide_half_up((commission.fixed or 0) * remaining, total)
    else:
        amount = money.divide_half_up(
            (commission.rate or 0) * commission.base * remaining, money.BASIS_POINTS * total
        )
    return min(amount, commission.amount)


def line_shares(amount: int, lines: Sequence[int]) -> list[int]:
    """Return each line's share of a commission; they sum to it exactly (rule 14)."""
    return money.split(amount, [max(line, 0) for line in lines])


def rule_at(versions: list[tuple[RewardRule, str]], at: datetime) -> tuple[RewardRule, str] | None:
    """Return the newest version in force at an instant."""
    in_force = [v for v in versions if v[0].effective_from is None or v[0].effective_from <= at]
    return in_force[-1] if in_force else None
