"""The shop reports purchases and refunds; nothing it sends breaks anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import clock
from core.db import db
from integrations import facts
from referrals import purchases
from referrals.models import Purchase
from rewards import intake
from tests.factories import make_code, make_key

ORDER = {
    "external_id": "A-1", "occurred_at": "2026-03-01T12:00:00+01:00", "currency": "EUR",
    "total": 11_500, "tax": 1_000, "shipping": 500, "codes": ["zoe 10"],
    "customer": {"email": "friend@example.com", "country": "FR"},
}  # fmt: skip


@pytest.fixture
def key(app: Flask) -> dict[str, str]:
    header = make_key("purchases")
    db.session.commit()
    return header


def test_a_purchase_is_answered_with_its_credit_and_commission(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_code("ZOE10")
    db.session.commit()
    answer = client.post("/api/v1/purchases", json=ORDER, headers=key)
    assert answer.status_code == 201
    told = answer.get_json()
    assert told["net_amount"] == 10_000
    assert told["customer_status"] == "new"
    assert (told["attribution"]["touch"], told["attribution"]["code"]) == ("code", "ZOE10")
    assert told["commission"] == {
        "amount": 1_000, "currency": "EUR", "state": "pending",
        "payable_at": "2026-03-31T11:00:00+00:00",
    }  # fmt: skip


def test_the_same_purchase_again_is_a_replay_and_other_facts_are_refused(
    client: FlaskClient, key: dict[str, str]
) -> None:
    assert client.post("/api/v1/purchases", json=ORDER, headers=key).status_code == 201
    assert client.post("/api/v1/purchases", json=ORDER, headers=key).status_code == 200
    other = client.post("/api/v1/purchases", json=ORDER | {"total": 1_600}, headers=key)
    assert other.status_code == 409
    assert db.session.query(Purchase).count() == 1


def test_one_bad_line_of_a_batch_harms_no_other(client: FlaskClient, key: dict[str, str]) -> None:
    batch = [ORDER, ORDER | {"total": "much"}, 7, ORDER | {"external_id": "A-2", "currency": "ZZZ"}]
    batch.append(ORDER | {"external_id": "A-3"})
    answer = client.post("/api/v1/purchases/batch", json={"purchases": batch}, headers=key)
    assert answer.status_code == 200
    results = answer.get_json()["results"]
    assert [one.get("status", 201) for one in results] == [201, 422, 422, 422, 201]
    assert results[1]["errors"][0]["pointer"] == "/total"
    assert [one["customer_status"] for one in (results[0], results[4])] == ["new", "existing"]


def test_a_batch_with_a_key_is_recorded_whole_or_not_at_all(
    client: FlaskClient, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists: list[int] = []
    take = intake.take_purchases

    def counted(told: Sequence[facts.Purchase]) -> list[purchases.Outcome]:
        lists.append(len(told))
        return take(told)

    monkeypatch.setattr(intake, "take_purchases", counted)
    batch = {"purchases": [ORDER | {"external_id": f"B-{n}", "codes": []} for n in range(501)]}
    headers = key | {"Idempotency-Key": "batch-1"}
    assert client.post("/api/v1/purchases/batch", json=batch, headers=headers).status_code == 200
    assert lists == [501]


def test_a_refund_may_come_first_and_is_applied_when_its_purchase_comes(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_code("ZOE10")
    db.session.commit()
    refund = {
        "external_id": "R-1", "purchase": {"external_id": "A-1"}, "amount": 11_500,
        "occurred_at": "2026-03-02T12:00:00Z",
    }  # fmt: skip
    assert client.post("/api/v1/refunds", json=refund, headers=key).status_code == 202
    told = client.post("/api/v1/purchases", json=ORDER, headers=key).get_json()
    assert (told["commission"]["amount"], told["commission"]["state"]) == (0, "reversed")
    again = client.post("/api/v1/refunds", json=refund, headers=key)
    assert (again.status_code, again.get_json()["state"]) == (200, "applied")
    detail = client.get("/api/v1/purchases/api/A-1", headers=key).get_json()
    assert [one["state"] for one in detail["refunds"]] == ["applied"]


def test_an_order_number_may_hold_a_slash(client: FlaskClient, key: dict[str, str]) -> None:
    told = client.post("/api/v1/purchases", json=ORDER | {"external_id": "2026/7?"}, headers=key)
    assert told.status_code == 201
    detail = client.get("/api/v1/purchases/api/2026%2F7%3F", headers=key)
    assert (detail.status_code, detail.get_json()["external_id"]) == (200, "2026/7?")


def test_a_refund_that_came_first_and_is_too_large_waits_visibly_on_its_order(
    client: FlaskClient, key: dict[str, str]
) -> None:
    refund = {
        "external_id": "R-1", "purchase": {"external_id": "A-1"}, "amount": 99_999,
        "occurred_at": "2026-03-02T12:00:00Z",
    }  # fmt: skip
    assert client.post("/api/v1/refunds", json=refund, headers=key).status_code == 202
    client.post("/api/v1/purchases", json=ORDER, headers=key)
    detail = client.get("/api/v1/purchases/api/A-1", headers=key).get_json()
    assert [(one["state"], one["amount"]) for one in detail["refunds"]] == [("parked", 99_999)]
    assert detail["refunded"] == 0


def test_a_refund_above_its_purchase_or_before_it_is_refused(
    client: FlaskClient, key: dict[str, str]
) -> None:
    client.post("/api/v1/purchases", json=ORDER, headers=key)
    refund = {
        "external_id": "R-1", "purchase": {"external_id": "A-1"}, "amount": 11_501,
        "occurred_at": "2026-03-02T12:00:00Z",
    }  # fmt: skip
    answer = client.post("/api/v1/refunds", json=refund, headers=key)
    assert (answer.status_code, answer.get_json()["type"]) == (
        422, "urn:cercle:problem:refund_too_large",
    )  # fmt: skip
    early = refund | {"amount": 1, "occurred_at": "2025-03-02T12:00:00Z"}
    assert client.post("/api/v1/refunds", json=early, headers=key).status_code == 422


def test_an_order_of_nobody_is_recorded_too(client: FlaskClient, key: dict[str, str]) -> None:
    stranger = {name: ORDER[name] for name in ("external_id", "occurred_at", "currency", "total")}
    told = client.post("/api/v1/purchases", json=stranger, headers=key).get_json()
    assert told["customer_status"] == "unknown"
    assert told["attribution"] is None


WRONG: list[dict[str, Any]] = [
    {"total": -1}, {"total": 1.5}, {"total": True}, {"total": 10**30}, {"total": None},
    {"currency": ""}, {"currency": "EURO"}, {"currency": 7}, {"occurred_at": "yesterday"},
    {"occurred_at": "2026-03-01"}, {"occurred_at": "2026-03-01T12:00:00"},
    {"occurred_at": "0001-01-01T00:00:00+14:00"}, {"external_id": ""},
    {"external_id": "x" * 151}, {"external_id": "a\x00b"}, {"codes": "ZOE"},
    {"codes": [""]}, {"codes": ["x" * 61]}, {"codes": ["A"] * 21}, {"codes": ["\x00"]},
    {"customer": {"email": "nobody"}}, {"customer": {"country": "France"}},
    {"customer": {"email": "a@b\x00.c"}}, {"customer": []}, {"status": "lost"},
    {"lines": [{"sku": "x", "quantity": -1, "amount": 0}]}, {"surprise": 1},
    {"lines": [{"sku": "x\x00", "quantity": 1, "amount": 0}]}, {"tax": 99_999_999},
    {"subscription": {"external_id": "s", "period_index": -1}}, {"discount": -5},
    {"source": "x" * 41}, {"source": "\ud800"}, {"codes": ["\ud800"]},
    {"customer": {"external_id": "\udfff"}}, {"heard_from": "y" * 201},

]  # fmt: skip
HOSTILE: list[bytes] = [
    b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff\xfe", b"\x00", b"{}", b'{"a":1}',
    b"[" * 10_000, b'{"purchases":' * 10_000, b'{"external_id": NaN}', b'{"total": Infinity}',
    *[json.dumps(ORDER | wrong).encode() for wrong in WRONG],
]  # fmt: skip


@pytest.mark.parametrize("path", ["purchases", "purchases/batch", "refunds", "codes/validate"])
def test_hostile_bodies_are_refused_and_write_nothing(
    client: FlaskClient, app: Flask, path: str
) -> None:
    key = make_key("purchases", "codes")
    db.session.commit()
    for body in HOSTILE:
        answer = client.post(
            f"/api/v1/{path}", data=body, headers=key, content_type="application/json"
        )
        assert answer.status_code in {413, 422}, (body[:80], answer.status_code)
        assert answer.mimetype == "application/problem+json"
    assert db.session.query(Purchase).count() == 0


def test_a_ten_megabyte_body_is_refused(client: FlaskClient, key: dict[str, str]) -> None:
    body = b'{"external_id": "' + b"x" * 10_000_000 + b'"}'
    answer = client.post("/api/v1/purchases", data=body, headers=key)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


def test_the_openapi_document_describes_every_call(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert {"/api/v1/purchases", "/api/v1/refunds", "/api/v1/codes/validate"} <= set(
        document["paths"]
    )
    assert "total" in document["components"]["schemas"]["PurchaseIn"]["required"]
    assert client.get("/api/docs").status_code == 200


def test_a_refund_that_failed_is_answered_as_failed_when_it_is_told_again(
    client: FlaskClient, key: dict[str, str]
) -> None:
    client.post("/api/v1/purchases", json=ORDER, headers=key)
    refund = {
        "external_id": "R-9", "purchase": {"external_id": "A-1"}, "amount": 500,
        "occurred_at": "2026-03-02T12:00:00+01:00",
    }  # fmt: skip
    told = client.post("/api/v1/refunds", json=refund, headers=key)
    assert (told.status_code, told.get_json()["state"]) == (201, "applied")
    failed = facts.Refund(
        source="api", external_id="R-9", order_source="api", order_external_id="A-1", amount=500,
        occurred_at=clock.now(), state="failed",
    )  # fmt: skip
    intake.take_refunds([failed])
    db.session.commit()
    again = client.post("/api/v1/refunds", json=refund, headers=key)
    assert (again.status_code, again.get_json()["state"]) == (200, "failed")
