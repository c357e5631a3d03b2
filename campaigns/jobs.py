"""What the clock does here: send messages outside quiet time, sweep images, record costs."""

from __future__ import annotations

from flask import current_app

from ambassadors import guard
from campaigns import costs, images, mailing, messages
from core import clock, outbox
from core.db import db, reading, writing
from integrations import mail

_AT_ONCE = 100  # mails between two looks at the clock


def send_messages() -> int:
    """Decide the readers of messages on their way, mail those who are due; return how many."""
    for message_id in messages.sending():
        while messages.decide(message_id):
            db.session.commit()
        db.session.commit()
    return _mail()


def sweep_images() -> int:
    """Delete the files of images that no campaign shows any more; return how many."""
    with reading():
        gone = images.sweep()
        db.session.rollback()
    return gone


def _mail() -> int:
    send = mail.sender(current_app.extensions["settings"])
    if send is None:
        return 0  # switched off: they wait
    senders = {messages.KIND: mailing.sender(send, was_refused=mail.was_refused)}
    sent, last = 0, -1
    while last and guard.quiet_until(clock.now()) is None:
        last = outbox.drain(senders, limit=_AT_ONCE)
        sent += last
    return sent


def record_costs() -> int:
    """Record the recurring costs of months that have begun; return how many lines."""
    with writing():
        done = costs.record_due()
        db.session.commit()
    return done
