"""Rates of currency: what is frozen adds up, and who awaits a rate has not been paid.

Worked out from the frozen rate by exact fractions, not by the code that converted.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign
from core.db import db
from referrals.models import Attribution, Purchase
from rewards import oracle
from rewards.breach import MOST_SHOWN, Breach, pages
from rewards.models import OF_COMMISSION, Commission, Conversion, PurchaseReward, RateWait


def conversions_add_up() -> Iterator[Breach]:
    """M4: a conversion is of its commission's amount, at its frozen rate."""
    query: Any = (
        sa.select(
            Commission.id, Commission.amount, Commission.base.label("commission_base"),
            Commission.currency, Campaign.currency.label("campaign_currency"),
            Conversion.base, Conversion.quote, Conversion.value, Conversion.counted,
            Conversion.worth, Conversion.amount.label("converted"),
        )
        .join(Conversion, OF_COMMISSION)
        .join(Campaign, Campaign.id == Commission.campaign_id)
    )  # fmt: skip
    for page in pages(query, Commission.id):
        for row in page:
            if detail := _wrong(row):
                yield Breach("M4", f"conversion of commission {row.id}", detail)


def _wrong(row: Any) -> str | None:
    if (row.base, row.quote) != (row.campaign_currency, row.currency):
        return f"is from {row.base} to {row.quote}"
    if row.converted != row.amount:
        return f"has {row.converted} {row.quote}, the commission {row.amount}"
    factor = oracle.factor(row.value, row.base, row.quote)
    for name, amount, told in (
        ("counts", row.amount, row.counted), ("is worth", row.commission_base, row.worth),
    ):  # fmt: skip
        should_be = floor(amount / factor + Fraction(1, 2))
        if told != should_be:
            return f"{name} {told} {row.base}, the rate gives {should_be}"
    return None


def queue_is_not_paid() -> Iterator[Breach]:
    """M7: a purchase that awaits a rate is credited, and its credit has earned nothing yet."""
    query = (
        sa.select(Purchase.source, Purchase.external_id)
        .add_columns(sa.func.coalesce(Commission.id, PurchaseReward.id).label("earned"))
        .select_from(RateWait)
        .join(Purchase, Purchase.id == RateWait.purchase_id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .outerjoin(
            Commission,
            sa.and_(
                Commission.purchase_id == Purchase.id,
                Commission.ambassador_id == Attribution.ambassador_id,
            ),
        )
        .outerjoin(
            PurchaseReward,
            sa.and_(
                PurchaseReward.purchase_id == Purchase.id,
                PurchaseReward.ambassador_id == Attribution.ambassador_id,
            ),
        )
        .where(
            sa.or_(
                Attribution.ambassador_id.is_(None),
                Commission.id.is_not(None),
                PurchaseReward.id.is_not(None),
            )
        )
        .order_by(Purchase.id)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        why = "has earned" if row.earned else "has no credit"
        subject = f"purchase {row.source}:{row.external_id}"
        yield Breach("M7", subject, f"awaits a rate of currency and {why}")


CHECKS = (conversions_add_up, queue_is_not_paid)
