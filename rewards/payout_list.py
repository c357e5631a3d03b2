"""Payouts and batches as pages list them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ambassadors import program
from core.db import db
from core.money import POINTS
from rewards.models import Account, PayoutMethod, Posting
from rewards.models_payouts import Payout, PayoutBatch, PayoutState


def batches(*, limit: int = 50) -> list[Any]:
    """Return the latest batches: PayoutBatch, payouts (of them not cancelled) and their total."""
    counts = sa.and_(Payout.batch_id == PayoutBatch.id, Payout.state != PayoutState.CANCELLED)
    query = (
        sa.select(
            PayoutBatch, sa.func.count(Payout.id).label("count"),
            sa.func.coalesce(sa.func.sum(Payout.amount), 0).label("total"),
            sa.func.count(sa.case((Payout.state == PayoutState.PAID, 1))).label("paid"),
        )
        .outerjoin(Payout, counts)
        .group_by(PayoutBatch.id)
        .order_by(PayoutBatch.id.desc())
        .limit(limit)
    )  # fmt: skip
    return list(db.session.execute(query))


def of_ambassador(ambassador_id: int, *, limit: int = 50) -> list[Payout]:
    """Return the payouts that were approved for an ambassador, the latest first."""
    query = (
        sa.select(Payout)
        .where(Payout.ambassador_id == ambassador_id, Payout.approved_at.is_not(None))
        .order_by(Payout.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def sums(batch_id: int) -> dict[tuple[PayoutMethod, PayoutState], tuple[int, int]]:
    """Return how many payouts of a batch stand where, and what they sum up to."""
    rows = db.session.execute(
        sa.select(Payout.method, Payout.state, sa.func.count(), sa.func.sum(Payout.amount))
        .where(Payout.batch_id == batch_id)
        .group_by(Payout.method, Payout.state)
    )
    return {(method, state): (count, int(amount)) for method, state, count, amount in rows}


def currencies() -> list[str]:
    """Return the currencies in which somebody has payable money, the program's first."""
    own = program.current().currency
    rows = db.session.scalars(
        sa.select(Posting.currency)
        .where(Posting.account == Account.PAYABLE, Posting.currency != POINTS)
        .group_by(Posting.currency)
    )
    return sorted({own, *rows}, key=lambda currency: (currency != own, currency))
