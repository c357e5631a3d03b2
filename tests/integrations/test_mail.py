"""E-mail goes through SendGrid's own wire, or into the mailbox of a demo."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns import mail_events
from core import clock, config, outbox
from core.config import Settings
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations import facts, jobs, mail
from tests.fake_sendgrid import FakeSendGrid, Fault

PAYLOAD = {"to": "ana@example.com", "subject": "Bienvenue", "text": "Bonjour é", "html": "<p>é</p>"}


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as server:
        yield server


def settings_of(tmp_path: Path, **overrides: Any) -> Settings:
    values: dict[str, Any] = {
        "mode": "test",
        "instance": tmp_path,
        "mail_from": "circle@example.com",
        "now": None,
    }
    return dataclasses.replace(config.load(), **values | overrides)


def through(fake: FakeSendGrid, tmp_path: Path, **overrides: Any) -> mail.Sender:
    settings = settings_of(
        tmp_path, sendgrid_api_key="SG.secret", sendgrid_api_base=fake.url, **overrides
    )
    sender = mail.sender(settings)
    assert sender is not None
    return sender


def test_a_message_reaches_sendgrid_with_its_key(fake: FakeSendGrid, tmp_path: Path) -> None:
    through(fake, tmp_path)(PAYLOAD, "welcome:7")
    assert fake.taken == [
        {
            "personalizations": [{"to": [{"email": "ana@example.com"}]}],
            "from": {"email": "circle@example.com"},
            "subject": "Bienvenue",
            "content": [
                {"type": "text/plain", "value": "Bonjour é"},
                {"type": "text/html", "value": "<p>é</p>"},
            ],
            "custom_args": {"cercle_key": "welcome:7"},
        }
    ]
    assert fake.headers[0]["path"] == "/v3/mail/send"
    assert fake.headers[0]["Authorization"] == "Bearer SG.secret"


@pytest.fixture
def waiting(
    app: Flask, fake: FakeSendGrid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeSendGrid:
    """A mail that waits to go out, and the SendGrid that takes it."""
    monkeypatch.setattr(mail, "TIME_LIMIT", 0.2)
    monkeypatch.setattr(jobs, "_senders", lambda: {"email": through(fake, tmp_path)})
    outbox.enqueue("email", PAYLOAD, key="welcome:7")
    db.session.commit()
    return fake


def tried() -> OutboxMessage:
    """Send what is due, and return the mail as it stands."""
    jobs.send_messages()
    db.session.rollback()
    return db.session.scalars(sa.select(OutboxMessage)).one()


@pytest.mark.parametrize("fault", [500, 503, 401, 400, 413, Fault.BUSY])
def test_what_sendgrid_refuses_goes_out_once_at_a_later_attempt(
    waiting: FakeSendGrid, fault: Fault | int
) -> None:
    waiting.faults = [fault, fault]
    for _ in range(2):
        message = tried()
        assert message.state is MessageState.WAITING
        assert "secret" not in (message.last_error or "")
        clock.set_now(message.due_at)
    assert tried().state is MessageState.SENT
    assert waiting.keys == ["welcome:7"]
    assert waiting.calls == 3


def test_sendgrid_is_left_alone_for_as_long_as_it_asks(waiting: FakeSendGrid) -> None:
    waiting.faults = [Fault.BUSY]
    assert tried().due_at >= clock.now() + timedelta(seconds=90)
    clock.set_now(clock.now() + timedelta(seconds=89))
    assert tried().state is MessageState.WAITING
    assert waiting.calls == 1


LOST = [Fault.HANG_AFTER, Fault.CUT, Fault.GARBLED]


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_not_asked_again_once_sendgrid_tells_of_the_mail(
    waiting: FakeSendGrid, fault: Fault
) -> None:
    waiting.faults = [fault]
    message = tried()
    assert message.state is MessageState.WAITING
    assert message.due_at >= clock.now() + mail.NO_WORD_AFTER
    told = facts.MailEvent(
        event_id="e1", mail_key="welcome:7", kind=facts.MailEventKind.DELIVERED,
        email="ana@example.com", occurred_at=clock.now(),
    )  # fmt: skip
    assert mail_events.take(told)
    db.session.commit()
    clock.set_now(message.due_at)
    assert tried().state is MessageState.SENT
    assert tried().payload == {}
    assert waiting.keys == ["welcome:7"]


@pytest.mark.parametrize("fault", [*LOST, Fault.HANG])
def test_a_lost_answer_loses_no_mail_when_sendgrid_tells_nothing(
    waiting: FakeSendGrid, fault: Fault
) -> None:
    waiting.faults = [fault]
    clock.set_now(tried().due_at)
    assert tried().state is MessageState.SENT
    assert set(waiting.keys) == {"welcome:7"}  # each carries the key, so a double can be told


def test_word_of_a_mail_that_comes_during_its_call_outlasts_the_lost_answer(
    waiting: FakeSendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(payload: dict[str, Any], key: str) -> None:
        outbox.went_out("email", key)
        db.session.commit()
        raise TimeoutError

    monkeypatch.setattr(jobs, "_senders", lambda: {"email": lost})
    assert tried().state is MessageState.SENT


def test_nobody_there_is_asked_again_soon(waiting: FakeSendGrid, tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, sendgrid_api_key="SG.secret", sendgrid_api_base="http://127.0.0.1:9"
    )
    send = mail.sender(settings)
    assert send is not None
    outbox.drain({"email": send})
    message = db.session.scalars(sa.select(OutboxMessage)).one()
    assert message.due_at < clock.now() + timedelta(minutes=1)


def test_without_a_key_production_sends_nothing_and_the_message_waits(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path, mode="production", sendgrid_api_key=None)
    assert mail.sender(settings) is None
    monkeypatch.setitem(app.extensions, "settings", settings)
    outbox.enqueue("email", PAYLOAD, key="welcome:7")
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(days=30)):
        assert jobs.send_messages() == 0
    assert outbox.counts()["waiting"] == 1


def test_a_demo_keeps_messages_once_a_key(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, mode="demo", sendgrid_api_key=None)
    sender = mail.sender(settings)
    assert sender is not None
    sender(PAYLOAD, "welcome:7")
    sender(PAYLOAD, "welcome:7")
    sender({**PAYLOAD, "subject": "Encore"}, "welcome:8/../../x")
    found = mail.kept(settings)
    assert sorted(one.mail.subject for one in found) == ["Bienvenue", "Encore"]
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "mailbox"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "ana@example.com\r\nBcc: all@example.com"},
        {"to": "ana@example.com\n"},
        {"subject": "Hi\r\nBcc: all@example.com"},
        {"subject": "Hi\nthere"},
        {"subject": "Hi\u2028there"},
        {"subject": "Hi\x85there"},
        {"subject": "Hi\0"},
        {"subject": ""},
        {"subject": None},
        {"to": "nobody"},
        {"to": "a@example.com, b@example.com"},
        {"to": ["ana@example.com"]},
        {"text": None},
    ],
)
def test_a_message_that_could_smuggle_a_header_is_refused(
    fake: FakeSendGrid, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(mail.MailError):
        through(fake, tmp_path)({**PAYLOAD, **wrong}, "welcome:7")
    assert fake.taken == []


def test_a_sender_address_with_a_line_break_is_refused(fake: FakeSendGrid, tmp_path: Path) -> None:
    with pytest.raises(mail.MailError):
        through(fake, tmp_path, mail_from="a@example.com\r\nBcc: b@example.com")(PAYLOAD, "k")
