"""Passkeys: nobody comes in without a fresh challenge, a known key and an account that is open."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts import passkeys, sessions
from accounts.models import Passkey
from core import clock, outbox
from core.db import db
from core.errors import NotFoundError, TooManyError
from tests.conftest import NOW
from tests.factories import make_user, must, sign_in


@pytest.fixture
def named(app: Flask) -> Iterator[Flask]:
    """The application under a name."""
    settings = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(settings, base_url="https://cercle.example")
    yield app
    app.extensions["settings"] = settings


def test_an_address_of_numbers_offers_no_passkey(app: Flask, client: FlaskClient) -> None:
    assert not passkeys.is_possible()
    assert "data-passkey" not in client.get("/sign-in").text
    assert client.post("/sign-in/passkey/options").status_code == 404


def test_a_name_offers_them_and_asks_for_the_persons_presence(
    named: Flask, client: FlaskClient
) -> None:
    assert "data-passkey" in client.get("/sign-in").text
    told = must(client.post("/sign-in/passkey/options").json)
    assert (told["rpId"], told["userVerification"]) == ("cercle.example", "required")


@pytest.mark.parametrize("told", [None, [], {}, {"id": "x"}, {"id": 7, "response": None}, "x"])
def test_an_answer_that_proves_nothing_is_refused(
    named: Flask, client: FlaskClient, told: Any
) -> None:
    client.post("/sign-in/passkey/options")
    assert client.post("/sign-in/passkey", json=told).status_code == 422
    assert client.get("/portal/").status_code == 302


def test_a_challenge_is_accepted_once_and_not_for_long(named: Flask) -> None:
    kept: dict[str, Any] = {}
    passkeys.options_to_sign_in(kept)
    again = dict(kept)
    with pytest.raises(passkeys.PasskeyError):
        passkeys.verify(kept, {"id": "x"})
    with pytest.raises(TooManyError):
        passkeys.verify(again, {"id": "x"})
    passkeys.options_to_sign_in(kept)
    late = clock.frozen(NOW + passkeys.LASTS + timedelta(seconds=1))
    with late, pytest.raises(passkeys.PasskeyError, match="too long"):
        passkeys.verify(kept, {"id": "x"})


def test_making_one_asks_for_a_fresh_sign_in(named: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user("ambassador"))
    with clock.frozen(NOW + sessions.FRESH + timedelta(seconds=1)):
        answer = client.post("/account/passkeys/options")
    assert "/account/confirm" in must(answer.location)
    told = must(client.post("/account/passkeys/options").json)
    assert told["rp"]["id"] == "cercle.example"
    assert told["authenticatorSelection"]["residentKey"] == "required"
    assert client.post("/account/passkeys", json={"credential": {}}).status_code == 422


def test_nobody_removes_anothers_passkey(named: Flask) -> None:
    ana, zoe = make_user("ambassador"), make_user("ambassador")
    db.session.add(
        Passkey(
            user_id=ana.id, credential_id="abc", public_key="abc", sign_count=0, name="Phone",
            created_at=clock.now(),
        )
    )  # fmt: skip
    db.session.flush()
    number = passkeys.of(ana.id)[0].id
    with pytest.raises(NotFoundError):
        passkeys.remove(zoe, number)
    passkeys.forget(ana.id)
    assert passkeys.of(ana.id) == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_person_is_told_of_a_passkey_that_comes_or_goes(
    named: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    proof = SimpleNamespace(credential_id=b"c", credential_public_key=b"k", sign_count=0)
    monkeypatch.setattr(passkeys, "verify_registration_response", lambda **_: proof)
    user = sign_in(client, make_user("ambassador", email="zoe@example.com", locale=language))
    client.post("/account/passkeys/options")
    added = client.post("/account/passkeys", json={"credential": {}, "name": "Phone"})
    assert added.status_code == 200
    passkey_id = passkeys.of(user.id)[0].id
    client.post(f"/account/passkeys/{passkey_id}/remove")
    client.post(f"/account/passkeys/{passkey_id}/remove")  # gone already: nothing more is said
    db.session.rollback()
    sent = [one.payload for one in reversed(outbox.recent())]
    assert [one["to"] for one in sent] == ["zoe@example.com"] * 2
    told = {"en": ("added", "removed"), "fr": ("ajoutée", "retirée")}[language]
    for one, word in zip(sent, told, strict=True):
        assert word in one["subject"]
        assert "Phone" in one["text"]
        assert "Phone" in one["html"]
