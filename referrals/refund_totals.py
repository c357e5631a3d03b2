"""Refunds told as a running total of one payment, beside refunds told one by one.

A shop may tell a refund twice: by its own id, and as "so much of this payment
has gone back in all".  The rule that counts each cent once, in any order:

1. A refund with an id of its own always counts by that id.
2. A total counts for what the refunds made until then do not explain: the
   difference is recorded as one stand-in, named after the payment and the
   instant of the total.
3. A refund with an id that comes after a stand-in which must have contained it
   (it was made at or before that instant) takes its amount out of the
   stand-in: the stand-in fails, and the rest, if any, is recorded anew.
4. A total older than a stand-in of the same payment says nothing new.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from core.db import db
from integrations import facts
from referrals import order_names
from referrals.models import Refund, RefundKind, RefundState


def explain(told: facts.RefundedTotal) -> list[facts.Refund]:
    """Return the stand-in for what no known refund explains: one refund, or none.

    Args:
        told: The total; the names of its order are joined already.
    """
    stand_ins = _stand_ins(told.source, told.payment, told.order_external_id)
    if any(row.occurred_at >= told.told_at for row in stand_ins):
        return []
    known = sum(row.amount for row in stand_ins) + _told_one_by_one(told)
    if told.total <= known:
        return []
    return [
        facts.Refund(
            source=told.source, external_id=_name(told.payment, told.told_at, told.total - known),
            order_source=told.source, order_external_id=told.order_external_id,
            amount=told.total - known, occurred_at=told.told_at, currency=told.currency,
        )
    ]  # fmt: skip


def make_room(refund: facts.Refund) -> list[facts.Refund]:
    """Return what happens to stand-ins that contained this refund, before it is recorded."""
    if refund.payment is None or refund.kind != "refund" or _is_known(refund):
        return []
    changed: list[facts.Refund] = []
    left = refund.amount
    for row in _stand_ins(refund.source, refund.payment, refund.order_external_id):
        if not left or row.occurred_at < refund.occurred_at:
            continue
        gone = facts.Refund(
            source=row.source, external_id=row.external_id, order_source=row.order_source,
            order_external_id=row.order_external_id, amount=row.amount,
            occurred_at=row.occurred_at, state="failed",
        )  # fmt: skip
        changed.append(gone)
        taken = min(left, row.amount)
        left -= taken
        if row.amount > taken:
            rest = row.amount - taken
            name = _name(refund.payment, row.occurred_at, rest)
            changed.append(replace(gone, external_id=name, amount=rest, state="succeeded"))
    return changed


def _name(payment: str, told_at: datetime, amount: int) -> str:
    return f"{payment}@{int(told_at.timestamp())}:{amount}"


def _stand_ins(source: str, payment: str, order: str) -> list[Refund]:
    """Return the stand-ins of a payment that hold, the oldest first."""
    query = (
        sa.select(Refund)
        .where(
            Refund.order_source == source,
            Refund.order_external_id.in_(_names(source, payment, order)),
            Refund.external_id.startswith(f"{payment}@", autoescape=True),
            Refund.state != RefundState.FAILED,
        )
        .order_by(Refund.occurred_at, Refund.id)
    )
    return list(db.session.scalars(query))


def _names(source: str, payment: str, order: str) -> set[str]:
    """Return every name of a payment's order: by them its refunds are found in an index."""
    return order_names.names_of(source, payment) | {order}


def _told_one_by_one(told: facts.RefundedTotal) -> int:
    """Return the sum of refunds with ids that the total contains.

    One that failed later was in the total when it was told, so it counts too.
    """
    names = _names(told.source, told.payment, told.order_external_id)
    query = sa.select(sa.func.coalesce(sa.func.sum(Refund.amount), 0)).where(
        Refund.order_source == told.source,
        Refund.order_external_id.in_(names),
        Refund.kind == RefundKind.REFUND,
        Refund.occurred_at <= told.told_at,
        sa.not_(Refund.external_id.contains("@")),
    )
    return int(db.session.scalar(query) or 0)


def _is_known(refund: facts.Refund) -> bool:
    query = sa.select(Refund.id).where(
        Refund.source == refund.source, Refund.external_id == refund.external_id
    )
    return db.session.scalar(query) is not None
