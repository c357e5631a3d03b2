"""One mail of a message: filled in for its reader, and sent exactly once.

The provider knows no keys, so a call whose answer was lost may have sent the
mail.  Such a mail waits for the provider's own events, which carry our key
back: any event says that it went out.  None within `NO_WORD_AFTER`: it did
not, and is tried again.  What was answered, refused or never connected is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app, render_template
from flask_babel import force_locale
from markupsafe import Markup, escape

from ambassadors import choices, guard, program, timeline
from ambassadors.models import Member
from campaigns import messages
from campaigns.models import MailEvent, Message, MessageReader
from core import clock, i18n
from core.db import db

NO_WORD_AFTER = timedelta(minutes=30)
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")

Send = Callable[[dict[str, Any], str], None]  # payload, unique key


class NoWordYetError(Exception):
    """The last call's answer was lost, and the provider has not said yet what became of it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as one person gets it."""

    language: str
    subject: str
    text: str
    html: str


def letter(message: Message, member: Member, *, language: str | None = None) -> Letter:
    """Return a message as one member gets it.

    Args:
        message: Which.
        member: Who.
        language: `en` or `fr`; their own when not said, else the program's.
    """
    chosen = language or member.locale or program.current().locale
    chosen = chosen if chosen in i18n.LANGUAGES else "en"
    values = _values(member)
    subject = messages.filled(getattr(message, f"subject_{chosen}"), values)
    body = messages.filled(getattr(message, f"body_{chosen}"), values)
    link = choices.link(member.id)
    with force_locale(chosen):
        text = render_template("emails/message/body.txt", body=body, link=link)
        html = render_template("emails/message/body.html", paragraphs=_paragraphs(body), link=link)
    return Letter(chosen, " ".join(subject.split()), text.strip() + "\n", html)


def payload(written: Letter, *, to: str, member_id: int) -> dict[str, Any]:
    """Return what a mail sender takes, with the headers of one-click unsubscribing (RFC 8058)."""
    return {
        "to": to,
        "subject": written.subject,
        "text": written.text,
        "html": written.html,
        "headers": {
            "List-Unsubscribe": f"<{choices.link(member_id)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


def sender(send: Send, *, was_refused: Callable[[Exception], bool]) -> Send:
    """Return the outbox's sender of messages.

    Args:
        send: Sends one mail.
        was_refused: Tells of what `send` raised whether it certainly sent nothing.
    """

    def deliver(told: dict[str, Any], key: str) -> None:
        ready = _prepare(int(told["message"]), int(told["member"]), key)
        db.session.commit()  # the call below is outside any transaction
        if ready is None:
            return
        try:
            send(ready, key)
        except Exception as error:
            if was_refused(error):
                _mark(told, tried_at=None)
                db.session.commit()
            raise
        _mark(told, sent_at=clock.now())
        _note(told)
        db.session.commit()

    return deliver


def _prepare(message_id: int, member_id: int, key: str) -> dict[str, Any] | None:
    """Return the mail to send, marked as tried; None if it went out, or is not wanted any more.

    Raises:
        NoWordYetError: It may have gone out, and we do not know yet.
    """
    reader = _reader(message_id, member_id)
    if reader is None or reader.spared or reader.sent_at is not None:
        return None
    if reader.tried_at is not None and _is_known(reader, key):
        return None
    if reason := guard.still_spared(member_id):
        reader.spared, reader.tried_at = reason.value, None
        guard.take_back([member_id], key=f"message:{message_id}")
        return None
    reader.tried_at = clock.now()
    message = db.session.get_one(Message, message_id)
    member = db.session.get_one(Member, member_id)
    return payload(letter(message, member), to=member.email or "", member_id=member_id)


def _is_known(reader: MessageReader, key: str) -> bool:
    """Tell whether an earlier call of unknown end sent the mail."""
    said = sa.select(sa.func.min(MailEvent.occurred_at)).where(MailEvent.mail_key == key)
    if (first := db.session.scalar(said)) is not None:
        reader.sent_at = first
        _note({"message": reader.message_id, "member": reader.member_id})
        return True
    if reader.tried_at and clock.now() - reader.tried_at < NO_WORD_AFTER:
        raise NoWordYetError("The last call had no answer: waiting for the provider's events.")
    return False


def _reader(message_id: int, member_id: int) -> MessageReader | None:
    return db.session.scalar(
        sa.select(MessageReader)
        .where(MessageReader.message_id == message_id, MessageReader.member_id == member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _mark(told: dict[str, Any], **values: Any) -> None:
    mine = sa.update(MessageReader).where(
        MessageReader.message_id == told["message"], MessageReader.member_id == told["member"]
    )
    db.session.execute(mine.values(**values))


def _note(told: dict[str, Any]) -> None:
    message = db.session.get_one(Message, told["message"])
    key = f"message:{message.id}"
    timeline.add("message", [int(told["member"])], key=key, about=message.name)


def _values(member: Member) -> dict[str, str]:
    rules = program.current()
    return {
        "first_name": (member.name.split() or [member.name])[0],
        "name": member.name,
        "brand": rules.name,
        "portal": f"{current_app.extensions['settings'].base_url}/portal/",
        "shop": rules.shop_url,
    }


def _paragraphs(body: str) -> list[Markup]:
    """Return the text's paragraphs as HTML: escaped, with line breaks and links."""
    return [_linked(part.strip()) for part in re.split(r"\n\s*\n", body.replace("\r\n", "\n"))]


def _linked(text: str) -> Markup:
    parts, at = [], 0
    for found in _URL.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<a href="{0}">{0}</a>').format(found[0]))
        at = found.end()
    parts.append(escape(text[at:]))
    return Markup("").join(parts).replace("\n", Markup("<br>"))
