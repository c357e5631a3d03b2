"""What commissions have to be, worked out a second time in another way.

Exact fractions instead of integers, orders and rules instead of the code that
wrote the commissions: where both agree, a slip in one of them would show.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from functools import cache
from math import floor
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, CircleStay
from campaigns.models import Campaign, RewardKind, RewardRule
from core import clock, money
from core.db import db
from referrals.models import Attribution, Customer, Purchase, PurchaseLine, PurchaseStatus
from rewards.models import OF_COMMISSION, Account, Commission, Conversion, Posting, RateWait

_BUYERS = ("new", "existing", "")
_ORDER = (
    Purchase.id.label("purchase_id"), Purchase.occurred_at,
    Purchase.currency.label("order_currency"), Purchase.total, Purchase.tax, Purchase.shipping,
    Purchase.discount, Purchase.customer_id, Customer.first_purchase_id, Purchase.country,
)  # fmt: skip


def _first_of(campaign_id: Any, column: str) -> Any:
    """Return a column of a customer's first credited order, in campaigns where that matters."""
    earlier, credit = sa.orm.aliased(Purchase), sa.orm.aliased(Attribution)
    first = (
        sa.select(getattr(earlier, column))
        .join(credit, credit.purchase_id == earlier.id)
        .where(
            earlier.customer_id == Purchase.customer_id, credit.campaign_id == campaign_id,
            credit.ambassador_id.is_not(None), earlier.status == PurchaseStatus.PAID,
            earlier.is_test.is_(False),
        )
        .order_by(earlier.occurred_at, earlier.id)
        .limit(1)
        .correlate(Purchase, Commission, Attribution)
        .scalar_subquery()
    )  # fmt: skip
    limited = sa.select(RewardRule.campaign_id).where(RewardRule.months.is_not(None))
    return sa.case((campaign_id.in_(limited), first), else_=sa.null())


def lines_of(rows: Any, versions: dict[int, list[Any]]) -> dict[int, list[tuple[str, int]]]:
    """Return SKU and amount of the lines of orders in campaigns that ask for products."""
    asked = {id_ for id_, rules in versions.items() if any(rule.cases for rule in rules)}
    ids = [row.purchase_id for row in rows if row.campaign_id in asked]
    found: dict[int, list[tuple[str, int]]] = {}
    if not ids:
        return found
    query = (
        sa.select(PurchaseLine.purchase_id, PurchaseLine.sku, PurchaseLine.amount)
        .where(PurchaseLine.purchase_id.in_(ids))
        .order_by(PurchaseLine.purchase_id, PurchaseLine.position)
    )
    for row in db.session.execute(query):
        found.setdefault(row.purchase_id, []).append((row.sku, row.amount))
    return found


def circles_of(rows: Any, versions: dict[int, list[Any]]) -> dict[int, set[int]]:
    """Return the circles of ambassadors at their orders, by row, in campaigns that ask for any."""
    asked = {
        id_ for id_, rules in versions.items()
        if any(case.get("circle_id") for rule in rules for case in rule.cases or ())
    }  # fmt: skip
    wanted = [row for row in rows if row.campaign_id in asked]
    found: dict[int, set[int]] = {}
    if not wanted:
        return found
    was_in = sa.and_(
        CircleStay.since <= Purchase.occurred_at,
        sa.or_(CircleStay.until.is_(None), CircleStay.until > Purchase.occurred_at),
    )
    query = (
        sa.select(Purchase.id, Ambassador.id, CircleStay.circle_id)
        .select_from(CircleStay)
        .join(Ambassador, Ambassador.member_id == CircleStay.member_id)
        .join(Purchase, was_in)
        .where(
            Purchase.id.in_([row.purchase_id for row in wanted]),
            Ambassador.id.in_([row.ambassador_id for row in wanted]),
        )
    )
    pairs: dict[tuple[int, int], set[int]] = {}
    for purchase_id, ambassador_id, circle_id in db.session.execute(query):
        pairs.setdefault((purchase_id, ambassador_id), set()).add(circle_id)
    return {row.id: pairs.get((row.purchase_id, row.ambassador_id), set()) for row in wanted}


@cache  # it takes longer to build than to run on few rows
def commissions_with_orders() -> Any:
    """Return the query of every commission with its order and what the ledger has of it.

    What the ledger has is looked up for each row: the query is read page by page.
    """
    posted = (
        sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0))
        .where(
            Posting.account == Account.EXPENSE, Posting.purchase_id == Commission.purchase_id,
            Posting.ambassador_id == Commission.ambassador_id,
            Posting.currency == Commission.currency,
        )
        .scalar_subquery()
    )  # fmt: skip
    return (
        sa.select(
            Commission.id, Commission.campaign_id, Commission.ambassador_id, Commission.amount,
            Commission.currency, Commission.is_active, Commission.number, *_ORDER,
            posted.label("posted"), Conversion.value.label("rate_value"),
            _first_of(Commission.campaign_id, "occurred_at").label("first_at"),
            _first_of(Commission.campaign_id, "id").label("first_id"),
        )
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(Conversion, OF_COMMISSION)
    )  # fmt: skip


@cache
def credits_without_commission() -> Any:
    """Return the query of paid orders whose ambassador has no commission of any amount.

    Those that await a rate of currency are left out.  For the others any rate would do, as
    it is only asked whether their rule pays something.
    """
    same_credit = sa.and_(
        Commission.purchase_id == Attribution.purchase_id,
        Commission.ambassador_id == Attribution.ambassador_id,
    )
    return (
        sa.select(
            Attribution.id, Attribution.campaign_id, Attribution.ambassador_id,
            sa.literal(value=True).label("is_active"), sa.null().label("number"), *_ORDER,
            sa.literal(1).label("rate_value"),
            _first_of(Attribution.campaign_id, "occurred_at").label("first_at"),
            _first_of(Attribution.campaign_id, "id").label("first_id"),
        )
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(Commission, same_credit)
        .outerjoin(RateWait, RateWait.purchase_id == Purchase.id)
        .where(
            Attribution.ambassador_id.is_not(None), Commission.id.is_(None),
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
            RateWait.purchase_id.is_(None),
        )
    )  # fmt: skip


def rules() -> dict[int, list[Any]]:
    """Return every version of the rules, by campaign."""
    rows = db.session.execute(
        sa.select(
            RewardRule.campaign_id, RewardRule.kind, RewardRule.rate, RewardRule.amount,
            RewardRule.include_tax, RewardRule.include_shipping, RewardRule.before_discount,
            RewardRule.maximum, RewardRule.new_customers_only, RewardRule.effective_from,
            RewardRule.cases, RewardRule.tiers, RewardRule.months,
            RewardRule.ambassador_maximum, RewardRule.ambassador_period_maximum,
            RewardRule.campaign_period_maximum, Campaign.currency,
        )
        .join(Campaign, Campaign.id == RewardRule.campaign_id)
        .order_by(RewardRule.campaign_id, RewardRule.version)
    )  # fmt: skip
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.campaign_id, []).append(row)
    return found


def allowed(
    order: Any,
    versions: list[Any],
    lines: Any = (),
    *,
    circles: Any = frozenset(),
    timezone: str = "UTC",
) -> int:
    """Return the most that the rule in force on an order's day gives, by exact fractions.

    Args:
        order: A row of the queries above.
        versions: Of its campaign.
        lines: SKU and amount of each of its lines, where products decide.
        circles: Of the ambassador at the time, where they decide.
        timezone: In which months are counted.
    """
    in_force = [
        one for one in versions
        if one.effective_from is None or one.effective_from <= order.occurred_at
    ]  # fmt: skip
    if not in_force:
        return 0
    rule = in_force[-1]
    if not rule.kind.is_money:
        return 0
    is_existing = order.customer_id is not None and order.first_purchase_id != order.purchase_id
    if rule.new_customers_only and order.is_active and is_existing:
        return 0
    if order.is_active and _is_over(rule, order, timezone):
        return 0
    caps = (
        rule.maximum, rule.ambassador_maximum, rule.ambassador_period_maximum,
        rule.campaign_period_maximum,
    )  # fmt: skip
    limits = [int(one) for one in caps if one is not None]
    told = _worth(order, rule)
    if told is None and (rule.kind is RewardKind.FIXED or limits):
        return 0
    worth = told or Fraction(1)
    who = [(buyer, circles) for buyer in _BUYERS]
    given = max(_given(rule, order, lines, one, worth) for one in who)
    return min([given, *(floor(one * worth) for one in limits)])


def _worth(order: Any, rule: Any) -> Fraction | None:
    """Return what a minor unit of the rule's amounts is worth in the order's; None: no rate."""
    if order.order_currency == rule.currency:
        return Fraction(1)
    if order.rate_value is None:
        return None
    return factor(order.rate_value, rule.currency, order.order_currency)


def factor(rate: Any, base: str, quote: str) -> Fraction:
    """Return what a minor unit of one currency is worth in another, at a frozen rate."""
    return Fraction(rate) * Fraction(10) ** (money.exponent(quote) - money.exponent(base))


def _is_over(rule: Any, order: Any, timezone: str) -> bool:
    """Tell whether a customer's purchases earn no longer; the first always does."""
    if rule.months is None or order.first_id in (None, order.purchase_id):
        return False
    first, day = (
        at.astimezone(clock.zone(timezone)).date() for at in (order.first_at, order.occurred_at)
    )
    passed = (day.year - first.year) * 12 + day.month - first.month
    ends_early = day.day < first.day and (day + timedelta(days=1)).day != 1
    return bool(rule.months == 0 or passed - ends_early >= rule.months)


def _given(
    rule: Any, order: Any, lines: Any, who: tuple[str, Any], worth: Fraction | int = 1
) -> int:
    """Return what a rule gives; who was new when it was accrued may be told otherwise since.

    Args:
        rule: A version.
        order: Its amounts, country and number.
        lines: SKU and amount of each.
        who: What the buyer was, and the circles that the ambassador was in.
        worth: Of a minor unit of the rule's amounts in the order's currency.
    """
    buyer, circles = who
    tier: dict[str, Any] = {}
    for one in rule.tiers or ():
        if one["start"] <= (order.number or 1):
            tier = one
    cases = [
        one for one in rule.cases or ()
        if one["countries"] in ([], None) or order.country in one["countries"]
    ]  # fmt: skip
    cases = [one for one in cases if one["buyer"] in (None, "", buyer)]
    cases = [one for one in cases if one.get("circle_id") in {None, *circles}]
    if rule.kind is RewardKind.FIXED:
        skus = {sku for sku, _ in lines}
        for case in cases:
            if not case["products"] or skus.intersection(case["products"]):
                return floor(int(case["amount"]) * worth + Fraction(1, 2))
        amount = int(tier["amount"] if tier else rule.amount or 0)
        return floor(amount * worth + Fraction(1, 2))
    counted = order.total
    counted -= 0 if rule.include_tax else order.tax
    counted -= 0 if rule.include_shipping else order.shipping
    counted += order.discount if rule.before_discount else 0
    usual = tier["rate"] if tier else rule.rate or 0
    total = Fraction(0)
    for sku, part in _shared(counted, lines if cases else ()):
        fitting = [one["rate"] for one in cases if not one["products"] or sku in one["products"]]
        total += Fraction(part) * Fraction(fitting[0] if fitting else usual, 10_000)
    return floor(total + Fraction(1, 2))


def _shared(amount: int, lines: Any) -> list[tuple[str, int]]:
    """Share an amount out over lines: each its floor, what is left to the largest fractions."""
    weights = [max(Fraction(line), Fraction(0)) for _, line in lines]
    if not sum(weights):
        return [(lines[0][0] if lines else "", amount)]
    exact = [amount * weight / sum(weights) for weight in weights]
    parts = [floor(one) for one in exact]
    while sum(parts) < amount:
        worst = max(range(len(parts)), key=lambda i: (exact[i] - parts[i], -i))
        parts[worst] += 1
    return [(sku, part) for (sku, _), part in zip(lines, parts, strict=True)]


@cache
def commissions_as_frozen() -> Any:
    """Return the query of every commission with its frozen rule and its order."""
    return commissions_with_orders().add_columns(
        Commission.kind,
        Commission.rate,
        Commission.fixed,
        Commission.base,
        Commission.parts,
        Purchase.refunded,
    )


def due(row: Any) -> int:
    """Return what a frozen rule gives on what remains of an order, by exact fractions."""
    if not row.is_active or not row.total:
        return 0
    left = Fraction(row.total - row.refunded, row.total)
    if row.kind is RewardKind.FIXED:
        given = left * (row.fixed or 0)
    else:
        parts = row.parts or [[row.rate or 0, row.base]]
        given = sum((left * part * Fraction(rate, 10_000) for rate, part in parts), Fraction(0))
    return min(floor(given + Fraction(1, 2)), int(row.amount))
