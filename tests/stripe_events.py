"""Stripe's events in small, and the post that delivers one, signed."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import clock

_numbers = itertools.count(1)
NOW = 1_772_366_400  # 2026-03-01T12:00:00Z
SECRET = "whsec_test"


def event(kind: str, about: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """Return an event about an object."""
    said = {
        "id": f"evt_{next(_numbers)}", "object": "event", "type": kind, "created": NOW,
        "livemode": True, "data": {"object": about},
    }  # fmt: skip
    return said | overrides


def session(**overrides: Any) -> dict[str, Any]:
    """Return a checkout of 90.00 EUR that was paid with the code ZOE10."""
    said = {
        "id": "cs_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid",
        "created": NOW - 60, "currency": "eur", "amount_total": 9000, "payment_intent": "pi_1",
        "invoice": None, "subscription": None, "customer": "cus_1", "metadata": {},
        "total_details": {"amount_discount": 1000, "amount_tax": 0, "amount_shipping": 0},
        "customer_details": {"email": "friend@example.com", "address": {"country": "FR"}},
        "client_reference_id": "ZOE10", "discounts": [],
    }  # fmt: skip
    return said | overrides


def invoice(**overrides: Any) -> dict[str, Any]:
    """Return an invoice of 29.00 EUR for a period of a subscription."""
    said = {
        "id": "in_1", "object": "invoice", "currency": "eur", "amount_paid": 2900, "total": 2900,
        "amount_shipping": 0, "customer": "cus_1", "customer_email": "friend@example.com",
        "billing_reason": "subscription_cycle", "metadata": {}, "total_discount_amounts": [],
        "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {}}},
        "status_transitions": {"paid_at": NOW},
    }  # fmt: skip
    return said | overrides


def charge(**overrides: Any) -> dict[str, Any]:
    """Return the charge of the checkout."""
    said = {
        "id": "ch_1", "object": "charge", "currency": "eur", "amount": 9000, "captured": True,
        "amount_refunded": 0, "payment_intent": "pi_1",
    }  # fmt: skip
    return said | overrides


def refund(amount: int = 9000, **overrides: Any) -> dict[str, Any]:
    """Return a refund of the checkout's charge."""
    said = {
        "id": "re_1", "object": "refund", "currency": "eur", "amount": amount, "charge": "ch_1",
        "payment_intent": "pi_1", "status": "succeeded", "created": NOW,
    }  # fmt: skip
    return said | overrides


def dispute(**overrides: Any) -> dict[str, Any]:
    """Return a dispute of the whole checkout."""
    said = {
        "id": "dp_1", "object": "dispute", "currency": "eur", "amount": 9000, "charge": "ch_1",
        "payment_intent": "pi_1", "status": "needs_response", "created": NOW,
    }  # fmt: skip
    return said | overrides


def signature(body: bytes, *, at: int | None = None, secret: str = SECRET) -> str:
    """Return the header Stripe would send."""
    stamp = int(clock.now().timestamp()) if at is None else at
    signed = f"{stamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def deliver(client: FlaskClient, said: dict[str, Any] | bytes, **headers: str) -> TestResponse:
    """Post an event as Stripe would."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    given = {"Stripe-Signature": signature(body)} | headers
    return client.post(
        "/webhooks/stripe", data=body, headers=given, content_type="application/json"
    )
