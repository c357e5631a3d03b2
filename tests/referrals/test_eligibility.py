"""A code that does not apply says why in one word; one that applies says what it gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from campaigns.models import Benefit, BenefitKind, CampaignStatus
from core import emails
from core.db import db
from referrals import codes, eligibility, redemptions
from referrals.eligibility import Basket, BasketLine, Reason, Verdict
from referrals.models import CodeStatus
from rewards import intake
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign, make_code, make_member, purchase_fact

SECOND = timedelta(seconds=1)


def check(text: str, bought: Basket) -> Verdict:
    key = codes.fold(text)
    return eligibility.validate(eligibility.terms_of([key]).get(key), bought)


def basket(**overrides: Any) -> Basket:
    values: dict[str, Any] = {"currency": "EUR", "subtotal": 10_000, "at": NOW, "country": "FR"}
    return Basket(**values | overrides)


@pytest.mark.parametrize(
    ("campaign", "code", "bought", "reason"),
    [
        ({}, {}, {}, None),
        ({}, {"starts_at": NOW + SECOND}, {}, Reason.NOT_STARTED),
        ({"starts_at": NOW}, {"starts_at": NOW}, {}, None),
        ({"starts_at": NOW + SECOND}, {}, {}, Reason.NOT_STARTED),
        ({}, {"ends_at": NOW}, {}, Reason.EXPIRED),
        ({"ends_at": NOW + SECOND}, {"ends_at": NOW + SECOND}, {}, None),
        ({"ends_at": NOW}, {}, {}, Reason.EXPIRED),
        ({}, {"status": CodeStatus.FROZEN, "status_since": NOW}, {}, Reason.FROZEN),
        ({}, {"status": CodeStatus.FROZEN, "status_since": NOW + SECOND}, {}, None),
        ({}, {"uses_limit": 3, "used": 3}, {}, Reason.LIMIT_REACHED),
        ({}, {"uses_limit": 3, "used": 2}, {}, None),
        ({"budget": 500, "committed": 500}, {}, {}, Reason.BUDGET_REACHED),
        ({"budget": 500, "committed": 499}, {}, {}, None),
        ({"countries": ["US", "GB"]}, {}, {}, Reason.NOT_ELIGIBLE_COUNTRY),
        ({"countries": ["US"]}, {}, {"country": None}, Reason.NOT_ELIGIBLE_COUNTRY),
        ({"countries": ["FR"]}, {}, {}, None),
        ({"currencies": ["USD"]}, {}, {}, Reason.NOT_ELIGIBLE_CURRENCY),
        ({"currencies": ["EUR"]}, {}, {}, None),
        ({"products": ["A"]}, {}, {}, Reason.NOT_ELIGIBLE_PRODUCT),
        ({"products": ["A"]}, {}, {"lines": (BasketLine("B", 1, 1),)}, Reason.NOT_ELIGIBLE_PRODUCT),
        ({"products": ["A"]}, {}, {"lines": (BasketLine("A", 1, 10_000),)}, None),
        ({"minimum_basket": 10_001}, {}, {}, Reason.BELOW_MINIMUM),
        ({"minimum_basket": 10_000}, {}, {}, None),
        ({"minimum_basket": 1}, {}, {"currency": "CHF"}, Reason.NOT_ELIGIBLE_CURRENCY),
        ({"new_customers_only": True}, {}, {"is_new": False}, Reason.EXISTING_CUSTOMER),
        ({"new_customers_only": True}, {}, {"is_new": None}, None),
        ({"status": CampaignStatus.DRAFT}, {}, {}, Reason.CAMPAIGN_NOT_RUNNING),
        (
            {"status": CampaignStatus.PAUSED, "status_since": NOW},
            {},
            {},
            Reason.CAMPAIGN_NOT_RUNNING,
        ),
        ({"status": CampaignStatus.ENDED, "status_since": NOW + SECOND}, {}, {}, None),
    ],
)
def test_the_reason_is_the_rule_that_speaks_against_the_code(
    app: Flask, campaign: dict[str, Any], code: dict[str, Any], bought: dict[str, Any],
    reason: Reason | None,
) -> None:  # fmt: skip
    make_code("ZOE10", campaign_id=make_campaign(**campaign).id, **code)
    verdict = check("zoe 10", basket(**bought))
    assert (verdict.reason, verdict.is_valid) == (reason, reason is None)
    assert verdict.discount == (0 if reason else 1_500)


@pytest.mark.parametrize("text", ["NOBODY", "", "Ω", "x" * 500, "\ud800", "%", "_____"])
def test_a_code_that_nobody_made_is_not_found(app: Flask, text: str) -> None:
    make_code("ZOE10")
    assert check(text, basket()).reason is Reason.NOT_FOUND


def test_self_referral_and_the_limit_of_a_customer_are_told(app: Flask) -> None:
    own = emails.digest("zoe@example.com")
    member = make_member(email_hash=own)
    make_code("ZOE10", ambassador_id=make_ambassador(member=member).id, uses_per_customer=1)
    for mine in ({"customer_key": own}, {"member_id": member.id}):
        assert check("ZOE10", basket(**mine)).reason is Reason.SELF_REFERRAL
    friend = basket(customer_key="f" * 64)
    terms = eligibility.terms_of(["ZOE10"])["ZOE10"]
    redemptions.redeem(terms, "api:1", customer_key="f" * 64)
    assert check("ZOE10", friend).reason is Reason.CUSTOMER_LIMIT_REACHED


def test_a_customer_is_existing_if_either_of_their_names_has_bought(app: Flask) -> None:
    only_id: dict[str, Any] = {"external_id": "7", "email": None}
    common: dict[str, Any] = {"currency": "EUR", "subtotal": 1, "country": None, "lines": ()}
    assert eligibility.basket_of(**common, **only_id).is_new is True
    assert eligibility.basket_of(**common, external_id=None, email=None).is_new is None
    intake.take_purchases([
        purchase_fact(email="ana@example.com", status="pending"),
        purchase_fact(email=None, customer_external_id="7"),
        purchase_fact(email=None, customer_external_id="8", source="shopify"),
    ])  # fmt: skip
    assert eligibility.basket_of(**common, external_id=None, email="Ana@example.com").is_new is True
    both = eligibility.basket_of(**common, external_id="7", email="ana@example.com")
    assert both.is_new is False
    assert eligibility.basket_of(**common, external_id="8", email=None).is_new is True
    theirs = eligibility.basket_of(**common, external_id="8", email=None, source="shopify")
    assert theirs.is_new is False


def benefits(*several: dict[str, Any], **campaign: Any) -> None:
    made = make_campaign(**campaign)
    db.session.delete(made.benefits[0])
    db.session.flush()
    db.session.add_all(
        Benefit(campaign_id=made.id, position=n, **one) for n, one in enumerate(several)
    )
    db.session.flush()
    db.session.expire(made)
    make_code("ZOE25", campaign_id=made.id)


def test_twenty_five_percent_and_free_shipping_are_one_code(app: Flask) -> None:
    benefits(
        {"kind": BenefitKind.PERCENT, "percent": 2500}, {"kind": BenefitKind.FREE_SHIPPING},
        countries=["US", "GB"],
    )  # fmt: skip
    verdict = check("ZOE25", basket(country="GB"))
    assert verdict.terms is not None
    assert [one.kind for one in verdict.terms.benefits] == ["percent", "free_shipping"]
    assert verdict.discount == 2_500
    assert check("ZOE25", basket()).reason is Reason.NOT_ELIGIBLE_COUNTRY


@pytest.mark.parametrize(
    ("percent", "subtotal", "off"),
    [
        (1500, 3, 0),
        (1500, 4, 1),
        (5000, 1, 1),
        (1500, 3_330, 500),
        (1500, 3_329, 499),
        (10_000, 7, 7),
    ],
)
def test_a_discount_is_rounded_half_up(app: Flask, percent: int, subtotal: int, off: int) -> None:
    benefits({"kind": BenefitKind.PERCENT, "percent": percent})
    assert check("ZOE25", basket(subtotal=subtotal)).discount == off


def test_an_amount_off_is_of_the_campaign_s_currency_and_never_more_than_the_basket(
    app: Flask,
) -> None:
    benefits(
        {"kind": BenefitKind.PERCENT, "percent": 1000}, {"kind": BenefitKind.AMOUNT, "amount": 500}
    )
    assert check("ZOE25", basket(subtotal=2_000)).discount == 200 + 500
    assert check("ZOE25", basket(subtotal=300)).discount == 300
    assert check("ZOE25", basket(subtotal=2_000, currency="CHF")).discount == 200


def test_only_the_products_in_scope_are_cheaper(app: Flask) -> None:
    benefits({"kind": BenefitKind.PERCENT, "percent": 1000}, products=["A"])
    lines = (BasketLine("A", 2, 4_000), BasketLine("B", 1, 6_000))
    assert check("ZOE25", basket(lines=lines)).discount == 400
