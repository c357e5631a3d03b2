"""What the clock does at the shop's checkout: prepare codes of rewards and of store credit."""

from __future__ import annotations

from typing import Any

from flask import current_app

from core import outbox
from core.db import db
from integrations import stripe_codes
from integrations.stripe_codes import Maker
from rewards import exchanges, payout_notes, payouts


def prepare_codes() -> int:
    """Make and stop promotion codes at Stripe that are due; return how many."""
    make = stripe_codes.maker(current_app.extensions["settings"])
    if make is None:
        return 0
    sent, last = 0, -1
    while last:
        last = outbox.drain(
            {stripe_codes.KIND: lambda payload, key: _send(payload, key, make)},
            given_up={stripe_codes.KIND: _give_up},
        )
        sent += last
    return sent


def _send(payload: dict[str, Any], key: str, make: Maker) -> None:
    """Ask Stripe, then note its answer; killed between the two, both are done again."""
    if "payout" in payload:
        _make_credit(int(payload["payout"]), payload, key, make)
        return
    promotion_code = make(payload, key)
    if payload["act"] != "make":
        return
    exchanges.ready(int(payload["exchange"]), promotion_code)
    db.session.commit()


def _make_credit(payout_id: int, payload: dict[str, Any], key: str, make: Maker) -> None:
    """Make the code of a payout and settle it, unless its money went back meanwhile."""
    is_wanted = payout_notes.awaits_code(payout_id)
    db.session.commit()  # Stripe is asked with no transaction open
    if not is_wanted:
        return
    make(payload, key)
    if payout_notes.awaits_code(payout_id):
        payouts.settle(payouts.locked(payout_id))
    else:
        payouts.stop_code(payout_id, str(payload["code"]))
    db.session.commit()


def _give_up(payload: dict[str, Any], _key: str, error: str) -> None:
    """Make the money payable again of a code that could not be made for good."""
    if payload["act"] == "make" and "payout" in payload:
        payout_notes.credit_failed(int(payload["payout"]), f"Stripe did not make the code. {error}")
