"""Other programs are told what happened: signed, once, and again until they have taken it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts import endpoints, jobs, jobs_endpoints
from accounts.endpoints import Event
from accounts.models import AuditLine
from accounts.models_endpoints import Endpoint, EndpointMessage, EndpointState
from core import clock, outbox
from core.db import db
from core.errors import InvalidInputError
from core.outbox import MessageState, OutboxMessage
from integrations import public_pages, webhook_client
from referrals import codes
from rewards import intake
from tests.factories import (
    make_code,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)
from tests.fake_receiver import Call, FakeReceiver

FROZEN = Event(key="7:now", data={"code": "LEA15"})


@pytest.fixture
def receiver(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeReceiver]:
    """A program of somebody else on this machine, which the setting of tests lets us reach."""
    settings = dataclasses.replace(app.extensions["settings"], webhooks_to_loopback=True)
    monkeypatch.setitem(app.extensions, "settings", settings)
    with FakeReceiver() as fake:
        yield fake


def listening(receiver: FakeReceiver, *events: str) -> tuple[Endpoint, str]:
    made = endpoints.create(receiver.url, events or endpoints.EVENTS)
    db.session.commit()
    return made


def tell(*happened: Event) -> None:
    endpoints.tell("code.frozen", happened or [FROZEN])
    db.session.commit()


def run() -> int:
    taken = jobs_endpoints.tell_endpoints()
    db.session.rollback()
    return taken


def message() -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(sa.select(OutboxMessage)).one()


def when_due() -> None:
    clock.set_now(message().due_at)


def expected(secret: str, call: Call) -> str:
    """Compute what the specification asks, from what came over the wire alone."""
    signed = b".".join(
        [call.headers["webhook-id"].encode(), call.headers["webhook-timestamp"].encode(), call.body]
    )
    key = base64.b64decode(secret.split("_", 1)[1])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def test_the_example_of_the_specification_has_its_signature() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    said = webhook_client.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_happened_arrives_signed_once(receiver: FakeReceiver) -> None:
    _, secret = listening(receiver)
    tell()
    tell()  # the same fact again
    assert run() == 1
    assert run() == 0
    (call,) = receiver.calls
    assert call.path == "/hooks"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert call.headers["webhook-signature"] == expected(secret, call)
    assert json.loads(call.body) == {
        "type": "code.frozen", "timestamp": clock.now().isoformat(), "data": {"code": "LEA15"},
    }  # fmt: skip


def test_an_endpoint_is_told_what_it_wants_only(receiver: FakeReceiver) -> None:
    listening(receiver, "commission.created")
    tell()
    assert run() == 0
    assert db.session.scalar(sa.select(sa.func.count(EndpointMessage.id))) == 0


def test_what_is_rolled_back_is_not_told(receiver: FakeReceiver) -> None:
    listening(receiver)
    endpoints.tell("code.frozen", [FROZEN])
    db.session.rollback()
    assert run() == 0


@pytest.mark.parametrize("answer", [500, 404, 302, "cut", "hang", "429 120", "503 120"])
def test_what_is_not_taken_is_sent_again_under_the_same_id(
    receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch, answer: int | str
) -> None:
    monkeypatch.setattr(public_pages, "TIME_LIMIT", 0.2)
    _, secret = listening(receiver)
    receiver.answers = [answer]
    tell()
    assert run() == 0
    waits = message().due_at - clock.now()
    assert waits >= timedelta(seconds=120 if "120" in str(answer) else 2)
    assert message().state is MessageState.WAITING
    when_due()
    assert run() == 1
    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert second.headers["webhook-signature"] == expected(secret, second)
    assert first.body == second.body


def test_a_dead_endpoint_is_asked_once_a_minute_and_holds_up_nobody(receiver: FakeReceiver) -> None:
    listening(receiver)
    with FakeReceiver() as other:
        listening(other)
        receiver.answers = [500] * 9
        tell(*(Event(key=str(n), data={}) for n in range(5)))
        assert run() == 5
        assert (len(receiver.calls), len(other.calls)) == (1, 5)


def test_after_five_days_of_failure_it_is_switched_off_and_the_team_told(
    receiver: FakeReceiver,
) -> None:
    admin = make_user("admin", locale="fr")
    make_user("marketer")
    endpoint, _ = listening(receiver)
    receiver.answers = [500] * 99
    tell()
    run()
    started = clock.now()
    clock.set_now(started + endpoints.FAILING_FOR - timedelta(seconds=1))
    run()
    db.session.refresh(endpoint)
    assert (endpoint.state, endpoint.failing_since) == (EndpointState.ACTIVE, started)
    clock.set_now(started + endpoints.FAILING_FOR + timedelta(hours=9))
    run()
    db.session.refresh(endpoint)
    assert endpoint.state is EndpointState.OFF
    mail = db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.kind == "email")).one()
    assert mail.payload["to"] == admin.email
    assert receiver.url in mail.payload["text"]
    assert "endpoint.off" in db.session.scalars(sa.select(AuditLine.act)).all()
    tell(Event(key="later", data={}))
    assert db.session.scalar(sa.select(sa.func.count(EndpointMessage.id))) == 1


def test_a_success_ends_a_time_of_failure(receiver: FakeReceiver) -> None:
    endpoint, _ = listening(receiver)
    receiver.answers = [500]
    tell()
    run()
    when_due()
    run()
    db.session.refresh(endpoint)
    assert endpoint.failing_since is None


def test_a_receiver_that_says_gone_is_told_nothing_more(receiver: FakeReceiver) -> None:
    endpoint, _ = listening(receiver)
    receiver.answers = [410]
    tell()
    run()
    db.session.refresh(endpoint)
    assert endpoint.state is EndpointState.OFF


def test_two_secrets_sign_for_a_day_after_a_rotation(receiver: FakeReceiver) -> None:
    endpoint, old = listening(receiver)
    new = endpoints.rotate(endpoint)
    tell(Event(key="a", data={}))
    run()
    clock.set_now(clock.now() + endpoints.OVERLAP)
    tell(Event(key="b", data={}))
    run()
    during, after = receiver.calls
    assert during.headers["webhook-signature"].split() == [
        expected(new, during), expected(old, during)
    ]  # fmt: skip
    assert after.headers["webhook-signature"] == expected(new, after)


def test_what_happens_during_a_pause_arrives_after_it(receiver: FakeReceiver) -> None:
    endpoint, _ = listening(receiver)
    tell(Event(key="before", data={}))
    endpoints.pause(endpoint)
    tell(Event(key="meanwhile", data={}))
    clock.set_now(clock.now() + timedelta(days=3))
    assert run() == 0
    endpoints.resume(endpoint)
    db.session.commit()
    assert run() == 2


def test_a_deleted_endpoint_is_told_nothing_more(receiver: FakeReceiver) -> None:
    endpoint, _ = listening(receiver)
    tell()
    endpoints.delete(endpoint)
    db.session.commit()
    tell(Event(key="later", data={}))
    assert run() == 0
    assert receiver.calls == []
    assert db.session.scalar(sa.select(sa.func.count(OutboxMessage.id))) == 0


def test_bodies_are_forgotten_after_ninety_days(receiver: FakeReceiver) -> None:
    endpoint, _ = listening(receiver)
    tell()
    run()
    clock.set_now(clock.now() + endpoints.KEPT + timedelta(seconds=1))
    assert jobs.sweep() == 1
    (told,) = endpoints.log(endpoint.id)
    assert told.message.body is None


@pytest.mark.parametrize(
    "address",
    ["http://example.com/", "https://user@example.com/", "https://example.com:8443/", "ftp://x.y/",
     "https://[::1]/", "http://127.0.0.1:5000/", ""],
)  # fmt: skip
def test_only_https_addresses_are_accepted(app: Flask, address: str) -> None:
    with pytest.raises(InvalidInputError):
        endpoints.create(address, ["code.frozen"])


def test_a_name_that_leads_inside_is_never_called(
    receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints.create("https://rebound.example/hooks", ["code.frozen"])
    monkeypatch.setattr(public_pages, "_resolve", lambda _host: ["127.0.0.1"])
    tell()
    assert run() == 0
    assert "public internet" in must(message().last_error)


def test_the_road_of_a_purchase_is_told_and_names_nobody(receiver: FakeReceiver) -> None:
    code = make_code("LEA15")
    listening(receiver)
    sold = purchase_fact(codes=("LEA15",), email="friend@example.com")
    intake.take_purchases([sold, purchase_fact()])
    intake.take_purchases([sold])
    intake.take_refunds([refund_fact(sold, 4_000)])
    codes.freeze(code.id, reason="leaked")
    db.session.commit()
    assert run() == 4
    said: dict[str, dict[str, Any]] = {}
    for call in receiver.calls:
        body = json.loads(call.body)
        said[body["type"]] = body["data"]
        assert b"@" not in call.body
    assert set(said) == {
        "purchase.attributed", "commission.created", "commission.reversed", "code.frozen"
    }  # fmt: skip
    name = {"source": sold.source, "external_id": sold.external_id}
    assert said["purchase.attributed"]["purchase"] == name
    assert said["purchase.attributed"]["code"] == "LEA15"
    assert (said["commission.created"]["amount"], said["commission.reversed"]["amount"]) == (
        1_000, 400
    )  # fmt: skip
    assert said["code.frozen"]["reason"] == "leaked"


def test_the_console_adds_an_endpoint_shows_its_secret_once_and_sends_a_test(
    client: FlaskClient, receiver: FakeReceiver
) -> None:
    sign_in(client, make_user("admin"))
    data = {"url": receiver.url, "events": ["code.frozen"]}
    page = client.post("/console/endpoints/new", data=data)
    secret = must(re.search(r"whsec_[\w+/=]{44}", page.text.replace("&#43;", "+"))).group()
    endpoint = db.session.scalars(sa.select(Endpoint)).one()
    here = f"/console/endpoints/{endpoint.id}"
    assert secret not in client.get(here).text
    assert secret not in endpoint.secret
    client.post(f"{here}/test")
    assert run() == 1
    (call,) = receiver.calls
    assert json.loads(call.body)["type"] == "endpoint.test"
    assert call.headers["webhook-signature"] == expected(secret, call)
    told = db.session.scalars(sa.select(EndpointMessage)).one()
    assert client.post(f"{here}/messages/{told.id}").status_code == 303
    assert run() == 1
    assert receiver.calls[0].headers["webhook-id"] == receiver.calls[1].headers["webhook-id"]
    page = client.get(f"{here}?lang=en")
    assert "A test" in page.text
    assert ">sent<" in page.text


def test_the_console_pauses_resumes_changes_rotates_and_deletes(
    client: FlaskClient, receiver: FakeReceiver
) -> None:
    sign_in(client, make_user("admin"))
    endpoint, secret = listening(receiver)
    here = f"/console/endpoints/{endpoint.id}"
    client.post(f"{here}/pause")
    db.session.refresh(endpoint)
    assert endpoint.state is EndpointState.PAUSED
    client.post(f"{here}/resume")
    page = client.post(f"{here}/rotate")
    assert "whsec_" in page.text
    assert secret not in page.text
    wrong = {"url": "http://example.com", "events": ["code.frozen"]}
    assert client.post(f"{here}/edit", data=wrong).status_code == 422
    right = {"url": "https://example.com/x", "events": ["code.frozen"]}
    assert client.post(f"{here}/edit", data=right).status_code == 303
    db.session.refresh(endpoint)
    assert (endpoint.url, endpoint.events) == ("https://example.com/x", ["code.frozen"])
    assert client.post(f"{here}/delete").status_code == 303
    assert client.get(here).status_code == 404
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {f"endpoint.{act}" for act in ("pause", "resume", "rotate", "change", "delete")} <= acts


def test_only_administrators_see_who_is_told(client: FlaskClient, app: Flask) -> None:
    sign_in(client, make_user("marketer"))
    assert client.get("/console/endpoints").status_code == 403


def test_a_message_in_hand_is_not_sent_twice_by_a_person(receiver: FakeReceiver) -> None:
    listening(receiver)
    tell()
    key = message().key
    db.session.execute(sa.update(OutboxMessage).values(state=MessageState.SENDING))
    assert not outbox.send_again(endpoints.KIND, {"message": key}, key=key)
