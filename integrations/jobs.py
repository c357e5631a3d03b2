"""What the clock does here: send what must go out."""

from __future__ import annotations

from flask import current_app

from core import outbox
from core.outbox import Sender
from integrations import mail


def send_messages() -> int:
    """Send every message that is due, and return how many went out."""
    sent, last = 0, -1
    senders = _senders()
    while last and senders:
        last = outbox.drain(senders)
        sent += last
    return sent


def _senders() -> dict[str, Sender]:
    """Return a sender for each kind of message whose provider is switched on."""
    found = {mail.KIND: mail.sender(current_app.extensions["settings"])}
    return {kind: sender for kind, sender in found.items() if sender}
