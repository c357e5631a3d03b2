"""Promotion codes at Stripe: outbox messages of kind `stripe_promotion_code`.

A payload is `{"act": "make", "code", "coupon", "percent" or "amount", "currency",
"minimum", "expires_at"}` (basis points, minor units, Unix seconds) or
`{"act": "stop", "promotion_code"}` or `{"act": "withdraw", "code", "key"}`, which stops the
code that was made under a key, if it is there.  In a demo the fake answers at once with an
id of its own; elsewhere, without a key, Stripe is not there and none is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import stripe
from flask import current_app

from core import money
from core.config import Settings
from integrations import stripe_client

KIND = "stripe_promotion_code"

Maker = Callable[[dict[str, Any], str], str]  # payload, unique key: Stripe's id of the code


class NotAsAskedError(Exception):
    """Stripe has another promotion code of this text than the one asked for."""


def is_on() -> bool:
    """Tell whether codes of rewards are made at Stripe too."""
    return maker(current_app.extensions["settings"]) is not None


def maker(settings: Settings) -> Maker | None:
    """Return what does as a payload says under these settings; None if Stripe is not there."""
    if settings.stripe_secret_key:
        return lambda payload, key: _do(stripe_client.client(settings), payload, key)
    if settings.is_demo:
        return _pretend
    return None


def _do(client: Any, payload: dict[str, Any], key: str) -> str:
    """Make or stop a promotion code; the same key again does nothing more (for a day at Stripe).

    After that a code that is there already is found by its text.
    """
    if payload["act"] == "stop":
        promotion = str(payload["promotion_code"])
        options = {"idempotency_key": key}
        client.v1.promotion_codes.update(promotion, {"active": False}, options)
        return promotion
    known = client.v1.promotion_codes.list({"code": payload["code"], "limit": 1}).data
    if payload["act"] == "withdraw":
        return _withdraw(client, known, payload["key"], key)
    if known:
        return _required(known[0], key)
    _make_coupon(client, payload)
    made = client.v1.promotion_codes.create(_asked(payload, key), {"idempotency_key": key})
    return str(made.id)


def _withdraw(client: Any, known: Any, made_by: str, key: str) -> str:
    """Stop the code that a key made; nothing there is nothing to stop."""
    try:
        promotion = _required(known[0], made_by) if known else ""
    except NotAsAskedError:  # somebody else's
        return ""
    if promotion:
        options = {"idempotency_key": key}
        client.v1.promotion_codes.update(promotion, {"active": False}, options)
    return promotion


def _required(known: Any, key: str) -> str:
    if known.metadata is None or known.metadata.to_dict().get("cercle_key") != key:
        raise NotAsAskedError("Stripe has a promotion code of this text that is not ours")
    return str(known.id)


def _asked(payload: dict[str, Any], key: str) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "promotion": {"type": "coupon", "coupon": payload["coupon"]},
        "code": payload["code"], "max_redemptions": 1, "metadata": {"cercle_key": key},
    }  # fmt: skip
    if payload.get("expires_at"):
        asked["expires_at"] = payload["expires_at"]
    if payload.get("minimum"):
        asked["restrictions"] = {
            "minimum_amount": payload["minimum"],
            "minimum_amount_currency": str(payload["currency"]).lower(),
        }
    return asked


def _make_coupon(client: Any, payload: dict[str, Any]) -> None:
    """Make the coupon that codes of one campaign share, unless it is there."""
    try:
        client.v1.coupons.retrieve(payload["coupon"])
    except stripe.InvalidRequestError as error:
        if error.code != "resource_missing":
            raise
    else:
        return
    asked: dict[str, Any] = {"id": payload["coupon"], "duration": "once"}
    if payload.get("percent"):
        asked["percent_off"] = float(money.to_major(payload["percent"], "EUR"))  # 1250 is 12.5
    else:
        asked |= {"amount_off": payload["amount"], "currency": str(payload["currency"]).lower()}
    client.v1.coupons.create(asked, {"idempotency_key": f"coupon:{payload['coupon']}"})


def _pretend(payload: dict[str, Any], key: str) -> str:
    """Answer as Stripe would, with an id that follows from the key."""
    if payload["act"] == "stop":
        return str(payload["promotion_code"])
    if payload["act"] == "withdraw":
        return ""
    return f"promo_demo_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
