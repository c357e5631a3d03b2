"""Campaigns: their terms, their versions of the reward, their states."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from campaigns import campaigns, terms
from campaigns.models import BenefitKind, Campaign, CampaignStatus, RewardKind
from campaigns.terms import AmbassadorEarns, FriendGets, Terms
from core import clock
from core.db import db
from core.errors import InvalidInputError, NotFoundError
from tests.conftest import NOW

PARTNER = Terms(
    name="Readers", reward=AmbassadorEarns(rate=1000),
    benefits=(terms.benefit("25%", "EUR"), terms.benefit("free_shipping", "EUR")),
    countries=("US", "GB"), budget=500_000,
)  # fmt: skip


def _acts() -> list[str]:
    return list(db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id)))


def test_one_campaign_carries_several_benefits_and_a_scope(app: Flask) -> None:
    campaigns.create("readers", PARTNER)
    db.session.commit()
    campaign = campaigns.get("readers")
    assert campaign.status is CampaignStatus.DRAFT
    assert campaign.currency == "EUR"
    assert [b.kind for b in campaign.benefits] == [BenefitKind.PERCENT, BenefitKind.FREE_SHIPPING]
    assert campaign.rules[0].effective_from is None
    assert terms.of(campaign) == PARTNER
    assert _acts() == ["campaign.create"]


def test_a_changed_reward_is_a_new_version_from_now_on(app: Flask) -> None:
    campaign = campaigns.create("readers", PARTNER)
    db.session.commit()
    with clock.frozen(NOW + timedelta(days=2)):
        reward = AmbassadorEarns(kind=RewardKind.FIXED, amount=500)
        campaigns.change(campaign, dataclasses.replace(PARTNER, reward=reward))
    db.session.commit()
    old, new = campaign.rules
    assert (old.version, old.rate, old.effective_from) == (1, 1000, None)
    assert (new.version, new.amount, new.rate) == (2, 500, None)
    assert new.effective_from == NOW + timedelta(days=2)


def test_other_changes_keep_the_version_and_say_what_changed(app: Flask) -> None:
    campaign = campaigns.create("readers", PARTNER)
    after = dataclasses.replace(PARTNER, name="Our readers", benefits=PARTNER.benefits[:1])
    campaigns.change(campaign, after)
    campaigns.change(campaign, after)
    assert len(campaign.rules) == 1
    assert [b.position for b in campaign.benefits] == [0]
    assert _acts() == ["campaign.create", "campaign.change"]
    line = db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id.desc())).first()
    assert line is not None
    assert line.details["before"]["name"] == "Readers"
    assert set(line.details["after"]) == {"name", "benefits"}


def test_a_budget_never_goes_below_what_is_committed(app: Flask) -> None:
    campaign = campaigns.create("readers", PARTNER)
    db.session.execute(sa.update(Campaign).values(committed=1000))
    with pytest.raises(campaigns.CampaignError):
        campaigns.change(campaign, dataclasses.replace(PARTNER, budget=999))
    campaigns.change(campaign, dataclasses.replace(PARTNER, budget=1000))


def test_a_campaign_starts_pauses_and_ends(app: Flask) -> None:
    campaign = campaigns.create("readers", PARTNER)
    campaigns.start(campaign)
    campaigns.pause(campaign)
    campaigns.start(campaign)
    campaigns.end(campaign)
    assert _acts()[1:] == ["campaign.start", "campaign.pause", "campaign.start", "campaign.end"]
    for move in (campaigns.start, campaigns.pause, campaigns.end):
        with pytest.raises(campaigns.CampaignError):
            move(campaign)
    with pytest.raises(campaigns.CampaignError):
        campaigns.change(campaign, dataclasses.replace(PARTNER, name="Other"))


def test_a_name_in_the_address_is_taken_once(app: Flask) -> None:
    campaigns.create("readers", PARTNER)
    with pytest.raises(campaigns.CampaignError):
        campaigns.create("readers", PARTNER)
    with pytest.raises(NotFoundError):
        campaigns.get("nobody")


@pytest.mark.parametrize("slug", ["", "A", "a b", "é", "-a", "a-", "a--b", "a/b", "a" * 61])
def test_a_name_in_the_address_is_plain(app: Flask, slug: str) -> None:
    with pytest.raises(InvalidInputError):
        campaigns.create(slug, PARTNER)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"starts_at": NOW, "ends_at": NOW}, "/ends_on"),
        ({"benefits": (FriendGets(kind=BenefitKind.PERCENT),)}, "/benefits"),
        ({"benefits": (FriendGets(kind=BenefitKind.PERCENT, percent=10_001),)}, "/benefits"),
        ({"benefits": (FriendGets(kind=BenefitKind.AMOUNT, amount=-1),)}, "/benefits"),
        ({"benefits": (FriendGets(kind=BenefitKind.PERCENT, percent=1),
                       FriendGets(kind=BenefitKind.AMOUNT, amount=1))}, "/benefits"),
        ({"reward": AmbassadorEarns(rate=None)}, "/rate"),
        ({"reward": AmbassadorEarns(rate=-1)}, "/rate"),
        ({"reward": AmbassadorEarns(rate=1, hold_days=366)}, "/hold_days"),
        ({"countries": ("XX",)}, "/countries"),
        ({"countries": ("us",)}, "/countries"),
        ({"currencies": ("EURO",)}, "/currencies"),
        ({"products": ("",)}, "/products"),
        ({"minimum_basket": 0}, "/minimum_basket"),
        ({"uses_per_code": 0}, "/uses_per_code"),
        ({"uses_per_customer": -1}, "/uses_per_customer"),
        ({"budget": 0}, "/budget"),
        ({"landing_url": "http://shop.example"}, "/landing_url"),
        ({"landing_url": "javascript:alert(1)"}, "/landing_url"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_named(app: Flask, wrong: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        campaigns.create("readers", dataclasses.replace(PARTNER, **wrong))
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("text", "benefit"),
    [
        ("25%", FriendGets(kind=BenefitKind.PERCENT, percent=2500)),
        ("12,5 %", FriendGets(kind=BenefitKind.PERCENT, percent=1250)),
        ("5", FriendGets(kind=BenefitKind.AMOUNT, amount=500)),
        ("5.50", FriendGets(kind=BenefitKind.AMOUNT, amount=550)),
        ("free_shipping", FriendGets(kind=BenefitKind.FREE_SHIPPING)),
        ("free_product:POT-1", FriendGets(kind=BenefitKind.FREE_PRODUCT, product="POT-1")),
    ],
)
def test_a_benefit_is_read_from_its_text(app: Flask, text: str, benefit: FriendGets) -> None:
    assert terms.benefit(text, "EUR") == benefit


@pytest.mark.parametrize(
    "text", ["", "%", "101%", "-1%", "NaN%", "1.001%", "x", "-5", "1e99", "free_product:", "free"]
)
def test_a_text_that_is_no_benefit_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(InvalidInputError):
        terms.benefit(text, "EUR")


def test_a_window_includes_its_first_and_its_last_day(app: Flask) -> None:
    starts_at, ends_at = terms.window(date(2026, 3, 28), date(2026, 3, 29), "Europe/Paris")
    assert starts_at == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert ends_at == datetime(2026, 3, 29, 22, tzinfo=UTC)  # summer time began that night
    assert terms.days(starts_at, ends_at, "Europe/Paris") == (date(2026, 3, 28), date(2026, 3, 29))
    assert terms.window(None, None, "UTC") == (None, None)
