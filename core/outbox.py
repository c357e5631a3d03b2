"""The outbox: what must go out, written in the transaction that decided it.

A message is a row with a unique key, so deciding twice sends once.  A worker
claims due rows for a lease with a fencing token, calls the sender outside any
transaction, then settles the row only if it still holds the token.  Nothing
here knows what a message means: a sender is looked up by its kind.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Facts, Model, PrimaryKey, UtcTime, affected, choice, db, upsert_dialect

log = structlog.get_logger()

LEASE = timedelta(minutes=2)  # longer than any sender's own time limit
LONGEST_WAIT = timedelta(hours=8)  # between two attempts
FAILED_KEPT = timedelta(days=90)  # a text that never went out; it names a person
MAX_ATTEMPTS = 23  # with the backoff below about three days
Sender = Callable[[dict[str, Any], str], None]  # payload, unique key
GivenUp = Callable[[dict[str, Any], str, str], None]  # the same, and the last error
_NOTHING: Mapping[str, GivenUp] = MappingProxyType({})


class TryLaterError(Exception):
    """The provider asked to be left alone for a while; what it said is in the text."""

    def __init__(self, said: str, wait: timedelta) -> None:
        super().__init__(said)
        self.wait = min(max(wait, timedelta(0)), LONGEST_WAIT)


class MessageState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class OutboxMessage(Model):
    """One thing that must go out, once."""

    __tablename__ = "outbox_message"
    __table_args__ = (sa.Index("ix_outbox_message_due", "state", "due_at"),)

    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(sa.String(40))
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    payload: Mapped[Facts]
    state: Mapped[MessageState] = mapped_column(choice(MessageState))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[UtcTime]
    due_at: Mapped[UtcTime]
    token: Mapped[str | None] = mapped_column(sa.String(32))
    sent_at: Mapped[UtcTime | None]
    last_error: Mapped[str | None] = mapped_column(sa.Text)


def enqueue(
    kind: str, payload: dict[str, Any], *, key: str, due_at: datetime | None = None
) -> None:
    """Add a message to the caller's transaction; the same key again changes nothing."""
    row = _row(kind, payload, key, due_at or clock.now())
    new = upsert_dialect().insert(OutboxMessage).values(row)
    db.session.execute(new.on_conflict_do_nothing(index_elements=["key"]))


def enqueue_many(kind: str, payloads: Mapping[str, dict[str, Any]], *, due_at: datetime) -> None:
    """Add messages by their keys, in one statement; as `enqueue` does one."""
    rows = [_row(kind, payload, key, due_at) for key, payload in payloads.items()]
    new = upsert_dialect().insert(OutboxMessage).on_conflict_do_nothing(index_elements=["key"])
    db.session.execute(new, rows)


def drain(
    senders: Mapping[str, Sender], *, limit: int = 100, given_up: Mapping[str, GivenUp] = _NOTHING
) -> int:
    """Send what is due and return how many went out.  Commits; a door calls it.

    A message whose kind has no sender waits: its provider is switched off.  A
    sender that raises leaves its message waiting with a growing delay; after
    the last attempt it is `failed`, kept, and can be retried by a person; in that
    transaction `given_up` of its kind is called, to undo what waited for it.
    """
    sent = 0
    for _ in range(limit):
        message = _claim(set(senders))
        if message is None:
            break
        sent += _deliver(message, senders, given_up)
    return sent


def retry(message_id: int) -> bool:
    """Make a message due now that failed or waits for its next attempt; False if there is none."""
    again = [MessageState.FAILED, MessageState.WAITING]
    found = db.session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state.in_(again))
        .values(state=MessageState.WAITING, attempts=0, due_at=clock.now())
        .returning(OutboxMessage.id)
    )
    return found is not None


def send_again(kind: str, payload: dict[str, Any], *, key: str) -> bool:
    """Make a message due now whatever became of it, under its own key; False while it is sent."""
    row = _row(kind, payload, key, clock.now())
    new = upsert_dialect().insert(OutboxMessage).values(row)
    found = db.session.scalar(
        new.on_conflict_do_update(
            index_elements=["key"],
            set_={name: row[name] for name in ("payload", "state", "attempts", "due_at")},
            where=OutboxMessage.state != MessageState.SENDING,
        ).returning(OutboxMessage.id)
    )
    return found is not None


def went_out(kind: str, key: str) -> None:
    """Write down that a provider told us of a message whose own answer we may have lost.

    Whoever holds it loses it: a failure that is noticed later no longer counts.
    """
    tried = OutboxMessage.attempts > 0, OutboxMessage.state != MessageState.SENT
    db.session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.kind == kind, OutboxMessage.key == key, *tried)
        .values(**_SENT, sent_at=clock.now(), token=None)
    )


def postpone(keys: sa.Select[str], until: datetime) -> None:
    """Let the waiting messages of these keys wait until then at least."""
    waiting = OutboxMessage.state == MessageState.WAITING
    db.session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.key.in_(keys), waiting, OutboxMessage.due_at < until)
        .values(due_at=until)
    )


def hasten(keys: sa.Select[str]) -> None:
    """Make the waiting messages of these keys due now."""
    waiting = OutboxMessage.state == MessageState.WAITING
    db.session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.key.in_(keys), waiting)
        .values(due_at=clock.now(), attempts=0)
    )


def drop(keys: sa.Select[str]) -> None:
    """Delete the messages of these keys."""
    db.session.execute(sa.delete(OutboxMessage).where(OutboxMessage.key.in_(keys)))


def withdraw(key: str) -> bool:
    """Delete a message that no worker has touched yet; False if it went out or never was."""
    gone = db.session.execute(
        sa.delete(OutboxMessage).where(
            OutboxMessage.key == key,
            OutboxMessage.state == MessageState.WAITING,
            OutboxMessage.attempts == 0,
        )
    )
    return affected(gone) > 0


def sweep() -> int:
    """Forget the texts of messages that failed for good 90 days ago; return how many."""
    old = sa.update(OutboxMessage).where(
        OutboxMessage.state == MessageState.FAILED,
        OutboxMessage.created_at < clock.now() - FAILED_KEPT,
        sa.cast(OutboxMessage.payload, sa.Text) != "{}",
    )
    return affected(db.session.execute(old.values(payload={})))


def recent(*, state: MessageState | None = None, limit: int = 50) -> list[OutboxMessage]:
    """Return the latest messages, the newest first."""
    query = sa.select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(limit)
    if state:
        query = query.where(OutboxMessage.state == state)
    return list(db.session.scalars(query))


def counts() -> dict[str, int]:
    """Return how many messages stand where."""
    query = sa.select(OutboxMessage.state, sa.func.count()).group_by(OutboxMessage.state)
    found = {str(state): count for state, count in db.session.execute(query)}
    return {str(state): found.get(str(state), 0) for state in MessageState}


def oldest_age() -> int:
    """Return for how many seconds the oldest message that is due has waited; 0 if none is."""
    now = clock.now()
    oldest = db.session.scalar(
        sa.select(sa.func.min(OutboxMessage.due_at)).where(
            OutboxMessage.state == MessageState.WAITING, OutboxMessage.due_at <= now
        )
    )
    return int((now - oldest).total_seconds()) if oldest else 0


def _row(kind: str, payload: dict[str, Any], key: str, due_at: datetime) -> dict[str, Any]:
    return {
        "kind": kind, "key": key, "payload": payload, "state": MessageState.WAITING,
        "attempts": 0, "created_at": clock.now(), "due_at": due_at,
    }  # fmt: skip


def _claim(kinds: set[str]) -> OutboxMessage | None:
    now = clock.now()
    due = (
        sa.select(OutboxMessage.id)
        .where(
            OutboxMessage.state.in_([MessageState.WAITING, MessageState.SENDING]),
            OutboxMessage.due_at <= now,
            OutboxMessage.kind.in_(kinds),
        )
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite's dialect leaves it out
    )
    claimed = db.session.scalar(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == due.scalar_subquery())
        .values(
            state=MessageState.SENDING,
            attempts=OutboxMessage.attempts + 1,
            token=secrets.token_hex(16),
            due_at=now + LEASE,  # a killed worker's message is due again then
        )
        .returning(OutboxMessage)
        .execution_options(populate_existing=True)
    )
    if claimed is not None:
        db.session.expunge(claimed)
    db.session.commit()
    return claimed


def _deliver(
    message: OutboxMessage, senders: Mapping[str, Sender], given_up: Mapping[str, GivenUp]
) -> bool:
    try:
        senders[message.kind](message.payload, message.key)
    except Exception as error:  # whatever a provider does must not lose the message
        log.warning("outbox.failed", kind=message.kind, id=message.id, error=type(error).__name__)
        values = _after_failure(message, error)
        is_ours = _settle(message, values)
        if is_ours and values["state"] is MessageState.FAILED and message.kind in given_up:
            given_up[message.kind](message.payload, message.key, str(values["last_error"]))
        db.session.commit()
        return False
    _settle(message, _SENT | {"sent_at": clock.now()})
    db.session.commit()
    return True


# What went out is forgotten: a message may hold a link that signs somebody in.
_SENT: dict[str, Any] = {"state": MessageState.SENT, "last_error": None, "payload": {}}


def _after_failure(message: OutboxMessage, error: Exception) -> dict[str, Any]:
    over = message.attempts >= MAX_ATTEMPTS
    wait = min(timedelta(seconds=2**message.attempts), LONGEST_WAIT)
    if isinstance(error, TryLaterError):
        wait = max(wait, error.wait)
    return {
        "state": MessageState.FAILED if over else MessageState.WAITING,
        "due_at": clock.now() + wait + timedelta(seconds=secrets.randbelow(10)),  # with jitter
        "last_error": f"{type(error).__name__}: {error}"[:500],
    }


def _settle(message: OutboxMessage, values: dict[str, Any]) -> bool:
    """Write what became of a message; False if another worker has it by now."""
    done = db.session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == message.id, OutboxMessage.token == message.token)
        .values(**values)
    )
    return affected(done) > 0
