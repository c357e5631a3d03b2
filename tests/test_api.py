"""The API as a whole: its document is valid and true, and no body breaks any call."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Scope
from core import api
from core.db import db
from referrals import api as codes_api
from tests.factories import make_ambassador, make_campaign, make_code, make_key, make_member

LONGEST = 3.0  # seconds for one answer
FEWEST = 200  # hostile bodies for each call that takes one

GOOD: dict[str, dict[str, Any]] = {
    "PurchaseIn": {
        "external_id": "A-1", "occurred_at": "2026-03-01T12:00:00+01:00", "currency": "EUR",
        "total": 11_500, "tax": 1_000, "shipping": 500, "discount": 0, "codes": ["ZOE10"],
        "customer": {"email": "friend@example.com", "country": "FR", "external_id": "c1"},
        "lines": [{"sku": "a", "quantity": 1, "amount": 100}], "click_id": "abc",
        "subscription": {"external_id": "s", "period_index": 0}, "heard_from": "a friend",
        "status": "paid", "test": False, "source": "api",
    },
    "RefundIn": {
        "external_id": "R-1", "purchase": {"external_id": "A-1", "source": "api"}, "amount": 1,
        "occurred_at": "2026-03-02T12:00:00Z", "source": "api",
    },
    "SurveyAnswerIn": {
        "answer": "a friend", "question": "heard_from",
        "purchase": {"external_id": "A-1", "source": "api"},
    },
    "NpsScoreIn": {
        "customer": {"email": "a@b.example", "external_id": "x", "source": "api"}, "score": 9,
        "answered_at": "2026-03-02T12:00:00Z",
    },
    "BasketIn": {
        "code": "ZOE10", "currency": "EUR", "subtotal": 1000, "country": "CH", "source": "api",
        "customer": {"email": "a@b.example", "external_id": "x"},
        "lines": [{"sku": "a", "quantity": 1, "amount": 100}],
    },
    "RedemptionIn": {
        "order": "o", "currency": "EUR", "subtotal": 1000, "mode": "reserve", "expires_in": 60,
        "source": "api", "country": "CH", "customer": {"email": "a@b.example", "external_id": "x"},
        "lines": [{"sku": "a", "quantity": 1, "amount": 100}],
    },
    "CodeIn": {
        "code": "SUMMER", "campaign": "spring", "ambassador": "crm-7", "uses_limit": 1,
        "stripe_promotion_code": "promo_1",
    },
    "CodesIn": {"count": 1, "pattern": "X-####-####", "ambassador": "crm-7"},
    "MemberIn": {
        "name": "Ann", "email": "ann@b.example", "external_id": "m1", "country": "CH",
        "locale": "fr", "joined_on": "2026-01-01",
    },
    "AmbassadorIn": {
        "name": "Bob", "email": "bob@b.example", "external_id": "m2", "country": "CH",
        "locale": "fr", "joined_on": "2026-01-01", "kind": "customer", "status": "active",
    },
    "SpendBody": {
        "channel": "paid", "on": "2026-01-01", "amount": 1, "currency": "EUR", "kind": "media",
        "key": "k", "note": "",
    },
}  # fmt: skip
GOOD["BatchIn"] = {
    "purchases": [
        {"external_id": "B-1", "occurred_at": "2026-03-01T12:00:00Z", "currency": "EUR", "total": 1}
    ]
}

VALUES: list[Any] = [
    None, True, -1, 0, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 1.5, 1e308,
    "", " ", "x" * 61, "x" * 300, "x" * 20_000, "\x00", "a\x00b", "\ud800", "a\udfffb",
    "\u202e\u200b", "é" * 10, "😀", "ZZZ", "eur", "NaN", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-13-01T00:00:00Z", "9999-12-31", "0001-01-01",
    "'; DROP TABLE purchase;--", "../../etc/passwd", "{{ 7*7 }}", "=1+1", "\r\nX: y", "a@b",
    "a@b\x00.example", "x" * 250 + "@example.com", [], {}, [[]], [None], ["\x00"], ["x"] * 5_000,
    {"a": 1}, [{}], {"external_id": "\x00"}, {"email": 5}, {"email": "\ud800@x.example"},
    [{"sku": "x", "quantity": 2**63 - 1, "amount": 2**63 - 1}] * 3,
    [{"sku": "x", "quantity": -1, "amount": -5}], [{"sku": "", "quantity": 0, "amount": 0}],
]  # fmt: skip
RAW = [
    b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff\xfe", b"\x00", b"{}", b'{"a":1}',
    b"[" * 10_000, b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"purchases":' * 10_000, b'{"purchases":[' + b"[" * 10_000 + b"]" * 10_000 + b"]}",
    b'{"external_id": NaN}', b'{"total": Infinity}', b'{"total": 1e999}',
    b'{"total": ' + b"9" * 5_000 + b"}", b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"),
    b'{"external_id": "a", "external_id": "b"}', b'{"a": "\xed\xa0\x80"}', b" " * 1_000_000,
    b"[" + b"1," * 500_000 + b"1]", b'{"a": "' + b"x" * 10_000_000 + b'"}',
    gzip.compress(b"0" * 20_000_000),
]  # fmt: skip
PATHS = {
    "name": "cac", "slug": "spring", "code": "ZOE10", "source": "api", "external_id": "A-1",
    "redemption_id": "1", "member_id": "1", "ambassador_id": "1", "job_id": "1",
}  # fmt: skip
HARD_PATHS = (
    "%00", "%ED%A0%80", "%FF", "-1", "0", "9223372036854775808", "9" * 40, "x" * 3000, "..%2f..",
    "%F0%9F%98%80", "%0d%0a", "%27",
)  # fmt: skip
HARD_QUERIES = (
    "limit=-1", "limit=99999999999999999999", "limit=%00", "limit=1.5", "limit=", "limit=%D9%A3",
    "after=%00", "after=-1", "after=9999999999999999999", "after=999999999999999999", "q=%00",
    "q=%ED%A0%80", "q=%25_", "status=x", "kind=%00", "campaign=%00", "from=%00", "from=2026-13",
    "from=0000-01&to=9999-12", "from=1900-01&to=2199-12", "from=2026-02&to=2026-01", "to=1900-01",
    "to=2199-12", "currency=%00", "currency=zzz", "currency=JPY", "group_by=x", "lang=%00",
)  # fmt: skip


@pytest.fixture
def key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the header of a key that may do everything, in a program with a code."""
    monkeypatch.setattr(codes_api, "_MISSES", 10**9)  # or most bodies would meet a 429
    campaign = make_campaign(slug="spring")
    owner = make_ambassador(member=make_member(external_id="crm-7"))
    make_code("ZOE10", campaign_id=campaign.id, ambassador_id=owner.id)
    return make_key(*Scope)


def calls(app: Flask) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the method, the path and the description of every call."""
    for path, methods in api.openapi(app)["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def fields(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where each value of a body stands, however deep."""
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for name, one in inner:
        yield (*above, name)
        yield from fields(one, (*above, name))


def put(body: dict[str, Any], place: tuple[str | int, ...], value: Any) -> bytes:
    """Return a body as JSON with another value in one place."""
    changed = json.loads(json.dumps(body))
    inside = changed
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return json.dumps(changed).encode()


def hostile(good: dict[str, Any]) -> list[bytes]:
    """Return bodies that nobody means well with: each value in each field, and no JSON at all."""
    odd = [put(good, ("surprise",), value) for value in VALUES]
    return RAW + odd + [put(good, place, value) for place in fields(good) for value in VALUES]


def body_of(call: dict[str, Any]) -> str:
    """Return the name of the schema of a call's body, or nothing."""
    content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def complaint(client: FlaskClient, method: str, url: str, **sent: Any) -> str | None:
    """Make a request and return what is wrong with its answer, if anything."""
    began = time.monotonic()
    answer = client.open(url, method=method, content_type="application/json", **sent)
    took = time.monotonic() - began
    told = f"{method} {url[:90]} {(sent.get('data') or b'')[:90]!r}: {answer.status_code}"
    if answer.status_code >= 500:
        return told
    if took > LONGEST:
        return f"{told} after {took:.1f} s"
    if answer.status_code >= 400 and answer.mimetype != "application/problem+json":
        return f"{told} as {answer.mimetype}"
    if answer.status_code >= 400 and answer.get_json()["status"] != answer.status_code:
        return f"{told} says otherwise inside"
    return None


def test_every_call_that_takes_a_body_has_a_good_one_to_spoil(app: Flask) -> None:
    assert {name for _, _, call in calls(app) if (name := body_of(call))} == set(GOOD)


def test_no_body_breaks_any_call(app: Flask, client: FlaskClient, key: dict[str, str]) -> None:
    wrong = []
    for method, path, call in calls(app):
        if method != "post":
            continue
        name = body_of(call)
        bodies = hostile(GOOD[name]) if name else RAW
        assert not name or len(bodies) >= FEWEST
        url = path.format(**PATHS)
        wrong += [complaint(client, method, url, data=body, headers=key) for body in bodies]
    assert not list(filter(None, wrong))


def test_no_address_breaks_any_call(app: Flask, client: FlaskClient, key: dict[str, str]) -> None:
    wrong = []
    for method, path, call in calls(app):
        good = json.dumps(GOOD.get(body_of(call))).encode()
        places = [path.format(**dict.fromkeys(PATHS, odd)) for odd in HARD_PATHS if "{" in path]
        asked = [f"{path.format(**PATHS)}?{query}" for query in HARD_QUERIES]
        wrong += [complaint(client, method, url, data=good, headers=key) for url in places + asked]
    assert not list(filter(None, wrong))


def test_an_odd_idempotency_key_is_a_problem(
    app: Flask, client: FlaskClient, key: dict[str, str]
) -> None:
    for odd in ("", "x" * 256, "é", "a\tb"):
        headers = key | {"Idempotency-Key": odd}
        answer = client.post("/api/v1/spend", json=GOOD["SpendBody"], headers=headers)
        assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")


def test_the_document_describes_every_call_of_the_api(app: Flask) -> None:
    described = {(method.upper(), path) for method, path, _ in calls(app)}
    served = {
        (method, api._PATH_PARAMETER.sub(r"{\2}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api_description.document"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == served
    names = [call["operationId"] for _, _, call in calls(app)]
    assert len(names) == len(set(names))


def test_the_document_says_how_to_repeat_and_when_to_come_back(app: Flask) -> None:
    for method, path, call in calls(app):
        repeats = {"$ref": "#/components/parameters/IdempotencyKey"} in call["parameters"]
        assert repeats == (method == "post"), path
        assert "Retry-After" in call["responses"]["default"]["headers"]
        for status, answer in call["responses"].items():
            assert "content" in answer, (path, status)


def test_the_page_of_the_api_shows_every_call(app: Flask, client: FlaskClient) -> None:
    page = client.get("/api/docs?lang=en").get_data(as_text=True)
    for method, path, _ in calls(app):
        assert f"{method.upper()} {path}</h2>" in page
    assert page.count("<code>Idempotency-Key</code>") == sum(
        method == "post" for method, _, _ in calls(app)
    )


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_answers_are_as_the_document_says_whatever_is_asked(
    app: Flask, key: dict[str, str]
) -> None:
    def served(environ: Any, start: Any) -> Any:
        db.session.commit()
        with app.app_context():  # a context for each request, as on a server
            return list(app.wsgi_app(environ, start))

    load_all_checks()
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", served)
    checks = [
        not_a_server_error, status_code_conformance, content_type_conformance,
        response_schema_conformance,
    ]  # fmt: skip
    seen, statuses = 0, Counter[int]()
    for found in document.get_all_operations():
        assert isinstance(found, Ok), "the document cannot be read"
        operation = found.ok()

        @settings(
            max_examples=25, derandomize=True, database=None, deadline=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=key)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=checks)

        ask()
        seen += 1
    assert seen == len(list(calls(app)))
    assert not statuses[401]
    assert {200, 201, 404, 409, 422} <= set(statuses), "both sides of the calls are tried"
