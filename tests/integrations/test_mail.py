"""E-mail goes through SendGrid's own wire, or into the mailbox of a demo."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from core import clock, config, outbox
from core.config import Settings
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations import jobs, mail

PAYLOAD = {"to": "ana@example.com", "subject": "Bienvenue", "text": "Bonjour é", "html": "<p>é</p>"}


class Fake(ThreadingHTTPServer):
    """SendGrid as far as we use it: it answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.hang = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if self.server.answers else 202
        if status == 0:
            self.server.hang.wait(5)
            return
        self.server.headers.append({"path": self.path, **dict(self.headers)})
        if status == 202:
            self.server.taken.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.hang.set()
    server.shutdown()
    thread.join()
    server.server_close()


def settings_of(tmp_path: Path, **overrides: Any) -> Settings:
    values: dict[str, Any] = {
        "mode": "test",
        "instance": tmp_path,
        "mail_from": "circle@example.com",
        "now": None,
    }
    return dataclasses.replace(config.load(), **values | overrides)


def through(fake: Fake, tmp_path: Path, **overrides: Any) -> mail.Sender:
    settings = settings_of(
        tmp_path, sendgrid_api_key="SG.secret", sendgrid_api_base=fake.address, **overrides
    )
    sender = mail.sender(settings)
    assert sender is not None
    return sender


def test_a_message_reaches_sendgrid_with_its_key(fake: Fake, tmp_path: Path) -> None:
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


def test_what_sendgrid_refuses_goes_out_at_a_later_attempt(
    app: Flask, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "TIME_LIMIT", 0.2)
    fake.answers = [500, 429, 0, 401]
    monkeypatch.setattr(jobs, "_senders", lambda: {"email": through(fake, tmp_path)})
    outbox.enqueue("email", PAYLOAD, key="welcome:7")
    db.session.commit()
    errors = []
    for _ in range(4):
        assert jobs.send_messages() == 0
        message = db.session.scalars(sa.select(OutboxMessage)).one()
        assert message.state is MessageState.WAITING
        errors.append(message.last_error)
        clock.set_now(message.due_at)
        db.session.rollback()
    assert jobs.send_messages() == 1
    assert len(fake.taken) == 1
    assert [error and error.split(":")[0] for error in errors] == [
        "InternalServerError", "TooManyRequestsError", "TimeoutError", "UnauthorizedError"
    ]  # fmt: skip
    assert all("secret" not in (error or "") for error in errors)


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
    fake: Fake, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(mail.MailError):
        through(fake, tmp_path)({**PAYLOAD, **wrong}, "welcome:7")
    assert fake.taken == []


def test_a_sender_address_with_a_line_break_is_refused(fake: Fake, tmp_path: Path) -> None:
    with pytest.raises(mail.MailError):
        through(fake, tmp_path, mail_from="a@example.com\r\nBcc: b@example.com")(PAYLOAD, "k")
