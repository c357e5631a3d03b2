"""The machines' door of payouts: what was decided, and how far each came."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, request

from accounts import permissions
from accounts.models import Scope
from core import api
from core.api import Struct
from core.db import db
from core.errors import InvalidInputError
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutState

door = permissions.guard(
    Blueprint("payouts_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.READ)
)


class PayoutOut(Struct):
    """A payout.  `amount` in minor units; `reference` is the transfer, the bank's or a note."""

    id: int
    batch: int
    ambassador: int
    amount: int
    currency: str
    method: PayoutMethod
    state: PayoutState
    reason: str | None
    reference: str | None
    created_at: str
    approved_at: str | None
    sent_at: str | None
    settled_at: str | None


class PayoutsOut(Struct):
    """A page of payouts; `next` goes into `?after=`."""

    data: list[PayoutOut]
    next: str | None


@door.get("/payouts")
@api.operation(
    "List payouts.", answers={200: PayoutsOut},
    query={
        "limit": "Rows, 100 unless given, at most 1000.", "after": "The `next` of the page before.",
        "state": "One state.",
    },
    choices={"state": [state.value for state in PayoutState]},
)  # fmt: skip
def list_payouts() -> Response:
    """Answer a page of payouts, the oldest first."""
    limit = api.page_limit()
    query = (
        sa.select(Payout).where(Payout.id > api.page_after()).order_by(Payout.id).limit(limit + 1)
    )
    state = request.args.get("state")
    if state is not None:
        if state not in set(PayoutState):
            raise InvalidInputError(f"state: one of {', '.join(PayoutState)}")
        query = query.where(Payout.state == PayoutState(state))
    rows = list(db.session.scalars(query))
    after = str(rows[limit - 1].id) if len(rows) > limit else None
    return api.answer(PayoutsOut(data=[_out(one) for one in rows[:limit]], next=after))


def _out(one: Payout) -> PayoutOut:
    instants = {
        name: at.isoformat() if (at := getattr(one, name)) else None
        for name in ("approved_at", "sent_at", "settled_at")
    }
    reference = one.reference if one.method is not PayoutMethod.STORE_CREDIT else None
    return PayoutOut(
        id=one.id, batch=one.batch_id, ambassador=one.ambassador_id, amount=one.amount,
        currency=one.currency, method=one.method, state=one.state, reason=one.reason,
        reference=reference, created_at=one.created_at.isoformat(), **instants,
    )  # fmt: skip
