"""SendGrid's event webhook: is it really SendGrid, and what became of our mails.

A request holds an array of events, out of order and more than once; each stands
for itself by its `sg_event_id`, so one that cannot be read loses no other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from core import strict_json
from core.errors import DomainError, InvalidInputError
from integrations.facts import MailEvent, MailEventKind

SOURCE = "sendgrid"
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
TOLERANCE = 600  # seconds, before and after
_LONGEST_ID = 120

_KINDS = {
    "delivered": MailEventKind.DELIVERED,
    "open": MailEventKind.OPENED,
    "click": MailEventKind.OPENED,  # nobody clicks what they did not open
    "spamreport": MailEventKind.REPORTED,
    "unsubscribe": MailEventKind.UNSUBSCRIBED,
    "group_unsubscribe": MailEventKind.UNSUBSCRIBED,
}


class SignatureError(DomainError):
    """The request was not signed by SendGrid with a key of ours, just now."""

    status = 401
    code = "bad_signature"


@dataclass(frozen=True, slots=True)
class Item:
    """One event of a request, as it is stored."""

    event_id: str
    kind: str
    body: bytes
    is_readable: bool


def verify(
    body: bytes, signature: str | None, timestamp: str | None, keys: Iterable[str], now: datetime
) -> None:
    """Check that SendGrid signed these bytes.

    Args:
        body: The request's body, byte for byte, its last line break included.
        signature: The header's text, base64 of a DER signature.
        timestamp: The header's text; may be 600 s away from `now` on either side.
        keys: Every public key that is valid now, base64 of DER.
        now: Aware.

    Raises:
        SignatureError: Anything else.

    Source: twilio.com/docs/sendgrid, "Event Webhook security features": ECDSA
    P-256 with SHA-256 over timestamp and body.
    """
    if not timestamp or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        raise SignatureError("The request carries no timestamp of SendGrid.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise SignatureError("The signature is not of the last ten minutes; check the clock.")
    given = _decoded(signature)
    signed = timestamp.encode() + body
    if not any(_is_signed(key, given, signed) for key in keys if key.strip()):
        raise SignatureError("The signature does not match; check SENDGRID_WEBHOOK_KEYS.")


def items(body: bytes) -> list[Item]:
    """Return the events of a request, each to be stored for itself.

    Raises:
        InvalidInputError: The body is no array of JSON.
    """
    try:  # each event is read strictly for itself, so a strange one loses no other
        told = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise strict_json.NotJsonError("The body is not JSON that can be read.") from None
    if not isinstance(told, list):
        raise InvalidInputError("Send an array of events.")
    return [_item(one) for one in told]


def read(body: bytes) -> MailEvent:
    """Return the fact in one stored event.

    Raises:
        InvalidInputError: It is not an event of SendGrid.
    """
    told = json.loads(body)
    if not _is_readable(told):
        raise InvalidInputError("This is no event of SendGrid.")
    key = told.get("cercle_key")
    return MailEvent(
        event_id=told["sg_event_id"],
        kind=_kind(told),
        occurred_at=datetime.fromtimestamp(told["timestamp"], UTC),
        email=told["email"],
        mail_key=key if isinstance(key, str) and len(key) <= 200 else None,
    )


def _item(told: Any) -> Item:
    body = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    if _is_strict(body) and _is_readable(told):
        return Item(told["sg_event_id"], told["event"][:100], body, is_readable=True)
    return Item(f"unreadable:{hashlib.sha256(body).hexdigest()}", "unreadable", body, False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; one that names a key twice becomes what no event looks like."""
    told = dict(pairs)
    return told if len(told) == len(pairs) else {"twice": [list(pair) for pair in pairs]}


def _is_strict(body: bytes) -> bool:
    try:
        strict_json.read(body)
    except InvalidInputError:
        return False
    return True


def _is_readable(told: Any) -> bool:
    if not isinstance(told, dict):
        return False
    texts = [told.get(name) for name in ("sg_event_id", "event", "email")]
    if not all(isinstance(text, str) and text for text in texts):
        return False
    stamp = told.get("timestamp")
    is_time = isinstance(stamp, int) and not isinstance(stamp, bool) and 0 < stamp < 2**33
    return is_time and len(told["sg_event_id"]) <= _LONGEST_ID


def _kind(told: dict[str, Any]) -> MailEventKind:
    word = told["event"]
    if word == "bounce":  # `blocked` is the receiver's mood of today, not the address
        is_block = told.get("type") == "blocked"
        return MailEventKind.OTHER if is_block else MailEventKind.BOUNCED
    if word == "dropped":
        reason = str(told.get("reason", "")).lower()
        return MailEventKind.BOUNCED if "bounce" in reason else MailEventKind.OTHER
    return _KINDS.get(word, MailEventKind.OTHER)


def _decoded(signature: str | None) -> bytes:
    try:
        return base64.b64decode((signature or "").encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise SignatureError("The request carries no signature of SendGrid.") from None


def _is_signed(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        public = load_der_public_key(base64.b64decode(key.strip()))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
