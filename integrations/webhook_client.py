"""Our own webhooks on their way out, as Standard Webhooks says: signed, to vetted addresses only.

The receiver checks `webhook-signature` over `id.timestamp.body` with the secret it was
shown; during a rotation two signatures stand side by side.  Addresses come from people, so
the call takes the same road as public pages: https, public addresses only, no redirect,
10 seconds.  A test may allow http://127.0.0.1 by the setting WEBHOOKS_TO_LOOPBACK.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, 1.0.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from core import clock, redirects
from core.config import Settings
from core.outbox import TryLaterError
from integrations import public_pages, waits
from integrations.public_pages import PageError

_PREFIX = "whsec_"
_LOOPBACK = "127.0.0.1"


class NotTakenError(Exception):
    """The receiver did not take a message; what it said, or did not say, is in the text."""

    def __init__(self, said: str, status: int | None = None) -> None:
        super().__init__(said)
        self.status = status


def new_secret() -> str:
    """Return a secret of 32 random bytes, in the form that receivers' libraries take."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def is_address(url: str, settings: Settings) -> bool:
    """Tell whether webhooks may be sent to an address; each call vets where it leads."""
    return redirects.host_of(url) is not None or _is_loopback(url, settings)


def signature(secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return one signature of a message: `v1,` and the base64 of an HMAC-SHA256.

    Args:
        secret: As `new_secret` returned it.
        key: The message's webhook-id.
        timestamp: Seconds since 1970.
        body: The bytes that are sent.
    """
    signed = f"{key}.{timestamp}.".encode() + body
    known = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.new(known, signed, hashlib.sha256).digest()).decode()


def send(url: str, key: str, body: bytes, *, signed_with: Sequence[str], settings: Settings) -> int:
    """Send a message once, and return the 2xx status it was taken with.

    Args:
        url: Where.
        key: The same at each attempt: the receiver keeps it apart from others by it.
        body: JSON.
        signed_with: The present secret, and the one before while it is still valid.
        settings: Whether loopback is allowed.

    Raises:
        NotTakenError: Any other status, or no answer.
        TryLaterError: 429 or 503 with a time to wait.
    """
    now = int(clock.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(signature(one, key, now, body) for one in signed_with),
    }
    try:
        link, host, path = _reach(url, settings)
        answer = public_pages.ask(link, host, path, headers=headers, body=body)
    except PageError as error:
        raise NotTakenError(str(error)) from None
    if 200 <= answer.status < 300:
        return answer.status
    said = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")
    wait = waits.asked(said) if answer.status in {429, 503} else None
    if wait is not None:
        raise TryLaterError(f"answered {answer.status}, wait {said}", wait)
    raise NotTakenError(f"answered {answer.status}", answer.status)


def _is_loopback(url: str, settings: Settings) -> bool:
    return settings.webhooks_to_loopback and urlsplit(url).netloc.partition(":")[0] == _LOOPBACK


def _reach(url: str, settings: Settings) -> tuple[socket.socket, str, str]:
    if not _is_loopback(url, settings):
        return public_pages.reach(url)
    parts = urlsplit(url)
    try:
        link = socket.create_connection((_LOOPBACK, parts.port or 80), timeout=5)
    except OSError as error:
        raise PageError(f"no connection: {type(error).__name__}") from None
    return link, parts.netloc, parts.path or "/"
