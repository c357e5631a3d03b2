"""Outgoing webhooks: who is told what happened, in the transaction in which it did.

A verb that changes something calls `tell`, as it calls the audit log; each active endpoint
that wants the event gets a message of its own in the outbox.  Telling the same thing twice
tells it once: the message's key is made from the endpoint and the event's own key, and it is
also the `webhook-id` by which the receiver knows a repetition.  Bodies name no person: ids,
codes and amounts; the API tells the rest to those who may know.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from accounts import audit, users
from accounts.models import RoleName
from accounts.models_endpoints import Endpoint, EndpointMessage, EndpointState
from core import clock, mails, outbox, seals
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.outbox import MessageState, OutboxMessage
from core.remembered import Remembered, of_app
from integrations import webhook_client

KIND = "webhook"
TEST = "endpoint.test"  # asked for by a person, whatever the endpoint wants
EVENTS = (
    "ambassador.approved", "application.received", "application.declined", "code.frozen",
    "purchase.attributed", "commission.created", "commission.reversed", "commission.reinstated",
    "payout.paid",
)  # fmt: skip
MOST = 20  # endpoints
OVERLAP = timedelta(hours=24)  # two secrets are valid after a rotation
FAILING_FOR = timedelta(days=5)  # then an endpoint is switched off
KEPT = timedelta(days=90)  # a body; and how far back a message can be sent again
_BREATH = timedelta(minutes=1)  # between two attempts at an endpoint that fails
_GONE = 410  # the receiver says that it will never take another
_NEVER = timedelta(days=3650)
_CONTEXT = b"cercle endpoint secret 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    key: str  # of the fact behind it: the same again is told once
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message of the log, as the outbox has it now."""

    message: EndpointMessage
    state: MessageState
    attempts: int
    error: str | None


def tell(event: str, happened: Sequence[Event]) -> None:
    """Add a message for each endpoint that wants an event, in the caller's transaction.

    Args:
        event: One of `EVENTS`.
        happened: What happened, any number of times.
    """
    if not happened or not _are_any():
        return
    for endpoint in _wanting(event):
        _add(endpoint, event, happened)


def is_wanted(event: str) -> bool:
    """Tell whether anybody is told of an event: whoever must look something up asks first."""
    return _are_any() and bool(_wanting(event))


def create(url: str, events: Iterable[str]) -> tuple[Endpoint, str]:
    """Add an endpoint; return it with its secret, which cannot be shown again.

    Raises:
        InvalidInputError: Not an https address, no event, or one we do not tell.
        ConflictError: There are as many as there may be.
    """
    address, wanted = _checked(url, events)
    if (db.session.scalar(sa.select(sa.func.count(Endpoint.id))) or 0) >= MOST:
        raise ConflictError(_("There are %(n)s addresses already: delete one first.", n=MOST))
    secret = webhook_client.new_secret()
    endpoint = Endpoint(
        url=address, events=wanted, state=EndpointState.ACTIVE, created_at=clock.now(),
        secret=seals.seal(_CONTEXT, secret),
    )  # fmt: skip
    db.session.add(endpoint)
    db.session.flush()  # the audit line names its id
    _changed("endpoint.create", endpoint, {"url": address, "events": wanted})
    return endpoint, secret


def change(endpoint: Endpoint, url: str, events: Iterable[str]) -> None:
    """Give an endpoint another address or other events; raises as `create` does."""
    endpoint.url, endpoint.events = _checked(url, events)
    _changed("endpoint.change", endpoint, {"url": endpoint.url, "events": endpoint.events})


def rotate(endpoint: Endpoint) -> str:
    """Give an endpoint a new secret and return it; the present one signs beside it for a day."""
    secret = webhook_client.new_secret()
    endpoint.old_secret, endpoint.old_until = endpoint.secret, clock.now() + OVERLAP
    endpoint.secret = seals.seal(_CONTEXT, secret)
    _changed("endpoint.rotate", endpoint, {})
    return secret


def pause(endpoint: Endpoint) -> None:
    """Send nothing more until `resume`; what happens meanwhile waits."""
    endpoint.state = EndpointState.PAUSED
    outbox.postpone(_keys(endpoint.id), clock.now() + _NEVER)
    _changed("endpoint.pause", endpoint, {})


def resume(endpoint: Endpoint) -> None:
    """Send again, and what waits at once."""
    endpoint.state, endpoint.failing_since = EndpointState.ACTIVE, None
    outbox.hasten(_keys(endpoint.id))
    _changed("endpoint.resume", endpoint, {})


def delete(endpoint: Endpoint) -> None:
    """Forget an endpoint and all it was told."""
    _changed("endpoint.delete", endpoint, {"url": endpoint.url})
    db.session.refresh(endpoint, with_for_update=True)  # who tells it something is done with it
    outbox.drop(_keys(endpoint.id))
    mine = EndpointMessage.endpoint_id == endpoint.id
    db.session.execute(sa.delete(EndpointMessage).where(mine))
    db.session.delete(endpoint)


def send_test(endpoint: Endpoint) -> None:
    """Send a message that says nothing, to see whether it comes through."""
    happened = Event(key=secrets.token_hex(16), data={"endpoint": endpoint.id})
    _add(endpoint, TEST, [happened])


def send_again(endpoint: Endpoint, message_id: int) -> None:
    """Send a message again under its own id, whatever became of it.

    Raises:
        NotFoundError: There is none, or its body is gone after 90 days.
        ConflictError: It is being sent at this moment, or nothing is sent there now.
    """
    message = db.session.get(EndpointMessage, message_id)
    if message is None or message.endpoint_id != endpoint.id or message.body is None:
        raise NotFoundError(_("There is no such message that can be sent again."))
    if endpoint.state is not EndpointState.ACTIVE:
        raise ConflictError(_("Nothing is sent to this address now: resume it first."))
    if not outbox.send_again(KIND, {"message": message.key}, key=message.key):
        raise ConflictError(_("This message is being sent at this moment."))
    audit.record("endpoint.resend", "endpoint", endpoint.id, {"message": message.key})


def every() -> list[Endpoint]:
    """Return the endpoints, the newest first."""
    return list(db.session.scalars(sa.select(Endpoint).order_by(Endpoint.id.desc())))


def load(endpoint_id: int) -> Endpoint:
    """Return an endpoint.

    Raises:
        NotFoundError: There is none of this id.
    """
    endpoint = db.session.get(Endpoint, endpoint_id)
    if endpoint is None:
        raise NotFoundError(_("There is no such address."))
    return endpoint


def message(key: str) -> tuple[bytes, Endpoint] | None:
    """Return the body of a message and where it goes; None if either is gone."""
    row = db.session.execute(
        sa.select(EndpointMessage.body, Endpoint)
        .join(Endpoint, Endpoint.id == EndpointMessage.endpoint_id)
        .where(EndpointMessage.key == key)
    ).one_or_none()
    return (row.body.encode(), row.Endpoint) if row and row.body is not None else None


def log(endpoint_id: int, *, limit: int = 50) -> list[Told]:
    """Return the latest messages of an endpoint, the newest first, as they stand."""
    rows = db.session.execute(
        sa.select(EndpointMessage, OutboxMessage)
        .join(OutboxMessage, OutboxMessage.key == EndpointMessage.key)
        .where(EndpointMessage.endpoint_id == endpoint_id)
        .order_by(EndpointMessage.id.desc())
        .limit(limit)
    )
    return [
        Told(message=message, state=sent.state, attempts=sent.attempts, error=sent.last_error)
        for message, sent in rows
    ]


def secrets_of(endpoint: Endpoint) -> list[str]:
    """Return the secrets that sign now, the present one first; none if they cannot be opened."""
    valid = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_until and endpoint.old_until > clock.now():
        valid.append(endpoint.old_secret)
    return [known for one in valid if (known := seals.opened(_CONTEXT, one)) is not None]


def note_taken(message_key: str, status: int) -> None:
    """Write down that a message was taken: its endpoint fails no longer."""
    endpoint_id = _note(message_key, status)
    db.session.execute(
        sa.update(Endpoint)
        .where(Endpoint.id == endpoint_id, Endpoint.failing_since.is_not(None))
        .values(failing_since=None)
    )


def note_failed(message_key: str, status: int | None) -> None:
    """Write down that a message was not taken, and switch off an endpoint that fails for long.

    Its other messages wait a minute, so that a dead address holds up nobody's.
    """
    endpoint_id = _note(message_key, status)
    if endpoint_id is None:
        return
    now = clock.now()
    outbox.postpone(_keys(endpoint_id), now + _BREATH)
    since = db.session.scalar(
        sa.update(Endpoint)
        .where(Endpoint.id == endpoint_id)
        .values(failing_since=sa.func.coalesce(Endpoint.failing_since, now))
        .returning(Endpoint.failing_since)
    )
    if status == _GONE or (since is not None and since <= now - FAILING_FOR):
        _switch_off(endpoint_id)


def sweep() -> int:
    """Forget the bodies that are older than 90 days; return how many."""
    old = sa.update(EndpointMessage).where(
        EndpointMessage.body.is_not(None), EndpointMessage.created_at < clock.now() - KEPT
    )
    return affected(db.session.execute(old.values(body=None)))


def _switch_off(endpoint_id: int) -> None:
    done = db.session.execute(
        sa.update(Endpoint)
        .where(Endpoint.id == endpoint_id, Endpoint.state == EndpointState.ACTIVE)
        .values(state=EndpointState.OFF)
    )
    if not affected(done):
        return
    endpoint = db.session.get_one(Endpoint, endpoint_id, populate_existing=True)
    outbox.postpone(_keys(endpoint_id), clock.now() + _NEVER)
    _changed("endpoint.off", endpoint, {"url": endpoint.url})
    for user in users.everyone(role=RoleName.ADMIN):
        if user.active:
            mails.enqueue(
                "endpoint_off", to=user.email, locale=user.locale, url=endpoint.url,
                key=f"endpoint_off:{endpoint_id}:{user.id}:{clock.now().isoformat()}",
                name=user.name or user.email, since=endpoint.failing_since,
            )  # fmt: skip


def _note(message_key: str, status: int | None) -> int | None:
    return db.session.scalar(
        sa.update(EndpointMessage)
        .where(EndpointMessage.key == message_key)
        .values(answered=status, tried_at=clock.now())
        .returning(EndpointMessage.endpoint_id)
    )


def _add(endpoint: Endpoint, event: str, happened: Sequence[Event]) -> None:
    now = clock.now()
    rows = {
        key: {
            "endpoint_id": endpoint.id, "event": event, "created_at": now, "key": key,
            "body": _body(event, one.data),
        }
        for one in happened
        for key in [_key(endpoint.id, event, one.key)]
    }  # fmt: skip
    new = upsert_dialect().insert(EndpointMessage).on_conflict_do_nothing(index_elements=["key"])
    db.session.execute(new, list(rows.values()))
    is_paused = endpoint.state is EndpointState.PAUSED
    outbox.enqueue_many(
        KIND, {key: {"message": key} for key in rows}, due_at=now + _NEVER if is_paused else now
    )


def _key(endpoint_id: int, event: str, key: str) -> str:
    digest = hashlib.sha256(f"{endpoint_id}\0{event}\0{key}".encode()).hexdigest()
    return f"msg_{digest[:32]}"


def _body(event: str, data: dict[str, Any]) -> str:
    said = {"type": event, "timestamp": clock.now().isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _are_any() -> bool:
    """Tell whether there is any endpoint; known for some seconds in a process."""
    known = _recent().get("any")
    if known is None:
        query = sa.select(sa.exists().where(Endpoint.state != EndpointState.OFF))
        known = bool(db.session.scalar(query))
        _recent().put("any", known)
    return known


def _wanting(event: str) -> list[Endpoint]:
    """Return the endpoints that are told of an event; none goes away before we are done."""
    query = sa.select(Endpoint).where(Endpoint.state != EndpointState.OFF).order_by(Endpoint.id)
    found = db.session.scalars(query.with_for_update(read=True, key_share=True))
    return [endpoint for endpoint in found if event in endpoint.events]


def _recent() -> Remembered[bool]:
    return of_app("endpoints")


def _keys(endpoint_id: int) -> sa.Select[str]:
    return sa.select(EndpointMessage.key).where(EndpointMessage.endpoint_id == endpoint_id)


def _checked(url: str, events: Iterable[str]) -> tuple[str, list[str]]:
    address, wanted = url.strip(), sorted(set(events))
    faults = []
    if not webhook_client.is_address(address, current_app.extensions["settings"]):
        faults.append(Fault("/url", _("Write an address that begins with https://.")))
    if not wanted or not set(wanted) <= set(EVENTS):
        faults.append(Fault("/events", _("Choose at least one event.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return address, wanted


def _changed(act: str, endpoint: Endpoint, details: dict[str, Any]) -> None:
    _recent().clear()
    audit.record(act, "endpoint", endpoint.id, details)
