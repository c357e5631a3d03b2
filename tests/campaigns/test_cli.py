"""`flask campaign`: what the console's form makes, in one line."""

from __future__ import annotations

import pytest
from flask import Flask

from ambassadors import circles
from campaigns import campaigns, terms
from campaigns.models import BenefitKind, CampaignStatus, Period
from campaigns.terms import Buyer, Case, Tier
from core.db import db
from tests.rewards.test_exchanges import make_perk


def _run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["campaign", *words])
    db.session.rollback()
    return result.exit_code, result.output


def test_a_campaign_is_created_running_with_all_its_terms(app: Flask) -> None:
    code, text = _run(
        app, "create", "readers", "--name", "Readers", "--commission", "10%", "--benefit", "25%",
        "--benefit", "free_shipping", "--countries", "us,GB", "--starts", "2026-01-01", "--ends",
        "2026-06-30", "--budget", "5000.00", "--hold-days", "0",
    )  # fmt: skip
    assert code == 0, text
    assert "United States" in text
    campaign = campaigns.get("readers")
    assert campaign.status is CampaignStatus.RUNNING
    assert [b.kind for b in campaign.benefits] == [BenefitKind.PERCENT, BenefitKind.FREE_SHIPPING]
    assert campaign.countries == ["US", "GB"]
    assert campaign.budget == 500_000
    assert (campaign.rules[0].rate, campaign.rules[0].hold_days) == (1000, 0)
    assert campaign.ends_at is not None
    assert campaign.ends_at.isoformat() == "2026-06-30T22:00:00+00:00"
    assert "readers\trunning\tReaders" in _run(app, "list")[1]


def test_what_cannot_be_is_said_and_nothing_is_left(app: Flask) -> None:
    assert _run(app, "create", "readers", "--commission", "110%")[0] == 1
    for country in ("XX", "ZZ", "EU"):
        code, text = _run(app, "create", "readers", "--countries", country)
        assert code == 1
        assert "countries" in text
    assert _run(app, "create", "Not A Slug")[0] == 1
    assert "No campaign yet" in _run(app, "list")[1]
    assert _run(app, "show", "readers")[0] == 1


def test_a_reward_with_cases_tiers_and_limits_is_written_in_one_line(app: Flask) -> None:
    code, text = _run(
        app, "create", "creators", "--objective", "content", "--commission", "10%", "--case",
        "20%; products=TEA,POT; countries=fr; buyer=new", "--case", "5%; buyer=existing",
        "--tier", "10: 15%", "--tier", "50: 20%", "--months", "12", "--maximum", "20",
        "--ambassador-maximum", "500", "--rewarded", "300", "--uses-per-customer", "1",
        "--new-customers-only", "--ambassador-period", "10.00/month", "--campaign-period",
        "500/quarter",
    )  # fmt: skip
    assert code == 0, text
    told = terms.of(campaigns.get("creators"))
    assert told.reward.cases == (
        Case(rate=2000, products=("TEA", "POT"), countries=("FR",), buyer=Buyer.NEW),
        Case(rate=500, buyer=Buyer.EXISTING),
    )
    assert told.reward.tiers == (Tier(start=10, rate=1500), Tier(start=50, rate=2000))
    assert (told.reward.months, told.reward.maximum, told.reward.ambassador_maximum) == (
        12, 2_000, 50_000,
    )  # fmt: skip
    assert (told.objective, told.rewarded_limit, told.uses_per_customer) == ("content", 300, 1)
    assert told.new_customers_only
    assert "300 purchases are rewarded, at most." in text
    caps = (told.reward.ambassador_period, told.reward.ambassador_period_maximum)
    assert caps == (Period.MONTH, 1_000)
    caps = (told.reward.campaign_period, told.reward.campaign_period_maximum)
    assert caps == (Period.QUARTER, 50_000)
    assert "At most EUR\u00a010.00 for one ambassador in a calendar month." in text
    assert "At most EUR\u00a0500.00 for all ambassadors in a quarter." in text


def test_a_case_may_ask_for_a_circle_by_its_number(app: Flask) -> None:
    vip = circles.create("VIP")
    db.session.commit()
    code, text = _run(app, "create", "vip", "--case", f"15%; circle={vip.id}")
    assert code == 0, text
    assert "15\u202f% instead, for ambassadors in the circle “VIP”." in text
    assert terms.of(campaigns.get("vip")).reward.cases == (Case(rate=1500, circle_id=vip.id),)
    code, text = _run(app, "create", "none", "--case", "15%; circle=999")
    assert (code, "There is no such circle." in text) == (1, True)


def test_points_and_perks_are_rewards_too(app: Flask) -> None:
    perk = make_perk()
    db.session.commit()
    assert _run(app, "create", "points", "--commission", "50 points", "--tier", "5: 80 pts")[0] == 0
    assert _run(app, "create", "perk", "--commission", f"perk:{perk.id}")[0] == 0
    earns = terms.of(campaigns.get("points")).reward
    assert (earns.kind, earns.amount, earns.tiers) == ("points", 50, (Tier(start=5, amount=80),))
    assert terms.of(campaigns.get("perk")).reward.perk_id == perk.id
    assert "“A pot”" in _run(app, "show", "perk")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("--ambassador-period", "10.00"),
        ("--ambassador-period", "10.00/week"),
        ("--campaign-period", "0/month"),
        ("--commission", "50 points", "--campaign-period", "10/month"),
        ("--case", "15%; circle=VIP"),
        ("--commission", "perk:999"),
        ("--commission", "many points"),
        ("--commission", "50 points", "--budget", "100"),
        ("--case", "20%"),
        ("--case", "20%; colour=red"),
        ("--case", "20%; buyer=nobody"),
        ("--case", "50 points; buyer=new"),
        ("--tier", "15%"),
        ("--tier", "1: 15%"),
        ("--tier", "10: 5.00"),
        ("--rewarded", "0"),
        ("--months", "9999"),
    ],
)
def test_a_reward_that_cannot_be_is_said_and_nothing_is_left(
    app: Flask, words: tuple[str, ...]
) -> None:
    code, text = _run(app, "create", "readers", *words)
    assert code == 1, text
    assert "Traceback" not in text
    assert campaigns.find("readers") is None
