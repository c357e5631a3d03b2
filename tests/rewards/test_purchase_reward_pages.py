"""Where points and perks of purchases are read: portal, console, API, one's own data."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName, Scope, User
from ambassadors.models import Ambassador
from campaigns.models import Campaign, RewardKind
from core.db import db
from referrals.models import Code
from rewards import intake, person_data
from tests.factories import make_campaign, make_code, make_key, make_user, purchase_fact, sign_in
from tests.rewards.test_exchanges import make_perk


def code_for(**rule: Any) -> Code:
    """Make a code of somebody with a portal, whose purchases earn points or a perk at once."""
    usual: dict[str, Any] = {"rate": None, "hold_days": 0}
    campaign = make_campaign(slug="thanks", name="Thanks", rule=usual | rule)
    code = make_code("ZOE10", campaign_id=campaign.id)
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    owner.user_id = make_user(RoleName.AMBASSADOR).id
    return code


def test_an_ambassador_reads_the_points_of_a_purchase(app: Flask, client: FlaskClient) -> None:
    code = code_for(kind=RewardKind.POINTS, amount=50)
    one = purchase_fact(codes=("ZOE10",))
    intake.take_purchases([one])
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    sign_in(client, db.session.get_one(User, owner.user_id))
    page = client.get("/portal/purchases?lang=en").text
    assert "50 points" in page
    assert "It earned 50 points." in page
    assert "You get 50 points for each purchase. It is given at once." in page
    assert "You get 50 points for each purchase." in client.get("/portal?lang=en").text
    told = json.loads(person_data.text(owner.member))
    assert '"points": 50' in json.dumps(told)


def test_a_perk_that_was_gone_is_told_to_the_person_and_to_the_marketer(
    app: Flask, client: FlaskClient
) -> None:
    perk = make_perk(stock=1)
    code = code_for(kind=RewardKind.PERK, perk_id=perk.id)
    told = [purchase_fact(codes=("ZOE10",)) for _ in range(3)]
    intake.take_purchases(told)
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    sign_in(client, db.session.get_one(User, owner.user_id))
    page = client.get("/portal/purchases?lang=en").text
    assert page.count("It earned “A pot”, but none was left. The team knows.") == 2
    assert "out of stock" in page
    sign_in(client, make_user(RoleName.MARKETER))
    page = client.get("/console/campaigns/thanks?lang=en").text
    assert "2 purchases earned “A pot” when none was left." in page
    one = f"/console/purchases/{told[2].source}/{told[2].external_id}?lang=en"
    assert "but none was left" in client.get(one).text
    assert "for a purchase" in client.get(f"/console/perks/{perk.id}?lang=en").text


def test_the_shop_s_answer_and_the_console_say_what_a_purchase_earned(
    app: Flask, client: FlaskClient
) -> None:
    code_for(kind=RewardKind.POINTS, amount=50)
    body = {
        "external_id": "A-1", "occurred_at": "2026-02-27T10:00:00+01:00", "currency": "EUR",
        "total": 10_000, "codes": ["ZOE10"],
    }  # fmt: skip
    answer = client.post("/api/v1/purchases", json=body, headers=make_key(Scope.PURCHASES)).json
    assert answer is not None
    assert answer["commission"] is None
    assert answer["reward"]["kind"] == "points"
    assert (answer["reward"]["points"], answer["reward"]["state"]) == (50, "given")
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get("/console/purchases/api/A-1?lang=en").text
    assert "It earned 50 points. The ambassador gets 50 points for each purchase." in page
    assert "points given" in page
    assert "step by step" not in page
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Code)) == 1


def test_a_purchase_beyond_the_number_says_that_nothing_was_left_to_earn(
    app: Flask, client: FlaskClient
) -> None:
    code = code_for(rate=1000)
    db.session.execute(sa.update(Campaign).values(rewarded_limit=1))
    intake.take_purchases([purchase_fact(codes=("ZOE10",)) for _ in range(2)])
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    sign_in(client, db.session.get_one(User, owner.user_id))
    page = client.get("/portal/purchases?lang=en").text
    assert page.count("It earned nothing: the campaign had given all that it may") == 1
    assert "It was refunded" not in page
