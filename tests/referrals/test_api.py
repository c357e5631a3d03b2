"""The shop's door for codes answers every question and breaks on none."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine
from core.db import db
from referrals.models import Attribution, Code, Redemption
from rewards import intake
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_key,
    make_member,
    purchase_fact,
)

BASKET = {"currency": "EUR", "subtotal": 10_000}


@pytest.fixture
def key(app: Flask) -> dict[str, str]:
    return make_key("codes")


def test_a_code_that_applies_says_what_it_takes_off_in_the_basket_s_currency(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_code("ZOE-10")
    body = BASKET | {"code": "zoé10", "currency": "CHF"}
    told = client.post("/api/v1/codes/validate", json=body, headers=key).get_json()
    assert told["valid"]
    assert (told["code"], told["reason"]) == ("ZOE-10", None)
    assert told["discount"] == {"amount": 1_500, "currency": "CHF"}


def test_a_code_that_does_not_apply_is_an_answer_and_not_an_error(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_code("ZOE10", campaign_id=make_campaign(countries=["US"]).id)
    for code, reason in (("ZOE10", "not_eligible_country"), ("X", "not_found")):
        answer = client.post("/api/v1/codes/validate", json=BASKET | {"code": code}, headers=key)
        told = answer.get_json()
        assert (answer.status_code, told["valid"], told["reason"]) == (200, False, reason)
        assert told["discount"] is None


def test_a_code_of_stripe_s_checkout_gets_its_credit_by_stripe_s_own_id(
    client: FlaskClient, key: dict[str, str]
) -> None:
    campaign, owner = make_campaign(), make_ambassador(member=make_member(external_id="zoe"))
    body = {"code": "ZOE10", "campaign": campaign.slug, "ambassador": "zoe"}
    body["stripe_promotion_code"] = "promo_1"
    assert client.post("/api/v1/codes", json=body, headers=key).status_code == 201
    intake.take_purchases([purchase_fact(promotion_codes=("promo_1",))])
    assert db.session.scalars(sa.select(Attribution.ambassador_id)).all() == [owner.id]
    body |= {"code": "ANA10", "stripe_promotion_code": "x" * 101}
    assert client.post("/api/v1/codes", json=body, headers=key).status_code == 422


def test_a_use_is_reserved_confirmed_released_and_rolled_back(
    client: FlaskClient, key: dict[str, str]
) -> None:
    code = make_code("ZOE10", uses_limit=1)

    def act(path: str, body: Any = None) -> tuple[int, Any]:
        answer = client.post(f"/api/v1/{path}", json=body, headers=key)
        return answer.status_code, answer.get_json()

    body = BASKET | {"order": "1", "mode": "reserve", "expires_in": 60}
    status, held = act("codes/zoe10/redemptions", body)
    assert (status, held["state"]) == (201, "reserved")
    status, refused = act("codes/zoe10/redemptions", body | {"order": "2"})
    assert (status, refused["type"]) == (409, "urn:cercle:problem:limit_reached")
    assert act(f"redemptions/{held['id']}/confirm")[1]["state"] == "redeemed"
    assert act(f"redemptions/{held['id']}/release")[0] == 409
    assert act(f"redemptions/{held['id']}/rollback")[1]["state"] == "rolled_back"
    assert act("codes/zoe10/redemptions", body | {"order": "2"})[0] == 201
    db.session.expire_all()
    assert db.session.get_one(Code, code.id).used == 1


def test_codes_are_made_and_listed_with_their_audit_lines(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_campaign(slug="winter")
    made = client.post("/api/v1/codes", json={"code": "zoe 10", "campaign": "winter"}, headers=key)
    assert (made.status_code, made.get_json()["code"]) == (201, "ZOE-10")
    again = client.post("/api/v1/codes", json={"code": "ZOE10", "campaign": "winter"}, headers=key)
    assert again.status_code == 409
    many = client.post("/api/v1/campaigns/winter/codes", json={"count": 3}, headers=key)
    assert len(many.get_json()["codes"]) == 3
    page = client.get("/api/v1/codes?limit=3", headers=key).get_json()
    rest = client.get(f"/api/v1/codes?limit=3&after={page['next']}", headers=key).get_json()
    assert (len(page["data"]), len(rest["data"]), rest["next"]) == (3, 1, None)
    assert set(db.session.scalars(db.select(AuditLine.act))) >= {"code.create", "code.generate"}


HOSTILE: list[dict[str, Any]] = [
    {"code": "\x00"}, {"code": "\ud800"}, {"code": "x" * 100_000}, {"code": 7}, {"code": None},
    {"currency": "\x00"}, {"currency": "EURO"}, {"subtotal": -1}, {"subtotal": 10**30},
    {"subtotal": 1.5}, {"country": "\x00\x00"}, {"source": "\x00"}, {"source": "x" * 500},
    {"customer": {"external_id": "\x00"}}, {"customer": {"email": "\x00@x.y"}},
    {"customer": {"external_id": "x" * 100_000}},
    {"lines": [{"sku": "\x00", "quantity": 1, "amount": 1}]},
    {"lines": [{"sku": "a", "quantity": 10**30, "amount": 10**30}]}, {"order": "\x00"},
    {"order": "x" * 151}, {"order": ""}, {"mode": "steal"}, {"mode": "reserve", "expires_in": 0},
    {"mode": "reserve", "expires_in": 10**30}, {"mode": "reserve", "expires_in": -5},
    {"surprise": 1}, {"campaign": "\x00"}, {"ambassador": "\x00"}, {"uses_limit": 10**30},
    {"count": 10**30}, {"count": -1}, {"pattern": "\x00####"}, {"pattern": "#" * 10_000},
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("codes/validate", BASKET | {"code": "ZOE10"}),
        ("codes/ZOE10/redemptions", BASKET | {"order": "1"}),
        ("codes/%00/redemptions", BASKET | {"order": "1"}),
        ("codes/%ED%A0%80/redemptions", BASKET | {"order": "1"}),
        ("codes", {"code": "ANA10", "campaign": "winter"}),
        ("campaigns/winter/codes", {"count": 1}),
        ("campaigns/%00/codes", {"count": 1}),
    ],
)
def test_no_body_breaks_the_door(
    app: Flask, client: FlaskClient, key: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    make_campaign(slug="winter")
    make_code("ZOE10")
    for change in HOSTILE:
        answer = client.post(f"/api/v1/{path}", json=body | change, headers=key)
        assert answer.status_code in {200, 201, 400, 404, 409, 422}, (change, answer.status_code)
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "redemptions/99999999999999999999999/confirm", "redemptions/0/release",
        "redemptions/9223372036854775807/rollback", "redemptions/-1/confirm",
    ],
)  # fmt: skip
def test_a_redemption_that_cannot_be_is_not_found(
    client: FlaskClient, key: dict[str, str], path: str
) -> None:
    assert client.post(f"/api/v1/{path}", headers=key).status_code == 404
    assert db.session.query(Redemption).count() == 0


@pytest.mark.parametrize(
    "query", ["campaign=%00", "limit=0", "after=-1", "after=9999999999999999999"]
)
def test_a_list_with_an_odd_query_is_answered(
    client: FlaskClient, key: dict[str, str], query: str
) -> None:
    assert client.get(f"/api/v1/codes?{query}", headers=key).status_code in {200, 422}


@pytest.mark.parametrize("path", ["codes/validate", "codes/GUESS{n}/redemptions"])
def test_a_key_that_guesses_codes_has_to_wait(
    client: FlaskClient, key: dict[str, str], path: str
) -> None:
    make_code("ZOE10")
    statuses = []
    for n in range(31):
        body = BASKET | ({"code": f"GUESS{n}"} if path == "codes/validate" else {"order": "1"})
        answer = client.post(f"/api/v1/{path.format(n=n)}", json=body, headers=key)
        statuses.append(answer.status_code)
    assert statuses[-1] == 429
    assert set(statuses[:-1]) <= {200, 409}


def test_one_code_is_read_as_people_write_it_and_misses_are_counted(
    client: FlaskClient, key: dict[str, str]
) -> None:
    make_code("ZOE-10")
    told = client.get("/api/v1/codes/zoé 10", headers=key)
    assert (told.status_code, told.get_json()["code"]) == (200, "ZOE-10")
    answers = [client.get(f"/api/v1/codes/NO{n}", headers=key).status_code for n in range(32)]
    assert answers == [404] * 30 + [429] * 2
    assert client.get("/api/v1/codes/ZOE10", headers=key).status_code == 429


def test_a_body_where_none_belongs_is_refused(client: FlaskClient, key: dict[str, str]) -> None:
    make_code("ZOE10")
    body = BASKET | {"order": "1", "mode": "reserve"}
    path = "/api/v1/codes/ZOE10/redemptions"
    held = client.post(path, json=body, headers=key).get_json()
    path = f"/api/v1/redemptions/{held['id']}/confirm"
    assert client.post(path, json={"expires_in": 60}, headers=key).status_code == 422
    assert client.post(path, json={}, headers=key).get_json()["state"] == "redeemed"
