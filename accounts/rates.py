"""How many calls a minute one API key may make, told in every answer.

Counted by Flask-Limiter: in Redis for all processes together where there is
one, else in the memory of each process, so that a process without Redis allows
its own share.  Guessing codes is limited apart, in the database (`core/limits.py`).

Source: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import time

from flask import Flask, Response, request
from flask_babel import gettext as _
from flask_limiter import Limiter, RequestLimit

from accounts import identities
from core.web import problem

_WINDOW = 60  # seconds


def init_app(app: Flask, *, per_minute: int, redis_url: str | None) -> None:
    """Limit the keys' calls.

    Args:
        app: The application.
        per_minute: Calls of one key in a minute.
        redis_url: Where all processes count together; None counts in each.
    """
    limiter = Limiter(
        _key,
        app=app,
        application_limits=[f"{per_minute} per minute"],
        storage_uri=redis_url or "memory://",
        in_memory_fallback_enabled=bool(redis_url),
        on_breach=_refuse,
        key_prefix="cercle",
    )
    limiter.request_filter(lambda: not _has_key())

    def tell(answer: Response) -> Response:
        known = limiter.current_limit
        if known is not None:
            answer.headers["RateLimit-Policy"] = f'"key";q={known.limit.amount};w={_WINDOW}'
            answer.headers["RateLimit"] = f'"key";r={max(0, known.remaining)};t={_left(known)}'
        return answer

    app.after_request(tell)


def _has_key() -> bool:
    return "Authorization" in request.headers and identities.current().key_id is not None


def _key() -> str:
    return f"key:{identities.current().key_id}"


def _refuse(known: RequestLimit) -> Response:
    seconds = _left(known)
    answer = problem(
        429, "Too many calls",
        _(
            "This key made its calls of this minute. Try again in %(seconds)s seconds.",
            seconds=seconds,
        ),
        code="too_many",
    )  # fmt: skip
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _left(known: RequestLimit) -> int:
    return min(_WINDOW, max(1, math.ceil(known.reset_at - time.time())))
