"""The machines' door of the campaigns room: spend."""

from __future__ import annotations

import secrets
from datetime import date

from flask import Blueprint, Response

from accounts import idempotency, permissions
from accounts.models import Scope
from campaigns import spend
from campaigns.models import SpendKind
from core import api
from core.db import db
from core.errors import ConflictError

door = permissions.guard(
    Blueprint("campaigns_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.SPEND)
)


class SpendBody(api.Struct):
    """A line of spend; `amount` in minor units, negative to correct an earlier line."""

    channel: str
    on: date
    amount: int
    currency: str
    kind: SpendKind
    key: str | None = None  # telling the same key again records nothing
    note: str = ""


class SpendAnswer(api.Struct):
    """A line of spend as it is recorded."""

    channel: str
    on: date
    amount: int
    currency: str
    kind: SpendKind
    key: str
    note: str


@door.post("/spend")
@idempotency.honoured
@api.operation(
    "Record what was spent on a channel on a day.",
    body=SpendBody,
    answers={201: SpendAnswer, 200: SpendAnswer},
)
def record_spend() -> Response:
    """Record one line: 201 if it is new, 200 if it was told before."""
    body = api.read(SpendBody)
    one = spend.line(
        channel=body.channel, on=body.on, amount=body.amount, currency=body.currency,
        kind=body.kind, key=f"api:{body.key or secrets.token_hex(16)}", note=body.note,
    )  # fmt: skip
    (state,) = spend.record([one])
    if state is spend.State.CONFLICT:
        raise ConflictError("This key was used for another line; use a new key.")
    db.session.commit()
    answer = SpendAnswer(
        channel=one.channel, on=one.on, amount=one.amount, currency=one.currency, kind=one.kind,
        key=one.key.removeprefix("api:"), note=one.note,
    )  # fmt: skip
    return api.answer(answer, 201 if state is spend.State.CREATED else 200)
