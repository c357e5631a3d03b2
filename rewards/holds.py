"""Holds: a suspicious commission waits until a person has decided who gets the credit.

The decision is an override of the attribution, also when it names the same
ambassador; it ends the hold, and the money goes on from where it stood.  What
becomes suspicious while it is pending is held from then on; what is payable
already has passed its hold period and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from core import clock
from core.db import db, many, run
from referrals.models import Attribution, Purchase
from rewards import ledger
from rewards.ledger import Draft
from rewards.models import Account, Commission, EntryKind, Posting


def follow(purchase_ids: Iterable[int]) -> int:
    """Bring the money of credited purchases to where their suspicions say.

    Suspicious and pending: held.  Held and not suspicious, as after a person's decision:
    pending, or payable when due.

    Returns:
        How many commissions moved.
    """
    ids = sorted(set(purchase_ids))
    if not ids or not run(_ASTRAY, {"ids": ids}).first():
        return 0
    lock = sa.select(Purchase.id).where(Purchase.id.in_(ids)).order_by(Purchase.id)
    db.session.execute(lock.with_for_update(key_share=True)).all()  # a refund comes before or after
    return ledger.post([_draft(row) for row in run(_ASTRAY, {"ids": ids})])


def _balance(account: Account) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((Posting.account == account, Posting.amount), else_=0))


_IS_ASTRAY = sa.or_(
    sa.and_(Attribution.suspicion.is_(None), _balance(Account.HELD) < 0),
    sa.and_(Attribution.suspicion.is_not(None), _balance(Account.PENDING) < 0),
)
_ASTRAY = (
    sa.select(
        Commission.id, Commission.purchase_id, Commission.ambassador_id, Commission.payable_at,
        Posting.currency, Attribution.suspicion,
        _balance(Account.HELD).label("held"), _balance(Account.PENDING).label("pending"),
        sa.func.count(sa.distinct(Posting.entry_id)).label("number"),
    )
    .join(
        Posting,
        sa.and_(
            Posting.purchase_id == Commission.purchase_id,
            Posting.ambassador_id == Commission.ambassador_id,
        ),
    )
    .join(
        Attribution,
        sa.and_(
            Attribution.purchase_id == Commission.purchase_id,
            Attribution.ambassador_id == Commission.ambassador_id,
        ),
    )
    .where(Commission.purchase_id.in_(many()))
    .group_by(
        Commission.id, Commission.purchase_id, Commission.ambassador_id, Commission.payable_at,
        Posting.currency, Attribution.suspicion,
    )
    .having(_IS_ASTRAY)
    .order_by(Commission.id)
)  # fmt: skip


def _draft(row: Any) -> Draft:
    """Return the entry that moves a commission's money to where it should stand."""
    if row.suspicion is not None:
        kind, amount, debit, credit = EntryKind.HOLD, row.pending, Account.PENDING, Account.HELD
    else:
        is_due = row.payable_at <= clock.now()
        kind, amount, debit = EntryKind.RELEASE, row.held, Account.HELD
        credit = Account.PAYABLE if is_due else Account.PENDING
    return Draft(
        kind=kind, source=f"hold:{row.id}:{row.number}", occurred_at=clock.now(),
        legs=ledger.move(
            -int(amount), row.currency, debit=debit, credit=credit,
            ambassador_id=row.ambassador_id, purchase_id=row.purchase_id,
        ),
    )  # fmt: skip
