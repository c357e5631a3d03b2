"""What somebody of the demo buys: products of the season, a benefit taken off, VAT inside."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from datetime import date
from typing import Any

from core import money
from demo import brand
from integrations import facts


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket at the till; amounts in minor units, VAT included."""

    lines: tuple[facts.Line, ...]  # before the discount
    discount: int
    shipping: int

    def amounts(self) -> dict[str, Any]:
        """Return the amounts of a purchase fact."""
        paid = sum(line.amount for line in self.lines) - self.discount
        shares = money.split(paid, [line.amount for line in self.lines])
        lines = tuple(
            dataclasses.replace(line, amount=share)
            for line, share in zip(self.lines, shares, strict=True)
        )
        tax = paid - money.divide_half_up(paid * 1000, 1000 + brand.VAT)
        return {
            "total": paid + self.shipping, "discount": self.discount, "tax": tax,
            "shipping": self.shipping, "lines": lines,
        }  # fmt: skip


def fill(
    rng: random.Random, day: date, country: str, campaign: str | None, *, is_stall: bool
) -> Basket:
    """Return a basket of a day, with the benefit of a campaign if it reaches its minimum."""
    there = [one for one in brand.PRODUCTS if not one.months or day.month in one.months]
    chosen = rng.choices(
        there, [one.weight for one in there], k=rng.choices((1, 2, 3, 4, 5), (20, 34, 26, 13, 7))[0]
    )
    counts = {one: chosen.count(one) for one in dict.fromkeys(chosen)}
    lines = [facts.Line(sku=one.sku, quantity=n, amount=n * one.price) for one, n in counts.items()]
    goods = sum(line.amount for line in lines)
    shipping = 0 if is_stall or goods >= brand.FREE_SHIPPING_FROM else brand.SHIPPING[country]
    if campaign is None or goods < brand.MINIMUM.get(campaign, 0) * 1.1:
        return Basket(tuple(lines), 0, shipping)
    if campaign == brand.TASTING:
        lines.append(facts.Line(sku=brand.TASTING_POT, quantity=1, amount=0))
        return Basket(tuple(lines), 0, shipping)
    if campaign == brand.STALLS:
        return Basket(tuple(lines), brand.STALL_CUT, shipping)
    if campaign == brand.READERS and country not in brand.READERS_IN:
        return Basket(tuple(lines), 0, shipping)  # entered at the till, and refused
    return Basket(tuple(lines), money.share(goods, brand.PRICE_CUT[campaign]), 0)


def with_status(fact: facts.Purchase, status: str) -> facts.Purchase:
    """Return a purchase with another status."""
    return dataclasses.replace(fact, status=status)


def with_state(fact: facts.Refund, state: str) -> facts.Refund:
    """Return a refund with another state."""
    return dataclasses.replace(fact, state=state)
