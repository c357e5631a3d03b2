"""Who says they are a customer, and what the orders say: proven by purchases, never by a claim."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.db import db
from referrals.models import CustomerIdentity, Purchase, PurchaseStatus


@dataclass(frozen=True, slots=True)
class Proof:
    """What a mailbox bought in one currency; paid orders only, no tests."""

    currency: str
    orders: int
    value: int  # charged less refunded, in minor units
    last_at: datetime


def of_mailboxes(digests: Collection[str]) -> dict[str, list[Proof]]:
    """Return what the customers behind e-mail hashes bought, the most orders first.

    A mailbox that never bought has an empty list.  Orders that its customer made
    under other names count too: customers are merged when an order names both.
    """
    found: dict[str, list[Proof]] = {digest: [] for digest in digests}
    if not found:
        return found
    names = {f"email:{digest}": digest for digest in found}
    query = (
        sa.select(
            CustomerIdentity.key,
            Purchase.currency,
            sa.func.count(),
            sa.func.sum(Purchase.total - Purchase.refunded),
            sa.func.max(Purchase.occurred_at),
        )
        .join(Purchase, Purchase.customer_id == CustomerIdentity.customer_id)
        .where(
            CustomerIdentity.key.in_(names),
            Purchase.status == PurchaseStatus.PAID,
            Purchase.is_test.is_(False),
        )
        .group_by(CustomerIdentity.key, Purchase.currency)
        .order_by(sa.func.count().desc(), Purchase.currency)
    )
    for key, currency, orders, value, last_at in db.session.execute(query):
        found[names[key]].append(Proof(currency, orders, int(value), last_at))
    return found
