"""Messages: written in French and English, sent to an audience as far as the guard lets them.

The text knows variables only, such as {first_name}; it is never a template of
ours, so nothing in it can run.  Sending decides the audience in batches, each
in one transaction with its asks and its rows in the outbox: a worker that dies
goes on after the last member who is decided.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import audiences, guard
from ambassadors.audiences import Audience
from ambassadors.guard import Spared
from ambassadors.models import Member
from campaigns import message_holdouts
from campaigns.message_holdouts import Lot
from campaigns.models import Message, MessageReader, MessageStatus
from core import clock, i18n, outbox
from core.db import BATCH_ROWS, affected, db
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

KIND = "message"  # of the outbox
VARIABLES = ("first_name", "name", "brand", "portal", "shop")
LONGEST_BODY = 10_000  # characters
_MARKS = ("sent", "delivered", "opened", "bounced", "unsubscribed", "reported")
_VARIABLE = re.compile(r"\{([^{}\n]*)\}")


class MessageError(ConflictError):
    """The message's state does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What one writes."""

    name: str  # for staff
    subject_fr: str
    body_fr: str
    subject_en: str
    body_en: str
    audience: Audience
    lot: Lot = field(default_factory=Lot)  # who is left out, to see what the message changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of a message so far."""

    reached: int
    waiting: int  # decided, and not sent yet
    sent: int
    delivered: int
    opened: int
    bounced: int
    unsubscribed: int
    reported: int
    spared: dict[Spared, int]


def create(draft: Draft) -> Message:
    """Save a message that is not sent yet.

    Raises:
        InvalidInputError: A text is missing, too long, or has a variable that we do not know.
    """
    message = Message(
        status=MessageStatus.DRAFT, created_at=clock.now(), decided_to=0, **_columns(draft)
    )
    db.session.add(message)
    db.session.flush()  # its id
    message_holdouts.write(message, draft.lot)
    audit.record("message.create", "message", message.id, {"name": message.name})
    return message


def change(message: Message, draft: Draft) -> None:
    """Write other texts or another audience.

    Raises:
        InvalidInputError: As for `create`.
        MessageError: It is being sent, or was.
    """
    values = _columns(draft)
    changed = sa.update(Message).where(
        Message.id == message.id, Message.status == MessageStatus.DRAFT
    )
    if not affected(db.session.execute(changed.values(**values))):
        raise MessageError(_("This message is on its way: write a new one instead."))
    db.session.refresh(message)
    message_holdouts.write(message, draft.lot)


def find(message_id: int) -> Message:
    """Return a message.

    Raises:
        NotFoundError: There is none of this id.
    """
    message = db.session.get(Message, message_id)
    if message is None:
        raise NotFoundError(_("There is no such message."))
    return message


def newest(*, before: int | None = None, limit: int = 50) -> list[Message]:
    """Return messages, the newest first."""
    query = sa.select(Message).order_by(Message.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Message.id < before)
    return list(db.session.scalars(query))


def preview(audience: Audience) -> dict[Spared | None, int]:
    """Count who would be reached now (None), and who would be spared and why."""
    return guard.preview(audiences.query(audience))


def start(message: Message) -> None:
    """Send a message: the clock decides its readers and mails them.

    Raises:
        MessageError: It was started before, or nobody would be reached.
    """
    audience = audiences.read(message.audience)
    reached = preview(audience).get(None, 0)
    if message.status is MessageStatus.DRAFT and not reached:
        raise MessageError(_("Nobody would be reached: choose another audience, or wait."))
    started = sa.update(Message).where(
        Message.id == message.id, Message.status == MessageStatus.DRAFT
    )
    values = {"status": MessageStatus.SENDING, "started_at": clock.now()}
    if not affected(db.session.execute(started.values(**values))):
        raise MessageError(_("This message is on its way already."))
    db.session.refresh(message)
    message_holdouts.begin(message)
    audit.record("message.send", "message", message.id, {"reached": reached})


def decide(message_id: int) -> int:
    """Decide the next batch of a message's audience; return how many, 0 at the end."""
    message = db.session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None or message.status is not MessageStatus.SENDING:
        return 0
    audience = audiences.read(message.audience)
    ids = audiences.member_ids(audience, after=message.decided_to, limit=BATCH_ROWS)
    if not ids:
        message.status, message.finished_at = MessageStatus.SENT, clock.now()
        return 0
    withheld = set(message_holdouts.draw(message.id, ids))
    meant = [one for one in ids if one not in withheld]
    refused = guard.ask(meant, what="message", key=f"message:{message.id}")
    spared = {**refused, **dict.fromkeys(withheld, Spared.WITHHELD)}
    _add_readers(message, ids, spared)
    message.decided_to = ids[-1]
    return len(ids)


def sending() -> list[int]:
    """Return the messages whose readers are not all decided."""
    query = sa.select(Message.id).where(Message.status == MessageStatus.SENDING)
    return list(db.session.scalars(query.order_by(Message.started_at)))


def counts(message_ids: Sequence[int]) -> dict[int, Counts]:
    """Return what became of messages so far, in two statements."""
    mine = MessageReader.message_id.in_(message_ids)
    marks = [sa.func.count(getattr(MessageReader, f"{name}_at")) for name in _MARKS]
    reached = sa.func.count(sa.case((MessageReader.spared.is_(None), 1)))
    by_message = sa.select(MessageReader.message_id, reached, *marks).where(mine)
    rows = db.session.execute(by_message.group_by(MessageReader.message_id)).all()
    spared: dict[int, dict[Spared, int]] = {}
    refused = sa.select(MessageReader.message_id, MessageReader.spared, sa.func.count()).where(
        mine, MessageReader.spared.is_not(None)
    )
    grouped = refused.group_by(MessageReader.message_id, MessageReader.spared)
    for message_id, word, count in db.session.execute(grouped):
        spared.setdefault(message_id, {})[Spared(word or "")] = count
    known = {row[0]: _counts(tuple(row[1:]), spared.get(row[0], {})) for row in rows}
    return {one: known.get(one, _counts((0,) * 7, {})) for one in message_ids}


def _counts(row: tuple[int, ...], spared: dict[Spared, int]) -> Counts:
    marks = dict(zip(_MARKS, row[1:], strict=True))
    return Counts(reached=row[0], waiting=row[0] - marks["sent"], spared=spared, **marks)


def readers(
    message_id: int, *, after: int = 0, limit: int = 50
) -> list[tuple[MessageReader, Member]]:
    """Return whom a message reached or spared, in the order of deciding."""
    rows = db.session.execute(
        sa.select(MessageReader, Member)
        .join(Member, Member.id == MessageReader.member_id)
        .where(MessageReader.message_id == message_id, MessageReader.id > after)
        .order_by(MessageReader.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def filled(text: str, values: dict[str, str]) -> str:
    """Return a text with its variables filled in once; what they say is not read again."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def key(message_id: int, member_id: int) -> str:
    """Return the outbox's key of one mail, which the provider's events carry back."""
    return f"message:{message_id}:{member_id}"


def _add_readers(message: Message, ids: list[int], spared: Any) -> None:
    now = clock.now()
    rows = [
        {
            "message_id": message.id, "member_id": member_id, "decided_at": now,
            "spared": spared[member_id].value if member_id in spared else None,
        }
        for member_id in ids
    ]  # fmt: skip
    db.session.execute(sa.insert(MessageReader), rows)
    reached = [member_id for member_id in ids if member_id not in spared]
    for member_id in reached:
        payload = {"message": message.id, "member": member_id}
        outbox.enqueue(KIND, payload, key=key(message.id, member_id))


def _columns(draft: Draft) -> dict[str, Any]:
    faults = message_holdouts.faults(draft.lot)
    name = " ".join(draft.name.split())
    if not 1 <= len(name) <= 120 or not name.isprintable():
        faults.append(Fault("/name", _("Write a name of 1 to 120 characters.")))
    texts = {}
    for language in i18n.LANGUAGES:
        subject, body = f"subject_{language}", f"body_{language}"
        texts[subject] = _text(" ".join(getattr(draft, subject).split()), subject, 200, faults)
        texts[body] = _text(getattr(draft, body).strip(), body, LONGEST_BODY, faults)
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    audience = audiences.told(audiences.checked(draft.audience))
    return {"name": name, "audience": audience, **texts}


def _text(text: str, field: str, longest: int, faults: list[Fault]) -> str:
    if not 1 <= len(text) <= longest or "\x00" in text:
        detail = _("Write a text of 1 to %(count)s characters, in both languages.", count=longest)
        faults.append(Fault(f"/{field}", detail))
    strange = sorted(set(_VARIABLE.findall(text)) - set(VARIABLES))
    if strange:
        known = ", ".join(f"{{{name}}}" for name in VARIABLES)
        detail = _("“%(name)s” is no variable; use %(known)s.", name=strange[0], known=known)
        faults.append(Fault(f"/{field}", detail))
    return text
