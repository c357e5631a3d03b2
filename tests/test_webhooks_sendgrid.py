"""SendGrid's events: signed, each for itself, once, in any order; what they say is shown."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts.models import RoleName
from ambassadors import choices, guard
from ambassadors.guard import Spared
from campaigns.models import MailEvent, Message, MessageReader, MessageStatus
from core import clock, emails
from core.db import db
from integrations import sendgrid_events
from integrations.inbox import Delivery, DeliveryState
from integrations.sendgrid_events import SignatureError
from tests.conftest import NOW
from tests.factories import make_member, make_user, sign_in

PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(
    PRIVATE.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()
STAMP = int(NOW.timestamp())


@pytest.fixture
def signed_here(app: Flask) -> Iterator[None]:
    """The application takes events that our own key signed, and those of a key before."""
    before = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(
        before, sendgrid_webhook_keys=("not a key", PUBLIC)
    )
    yield
    app.extensions["settings"] = before


def post(
    client: FlaskClient,
    told: Any,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> TestResponse:
    body = json.dumps(told).encode() + b"\r\n" if body is None else body
    signature = PRIVATE.sign(f"{STAMP}".encode() + body, ec.ECDSA(hashes.SHA256()))
    sent = {
        sendgrid_events.SIGNATURE: base64.b64encode(signature).decode(),
        sendgrid_events.TIMESTAMP: str(STAMP),
    }
    return client.post("/webhooks/sendgrid", data=body, headers=sent | (headers or {}))


def event(kind: str, number: object = 1, **more: Any) -> dict[str, Any]:
    return {
        "sg_event_id": f"{kind}-{number}", "event": kind, "email": "ana@example.com",
        "timestamp": STAMP,
    } | more  # fmt: skip


@pytest.fixture
def reader(app: Flask, signed_here: None) -> MessageReader:
    member = make_member(email="ana@example.com", email_hash=emails.digest("ana@example.com"))
    message = Message(
        name="Pear", audience={}, subject_en="a", body_en="a", subject_fr="a", body_fr="a",
        status=MessageStatus.SENT, created_at=NOW,
    )  # fmt: skip
    db.session.add(message)
    db.session.flush()
    reader = MessageReader(message_id=message.id, member_id=member.id, decided_at=NOW)
    db.session.add(reader)
    db.session.commit()
    return reader


def key(reader: MessageReader) -> dict[str, str]:
    return {"cercle_key": f"message:{reader.message_id}:{reader.member_id}"}


def test_the_known_answers_of_sendgrid_hold(shared_data: Path) -> None:
    folder = shared_data / "webhooks"
    vectors = json.loads((folder / "signature_vectors.json").read_text())
    ours = [one for one in vectors if one["provider"] == "sendgrid"]
    assert {one["valid"] for one in ours} == {True, False}
    for one in ours:
        stamp = one["headers"][sendgrid_events.TIMESTAMP]
        given = (
            (folder / one["body_file"]).read_bytes(), one["headers"][sendgrid_events.SIGNATURE],
            stamp, [one["secret"]],
        )  # fmt: skip
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
        if one["valid"]:
            for seconds in (-600, 0, 600):
                sendgrid_events.verify(*given, sent_at + timedelta(seconds=seconds))
            for seconds in (-601, 601):
                with pytest.raises(SignatureError):
                    sendgrid_events.verify(*given, sent_at + timedelta(seconds=seconds))
        else:
            with pytest.raises(SignatureError):
                sendgrid_events.verify(*given, sent_at)


def test_without_a_key_of_ours_the_door_says_that_it_is_off(client: FlaskClient) -> None:
    assert post(client, []).status_code == 503


@pytest.mark.parametrize(
    "headers",
    [
        {sendgrid_events.SIGNATURE: ""},
        {sendgrid_events.SIGNATURE: "\u00e9"},
        {sendgrid_events.SIGNATURE: base64.b64encode(b"x" * 70).decode()},
        {sendgrid_events.TIMESTAMP: ""},
        {sendgrid_events.TIMESTAMP: "\u0661"},
        {sendgrid_events.TIMESTAMP: "1e9"},
        {sendgrid_events.TIMESTAMP: str(STAMP + 1)},
        {sendgrid_events.TIMESTAMP: "9" * 5000},
    ],
)
def test_what_sendgrid_did_not_sign_is_401_and_stores_nothing(
    client: FlaskClient, signed_here: None, headers: dict[str, str]
) -> None:
    answer = post(client, [event("delivered")], headers=headers)
    assert answer.status_code == 401
    assert db.session.scalars(sa.select(Delivery)).all() == []


def test_a_body_that_is_no_array_is_refused(client: FlaskClient, signed_here: None) -> None:
    for body in (b"{", b"\xff", b"[" * 100_000, b"{}", b""):
        assert post(client, None, body=body).status_code in {400, 422}


def test_events_come_in_any_order_and_more_than_once_and_have_one_effect(
    client: FlaskClient, reader: MessageReader
) -> None:
    told = [event("open", timestamp=STAMP + 9, **key(reader)), event("delivered", **key(reader))]
    assert post(client, told).get_json() == {"received": 2, "duplicates": 0}
    again = post(client, [*told, event("open", timestamp=STAMP + 9, **key(reader))])
    assert again.get_json() == {"received": 3, "duplicates": 3}
    later = event("open", 2, timestamp=STAMP + 50, **key(reader))
    assert post(client, [later]).status_code == 200
    db.session.expire_all()
    assert reader.delivered_at == NOW
    assert reader.opened_at == NOW + timedelta(seconds=9)
    assert reader.sent_at is not None
    assert len(db.session.scalars(sa.select(MailEvent)).all()) == 3


def test_one_bad_event_loses_no_other(client: FlaskClient, reader: MessageReader) -> None:
    good = json.dumps(event("delivered", **key(reader)))
    bad = [
        "null", "7", "[]", "{}", '{"sg_event_id":"x"}', '{"a":NaN}', '{"a":"\\ud800"}',
        '{"sg_event_id":"y","sg_event_id":"z","event":"open","email":"a@b.c","timestamp":1}',
        json.dumps(event("open", 9, timestamp="soon")),
        json.dumps(event("open", "n" * 200)),
        json.dumps(event("open", 8, email="nobody")),
    ]  # fmt: skip
    for other in bad:
        body = f"[{other},{good}]".encode()
        assert post(client, None, body=body).status_code == 200, other
    db.session.expire_all()
    assert reader.delivered_at == NOW
    states = set(db.session.scalars(sa.select(Delivery.state)))
    assert states == {DeliveryState.PROCESSED, DeliveryState.IGNORED}


@pytest.mark.parametrize(
    ("told", "spared"),
    [
        (event("bounce"), Spared.BOUNCED),
        (event("bounce", type="blocked"), None),
        (event("dropped", reason="Bounced Address"), Spared.BOUNCED),
        (event("dropped", reason="Invalid SMTPAPI header"), None),
        (event("spamreport"), Spared.REPORTED),
        (event("unsubscribe"), Spared.UNSUBSCRIBED),
        (event("group_unsubscribe"), Spared.UNSUBSCRIBED),
        (event("deferred"), None),
    ],
)
def test_an_event_keeps_the_address_from_more_messages_where_it_should(
    client: FlaskClient, reader: MessageReader, told: dict[str, Any], spared: Spared | None
) -> None:
    assert post(client, [told | key(reader)]).status_code == 200
    db.session.expire_all()
    assert guard.spared([reader.member_id]).get(reader.member_id) is spared


def test_a_key_that_is_not_ours_changes_nobody(client: FlaskClient, reader: MessageReader) -> None:
    keys = ["message:1", "message:x:y", "welcome:7", f"message:{9**30}:1", "message:99:99", ""]
    told = [event("open", n, cercle_key=text) for n, text in enumerate(keys)]
    assert post(client, told).status_code == 200
    db.session.expire_all()
    assert reader.opened_at is None


def test_the_messages_page_and_the_suppression_list_show_what_came_back(
    client: FlaskClient, reader: MessageReader
) -> None:
    post(client, [event("bounce", **key(reader))])
    sign_in(client, make_user(RoleName.MARKETER))
    page = client.get(f"/console/messages/{reader.message_id}?lang=en").text
    assert "came back" in page
    listed = client.get("/console/suppressions").text
    assert "ana@example.com" in listed
    [(row, _member)] = choices.suppressions()
    assert "ana@example.com" not in client.get("/console/suppressions?reason=unsubscribe").text
    client.post(f"/console/suppressions/{row.id}/lift")
    assert "Nobody here" in client.get("/console/suppressions").text
    with clock.frozen(NOW):
        assert guard.spared([reader.member_id]) == {}
