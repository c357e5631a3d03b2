"""Redeem on the portal and its pages of the console: said before it is taken, given once."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from core.db import db
from core.money import POINTS
from rewards import exchanges, points, purse, vouchers
from rewards.models import Exchange, Voucher, VoucherTake
from rewards.models_points import PointsGrant
from tests import queries
from tests.factories import make_ambassador, make_campaign, make_user, sign_in
from tests.rewards.test_exchanges import make_perk
from tests.rewards.test_vouchers import made


class Me:
    """An ambassador at the portal."""

    def __init__(self, app: Flask, count: int = 0) -> None:
        user = make_user(RoleName.AMBASSADOR)
        self.id = make_ambassador(user_id=user.id).id
        if count:
            points.grant(self.id, count, reason="for the test", key=f"me:{self.id}")
        self.browser: FlaskClient = app.test_client()
        sign_in(self.browser, user)

    def check(self, code: str, status: int = 200) -> str:
        answer = self.browser.post("/portal/redeem", data={"code": code})
        assert answer.status_code == status, answer.text
        return str(answer.text)

    def hidden(self, page: str, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]+)"', page)
        assert found
        return found[1]


@pytest.fixture
def me(app: Flask) -> Me:
    return Me(app, 300)


def test_a_code_says_what_it_gives_before_and_gives_it_once_after(app: Flask, me: Me) -> None:
    voucher_id = made("WORKSHOP", takes_limit=5).id
    page = me.check("work shop")
    assert "40 points" in page
    assert purse.available(me.id, POINTS) == 300
    token = me.hidden(page, "token")
    for _ in range(3):  # tapped three times
        answer = me.browser.post("/portal/redeem/take", data={"token": token})
        assert answer.status_code == 303
    assert "340 points" in me.browser.get(answer.location).text
    db.session.expire_all()
    assert db.session.get_one(Voucher, voucher_id).taken == 1
    again = me.browser.post("/portal/redeem", data={"code": "WORKSHOP"})
    assert (again.status_code, again.location) == (303, answer.location)


def test_an_invitation_leads_to_a_code_and_link_ready_to_share(app: Flask, me: Me) -> None:
    made("COME-ALONG", takes_limit=5, points=0, campaign_id=make_campaign(name="Pear").id)
    token = me.hidden(me.check("comealong"), "token")
    answer = me.browser.post("/portal/redeem/take", data={"token": token})
    page = me.browser.get(answer.location).text
    assert "data-share=" in page
    assert "/r/" in page


def test_all_that_gives_nothing_is_one_answer_after_the_same_work(app: Flask, me: Me) -> None:
    used = made("USED-UP", takes_limit=1, points=0, campaign_id=make_campaign().id)
    vouchers.take(used.id, make_ambassador().id)
    frozen = made("STOPPED", takes_limit=5)
    vouchers.freeze(frozen.batch, reason="leaked")
    db.session.commit()
    pages, counts = set(), set()
    for code in ("NOT-THERE", "USED-UP", "STOPPED"):
        with queries.counted() as seen:
            page = me.check(code, 422)
        counts.add(len(seen))
        pages.add(re.sub(r'nonce="[^"]+"|value="[^"]*"', "", page))
    assert len(pages) == 1
    assert len(counts) == 1


def test_guessing_ends_after_ten_checks_a_minute_for_a_network(app: Flask) -> None:
    someone, other = Me(app), Me(app)
    for _ in range(5):
        someone.check("GUESS", 422)
        other.check("GUESS", 422)
    made("REAL-ONE", takes_limit=5)
    answer = other.browser.post("/portal/redeem", data={"code": "REAL-ONE"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 60


def test_a_person_cannot_guess_on_from_other_networks(app: Flask, me: Me) -> None:
    for n in range(11):
        answer = me.browser.post(
            "/portal/redeem", data={"code": "GUESS"},
            environ_overrides={"REMOTE_ADDR": f"203.0.113.{n}"},
        )  # fmt: skip
    assert answer.status_code == 429


@pytest.mark.parametrize("token", ["", "x", "WzEsMV0.bad"])
def test_nothing_is_taken_without_a_check(app: Flask, me: Me, token: str) -> None:
    answer = me.browser.post("/portal/redeem/take", data={"token": token})
    assert answer.status_code == 404


def test_a_token_of_somebody_else_and_their_things_are_not_found(app: Flask, me: Me) -> None:
    other = Me(app, 300)
    voucher = made("WORKSHOP", takes_limit=5)
    token = other.hidden(other.check("WORKSHOP"), "token")
    assert me.browser.post("/portal/redeem/take", data={"token": token}).status_code == 404
    take = vouchers.take(voucher.id, other.id)
    perk = make_perk()
    done = exchanges.exchange(other.id, perk.id, seen=100, key="x")
    db.session.commit()
    for path in (f"codes/{take.id}", f"exchanges/{done.id}", "codes/999", "exchanges/999"):
        assert me.browser.get(f"/portal/redeem/{path}").status_code == 404
        expected = 404 if path.endswith("999") else 200
        assert other.browser.get(f"/portal/redeem/{path}").status_code == expected


def test_a_perk_is_confirmed_then_exchanged_once_however_often_it_is_sent(
    app: Flask, me: Me
) -> None:
    perk_id = make_perk().id
    assert "A pot" in me.browser.get("/portal/redeem?lang=en").text
    page = me.browser.get(f"/portal/redeem/perks/{perk_id}").text
    assert "200 points" in page
    sent = {"seen": me.hidden(page, "seen"), "once": me.hidden(page, "once")}
    places = {
        me.browser.post(f"/portal/redeem/perks/{perk_id}", data=sent).location for _ in range(3)
    }
    assert len(places) == 1
    assert purse.available(me.id, POINTS) == 200
    assert db.session.scalar(sa.select(sa.func.count(Exchange.id))) == 1


def test_too_few_points_and_changed_prices_are_told(app: Flask, me: Me) -> None:
    dear, perk_id = make_perk(price=301).id, make_perk().id
    for path, seen in ((dear, 301), (perk_id, 99)):
        answer = me.browser.post(
            f"/portal/redeem/perks/{path}", data={"seen": seen, "once": "a" * 16}
        )
        assert answer.status_code == 409
    assert purse.available(me.id, POINTS) == 300


@pytest.fixture
def marketer(app: Flask) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, make_user(RoleName.MARKETER))
    return browser


def acts() -> list[str]:
    return list(db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id)))


def test_a_marketer_makes_vouchers_saves_the_file_and_freezes_them(
    app: Flask, marketer: FlaskClient
) -> None:
    form: dict[str, Any] = {
        "kind": "box", "name_fr": "La boîte", "name_en": "The box", "points": "40", "count": "30",
        "pattern": "BOX-####-####-####", "takes_limit": "1", "per_person": "1",
        "perk_id": "", "campaign_id": "",
    }  # fmt: skip
    assert marketer.post("/console/vouchers/new", data=form | {"count": "x"}).status_code == 422
    answer = marketer.post("/console/vouchers/new", data=form)
    assert answer.status_code == 303
    lines = marketer.post(f"{answer.location}/codes.csv").text.splitlines()
    assert len(lines) == 31
    (first, *_) = db.session.scalars(sa.select(Voucher).order_by(Voucher.id))
    marketer.post(f"{answer.location}/freeze", data={"reason": "lost", "voucher": first.id})
    marketer.post(f"{answer.location}/freeze", data={"reason": "stolen"})
    assert [a for a in acts() if a.startswith("voucher")] == [
        "voucher.create", "voucher.export", "voucher.freeze", "voucher.freeze",
    ]  # fmt: skip
    assert "frozen" in marketer.get(f"{answer.location}?lang=en").text


def test_a_marketer_adds_changes_and_cancels_a_perk(app: Flask, marketer: FlaskClient) -> None:
    form = {"kind": "product", "name_fr": "Un pot", "name_en": "A pot", "price": "100",
            "unit": "PTS", "stock": "5", "cost": "5,20", "campaign_id": ""}  # fmt: skip
    assert marketer.post("/console/perks/new", data=form | {"price": "1.5"}).status_code == 422
    place = marketer.post("/console/perks/new", data=form).location
    assert marketer.post(f"{place}/edit", data=form | {"price": "120"}).status_code == 303
    me = Me(app, 300)
    done_id = exchanges.exchange(me.id, int(place.rsplit("/", 1)[1]), seen=120, key="x").id
    db.session.commit()
    assert "to hand over" in marketer.get(f"{place}?lang=en").text
    path = f"/console/perks/exchanges/{done_id}"
    assert marketer.post(f"{path}/hand-over").status_code == 303
    assert marketer.post(f"{path}/cancel", data={}).status_code == 422
    assert marketer.post(f"{path}/cancel", data={"reason": "broken"}).status_code == 303
    assert marketer.post(f"{path}/cancel", data={"reason": "broken"}).status_code == 409
    assert purse.available(me.id, POINTS) == 300
    assert marketer.post(f"{place}/freeze").status_code == 303
    assert marketer.post(f"{place}/nonsense").status_code == 404


def test_points_of_one_form_are_given_once(app: Flask, marketer: FlaskClient) -> None:
    made_ = make_ambassador()
    made_.member.external_id = "M-1"
    db.session.commit()
    form = {"ambassador": "M-1", "points": "50", "reason": "helped", "token": "t"}
    for _ in range(2):
        assert marketer.post("/console/vouchers/points", data=form).status_code == 303
    assert purse.available(made_.id, POINTS) == 50
    wrong = form | {"points": "-51", "token": "u"}
    assert marketer.post("/console/vouchers/points", data=wrong).status_code == 422
    assert db.session.scalar(sa.select(sa.func.count(PointsGrant.id))) == 1
    assert db.session.scalar(sa.select(sa.func.count(VoucherTake.id))) == 0
