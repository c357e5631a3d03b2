"""A reward for members of a circle: by the circle as it was when the order was made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import circles, stays
from ambassadors.models import Ambassador, Circle, CircleStay
from campaigns.models import RewardKind
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Purchase
from rewards import explained_words, explanations, intake, verify
from rewards.models import Commission, PurchaseReward
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)  # fmt: skip
from tests.queries import counted
from tests.rewards.test_conditional_rewards import case, earns

HOUR = timedelta(hours=1)


@pytest.fixture
def circle(app: Flask) -> Circle:
    return circles.create("VIP", capacity=1)


def zoe(circle: Circle, **rule: Any) -> Ambassador:
    """Add an ambassador whose campaign gives more to who is in the circle."""
    user = make_user(RoleName.AMBASSADOR)
    who = make_ambassador(member=make_member(name="Zoé"), user_id=user.id)
    reward = {"cases": [case(rate=1500, circle_id=circle.id)]} | rule
    campaign = make_campaign(rule=reward)
    make_code("ZOE10", campaign_id=campaign.id, ambassador_id=who.id)
    return who


def buy(after: timedelta = timedelta(), **told: Any) -> facts.Purchase:
    return purchase_fact(codes=("ZOE10",), occurred_at=NOW + after, **told)


def join(circle: Circle, who: Ambassador, after: timedelta) -> None:
    with clock.frozen(NOW + after):
        circles.join(circle, who.member_id)


def leave(circle: Circle, who: Ambassador, after: timedelta) -> None:
    with clock.frozen(NOW + after):
        circles.leave(circle, who.member_id)


def test_the_moment_of_the_order_decides_whenever_it_is_told(circle: Circle) -> None:
    who = zoe(circle)
    join(circle, who, HOUR)
    leave(circle, who, 3 * HOUR)
    join(circle, who, 5 * HOUR)
    told = [buy(hours * HOUR) for hours in (0, 1, 2, 3, 4, 6)]
    with clock.frozen(NOW + timedelta(days=40)):
        assert earns(*told) == [1000, 1500, 1500, 1000, 1000, 1500]


def test_a_late_order_earns_what_it_had_earned_at_once(circle: Circle) -> None:
    who = zoe(circle)
    join(circle, who, timedelta())
    with clock.frozen(NOW + HOUR):
        assert earns(buy(HOUR)) == [1500]
    leave(circle, who, 2 * HOUR)
    with clock.frozen(NOW + timedelta(days=9)):
        assert earns(buy(HOUR), buy(3 * HOUR)) == [1500, 1000]


def test_who_waits_for_a_seat_is_not_in_yet(circle: Circle) -> None:
    who, other = zoe(circle), make_ambassador()
    join(circle, other, timedelta())
    join(circle, who, timedelta())
    with clock.frozen(NOW + HOUR):
        assert earns(buy(HOUR)) == [1000]
    leave(circle, other, 2 * HOUR)  # the seat becomes theirs
    with clock.frozen(NOW + 3 * HOUR):
        assert earns(buy(3 * HOUR)) == [1500]


def test_points_and_fixed_amounts_ask_for_the_circle_too(circle: Circle) -> None:
    pays = case(amount=90, circle_id=circle.id)
    who = zoe(circle, kind=RewardKind.POINTS, rate=None, amount=50, cases=[pays])
    join(circle, who, HOUR)
    with clock.frozen(NOW + 2 * HOUR):
        intake.take_purchases([buy(), buy(HOUR)])
        assert verify.breaches() == []
    query = sa.select(PurchaseReward.points).order_by(PurchaseReward.points)
    assert list(db.session.scalars(query)) == [50, 90]


def test_a_product_and_a_circle_are_both_asked(circle: Circle) -> None:
    who = zoe(circle, cases=[case(rate=3000, products=["TEA"], circle_id=circle.id)])
    lines = (
        facts.Line(sku="TEA", quantity=1, amount=4_000),
        facts.Line(sku="POT", quantity=1, amount=6_000),
    )
    join(circle, who, HOUR)
    with clock.frozen(NOW + 2 * HOUR):
        assert earns(buy(lines=lines), buy(HOUR, lines=lines)) == [1000, 1800]


def test_the_explanation_names_the_circle(circle: Circle, client: FlaskClient) -> None:
    who = zoe(circle)
    join(circle, who, timedelta())
    earns(buy())
    leave(circle, who, HOUR)
    made = db.session.scalars(sa.select(Commission)).one()
    one = must(explanations.one(made.purchase_id, made.ambassador_id))
    said = "15\u202f% of EUR\u00a0100.00 are EUR\u00a015.00 (for ambassadors in the circle “VIP”)."
    assert explained_words.simple(one) == said
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/commissions/{made.purchase_id}/{made.ambassador_id}?lang=en")
    assert "for ambassadors in the circle “VIP”" in page.text


def test_a_rate_that_the_circle_does_not_allow_is_found(circle: Circle) -> None:
    who = zoe(circle)
    join(circle, who, timedelta())
    earns(buy())
    db.session.execute(sa.update(CircleStay).values(since=NOW + HOUR))
    assert [one.invariant for one in verify.breaches()] == ["M4"]


def test_an_erased_member_s_purchases_stay_right(circle: Circle) -> None:
    who = zoe(circle)
    join(circle, who, timedelta())
    earns(buy())
    leave(circle, who, HOUR)  # as an erasure does
    assert verify.breaches() == []
    known = stays.of_ambassadors([who.id], [circle.id])
    assert known.at(who.id, NOW) == {circle.id}
    assert known.at(who.id, NOW + HOUR) == frozenset()


def test_a_rule_without_circles_asks_nothing_about_them(app: Flask) -> None:
    make_code("ZOE10", campaign_id=make_campaign(rule={"cases": [case(rate=5, buyer="new")]}).id)
    with counted() as seen:
        intake.take_purchases([buy()])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Purchase)) == 1
    assert not [text for text in seen if "circle" in text]
