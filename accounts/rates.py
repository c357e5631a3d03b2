"""How many calls an API key may make, told in the `RateLimit` headers.

Counts stand in Redis where there is one, else (and while it is away) in the
memory of each process, so that a process without Redis allows its own share.
Guessing codes is limited apart, in the database (`core/limits.py`).

Source: draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

import redis
import structlog
from flask import Flask, Response, g
from flask_babel import gettext as _

from accounts import identities
from core.errors import TooManyError

log = structlog.get_logger()

_WINDOW = 60  # seconds
_PATIENCE = 0.2  # seconds that a call waits for Redis


@dataclass(frozen=True, slots=True)
class Standing:
    """How often a key called in its open window, and when that ends, in seconds."""

    calls: int
    left: int


class Memory:
    """Windows of one process."""

    def __init__(self) -> None:
        self._windows: dict[int, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def hit(self, key_id: int) -> Standing:
        """Count a call; the first after a window's end opens the next."""
        now = time.monotonic()
        with self._lock:
            ends, calls = self._windows.get(key_id, (0.0, 0))
            if ends <= now:
                ends, calls = now + _WINDOW, 0
            self._windows[key_id] = ends, calls + 1
        return Standing(calls + 1, max(1, math.ceil(ends - now)))


class Shared:
    """Windows that all processes count together, in Redis."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )
        self._memory = Memory()

    def hit(self, key_id: int) -> Standing:
        """Count a call, in this process alone while Redis is away."""
        name = f"cercle:calls:{key_id}"
        try:
            with self._redis.pipeline(transaction=True) as steps:
                steps.incr(name)
                steps.expire(name, _WINDOW, nx=True)
                steps.ttl(name)
                calls, _is_new, left = steps.execute()
        except redis.RedisError as error:
            log.warning("rates.alone", error=type(error).__name__)
            return self._memory.hit(key_id)
        return Standing(int(calls), max(1, int(left)))


def init_app(app: Flask, *, per_minute: int, redis_url: str | None) -> None:
    """Limit the keys' calls.

    Args:
        app: The application.
        per_minute: Calls of one key in a minute.
        redis_url: Where all processes count together; None counts in each.
    """
    windows = Shared(redis_url) if redis_url else Memory()
    policy = f'"key";q={per_minute};w={_WINDOW}'

    def count() -> None:
        key_id = identities.calling_key()
        if key_id is None:
            return
        g.standing = standing = windows.hit(key_id)
        if standing.calls > per_minute:
            raise TooManyError(
                _(
                    "This key made its calls of this minute. Try again in %(seconds)s seconds.",
                    seconds=standing.left,
                ),
                retry_after=standing.left,
            )

    def tell(answer: Response) -> Response:
        standing: Standing | None = g.get("standing")
        if standing is not None:
            remaining = max(0, per_minute - standing.calls)
            answer.headers.add("RateLimit-Policy", policy)
            answer.headers.add("RateLimit", f'"key";r={remaining};t={standing.left}')
        return answer

    app.before_request(count)
    app.after_request(tell)
