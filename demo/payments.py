"""The demo brand's payouts: each quarter's, and one that waits for Helen's yes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from accounts.models import User
from core import clock
from core.db import db
from demo import brand
from demo.calendar import midnight
from integrations import stripe_transfers
from rewards import payout_blocks, payout_sending, payouts
from rewards.models import PayoutDetail, PayoutMethod
from rewards.models_payouts import ConnectedAccount, Payout, PayoutState

_MONTHS = (1, 4, 7, 10)  # paid in the first week that ends in them
_METHODS = (PayoutMethod.STRIPE, PayoutMethod.STORE_CREDIT, PayoutMethod.STRIPE)
_SILENT = 4  # one in so many has not said where to pay


def pay(until: date) -> None:
    """Pay a quarter when the week that ends on this day is the first of its month."""
    if until.month in _MONTHS and until.day <= 7:
        _ask_where()
        _pay(f"demo:{until}")


def prepare(today: date) -> None:
    """Leave a draft for somebody to approve."""
    with clock.frozen(midnight(today - timedelta(days=1))):
        if _is_somebody_ready():
            payouts.prepare(brand.CURRENCY, key="demo:draft", by=_person(1))


def _ask_where() -> None:
    """Let those who have enough say where to pay, a week ago; some never do."""
    said = clock.now() - timedelta(days=7)
    for one in payout_blocks.candidates(brand.CURRENCY):
        is_known = payout_blocks.Block.NO_DESTINATION not in one.blocks
        if is_known or payout_blocks.Block.MINIMUM in one.blocks or not one.ambassador_id % _SILENT:
            continue
        _say(one.ambassador_id, one.name, said)
    db.session.flush()


def _say(ambassador_id: int, name: str, at: datetime) -> None:
    method = _METHODS[ambassador_id % len(_METHODS)]
    db.session.add(
        PayoutDetail(
            ambassador_id=ambassador_id, method=method, last4="", changed_at=at,
            holder=name if method is PayoutMethod.STRIPE else "",
        )
    )  # fmt: skip
    if method is PayoutMethod.STRIPE:
        db.session.add(
            ConnectedAccount(
                ambassador_id=ambassador_id, account=f"acct_demo_{ambassador_id}", is_ready=True,
                created_at=at, changed_at=at,
            )
        )  # fmt: skip


def _pay(key: str) -> None:
    if not _is_somebody_ready():
        return
    batch = payouts.prepare(brand.CURRENCY, key=key, by=_person(1))
    payouts.approve(batch.id, by=_person(2))
    for id_ in payouts.ids_of(batch.id, PayoutMethod.STORE_CREDIT, PayoutState.APPROVED):
        payout_sending.give_credit(id_)
    transfers = stripe_transfers.pretending()
    while claimed := payout_sending.claim():
        payout_sending.note(claimed, payout_sending.ask(claimed, transfers))
    with clock.frozen(clock.now() + payout_sending.BEFORE_PROOF):
        for id_ in payout_sending.due_for_proof(limit=1000):
            group = db.session.get_one(Payout, id_).transfer_group
            payout_sending.prove(id_, transfers.find(group))


def _is_somebody_ready() -> bool:
    return any(not one.blocks for one in payout_blocks.candidates(brand.CURRENCY))


def _person(number: int) -> str:
    """Return one of the staff as the audit log names people."""
    email = brand.STAFF[number][0]
    return f"user:{db.session.scalars(sa.select(User.id).where(User.email == email)).one()}"
