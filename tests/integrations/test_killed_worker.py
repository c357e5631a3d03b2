"""Real workers, killed with SIGKILL at each step of sending: no mail is lost, and none doubled.

A double is possible only where SendGrid took a mail and tells nothing of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns import mail_events
from core import clock, config, outbox
from core.db import db
from core.outbox import MessageState, OutboxMessage
from integrations import facts, mail
from tests.conftest import NOW
from tests.fake_sendgrid import FakeSendGrid, Fault

LATER = NOW + outbox.LEASE


@pytest.fixture
def fake(app: Flask) -> Iterator[FakeSendGrid]:
    """A SendGrid, and one mail that waits to go out."""
    mail_of_ana = {"to": "ana@example.com", "subject": "Hi", "text": "."}
    outbox.enqueue(mail.KIND, mail_of_ana, key="welcome:7")
    db.session.commit()
    with FakeSendGrid() as server:
        yield server


class Workers:
    """Starts worker processes on the database of a test."""

    def __init__(self, app: Flask, fake: FakeSendGrid, folder: Path) -> None:
        self.env = os.environ | {
            "CERCLE_ENV": "test", "DATABASE_URL": app.extensions["settings"].database_url,
            "CERCLE_INSTANCE": str(folder), "REDIS_URL": "", "SENDGRID_API_KEY": "SG.secret",
            "SENDGRID_API_BASE": fake.url,
        }  # fmt: skip

    def start(self, step: str = "", *, at: datetime = NOW) -> subprocess.Popen[bytes]:
        """Start one that dies at a step, or at none."""
        db.session.rollback()
        command = [sys.executable, "-m", "tests.killed_worker", step]
        env = self.env | {"CERCLE_NOW": at.isoformat()}
        return subprocess.Popen(command, cwd=config.ROOT, env=env, stderr=subprocess.PIPE)  # noqa: S603  our own command

    def run(self, step: str = "", *, at: datetime = NOW) -> int:
        """Let one run to its end, and return how it ended."""
        with self.start(step, at=at) as process:
            _, said = process.communicate(timeout=120)
        assert process.returncode in {0, -signal.SIGKILL}, said.decode()
        return process.returncode


@pytest.fixture
def workers(app: Flask, fake: FakeSendGrid, tmp_path: Path) -> Workers:
    return Workers(app, fake, tmp_path)


def message() -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(sa.select(OutboxMessage)).one()


@pytest.mark.parametrize(
    ("step", "state"), [("claim", MessageState.WAITING), ("deliver", MessageState.SENDING)]
)
def test_killed_before_the_call_the_mail_goes_out_once_by_the_next_worker(
    fake: FakeSendGrid, workers: Workers, step: str, state: MessageState
) -> None:
    assert workers.run(step) == -signal.SIGKILL
    assert (message().state, fake.calls) == (state, 0)
    assert workers.run(at=LATER) == 0
    assert (message().state, fake.keys) == (MessageState.SENT, ["welcome:7"])


@pytest.mark.parametrize(("step", "is_told"), [("call", True), ("settle", True), ("settle", False)])
def test_killed_after_sendgrid_took_it_the_mail_is_sent_again_only_when_sendgrid_is_silent(
    fake: FakeSendGrid, workers: Workers, step: str, *, is_told: bool
) -> None:
    if step == "call":
        fake.faults = [Fault.HANG_AFTER]
        with workers.start() as process:
            assert fake.called.wait(90)
            process.kill()
        assert process.returncode == -signal.SIGKILL
    else:
        assert workers.run("settle") == -signal.SIGKILL
    assert (message().state, fake.keys) == (MessageState.SENDING, ["welcome:7"])
    if is_told:
        with clock.frozen(NOW + timedelta(seconds=30)):
            mail_events.take(
                facts.MailEvent(
                    event_id="e1", mail_key="welcome:7", kind=facts.MailEventKind.DELIVERED,
                    email="ana@example.com", occurred_at=clock.now(),
                )
            )  # fmt: skip
            db.session.commit()
    assert workers.run(at=LATER) == 0
    assert message().state is MessageState.SENT
    assert fake.keys == ["welcome:7"] * (1 if is_told else 2)  # not lost; the key tells a double
