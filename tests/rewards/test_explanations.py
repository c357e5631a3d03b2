"""A commission explained from the rule to the cent: the steps lead to what the ledger holds."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName, User
from campaigns.models import RewardKind, RewardRule
from core.db import db
from integrations import facts
from rewards import explained_words, explanations, intake, rates
from rewards.explanations import Explained
from rewards.models import Commission
from rewards.rates import Told
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip

FRIDAY = date(2026, 2, 27)
FIXED = {"kind": RewardKind.FIXED, "rate": None, "amount": 500}


def buy(rule: dict[str, Any], *, campaign: dict[str, Any] | None = None, **told: Any) -> Any:
    """Take an order in a campaign of its own and return its fact."""
    rates.record([Told(FRIDAY, "EUR", "USD", Decimal("1.0823"), "ecb")])
    owner = make_ambassador(member=make_member(name="Zoé"))
    made = make_campaign(rule=rule, **(campaign or {}))
    make_code("ZOE10", campaign_id=made.id, ambassador_id=owner.id)
    fact = purchase_fact(codes=("ZOE10",), **told)
    intake.take_purchases([fact])
    db.session.commit()
    return fact


def explained() -> Explained:
    db.session.expire_all()
    made = db.session.scalars(sa.select(Commission)).one()
    return must(explanations.one(made.purchase_id, made.ambassador_id))


def path_of(one: Explained) -> str:
    return f"/console/commissions/{one.purchase.id}/{one.commission.ambassador_id}"


def test_a_percentage_is_followed_from_the_base_to_the_ledger(app: Flask) -> None:
    buy({"include_shipping": True}, total=12_345, tax=2_000, shipping=500)
    one = explained()
    assert (one.commission.base, one.exact, one.rounded) == (10_345, Fraction(2_069, 2), 1_035)
    assert (one.within_most, one.is_cut, one.due, one.posted) == (1_035, False, 1_035, 1_035)
    assert one.leads_there
    assert explained_words.simple(one) == "10\u202f% of EUR\u00a0103.45 are EUR\u00a010.35."


def test_a_foreign_fixed_reward_names_rate_day_and_source(app: Flask) -> None:
    buy(FIXED, currency="USD", total=10_000)
    one = explained()
    assert [(part.base, part.rate) for part in one.parts] == [(500, None)]
    assert (one.rounded, one.posted, one.leads_there) == (541, 541, True)
    words = explained_words.simple(one)
    assert "EUR\u00a05.00 for a purchase, that is USD\u00a05.41" in words
    assert "One EUR was worth 1.0823 USD on 27 February 2026 (European Central Bank)." in words


def test_cases_and_tiers_are_named_where_they_paid(app: Flask) -> None:
    case = {"rate": 3000, "amount": None, "products": ["TEA"], "countries": [], "buyer": None}
    lines = (
        facts.Line(sku="TEA", quantity=1, amount=3_333),
        facts.Line(sku="POT", quantity=1, amount=6_667),
    )
    tier = {"start": 1, "rate": 1500, "amount": None}
    buy({"cases": [case], "tiers": [tier]}, total=10_000, lines=lines)
    one = explained()
    told = [(part.rate, part.base, explained_words.condition(part.condition)) for part in one.parts]
    assert told == [
        (3000, 3_333, "for TEA"), (1500, 6_667, "the reward from purchase 1 on"),
    ]  # fmt: skip
    assert one.leads_there


def test_what_a_cap_or_the_budget_cut_is_told(app: Flask) -> None:
    buy({"maximum": 800}, campaign={"budget": 600}, total=10_000)
    one = explained()
    assert (one.rounded, one.within_most, one.is_cut, one.posted) == (1_000, 800, True, 600)
    words = explained_words.simple(one)
    assert "One purchase earns EUR\u00a08.00 at most." in words
    assert "EUR\u00a06.00 were left" in words


def test_a_number_of_purchases_that_is_used_up_is_told(app: Flask) -> None:
    buy({}, campaign={"rewarded_limit": 1, "rewarded": 1}, total=10_000)
    one = explained()
    assert (one.rounded, one.posted, one.is_cut, one.leads_there) == (1_000, 0, True, True)
    assert "The campaign had given all that it may." in explained_words.simple(one)


def test_a_refund_is_followed_too(app: Flask) -> None:
    fact = buy(FIXED, currency="USD", total=3_333)
    intake.take_refunds([refund_fact(fact, 1_111)])
    one = explained()
    assert (one.rounded, one.due, one.posted, one.leads_there) == (541, 361, 361, True)
    intake.take_refunds([refund_fact(fact, 2_222)])
    one = explained()
    assert (one.due, one.posted, one.leads_there) == (0, 0, True)


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def test_the_page_shows_every_step_and_is_linked_from_the_purchase(
    app: Flask, staff: FlaskClient
) -> None:
    fact = buy(FIXED | {"maximum": 450}, currency="USD", total=10_000)
    campaign_id = db.session.scalars(sa.select(Commission.campaign_id)).one()
    terms = {"kind": RewardKind.PERCENT, "rate": 500, "hold_days": 30, "created_at": NOW}
    switches = dict.fromkeys(
        ("include_tax", "include_shipping", "before_discount", "new_customers_only"), False
    )
    after = NOW + timedelta(days=3)
    db.session.add(
        RewardRule(campaign_id=campaign_id, version=2, effective_from=after, **terms, **switches)
    )
    path = path_of(explained())
    assert path in staff.get(f"/console/purchases/api/{fact.external_id}").text
    page = staff.get(path).text
    for told in (
        "1 EUR = 1.0823 USD", "27 February 2026", "European Central Bank", "5.4115",
        "EUR\u00a04.50, that is USD\u00a04.87", "4 Mar 2026",
    ):  # fmt: skip
        assert told in page, told
    assert "do not lead" not in page
    assert staff.get("/console/commissions/999999/1").status_code == 404


def test_an_ambassador_reads_the_simple_version_of_their_own(
    app: Flask, client: FlaskClient
) -> None:
    buy(FIXED, currency="USD", total=10_000)
    user = make_user(RoleName.AMBASSADOR)
    owner = explained().commission.ambassador_id
    db.session.execute(
        sa.text("UPDATE ambassador SET user_id = :user WHERE id = :id"),
        {"user": user.id, "id": owner},
    )
    sign_in(client, user)
    assert "One EUR was worth 1.0823 USD" in client.get("/portal/purchases").text
    path = path_of(explained())
    assert client.get(path).status_code in {302, 403, 404}


def test_an_ambassador_whose_purchase_awaits_a_rate_reads_so(
    app: Flask, client: FlaskClient
) -> None:
    owner = make_ambassador(user_id=make_user(RoleName.AMBASSADOR, email="zoe@example.com").id)
    make_code("ZOE10", campaign_id=make_campaign(rule=FIXED).id, ambassador_id=owner.id)
    intake.take_purchases([purchase_fact(codes=("ZOE10",), currency="GBP")])
    sign_in(client, must(db.session.get(User, owner.user_id)))
    page = client.get("/portal/purchases").text
    assert "It was paid in GBP." in page
    assert "official rate for 1 March 2026" in page
    assert "awaits a rate" in page
