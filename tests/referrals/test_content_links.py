"""What ambassadors published: handed in as https addresses, seen once by the team, thanked for."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import User
from ambassadors.models import Ambassador
from core.db import db
from core.errors import InvalidInputError
from referrals import content_links
from referrals.models import Code
from referrals.models_content import ContentLink
from tests.factories import make_ambassador, make_code, make_user, must, sign_in

POST = "https://www.instagram.com/p/abc"


@pytest.fixture
def zoe(app: Flask) -> Ambassador:
    """Zoé, with a code in one campaign."""
    ambassador = make_ambassador(user_id=make_user("ambassador").id)
    make_code("ZOE15", ambassador_id=ambassador.id)
    db.session.commit()
    return ambassador


def _campaign_id() -> int:
    return must(db.session.scalar(sa.select(Code.campaign_id).where(Code.text == "ZOE15")))


@pytest.mark.parametrize(
    "address",
    [
        "", "instagram.com/p/abc", "http://www.instagram.com/p/abc", "javascript:alert(1)",
        "https://evil.tld\\@shop.example", "https://me:secret@shop.example/",
        "https://localhost/x", "https://shop.example/<script>", "https://x.example/" + "a" * 500,
    ],
)  # fmt: skip
def test_only_a_whole_https_address_is_taken(zoe: Ambassador, address: str) -> None:
    with pytest.raises(InvalidInputError):
        content_links.hand_in(zoe.id, _campaign_id(), address)


def test_a_link_is_for_a_campaign_of_ones_own(zoe: Ambassador) -> None:
    others = make_code("ANA15").campaign_id
    with pytest.raises(InvalidInputError):
        content_links.hand_in(zoe.id, others, POST)


def test_the_same_link_twice_is_one(app: Flask, zoe: Ambassador) -> None:
    browser = app.test_client()
    sign_in(browser, db.session.get_one(User, zoe.user_id))
    for _ in range(2):
        answer = browser.post(
            "/portal/share/content", data={"url": POST, "campaign": _campaign_id()}
        )
        assert answer.status_code == 303
    assert db.session.scalar(sa.select(sa.func.count(ContentLink.id))) == 1
    refused = browser.post("/portal/share/content", data={"url": "x", "campaign": _campaign_id()})
    assert refused.status_code == 422


def test_the_team_sees_it_once_and_the_ambassador_reads_the_thanks(
    app: Flask, zoe: Ambassador
) -> None:
    content_links.hand_in(zoe.id, _campaign_id(), POST)
    marketer, browser = app.test_client(), app.test_client()
    sign_in(marketer, make_user("marketer"))
    sign_in(browser, db.session.get_one(User, zoe.user_id))
    number = must(db.session.scalar(sa.select(ContentLink.id)))
    assert POST in marketer.get("/console/content").text
    path = f"/console/content/{number}/thank"
    assert marketer.post(path, data={"thanks": "Lovely, thank you"}).status_code == 303
    assert marketer.post(path, data={"thanks": "again"}).status_code == 409
    assert "Lovely, thank you" in browser.get("/portal/share/content").text
    assert "Lovely, thank you" in marketer.get("/console/content?show=seen").text
