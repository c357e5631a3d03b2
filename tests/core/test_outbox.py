"""What must go out goes out once a key, whoever dies or refuses on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from core import clock, outbox
from core.db import db
from core.outbox import MessageState, OutboxMessage


class Provider:
    """A sender that remembers, and fails as often as it is told."""

    def __init__(self, failures: list[Exception] | None = None) -> None:
        self.sent: list[str] = []
        self.failures = failures or []

    def __call__(self, payload: dict[str, Any], key: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(key)


class KilledError(BaseException):
    """The process ends here."""


def message() -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(sa.select(OutboxMessage)).one()


@pytest.fixture(autouse=True)
def enqueued(app: Flask) -> None:
    outbox.enqueue("email", {"to": "ana@example.com"}, key="welcome:7")
    db.session.commit()


def test_the_same_key_is_sent_once(app: Flask) -> None:
    outbox.enqueue("email", {"to": "other@example.com"}, key="welcome:7")
    db.session.commit()
    provider = Provider()
    assert outbox.drain({"email": provider}) == 1
    assert outbox.drain({"email": provider}) == 0
    assert provider.sent == ["welcome:7"]
    assert message().state is MessageState.SENT


def test_a_decision_that_is_rolled_back_sends_nothing(app: Flask) -> None:
    outbox.enqueue("email", {}, key="never")
    db.session.rollback()
    provider = Provider()
    outbox.drain({"email": provider})
    assert provider.sent == ["welcome:7"]


def test_a_worker_killed_before_it_sent_leaves_the_message_to_the_next(app: Flask) -> None:
    def killed(payload: dict[str, Any], key: str) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        outbox.drain({"email": killed})
    provider = Provider()
    assert outbox.drain({"email": provider}) == 0  # its lease still runs
    with clock.frozen(clock.now() + outbox.LEASE):
        assert outbox.drain({"email": provider}) == 1
    assert provider.sent == ["welcome:7"]


def test_a_worker_killed_after_it_claimed_and_before_it_called_loses_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    with monkeypatch.context() as dead:
        dead.setattr(outbox, "_deliver", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            outbox.drain({"email": provider})
    assert message().state is MessageState.SENDING
    with clock.frozen(clock.now() + outbox.LEASE):
        assert outbox.drain({"email": provider}) == 1


def test_a_worker_killed_after_the_provider_took_it_sends_again_under_the_same_key(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    with monkeypatch.context() as dead:
        dead.setattr(outbox, "_settle", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            outbox.drain({"email": provider})
    with clock.frozen(clock.now() + outbox.LEASE):
        assert outbox.drain({"email": provider}) == 1
    assert set(provider.sent) == {"welcome:7"}  # a provider that knows keys makes one of it


def test_a_slow_worker_does_not_settle_what_another_took_over(app: Flask) -> None:
    later = Provider()

    def slow(payload: dict[str, Any], key: str) -> None:
        with clock.frozen(clock.now() + outbox.LEASE):
            assert outbox.drain({"email": later}) == 1
        raise TimeoutError

    outbox.drain({"email": slow})
    assert message().state is MessageState.SENT  # the fencing token kept the late failure out


@pytest.mark.parametrize("failure", [TimeoutError("10 s"), ConnectionError("refused"), KeyError()])
def test_a_provider_that_fails_is_tried_again_later_and_later(
    app: Flask, failure: Exception
) -> None:
    provider = Provider([failure, failure, failure])
    waits = []
    for _ in range(3):
        assert outbox.drain({"email": provider}) == 0
        waits.append(message().due_at - clock.now())
        assert message().state is MessageState.WAITING
        assert message().last_error
        clock.set_now(message().due_at)
    assert outbox.drain({"email": provider}) == 1
    assert provider.sent == ["welcome:7"]
    assert timedelta(0) < waits[0] < waits[2] + timedelta(seconds=10)
    assert waits[2] >= timedelta(seconds=8)


def test_after_the_last_attempt_it_waits_for_a_person(app: Flask) -> None:
    provider = Provider([TimeoutError()] * outbox.MAX_ATTEMPTS)
    first_at = clock.now()
    for _ in range(outbox.MAX_ATTEMPTS):
        outbox.drain({"email": provider})
        tried_at = clock.now()
        clock.set_now(message().due_at)
    assert message().state is MessageState.FAILED
    assert timedelta(days=2.5) < tried_at - first_at < timedelta(days=3.5)
    assert outbox.drain({"email": provider}) == 0
    runner = app.test_cli_runner()
    listed = runner.invoke(args=["outbox", "list", "--state", "failed"])
    assert "welcome:7" in listed.output
    assert "TimeoutError" in listed.output
    assert "ana@example.com" not in listed.output
    retried = runner.invoke(args=["outbox", "retry", str(message().id)])
    assert retried.exit_code == 0
    assert outbox.drain({"email": provider}) == 1
    assert runner.invoke(args=["outbox", "retry", str(message().id)]).exit_code == 1


def test_a_kind_without_a_sender_waits(app: Flask) -> None:
    provider = Provider()
    assert outbox.drain({"transfer": provider}) == 0
    assert (message().state, message().attempts) == (MessageState.WAITING, 0)
    assert outbox.oldest_age() == 0
    with clock.frozen(clock.now() + timedelta(hours=1)):
        assert outbox.oldest_age() == 3600
        assert outbox.drain({"email": provider}) == 1
    assert outbox.counts() == {"waiting": 0, "sending": 0, "sent": 1, "failed": 0}
