"""A new marketer launches a partner campaign in the wizard, every input counted, without a script.

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
        kind=AmbassadorKind.PARTNER,
        member=make_member(name="La Gazette", email="g@gazette.example"),
    )
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
