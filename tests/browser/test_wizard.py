"""A new marketer launches a partner campaign, every input counted, and its partner sees it.

An input is a field filled in, a box or circle ticked, a choice from a menu, or a
button or link pressed after signing in.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import expect

from accounts.models import RoleName
from ambassadors.models import AmbassadorKind
from campaigns import campaigns, terms
from campaigns.models import CampaignStatus
from core.db import db
from referrals.models import Code
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor
from tests.factories import make_ambassador, make_member
from tests.rewards.test_exchanges import make_perk

GAZETTE = "gazette@partner.example"
COUNTED, MOST_INPUTS = 16, 24  # as it is; under 25 is promised


class Counted:
    """A marketer whose inputs are counted."""

    def __init__(self, marketer: Visitor) -> None:
        self.at, self.inputs = marketer, 0

    def fill(self, label: str, value: str) -> None:
        self.inputs += 1
        self.at.fill(label, value)

    def press(self, name: str) -> None:
        self.inputs += 1
        self.at.press(name)

    def follow(self, name: str) -> None:
        self.inputs += 1
        self.at.follow(name)

    def choose(self, label: str, option: str) -> None:
        self.inputs += 1
        self.at.field(label).select_option(label=option)

    def tick(self, title: str) -> None:
        self.inputs += 1
        self.at.page.get_by_text(self.at.said(title), exact=True).click()


@pytest.mark.parametrize(
    ("app", "language"),
    [("sqlite", "en"), ("postgresql", "fr")],
    indirect=["app"],
)
def test_a_partner_campaign_for_two_countries_is_launched_in_under_25_inputs(
    app: Flask, site: Site, visit: Opener, language: str
) -> None:
    site.add_person(RoleName.MARKETER, "marketer@brand.example")
    make_ambassador(
        kind=AmbassadorKind.PARTNER, user_id=site.add_person(RoleName.AMBASSADOR, GAZETTE),
        member=make_member(name="La Gazette", email=GAZETTE),
    )  # fmt: skip
    site.settle()
    marketer = visit(language)
    marketer.sign_in("marketer@brand.example")
    marketer.go("Campaigns")
    by = Counted(marketer)
    by.inputs += 1  # the menu
    by.follow("New campaign")
    by.tick("Partner code")
    by.press("Begin")
    by.fill("Name", "Readers of the Gazette")
    by.press("Continue")
    expect(marketer.main.locator(".reach")).to_contain_text(f"1{marketer.said('reached')}")
    assert looks.faults(marketer.page) == []
    by.press("Continue")  # partners, everywhere
    expect(marketer.field("Percent off")).to_have_value("25")
    expect(marketer.field("Free delivery")).to_be_checked()
    by.fill("Countries", "US, GB")
    by.press("Continue")
    assert looks.faults(marketer.page) == []
    by.press("Continue")  # the reward of the template
    by.fill("Budget", "5000")
    by.press("Continue")
    by.fill("Code", "GAZETTE25")
    by.choose("Whose code", "La Gazette")
    by.press("Continue")
    assert looks.faults(marketer.page) == []
    by.press("Launch")
    expect(marketer.heading).to_have_text("Readers of the Gazette")
    expect(marketer.main).to_contain_text(marketer.said("running"))
    assert by.inputs == COUNTED <= MOST_INPUTS
    db.session.rollback()
    campaign = campaigns.get("readers-of-the-gazette")
    told = terms.of(campaign)
    assert campaign.status is CampaignStatus.RUNNING
    assert (told.countries, told.budget) == (("US", "GB"), 500_000)
    assert told.benefits == (terms.benefit("25%", "EUR"), terms.benefit("free_shipping", "EUR"))
    code = db.session.scalars(sa.select(Code).where(Code.key == "GAZETTE25")).one()
    assert code.campaign_id == campaign.id
    site.settle()
    _sees_it(visit(language))


def _sees_it(partner: Visitor) -> None:
    partner.page.set_viewport_size({"width": 360, "height": 740})
    partner.sign_in(GAZETTE)
    expect(partner.main).to_contain_text("GAZETTE25")
    expect(partner.main).to_contain_text("Readers of the Gazette")
    expect(partner.main).to_contain_text("25\u202f%")
    expect(partner.main).to_contain_text(partner.said("Free delivery"))
    assert looks.faults(partner.page) == []


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_points_with_a_case_a_tier_and_a_limit_are_set_up_and_changed_at_360_px(
    app: Flask, site: Site, visit: Opener
) -> None:
    site.add_person(RoleName.MARKETER, "marketer@brand.example")
    make_perk()
    site.settle()
    marketer = visit("en")
    marketer.page.set_viewport_size({"width": 360, "height": 740})
    marketer.sign_in("marketer@brand.example")
    marketer.page.goto("/console/wizard")
    marketer.page.get_by_text("Member brings member", exact=True).click()
    marketer.press("Begin")
    marketer.fill("Name", "Points for friends")
    for _ in ("goal", "audience", "benefit"):
        marketer.press("Continue")
    marketer.page.get_by_text("points", exact=True).click()
    marketer.fill("Points", "50")
    marketer.page.get_by_text("More for those who bring many").click()
    marketer.fill("From purchase number", "5")
    marketer.page.locator("#tier_pays1").fill("80")
    assert looks.faults(marketer.page) == []
    marketer.press("Continue")
    marketer.fill("Rewarded purchases", "200")
    marketer.press("Continue")
    marketer.press("Continue")
    expect(marketer.main).to_contain_text("The ambassador gets 50 points for each purchase.")
    expect(marketer.main).to_contain_text("80 points from purchase 5 on.")
    assert looks.faults(marketer.page) == []
    marketer.press("Launch")
    expect(marketer.main).to_contain_text("200 purchases are rewarded, at most.")
    marketer.press("Change the terms")
    marketer.page.goto(marketer.page.url.replace("/goal", "/reward"))
    expect(marketer.field("Points")).to_have_value("50")
    expect(marketer.field("A changed reward counts from")).to_be_visible()
