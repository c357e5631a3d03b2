"""A key's calls are counted; the same request again has one effect and one answer."""

from __future__ import annotations

import dataclasses
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Blueprint, Flask, current_app, jsonify, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.test import TestResponse

from accounts import idempotency, permissions, rates
from accounts.models import IdempotentAnswer, Scope
from app import create_app
from core import clock, limits
from core.db import db
from core.errors import ConflictError
from core.limits import AttemptCount
from tests.factories import make_key, must

PATH = "/api/v1/things"


def things() -> Blueprint:
    """Return a door whose POST adds a row, as the real ones do."""
    door = permissions.guard(Blueprint("things", __name__), permissions.key_with(Scope.CODES))

    @door.post(PATH)
    @idempotency.honoured
    def add() -> ResponseReturnValue:
        body = request.get_json()
        if body.get("hold"):
            current_app.extensions["entered"].set()
            current_app.extensions["hold"].wait(5)
        row = AttemptCount(
            key_hash=limits.digest(clock.now().isoformat(), str(count())), count=1,
            ends_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
        if body.get("refuse"):
            raise ConflictError("Not like this.")
        db.session.commit()
        if body.get("die"):
            raise SystemExit
        if body.get("break"):
            return jsonify(error="late"), 503
        return jsonify(things=count(), said=body), 201

    return door


@pytest.fixture
def make_shop(app: Flask) -> Iterator[Callable[..., Flask]]:
    """Return a maker of an application on the same database, with a door to try."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Flask:
            now = clock.now()
            shop = create_app(dataclasses.replace(app.extensions["settings"], **settings))
            clock.set_now(now)
            door = things()
            shop.register_blueprint(door)
            csrf: CSRFProtect = shop.extensions["csrf"]
            csrf.exempt(door)
            shop.test_client_class = app.test_client_class
            stack.enter_context(shop.app_context())
            stack.callback(_close)
            return shop

        yield make


def _close() -> None:
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def shop(make_shop: Callable[..., Flask]) -> Flask:
    """An application with a door to try."""
    return make_shop()


def count() -> int:
    return must(db.session.scalar(sa.select(sa.func.count()).select_from(AttemptCount)))


def post(client: FlaskClient, key: str, headers: dict[str, str], **body: object) -> TestResponse:
    return client.post(PATH, json=body, headers=headers | {"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(shop: Flask) -> None:
    client, key = shop.test_client(), make_key("codes")
    first = post(client, "k1", key, a=1)
    again = post(client, "k1", key, a=1)
    assert (first.status_code, first.json) == (again.status_code, again.json) == (201, first.json)
    assert must(first.json)["things"] == 1
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert count() == 1


def test_another_body_with_the_same_key_is_a_conflict(shop: Flask) -> None:
    client, key = shop.test_client(), make_key("codes")
    post(client, "k1", key, a=1)
    other = post(client, "k1", key, a=2)
    assert other.status_code == 409
    assert must(other.json)["type"].endswith("idempotency_key_reused")
    assert post(client, "k1", make_key("codes"), a=2).status_code == 201, "another API key's words"
    assert count() == 2


def test_a_refused_request_may_be_mended_with_the_same_key(shop: Flask) -> None:
    client, key = shop.test_client(), make_key("codes")
    assert post(client, "k1", key, refuse=True).status_code == 409
    assert count() == 0
    assert post(client, "k1", key, a=1).status_code == 201


@pytest.mark.parametrize("bad", ["", "x" * 256, "a\tb", "clé"])
def test_a_bad_idempotency_key_is_refused(shop: Flask, bad: str) -> None:
    answer = post(shop.test_client(), bad, make_key("codes"), a=1)
    assert answer.status_code == 422
    assert count() == 0


def test_of_two_callers_at_once_one_works_and_the_other_has_no_effect(shop: Flask) -> None:
    key = make_key("codes")
    entered, hold = threading.Event(), threading.Event()
    shop.extensions.update(entered=entered, hold=hold)
    answers = []

    def call() -> None:
        with shop.app_context():
            answers.append(post(shop.test_client(), "k1", key, hold=True))

    slow = threading.Thread(target=call)
    slow.start()
    assert entered.wait(5)
    second = post(shop.test_client(), "k1", key, hold=True)
    hold.set()
    slow.join()
    assert answers[0].status_code == 201
    assert second.status_code == 409
    assert must(second.json)["type"].endswith("idempotency_in_progress")
    assert post(shop.test_client(), "k1", key, hold=True).json == answers[0].json
    assert count() == 1


def test_between_the_effect_and_its_answer_the_request_is_still_being_worked_on(
    shop: Flask,
) -> None:
    client, key = shop.test_client(), make_key("codes")
    post(client, "k1", key, a=1)
    leave_claim(status=1)
    again = post(client, "k1", key, a=1)
    assert must(again.json)["type"].endswith("idempotency_in_progress")
    assert count() == 1


def test_after_a_crash_before_the_effect_the_request_works_again(shop: Flask) -> None:
    client, key = shop.test_client(), make_key("codes")
    post(client, "k1", key, a=1)
    leave_claim(status=0)
    assert post(client, "k1", key, a=1).status_code == 409, "perhaps still at work"
    clock.set_now(clock.now() + timedelta(minutes=2))
    assert post(client, "k1", key, a=1).status_code == 201


def test_after_a_crash_behind_the_effect_there_is_no_second_effect(shop: Flask) -> None:
    client, key = shop.test_client(), make_key("codes")
    with pytest.raises(SystemExit):
        post(client, "k1", key, die=True)
    clock.set_now(clock.now() + timedelta(minutes=2))
    again = post(client, "k1", key, die=True)
    assert again.status_code == 409
    assert must(again.json)["type"].endswith("idempotency_answer_lost")
    assert count() == 1


def leave_claim(*, status: int) -> None:
    db.session.execute(sa.update(IdempotentAnswer).values(status=status, body=""))
    db.session.commit()


def test_old_answers_are_swept(shop: Flask) -> None:
    post(shop.test_client(), "k1", make_key("codes"), a=1)
    clock.set_now(clock.now() + timedelta(days=8))
    assert idempotency.sweep() == 1


def test_a_key_is_told_its_rate_and_stopped_above_it(make_shop: Callable[..., Flask]) -> None:
    client = make_shop(api_per_minute=3).test_client()
    key, other = make_key("codes"), make_key("codes")
    answers = [client.post(PATH, json={}, headers=key) for _n in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[0].headers["RateLimit"].startswith('"key";r=2;t=')
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert answers[3].mimetype == "application/problem+json"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert client.post(PATH, json={}, headers=other).status_code == 201
    assert "RateLimit" not in client.get("/sign-in").headers


def test_a_minute_later_a_key_may_call_again(monkeypatch: pytest.MonkeyPatch) -> None:
    windows, now = rates.Memory(), [100.0]
    monkeypatch.setattr("accounts.rates.time.monotonic", lambda: now[0])
    assert [windows.hit(7).calls for _n in range(3)] == [1, 2, 3]
    now[0] += 59.5
    assert windows.hit(7) == rates.Standing(calls=4, left=1)
    now[0] += 1
    assert windows.hit(7) == rates.Standing(calls=1, left=60)


def test_two_processes_count_together_in_redis() -> None:
    url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
    try:
        redis.Redis.from_url(url, socket_connect_timeout=1).ping()
    except redis.RedisError:
        pytest.skip("no Redis here: set TEST_REDIS_URL")
    one, other, key_id = rates.Shared(url), rates.Shared(url), secrets.randbelow(2**60)
    assert [one.hit(key_id).calls, other.hit(key_id).calls, one.hit(key_id).calls] == [1, 2, 3]
    assert 1 <= one.hit(key_id).left <= 60


def test_while_redis_is_away_a_process_counts_alone() -> None:
    windows = rates.Shared("redis://127.0.0.1:1/0")
    assert [windows.hit(7).calls for _n in range(2)] == [1, 2]
