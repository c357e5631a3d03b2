"""The door of referral links: what counts, where it leads, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ambassadors import program
from core.changes import FactChange
from core.db import db
from referrals import clicks, links
from referrals.models import Click, ClickKind
from tests.factories import make_ambassador, make_campaign

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
OLD_BROWSER = {name: BROWSER[name] for name in ("User-Agent", "Accept")}


@pytest.fixture
def slug(app: Flask) -> Iterator[str]:
    program.set_rules({"shop_url": "https://shop.example", "allowed_hosts": "blog.example"})
    campaign = make_campaign(landing_url="https://shop.example/pear?a=1")
    links.create(campaign_id=campaign.id, ambassador_id=make_ambassador().id, slug="zoe")
    db.session.commit()
    clicks.of_app().forget()
    yield "zoe"
    clicks.of_app().forget()


def _clicks() -> list[Click]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Click).order_by(Click.id)))


def test_a_visit_is_counted_and_led_to_the_landing_page(client: FlaskClient, slug: str) -> None:
    answer = client.get("/r/ZOE", headers=BROWSER | {"Referer": "https://insta.example/p/1"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "https://shop.example/pear?a=1"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    (click,) = _clicks()
    assert click.kind is ClickKind.VISIT
    assert not click.has_consent
    assert not click.is_paid_traffic
    assert click.referrer_host == "insta.example"
    assert click.ip_hash is not None
    assert "127.0.0.1" not in click.ip_hash
    marks = db.session.execute(sa.select(FactChange.fact, FactChange.month)).all()
    assert ("clicks", "2026-03") in [tuple(mark) for mark in marks]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"Sec-Purpose": "prefetch;prerender"}, ClickKind.PREFETCH),
        ({"Purpose": "prefetch"}, ClickKind.PREFETCH),
        ({"X-Moz": "prefetch"}, ClickKind.PREFETCH),
        ({"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, ClickKind.EMBEDDED),
        ({"Sec-Fetch-Dest": "iframe"}, ClickKind.EMBEDDED),
        ({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, ClickKind.EMBEDDED),
        ({"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, ClickKind.BOT),
        ({"User-Agent": "WhatsApp/2.23"}, ClickKind.BOT),
        ({"User-Agent": "facebookexternalhit/1.1"}, ClickKind.BOT),
        ({"User-Agent": "curl/8.0"}, ClickKind.BOT),
        ({"User-Agent": ""}, ClickKind.BOT),
    ],
)
def test_what_is_no_persons_visit_is_kept_apart_and_not_followed(
    client: FlaskClient, slug: str, change: dict[str, str], kind: ClickKind
) -> None:
    answer = client.get("/r/zoe?consent=1", headers=BROWSER | change)
    assert answer.status_code == 302
    assert "click_id" not in answer.headers["Location"]
    assert "Set-Cookie" not in answer.headers
    assert [click.kind for click in _clicks()] == [kind]


def test_a_head_request_is_kept_apart(client: FlaskClient, slug: str) -> None:
    assert client.head("/r/zoe", headers=BROWSER).status_code == 302
    assert [click.kind for click in _clicks()] == [ClickKind.HEAD]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("text/html,*/*;q=0.8", ClickKind.VISIT), ("image/avif,*/*", ClickKind.EMBEDDED),
     ("*/*", ClickKind.BOT), ("", ClickKind.BOT)],
)  # fmt: skip
def test_an_old_browser_is_judged_by_what_it_accepts(accept: str, kind: ClickKind) -> None:
    assert clicks.kind_of("GET", OLD_BROWSER | {"Accept": accept}) is kind


def test_with_consent_the_click_id_goes_to_the_shop_and_into_a_cookie(
    client: FlaskClient, slug: str
) -> None:
    answer = client.get("/r/zoe?consent=1", headers=BROWSER)
    (click,) = _clicks()
    assert click.has_consent
    assert answer.headers["Location"] == f"https://shop.example/pear?a=1&click_id={click.token}"
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(c.startswith(f"cercle_click={click.token};") for c in cookies)
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    again = client.get("/r/zoe", headers=BROWSER)
    assert "click_id=" in again.headers["Location"]


def test_consent_can_be_taken_back(client: FlaskClient, slug: str) -> None:
    client.get("/r/zoe?consent=1", headers=BROWSER)
    answer = client.get("/r/zoe?consent=0", headers=BROWSER)
    assert "click_id" not in answer.headers["Location"]
    after = client.get("/r/zoe", headers=BROWSER)
    assert "click_id" not in after.headers["Location"]
    assert [click.has_consent for click in _clicks()] == [True, False, False]


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("https://shop.example/plum", "https://shop.example/plum"),
        ("https://blog.example/x?y=1", "https://blog.example/x?y=1"),
        ("https://evil.example/", "https://shop.example/pear?a=1"),
        ("https://evil.example\\@shop.example", "https://shop.example/pear?a=1"),
        ("//shop.example", "https://shop.example/pear?a=1"),
    ],
)
def test_another_page_may_be_asked_for_on_named_hosts_only(
    client: FlaskClient, slug: str, to: str, location: str
) -> None:
    answer = client.get("/r/zoe", query_string={"to": to}, headers=BROWSER)
    assert answer.headers["Location"] == location


@pytest.mark.parametrize("query", ["gclid=x", "msclkid=1", "utm_medium=CPC", "ttclid="])
def test_paid_traffic_is_marked(client: FlaskClient, slug: str, query: str) -> None:
    client.get(f"/r/zoe?{query}", headers=BROWSER)
    assert [click.is_paid_traffic for click in _clicks()] == [True]


def test_a_share_on_a_social_network_is_not_paid_traffic() -> None:
    assert not clicks.is_paid_traffic({"fbclid": "x", "utm_medium": "social"})


def test_an_unknown_link_is_not_found(client: FlaskClient, slug: str) -> None:
    assert client.get("/r/nobody", headers=BROWSER).status_code == 404
    assert _clicks() == []


def test_the_same_network_gives_the_same_hash_and_no_address_can_be_read_from_it(
    app: Flask,
) -> None:
    link = clicks.KnownLink(1, "https://shop.example/", frozenset(), 30, "Europe/Paris")
    common: dict[str, Any] = {
        "kind": ClickKind.VISIT, "has_consent": False, "query": {}, "referrer": "http://[",
    }  # fmt: skip

    def hashed(address: str | None) -> str | None:
        return clicks.visit(link, address=address, **common).ip_hash

    assert hashed("2001:db8::1") == hashed("2001:db8::2")
    assert hashed("2001:db8::1") != hashed("2001:db8:0:1::1")
    assert hashed("192.0.2.1") != hashed("192.0.2.2")
    assert hashed("not an address") is None


def test_a_database_that_is_away_stops_no_redirect_of_a_link_seen_before(
    client: FlaskClient, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/r/zoe", headers=BROWSER)
    known = clicks.of_app()

    def away(*_: object) -> None:
        raise sa.exc.OperationalError("locked", {}, Exception("locked"))

    monkeypatch.setattr(clicks, "find", away)
    monkeypatch.setattr(clicks, "REMEMBERED", 0.0)
    monkeypatch.setattr(known.buffer, "_write", away)
    monkeypatch.setattr(known.buffer, "_ensure_thread", lambda: None)
    answer = client.get("/r/zoe", headers=BROWSER)
    assert answer.headers["Location"] == "https://shop.example/pear?a=1"
    monkeypatch.undo()
    assert len(known.buffer) == 1
    assert known.buffer.flush() == 1
    assert len(_clicks()) == 2
