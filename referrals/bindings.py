"""Bindings: who brought a subscription, or a customer, keeps earning from it.

A binding follows from the orders themselves: the earliest order of a
subscription (or of a customer, if the program binds for life) that somebody
got the credit of by another touch binds every later one, in the order of time
and then of arrival.  So whole chains of orders are decided together, and the
same orders told in any order give the same credit.  The table of bindings is
what the last decision said, for people to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, AmbassadorStatus
from ambassadors.program import Rules
from core.db import db, upsert_dialect
from core.spans import Spans
from referrals import eligibility, touches
from referrals.models import Binding, CreditTouch, Purchase
from referrals.touches import Candidate, Credit, Loss, Order

_SUBSCRIPTION = "subscription:"


def names_of(order: Order, rules: Rules) -> list[str]:
    """Return what binds a purchase: its subscription, then its customer if that is the rule."""
    names = []
    if order.subscription:
        source = order.order_key.partition(":")[0]
        names.append(f"{_SUBSCRIPTION}{source}:{order.subscription}")
    if rules.lifetime_binding and order.customer_id:
        names.append(f"customer:{order.customer_id}")
    return names


def with_chains(ids: Iterable[int], rules: Rules) -> list[Order]:
    """Return purchases and all that hang together with them, in the order of time.

    One statement more than without chains; another for each chain of chains.
    """
    orders = touches.orders_of(sorted(set(ids)))
    known = {order.id for order in orders}
    while more := _linked(orders, rules) - known:
        orders += touches.orders_of(sorted(more))
        known |= more
    return sorted(orders, key=lambda order: (order.basket.at, order.id))


def _linked(orders: list[Order], rules: Rules) -> set[int]:
    subscriptions = sorted({order.subscription for order in orders if order.subscription})
    customers = sorted({order.customer_id for order in orders if order.customer_id})
    same = []
    if subscriptions:
        same.append(Purchase.subscription.in_(subscriptions))
    if customers and rules.lifetime_binding:
        same.append(Purchase.customer_id.in_(customers))
    return set(db.session.scalars(sa.select(Purchase.id).where(sa.or_(*same)))) if same else set()


@dataclass(frozen=True, slots=True)
class _Bond:
    order: Order
    ambassador_id: int
    campaign_id: int | None
    is_vouched: bool  # by a person, who decided who has the credit


@dataclass(slots=True)
class Bonds:
    """The bindings that decided orders make, as they are decided one after the other."""

    rules: Rules
    since: dict[int, tuple[AmbassadorStatus, datetime, Spans]]  # of ambassadors who could bind
    made: dict[str, _Bond] = field(default_factory=dict)

    def candidates(self, order: Order) -> list[Candidate]:
        """Return what earlier orders bind this one to."""
        return [
            self._candidate(name, self.made[name], order)
            for name in names_of(order, self.rules)
            if name in self.made
        ]

    def follow(self, order: Order, row: dict[str, Any]) -> None:
        """Take in a decision: it binds what nothing binds yet."""
        if row["ambassador_id"] is None or row["touch"] is CreditTouch.BINDING:
            return
        for name in names_of(order, self.rules):
            is_vouched = row["touch"] is CreditTouch.MANUAL
            bond = _Bond(order, row["ambassador_id"], row["campaign_id"], is_vouched)
            self.made.setdefault(name, bond)

    def _candidate(self, name: str, bond: _Bond, order: Order) -> Candidate:
        is_subscription = name.startswith(_SUBSCRIPTION)
        status, since, breaks = self.since[bond.ambassador_id]
        is_active = eligibility.is_active(status, since, breaks, order.basket.at)
        return Candidate(
            touch=CreditTouch.BINDING,
            credit=Credit.BOUND_SUBSCRIPTION if is_subscription else Credit.BOUND_CUSTOMER,
            ambassador_id=bond.ambassador_id, campaign_id=bond.campaign_id, name=name,
            refusal=None if is_active else Loss.AMBASSADOR_NOT_ACTIVE.value,
            is_vouched=bond.is_vouched,
        )  # fmt: skip


def begin(orders: Sequence[Order], ambassador_ids: Iterable[int], rules: Rules) -> Bonds:
    """Return bonds that know the ambassadors who could bind one of these orders."""
    ids = sorted(set(ambassador_ids))
    if not ids or not any(names_of(order, rules) for order in orders):
        return Bonds(rules, {})
    query = sa.select(Ambassador.id, Ambassador.status, Ambassador.status_since, Ambassador.breaks)
    rows = db.session.execute(query.where(Ambassador.id.in_(ids)))
    return Bonds(rules, {row.id: (row.status, row.status_since, row.breaks) for row in rows})


def write(orders: Sequence[Order], bonds: Bonds) -> None:
    """Write down what binds these orders, in place of what was written before."""
    names = sorted({name for order in orders for name in names_of(order, bonds.rules)})
    if not names:
        return
    known = db.session.scalars(sa.select(Binding).where(Binding.key.in_(names))).all()
    rows = {name: _row(name, bond) for name, bond in bonds.made.items()}
    same = {one.key for one in known if rows.get(one.key) == _as_row(one)}
    stale = [one.key for one in known if one.key not in rows]
    if stale:
        db.session.execute(sa.delete(Binding).where(Binding.key.in_(stale)))
    new = [row for name, row in sorted(rows.items()) if name not in same]
    if new:
        insert = upsert_dialect().insert(Binding)
        values = {name: insert.excluded[name] for name in new[0] if name != "key"}
        db.session.execute(insert.on_conflict_do_update(index_elements=["key"], set_=values), new)


def _row(name: str, bond: _Bond) -> dict[str, Any]:
    return {
        "key": name, "ambassador_id": bond.ambassador_id, "campaign_id": bond.campaign_id,
        "purchase_id": bond.order.id, "bound_at": bond.order.basket.at,
    }  # fmt: skip


def _as_row(binding: Binding) -> dict[str, Any]:
    return {
        "key": binding.key, "ambassador_id": binding.ambassador_id,
        "campaign_id": binding.campaign_id, "purchase_id": binding.purchase_id,
        "bound_at": binding.bound_at,
    }  # fmt: skip
