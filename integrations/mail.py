"""E-mail: outbox messages of kind `email`, out through SendGrid or into a folder.

A payload is `{"to", "subject", "text", "html"}`, and `headers` where a mail needs
some.  In demo, development and tests the fake keeps each message as a file of
`instance/mailbox`, one a key, so that a page can show it.  Elsewhere, without a
key, there is no sender: messages wait, and `flask doctor` says so.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from python_http_client.exceptions import HTTPError  # type: ignore[import-untyped]
from sendgrid import SendGridAPIClient

from core import clock, emails
from core.config import Settings
from core.outbox import TryLaterError
from integrations import waits

KIND = "email"
TIME_LIMIT = 10  # seconds for one call
NO_WORD_AFTER = timedelta(minutes=2)  # after a lost answer, for the provider's events to come
_DEFAULT_HOST = "https://api.sendgrid.com"
_SHOWN = 200  # messages of the fake's mailbox on its page

Sender = Callable[[dict[str, Any], str], None]


class MailError(Exception):
    """A message that cannot be sent; what is wrong is in its text."""


class AskedToWaitError(TryLaterError):
    """The provider took nothing, and says when to come back."""


class LostAnswerError(TryLaterError):
    """Nobody knows whether a mail went out; the provider's events may tell before the next try."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it goes out."""

    to: str
    subject: str
    text: str
    html: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the fake's mailbox."""

    key: str
    sent_at: datetime
    mail: Mail


def uses_fake(settings: Settings) -> bool:
    """Tell whether messages stay here, to be looked at."""
    return settings.sendgrid_api_key is None and not settings.is_production


def sender(settings: Settings) -> Sender | None:
    """Return what sends e-mail under these settings; None if it is switched off."""
    if settings.sendgrid_api_key:
        return lambda payload, key: _send(settings, payload, key)
    if uses_fake(settings):
        return lambda payload, key: _keep(settings, payload, key)
    return None


def kept(settings: Settings) -> list[Kept]:
    """Return the latest messages of the fake's mailbox, the newest first."""
    found = [_read(path) for path in _mailbox(settings).glob("*.json")]
    return sorted(found, key=lambda one: (one.sent_at, one.key), reverse=True)[:_SHOWN]


def read(payload: dict[str, Any]) -> Mail:
    """Return the message of a payload.

    Raises:
        MailError: No address, an empty text, or a line break in what becomes a header.
    """
    values = {name: payload.get(name) for name in ("to", "subject", "text", "html")}
    if not all(isinstance(values[name], str) for name in ("to", "subject", "text")):
        raise MailError("a message needs to, subject and text")
    headers = {str(name): str(text) for name, text in (payload.get("headers") or {}).items()}
    mail = Mail(**values, headers=headers)  # type: ignore[arg-type]  # checked above
    for text in headers.values():
        _require_header(text)
    _require_header(mail.to)
    _require_header(mail.subject)
    if emails.normalise(mail.to) is None:
        raise MailError("the recipient is not an address")
    return mail


def was_refused(error: Exception) -> bool:
    """Tell whether a failed sending certainly sent nothing.

    An answer that refuses, or no connection at all, sent nothing.  A call that
    hung or broke off may have: only the provider's events can tell.
    """
    if isinstance(error, HTTPError | MailError | AskedToWaitError):
        return True
    reason = getattr(error, "reason", error)
    return isinstance(reason, ConnectionRefusedError | socket.gaierror)


def _require_header(text: str) -> None:
    if not text or any(ord(symbol) < 32 or symbol in "\x7f\x85\u2028\u2029" for symbol in text):
        raise MailError("an address or subject is empty or has a line break")


def _send(settings: Settings, payload: dict[str, Any], key: str) -> None:
    """Send through SendGrid; any answer but a 2xx, and none in time, raises."""
    mail = read(payload)
    _require_header(settings.mail_from)
    host = (settings.sendgrid_api_base or _DEFAULT_HOST).rstrip("/")
    api = SendGridAPIClient(settings.sendgrid_api_key, host=host)
    content = [{"type": "text/plain", "value": mail.text}]
    if mail.html:
        content.append({"type": "text/html", "value": mail.html})
    extra = {"headers": mail.headers} if mail.headers else {}
    asked = {
        **extra,
        "personalizations": [{"to": [{"email": mail.to}]}],
        "from": {"email": settings.mail_from},
        "subject": mail.subject,
        "content": content,
        "custom_args": {"cercle_key": key},  # comes back with each event of this message
    }
    with _understood():
        answer = api.client.mail.send.post(request_body=asked, timeout=TIME_LIMIT)
    if not 200 <= answer.status_code < 300:
        raise MailError(f"SendGrid answered {answer.status_code}")


@contextmanager
def _understood() -> Iterator[None]:
    """Tell apart what certainly sent nothing, and what may have."""
    try:
        yield
    except HTTPError as error:
        wait = waits.asked(error.headers.get("Retry-After") if error.headers else None)
        if wait is None:
            raise
        raise AskedToWaitError(f"{type(error).__name__}: wait {wait}", wait) from error
    except (OSError, http.client.HTTPException) as error:
        if was_refused(error):
            raise
        raise LostAnswerError(f"{type(error).__name__}: no answer", NO_WORD_AFTER) from error


def _keep(settings: Settings, payload: dict[str, Any], key: str) -> None:
    """Keep a message in the mailbox; the same key again is the same file."""
    folder = _mailbox(settings)
    folder.mkdir(parents=True, exist_ok=True)
    said = {"key": key, "sent_at": clock.now().isoformat(), "mail": asdict(read(payload))}
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
    draft.replace(path)


def _read(path: Path) -> Kept:
    said = json.loads(path.read_text(encoding="utf-8"))
    return Kept(said["key"], datetime.fromisoformat(said["sent_at"]), Mail(**said["mail"]))


def _mailbox(settings: Settings) -> Path:
    return settings.instance / "mailbox"
