"""A marketer adds an image, an ambassador copies the words, a friend lands and takes the code."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page, expect

from accounts.models import RoleName
from campaigns import briefs
from campaigns.models import Format
from referrals import links
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.campaigns.test_kit import picture
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign, make_code, make_member

LEA, INES = "lea@ambassadors.example", "ines@brand.example"
PHONE = {"width": 360, "height": 740}


def _copied(page: Page) -> str:
    """Have the page's clipboard written into a variable, and return what is in it."""
    return str(page.evaluate("window.copied"))


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "fr"), ("postgresql", "en")], indirect=["app"]
)
def test_what_a_marketer_adds_is_shared_by_an_ambassador_and_found_by_a_friend(
    site: Site, visit: Opener, language: str
) -> None:
    site.add_person(RoleName.MARKETER, INES)
    person_id = site.add_person(RoleName.AMBASSADOR, LEA)
    lea = make_ambassador(member=make_member(name="Léa Monnier", email=LEA), user_id=person_id)
    campaign = make_campaign(name="Bring a friend", slug="friend")
    make_code("LEA15", campaign_id=campaign.id, ambassador_id=lea.id)
    links.create(campaign_id=campaign.id, ambassador_id=lea.id, slug="lea")
    briefs.write_words(
        campaign, text_en="Pears with {code}: {link}", text_fr="Des poires avec {code} : {link}",
        kind=Format.COMMISSION,
    )  # fmt: skip
    briefs.set_mention(
        Format.COMMISSION, effective_on=NOW.date(), text_fr="Publicité", text_en="Ad", source="L."
    )
    site.settle()
    _marketer_adds_an_image(visit, language)
    copied = _ambassador_copies_the_words(visit, language)
    assert f"{site.url}/offer/lea" in copied
    assert "LEA15" in copied
    assert copied.startswith({"en": "Ad\n", "fr": "Publicité\n"}[language])
    _friend_takes_the_code(visit, language, copied.split()[-1])


def _marketer_adds_an_image(visit: Opener, language: str) -> None:
    ines = visit(language)
    ines.sign_in(INES)
    expect(ines.heading).to_be_visible()
    ines.page.goto("/console/campaigns/friend")
    ines.follow("Share kit")
    expect(ines.main.locator(".empty")).to_be_visible()
    file = FilePayload(name="pear.jpg", mimeType="image/jpeg", buffer=b"no picture")
    ines.field("Image").set_input_files(file)
    ines.fill("What one sees, in English", "A pear")
    ines.fill("What one sees, in French", "Une poire")
    ines.press("Add the image")
    expect(ines.main.get_by_role("alert")).to_contain_text("JPEG")
    ines.field("Image").set_input_files(file | {"buffer": picture()})
    ines.press("Add the image")
    expect(ines.main.locator(".gallery img")).to_have_count(1)
    assert looks.faults(ines.page) == []


def _ambassador_copies_the_words(visit: Opener, language: str) -> str:
    lea = visit(language, viewport=PHONE)
    lea.page.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: text => "
        "{ window.copied = text; return Promise.resolve(); }}});"
    )
    lea.sign_in(LEA)
    expect(lea.heading).to_be_visible()
    lea.follow("Words and images to share")
    expect(lea.heading).to_have_text("Bring a friend")
    shown = lea.main.locator(".gallery img").first
    expect(shown).to_be_visible()
    assert looks.faults(lea.page) == []
    lea.page.set_viewport_size({"width": 360, "height": 740})
    lea.press("Copy the text")
    expect(lea.page.get_by_role("status")).to_have_text(lea.said("Copied") + lea.said("Close"))
    copied = _copied(lea.page)
    with lea.page.expect_download() as file:
        lea.main.get_by_role("link", name=lea.said("Download: %(what)s", what="")).first.click()
    assert file.value.suggested_filename == "friend-1.jpg"
    lea.follow("See it as a friend")
    expect(lea.main).to_contain_text("LEA15")
    return copied


def _friend_takes_the_code(visit: Opener, language: str, address: str) -> None:
    friend = visit(language, viewport=PHONE)
    friend.page.goto(address)
    expect(friend.heading).to_have_text(
        friend.said("A friend recommends %(brand)s to you", brand="Cercle")
    )
    expect(friend.main).to_contain_text("LEA15")
    expect(friend.main.locator("img")).to_be_visible()
    expect(friend.main.locator(".mention")).to_be_visible()
    assert looks.faults(friend.page) == []
    shop = friend.main.get_by_role("link", name=friend.said("To the shop"))
    expect(shop).to_have_attribute("href", "/r/lea")
    friend.page.goto("/offer/nobody")
    expect(friend.heading).to_have_text(friend.said("We find no offer here"))
    assert looks.faults(friend.page) == []
