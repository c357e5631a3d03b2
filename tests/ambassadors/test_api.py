"""Members and ambassadors for machines: with a key, typed, page by page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import AuditLine, Scope
from core.db import db
from tests.factories import make_ambassador, make_key, make_member

ZOE = {"name": "Zoé", "email": "zoe@example.com", "kind": "partner"}


def test_somebody_is_enrolled_and_read_again(client: FlaskClient) -> None:
    key = make_key(Scope.COMMUNITY)
    answer = client.post("/api/v1/ambassadors", json=ZOE, headers=key)
    assert answer.status_code == 201, answer.text
    known = answer.json
    assert known is not None
    assert (known["kind"], known["status"], known["member"]["name"]) == ("partner", "active", "Zoé")
    again = client.get(f"/api/v1/ambassadors/{known['id']}", headers=make_key(Scope.READ))
    assert again.json == known
    assert "ambassador.enrol" in db.session.scalars(sa.select(AuditLine.act)).all()
    twice = client.post("/api/v1/ambassadors", json=ZOE, headers=key)
    assert twice.status_code == 409


def test_a_known_member_is_enrolled_without_a_second_row(client: FlaskClient) -> None:
    member_id = make_member(external_id="c-1").id
    answer = client.post(
        "/api/v1/ambassadors", json={"name": "X", "external_id": "c-1"},
        headers=make_key(Scope.COMMUNITY),
    )  # fmt: skip
    assert answer.json is not None
    assert answer.json["member"]["id"] == member_id


def test_a_member_is_added_and_a_second_one_with_their_address_is_not(client: FlaskClient) -> None:
    key = make_key(Scope.COMMUNITY)
    body = {"name": "Ana", "email": "ana@example.com", "joined_on": "2025-02-03"}
    first = client.post("/api/v1/members", json=body, headers=key)
    assert first.status_code == 201
    assert first.json is not None
    assert first.json["joined_on"] == "2025-02-03"
    assert client.get(f"/api/v1/members/{first.json['id']}", headers=key).json == first.json
    second = client.post("/api/v1/members", json=body, headers=key)
    assert second.status_code == 409
    assert second.json is not None
    assert second.json["errors"][0]["pointer"] == "/email"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": 1},
        {"name": "A", "colour": "blue"},
        {"name": "A", "email": "nobody"},
        {"name": "A", "country": "Switzerland"},
        {"name": "A", "kind": "king"},
        {"name": "A", "status": "suspended"},
        {"name": "A\x00"},
        {"name": "A", "joined_on": "yesterday"},
        [],
    ],
)
def test_what_cannot_be_is_a_problem_and_nothing_is_left(client: FlaskClient, body: object) -> None:
    answer = client.post("/api/v1/ambassadors", json=body, headers=make_key(Scope.COMMUNITY))
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    listed = client.get("/api/v1/members", headers=make_key(Scope.READ))
    assert listed.json == {"data": [], "next": None}


def test_lists_go_on_after_the_last_one(client: FlaskClient) -> None:
    ids = [make_ambassador().id for _ in range(5)]
    key, seen, after = make_key(Scope.READ), [], "0"
    while after:
        page = client.get(f"/api/v1/ambassadors?limit=2&after={after}", headers=key).json
        assert page is not None
        seen += [one["id"] for one in page["data"]]
        after = page["next"]
    assert seen == ids
    assert client.get("/api/v1/ambassadors?status=left", headers=key).json == {
        "data": [], "next": None,
    }  # fmt: skip
    assert client.get("/api/v1/ambassadors?status=happy", headers=key).status_code == 422


def test_a_key_for_purchases_reads_nobody(client: FlaskClient) -> None:
    key = make_key(Scope.PURCHASES)
    for path in ("/api/v1/ambassadors", "/api/v1/members", "/api/v1/campaigns"):
        assert client.get(path, headers=key).status_code == 403
    assert client.post("/api/v1/members", json=ZOE, headers=make_key("read")).status_code == 403
    assert client.get("/api/v1/ambassadors/999", headers=make_key("read")).status_code == 404
