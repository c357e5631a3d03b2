"""The one way to Stripe's API: which key, which address, how long we wait, what a failure means.

No call is tried again by the library: whoever sends money decides that, under its own key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from core.config import Settings

TIME_LIMIT = 10.0  # seconds for one call


class RefusedError(Exception):
    """Stripe looked at what we asked and said no: nothing was done, nor will be."""

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class LostAnswerError(Exception):
    """Nobody knows whether it was done: the same may be asked again under the same key only."""


def client(settings: Settings, *, time_limit: float = TIME_LIMIT) -> Any:
    """Return Stripe's client under these settings; connections are kept, one a thread."""
    bases: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
    return stripe.StripeClient(
        str(settings.stripe_secret_key), base_addresses=bases, max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=time_limit),
    )  # fmt: skip


@contextmanager
def understood() -> Iterator[None]:
    """Turn each failure of Stripe's library into one of our two.

    A definite no is an answer that Stripe gives after it has looked under the key: 400 and
    404 (`InvalidRequestError`), 402 (`CardError`).  Everything else says nothing about an
    earlier call with the same key: no answer in time, a cut connection, an answer that cannot
    be read, 409 and 5xx (`APIConnectionError`, `APIError`); but also 401, 403 and 429, which
    are given before the key is looked at, and 400 `idempotency_error`, which says that the key
    was used with other words.

    Raises:
        RefusedError: A definite no.
        LostAnswerError: Anything else.

    Source: stripe-python 16.1.0, `_api_requestor.py` (`specific_v1_api_error`) and
        `_http_client.py` (`_handle_request_error`); docs.stripe.com/api/idempotent_requests.
    """
    try:
        yield
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise RefusedError(error.user_message or "Stripe gave no reason.", error.code) from error
    except stripe.StripeError as error:
        raise LostAnswerError(f"{type(error).__name__}: {_first_line(error)}") from error


def _first_line(error: stripe.StripeError) -> str:
    return next(iter((error.user_message or "").splitlines()), "no answer")[:200]
