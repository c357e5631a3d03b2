"""What mail providers tell of our messages: delivered, opened, bounced, unsubscribed.

An event has its effect once by its id.  Each says one thing that stays true, so
events may come in any order.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ambassadors import choices, members
from ambassadors.models import SuppressionReason
from campaigns.models import MailEvent, MessageReader
from core import emails, outbox
from core.db import db, upsert_dialect
from integrations import mail
from integrations.facts import MailEvent as Fact
from integrations.facts import MailEventKind

_COLUMNS = {
    MailEventKind.DELIVERED: MessageReader.delivered_at,
    MailEventKind.OPENED: MessageReader.opened_at,
    MailEventKind.BOUNCED: MessageReader.bounced_at,
    MailEventKind.UNSUBSCRIBED: MessageReader.unsubscribed_at,
    MailEventKind.REPORTED: MessageReader.reported_at,
}


def take(fact: Fact) -> bool:
    """Give an event its effect; False if it had it before."""
    insert = upsert_dialect().insert(MailEvent).values(
        event_id=fact.event_id, mail_key=fact.mail_key, kind=fact.kind.value,
        occurred_at=fact.occurred_at,
    )  # fmt: skip
    new = insert.on_conflict_do_nothing(index_elements=["event_id"]).returning(MailEvent.event_id)
    if db.session.scalar(new) is None:
        return False
    if fact.mail_key:
        outbox.went_out(mail.KIND, fact.mail_key)
    _mark_reader(fact)
    _mark_address(fact)
    return True


def _mark_reader(fact: Fact) -> None:
    whose = _reader_of(fact.mail_key)
    if whose is None:
        return
    values: dict[Any, Any] = {
        MessageReader.sent_at: sa.func.coalesce(MessageReader.sent_at, fact.occurred_at)
    }
    if column := _COLUMNS.get(fact.kind):
        values[column] = sa.func.coalesce(column, fact.occurred_at)
    message_id, member_id = whose
    db.session.execute(
        sa.update(MessageReader)
        .where(MessageReader.message_id == message_id, MessageReader.member_id == member_id)
        .values(values)
    )


def _mark_address(fact: Fact) -> None:
    digest = emails.digest(fact.email)
    if digest is None:
        return
    if fact.kind is MailEventKind.BOUNCED:
        choices.suppress(digest, SuppressionReason.BOUNCE)
    elif fact.kind is MailEventKind.REPORTED:
        choices.suppress(digest, SuppressionReason.SPAM_REPORT)
    elif fact.kind is MailEventKind.UNSUBSCRIBED:
        choices.suppress(digest, SuppressionReason.UNSUBSCRIBE)
        if member := members.find(email=fact.email):
            choices.unsubscribe(member)


def _reader_of(key: str | None) -> tuple[int, int] | None:
    """Return the message and the member in a key of ours."""
    kind, _, rest = (key or "").partition(":")
    message_id, _, member_id = rest.partition(":")
    if kind != "message" or not (message_id.isdecimal() and member_id.isdecimal()):
        return None
    found = int(message_id), int(member_id)
    return found if max(found) < 2**63 else None
