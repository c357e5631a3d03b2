"""Campaigns for machines: their terms, page by page."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from accounts.models import Scope
from campaigns.models import CampaignStatus, RewardRule
from tests.conftest import NOW
from tests.factories import make_campaign, make_key


def test_a_campaign_tells_its_terms(client: FlaskClient) -> None:
    make_campaign(slug="pear", name="Pear season", budget=5000, countries=["CH"])
    answer = client.get("/api/v1/campaigns/pear", headers=make_key(Scope.READ))
    told = answer.json
    assert told is not None
    assert (told["name"], told["status"], told["budget"]) == ("Pear season", "running", 5000)
    assert told["benefits"] == [
        {"kind": "percent", "percent": 1500, "amount": None, "product": None}
    ]
    assert told["reward"]["rate"] == 1000
    assert client.get("/api/v1/campaigns/plum", headers=make_key("read")).status_code == 404


def test_a_campaign_tells_cases_tiers_points_and_limits(client: FlaskClient) -> None:
    case = {"rate": None, "amount": 90, "perk_id": None, "products": ["TEA"], "countries": []}
    rule = {
        "kind": "points", "rate": None, "amount": 50, "cases": [case | {"buyer": "new"}],
        "tiers": [{"start": 5, "rate": None, "amount": 80, "perk_id": None}],
    }  # fmt: skip
    campaign = make_campaign(slug="pear", rewarded_limit=20, rule=rule)
    terms_later = dict.fromkeys(("include_tax", "include_shipping", "before_discount"), False)
    campaign.rules.append(RewardRule(
        version=2, kind="percent", rate=500, hold_days=0, new_customers_only=False,
        effective_from=NOW + timedelta(days=1), created_at=NOW, **terms_later,
    ))  # fmt: skip
    told = client.get("/api/v1/campaigns/pear", headers=make_key(Scope.READ)).json
    assert told is not None
    assert (told["rewarded_limit"], told["rewarded"], told["committed"]) == (20, 0, None)
    reward = told["reward"]
    assert (reward["version"], reward["kind"], reward["amount"]) == (1, "points", 50)
    assert reward["cases"] == [
        {"rate": None, "amount": 90, "perk": None, "products": ["TEA"], "countries": [],
         "buyer": "new", "circle": None}
    ]  # fmt: skip
    assert reward["tiers"] == [{"start": 5, "rate": None, "amount": 80, "perk": None}]


def test_a_campaign_tells_the_caps_of_its_periods(client: FlaskClient) -> None:
    make_campaign(slug="pear", rule={"campaign_period": "year", "campaign_period_maximum": 90_000})
    told = client.get("/api/v1/campaigns/pear", headers=make_key(Scope.READ)).json
    assert told is not None
    reward = told["reward"]
    assert (reward["campaign_period"], reward["campaign_period_maximum"]) == ("year", 90_000)
    assert (reward["ambassador_period"], reward["ambassador_period_maximum"]) == (None, None)


def test_campaigns_are_listed_by_state_and_page(client: FlaskClient) -> None:
    slugs = [make_campaign(slug=f"c-{n}").slug for n in range(3)]
    make_campaign(slug="over", status=CampaignStatus.ENDED)
    key = make_key(Scope.CODES)
    first = client.get("/api/v1/campaigns?limit=2&status=running", headers=key).json
    assert first is not None
    assert [one["slug"] for one in first["data"]] == slugs[:2]
    rest = client.get(f"/api/v1/campaigns?status=running&after={first['next']}", headers=key).json
    assert rest is not None
    assert [one["slug"] for one in rest["data"]] == slugs[2:]
    assert rest["next"] is None
    assert client.get("/api/v1/campaigns?status=gone", headers=key).status_code == 422
