"""How people come in, on a phone: by an application that is approved, and by a code that they type.

An input is a field filled in, a box ticked, or a button or link pressed.
"""

from __future__ import annotations

import re

import pytest
from flask import Flask
from playwright.sync_api import expect

from accounts.models import RoleName
from ambassadors import applications, charter
from ambassadors.models_recruiting import QuestionKind
from integrations import mail
from referrals.invitees import Target
from rewards import invitation_codes
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor
from tests.factories import PASSWORD, make_campaign, make_member

PHONE = {"width": 360, "height": 740}
ZOE = "zoe@friends.example"
MOST_TO_JOIN = 10  # inputs from the code to the first share; a minute holds twenty
MOST_TO_APPLY = 7


class Newcomer:
    """Somebody on a phone whose inputs are counted; each page is looked at before it is left."""

    def __init__(self, at: Visitor) -> None:
        self.at, self.inputs = at, 0
        at.page.add_init_script(
            "navigator.share = data => { window.shared = data; return Promise.resolve(); }"
        )

    def open(self, address: str) -> None:
        """Follow a link from outside."""
        self.inputs += 1
        self.at.page.goto(address)

    def fill(self, label: str, value: str) -> None:
        self.inputs += 1
        self.at.fill(label, value)

    def tick(self, label: str) -> None:
        self.inputs += 1
        self.at.field(label).check()

    def press(self, name: str) -> None:
        assert looks.faults(self.at.page) == []
        self.inputs += 1
        self.at.press(name)

    def shares(self) -> None:
        """Press the first button that shares, and see that a link went out."""
        self.press("Share")
        assert "/r/" in str(self.at.page.evaluate("window.shared.url"))


def link_for(app: Flask, site: Site, email: str, path: str) -> str:
    """Have the worker send what waits, and return the link of a mail to somebody."""
    site.send_mails()
    found = [one.mail.text for one in mail.kept(app.extensions["settings"]) if one.mail.to == email]
    wanted = re.compile(rf"{re.escape(site.url)}/{path}/[\w-]+")
    return next(hit.group() for text in found if (hit := wanted.search(text)))


def agree_on_charter() -> None:
    charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "fr"), ("postgresql", "en")], indirect=["app"]
)
def test_who_applies_is_approved_gets_the_mail_and_shares(
    app: Flask, site: Site, visit: Opener, language: str
) -> None:
    site.add_person(RoleName.MARKETER, "marketer@brand.example")
    campaign = make_campaign(name="Bring a friend", slug="friend")
    agree_on_charter()
    question = applications.Question(
        kind=QuestionKind.LONG, label_en="A moment with us", label_fr="Un moment avec nous",
        is_required=True,
    )  # fmt: skip
    applications.set_up(
        campaign.id,
        applications.Setup(
            is_open=True, title_en="Join the circle", title_fr="Rejoignez le cercle",
            capacity=30, questions=(question,),
        ),
    )  # fmt: skip
    site.settle()
    zoe, marketer = visit(language, viewport=PHONE), visit(language)
    by = Newcomer(zoe)
    zoe.page.goto("/apply/friend")
    by.fill("Name", "Zoé Martin")
    by.fill("E-mail", ZOE)
    by.fill("Un moment avec nous" if language == "fr" else "A moment with us", "In July.")
    by.tick("I have read the charter and accept it")
    by.press("Send my application")
    expect(zoe.heading).to_have_text(zoe.said("Thank you"))
    assert by.inputs <= MOST_TO_APPLY
    marketer.sign_in("marketer@brand.example")
    marketer.go("Applications")
    expect(marketer.main).to_contain_text("In July.")
    marketer.press("Approve", about="application")
    expect(marketer.page.get_by_text("Zoé Martin").first).to_be_visible()
    by.open(link_for(app, site, ZOE, "password"))
    by.fill("New password", PASSWORD)
    by.fill("New password again", PASSWORD)
    by.press("Set the password")
    expect(zoe.main).to_contain_text("ZOE-")
    by.shares()


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "en"), ("postgresql", "fr")], indirect=["app"]
)
def test_a_code_leads_from_its_page_to_the_first_share_in_ten_inputs(
    app: Flask, site: Site, visit: Opener, language: str
) -> None:
    campaign = make_campaign(name="Bring a friend", slug="friend")
    agree_on_charter()
    make_member(email="known@friends.example")
    invitation_codes.create(Target(campaign_id=campaign.id), text="COME-ALONG", places=3,
                            ends_at=None)  # fmt: skip
    site.settle()
    zoe = visit(language, viewport=PHONE)
    by = Newcomer(zoe)
    by.open("/join")
    by.fill("Code", "come along")
    by.press("Check")
    expect(zoe.main).to_contain_text("Bring a friend")
    by.fill("Name", "Zoé Martin")
    by.fill("E-mail", ZOE)
    by.tick("I have read the charter and accept it")
    by.press("Send me the link")
    expect(zoe.heading).to_have_text(zoe.said("Look into your mail"))
    by.open(link_for(app, site, ZOE, "invitation"))
    by.press("Join")
    expect(zoe.main).to_contain_text("ZOE-")
    by.shares()
    assert by.inputs <= MOST_TO_JOIN


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_pages_of_an_invitation_that_is_over_are_clear(site: Site, visit: Opener) -> None:
    visitor = visit("fr", viewport=PHONE)
    for path in ("/invitation/used-up", "/join/sent", "/join?code=ABC"):
        visitor.page.goto(path)
        assert looks.faults(visitor.page) == []
