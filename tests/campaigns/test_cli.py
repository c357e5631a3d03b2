"""`flask campaign`: what the console's form makes, in one line."""

from __future__ import annotations

from flask import Flask

from campaigns import campaigns
from campaigns.models import BenefitKind, CampaignStatus
from core.db import db


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
