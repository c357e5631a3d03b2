"""What campaigns brought: purchases, new customers, money and cost, from the columnar copy."""

from __future__ import annotations

from dataclasses import dataclass

from reports import engine
from reports.models import LONGEST_PERIOD, Period, following

NAME = "campaigns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What came through one campaign; amounts in minor units."""

    campaign: str
    purchases: int = 0
    new_customers: int = 0
    gross: int = 0
    refunds: int = 0
    net: int = 0
    commission: int = 0  # net of reversals
    discounts: int = 0  # what friends saved
    cost: int = 0  # commission and discounts


def brought(copy: engine.Copy, span: Period, currency: str) -> dict[str, Brought]:
    """Return what each campaign brought in a period, by slug; none for one that brought nothing."""
    found = engine.run(copy, NAME, span, {"currency": currency, "campaign": None})
    return {row["campaign"]: Brought(**row) for row in found}


def of_one(copy: engine.Copy, slug: str, span: Period, currency: str) -> Brought:
    """Return what one campaign brought in a period."""
    found = engine.run(copy, NAME, span, {"currency": currency, "campaign": slug})
    return Brought(**found[0]) if found else Brought(campaign=slug)


def whole_life(copy: engine.Copy, present: str) -> Period:
    """Return the months from the first known purchase to the present one."""
    known = copy.manifest.facts.get("purchases", {})
    first = min(known, default=present)
    return Period(max(min(first, present), following(present, 1 - LONGEST_PERIOD)), present)
