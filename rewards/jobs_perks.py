"""What the clock does at the shop's checkout: prepare codes of rewards and of store credit."""

from __future__ import annotations

from typing import Any

from flask import current_app

from core import outbox
from core.db import db
from integrations import stripe_codes
from integrations.stripe_codes import Maker
from rewards import exchanges, payouts


def prepare_codes() -> int:
    """Make and stop promotion codes at Stripe that are due; return how many."""
    make = stripe_codes.maker(current_app.extensions["settings"])
    if make is None:
        return 0
    sent, last = 0, -1
    while last:
        last = outbox.drain({stripe_codes.KIND: lambda payload, key: _send(payload, key, make)})
        sent += last
    return sent


def _send(payload: dict[str, Any], key: str, make: Maker) -> None:
    """Ask Stripe, then note its answer; killed between the two, both are done again."""
    promotion_code = make(payload, key)
    if payload["act"] != "make":
        return
    if "payout" in payload:
        payouts.settle(payouts.locked(int(payload["payout"])))
    else:
        exchanges.ready(int(payload["exchange"]), promotion_code)
    db.session.commit()
