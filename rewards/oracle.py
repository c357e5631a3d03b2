"""What commissions have to be, worked out a second time in another way.

Exact fractions instead of integers, orders and rules instead of the code that
wrote the commissions: where both agree, a slip in one of them would show.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign, RewardKind, RewardRule
from core.db import db
from referrals.models import Attribution, Customer, Purchase, PurchaseStatus
from rewards.models import Account, Commission, Posting

_ORDER = (
    Purchase.id.label("purchase_id"), Purchase.occurred_at,
    Purchase.currency.label("order_currency"), Purchase.total, Purchase.tax, Purchase.shipping,
    Purchase.discount, Purchase.customer_id, Customer.first_purchase_id,
)  # fmt: skip


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
            Commission.id, Commission.campaign_id, Commission.amount, Commission.currency,
            Commission.is_active, *_ORDER, posted.label("posted"),
        )
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
    )  # fmt: skip


def credits_without_commission() -> Any:
    """Return the query of paid orders whose ambassador has no commission of any amount.

    An order in another currency than its campaign's budget is left out: it may have none.
    """
    same_credit = sa.and_(
        Commission.purchase_id == Attribution.purchase_id,
        Commission.ambassador_id == Attribution.ambassador_id,
    )
    return (
        sa.select(
            Attribution.id, Attribution.campaign_id, Attribution.ambassador_id,
            sa.literal(value=True).label("is_active"), *_ORDER,
        )
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .join(Campaign, Campaign.id == Attribution.campaign_id)
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(Commission, same_credit)
        .where(
            Attribution.ambassador_id.is_not(None), Commission.id.is_(None),
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
            sa.or_(Campaign.budget.is_(None), Campaign.currency == Purchase.currency),
        )
    )  # fmt: skip


def rules() -> dict[int, list[Any]]:
    """Return every version of the rules, by campaign."""
    rows = db.session.execute(
        sa.select(
            RewardRule.campaign_id, RewardRule.kind, RewardRule.rate, RewardRule.amount,
            RewardRule.include_tax, RewardRule.include_shipping, RewardRule.before_discount,
            RewardRule.maximum, RewardRule.new_customers_only, RewardRule.effective_from,
            Campaign.currency,
        )
        .join(Campaign, Campaign.id == RewardRule.campaign_id)
        .order_by(RewardRule.campaign_id, RewardRule.version)
    )  # fmt: skip
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.campaign_id, []).append(row)
    return found


def allowed(order: Any, versions: list[Any]) -> int:
    """Return the most that the rule in force on an order's day gives, by exact fractions."""
    in_force = [
        one for one in versions
        if one.effective_from is None or one.effective_from <= order.occurred_at
    ]  # fmt: skip
    if not in_force:
        return 0
    rule = in_force[-1]
    is_existing = order.customer_id is not None and order.first_purchase_id != order.purchase_id
    if rule.new_customers_only and order.is_active and is_existing:
        return 0
    is_foreign = order.order_currency != rule.currency
    if is_foreign and (rule.kind is RewardKind.FIXED or rule.maximum is not None):
        return 0
    most = int(rule.amount or 0)
    if rule.kind is RewardKind.PERCENT:
        counted = Fraction(order.total)
        counted -= 0 if rule.include_tax else order.tax
        counted -= 0 if rule.include_shipping else order.shipping
        counted += order.discount if rule.before_discount else 0
        most = floor(counted * Fraction(rule.rate or 0, 10_000) + Fraction(1, 2))
    return most if rule.maximum is None else min(most, rule.maximum)


def commissions_as_frozen() -> Any:
    """Return the query of every commission with its frozen rule and its order."""
    return commissions_with_orders().add_columns(
        Commission.kind, Commission.rate, Commission.fixed, Commission.base, Purchase.refunded
    )


def due(row: Any) -> int:
    """Return what a frozen rule gives on what remains of an order, by exact fractions."""
    if not row.is_active or not row.total:
        return 0
    left = Fraction(row.total - row.refunded, row.total)
    if row.kind is RewardKind.FIXED:
        given = left * (row.fixed or 0)
    else:
        given = left * row.base * Fraction(row.rate or 0, 10_000)
    return min(floor(given + Fraction(1, 2)), int(row.amount))
