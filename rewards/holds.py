"""Holds: a suspicious commission waits until a person has decided who gets the credit.

The decision is an override of the attribution, also when it names the same
ambassador; it ends the hold, and the money goes on from where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from core import clock
from core.db import db
from referrals.models import Attribution, CreditTouch, Purchase
from rewards import ledger
from rewards.ledger import Draft
from rewards.models import Account, Commission, EntryKind, Posting


def release_decided(purchase_ids: Iterable[int]) -> int:
    """Move held money of purchases that a person decided on to pending, or payable when due.

    Returns:
        How many commissions went on.
    """
    ids = sorted(set(purchase_ids))
    lock = sa.select(Purchase.id).where(Purchase.id.in_(ids)).order_by(Purchase.id)
    db.session.execute(lock.with_for_update(key_share=True)).all()  # a refund comes before or after
    held = _held(ids)
    return ledger.post([_draft(row) for row in held]) if held else 0


def _held(ids: list[int]) -> list[Any]:
    query = (
        sa.select(
            Commission, Posting.currency, sa.func.sum(Posting.amount).label("balance"),
            sa.func.count().label("number"),
        )
        .join(
            Posting,
            sa.and_(
                Posting.purchase_id == Commission.purchase_id,
                Posting.ambassador_id == Commission.ambassador_id,
                Posting.account == Account.HELD,
            ),
        )
        .join(Attribution, Attribution.purchase_id == Commission.purchase_id)
        .where(
            Commission.purchase_id.in_(ids), Attribution.touch == CreditTouch.MANUAL,
            Attribution.ambassador_id == Commission.ambassador_id,
        )
        .group_by(Commission.id, Posting.currency)
        .having(sa.func.sum(Posting.amount) < 0)
        .order_by(Commission.id)
    )  # fmt: skip
    return list(db.session.execute(query))


def _draft(row: Any) -> Draft:
    commission: Commission = row.Commission
    is_due = commission.payable_at <= clock.now()
    return Draft(
        kind=EntryKind.RELEASE, source=f"hold:{commission.id}:{row.number}",
        occurred_at=clock.now(),
        legs=ledger.move(
            -int(row.balance), row.currency, debit=Account.HELD,
            credit=Account.PAYABLE if is_due else Account.PENDING,
            ambassador_id=commission.ambassador_id, purchase_id=commission.purchase_id,
        ),
    )  # fmt: skip
