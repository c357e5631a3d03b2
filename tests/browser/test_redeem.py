"""An ambassador redeems an invitation code and shares a link, on a phone, in a few taps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from accounts.models import RoleName
from rewards import vouchers
from rewards.models import VoucherKind
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.factories import make_ambassador, make_campaign, make_member
from tests.rewards.test_exchanges import make_perk

LEA = "lea@ambassadors.example"
MOST_INPUTS = 6  # taps and fields from the portal's first page; a minute holds twenty


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "fr"), ("postgresql", "en")], indirect=["app"]
)
def test_an_invitation_is_redeemed_and_its_link_shared_in_six_inputs(
    site: Site, visit: Opener, language: str
) -> None:
    person_id = site.add_person(RoleName.AMBASSADOR, LEA)
    make_ambassador(member=make_member(name="Léa Monnier", email=LEA), user_id=person_id)
    campaign = make_campaign(name="Bring a friend", slug="friend")
    terms = vouchers.Terms(
        kind=VoucherKind.INVITATION, name_en="Come along", name_fr="Venez",
        campaign_id=campaign.id,
    )  # fmt: skip
    vouchers.create(terms, text="COME-ALONG", takes_limit=10)
    make_perk()
    site.settle()
    lea = visit(language, viewport={"width": 360, "height": 740})
    lea.page.add_init_script(
        "navigator.share = data => { window.shared = data; return Promise.resolve(); }"
    )
    lea.sign_in(LEA)
    expect(lea.heading).to_be_visible()
    inputs = 0
    acts: tuple[Callable[[], None], ...] = (
        lambda: lea.go("Redeem"),
        lambda: lea.fill("Code", "come along"),
        lambda: lea.press("Check"),
        lambda: lea.press("Take it"),
        lambda: lea.press("Share"),
    )
    for act in acts:
        assert looks.faults(lea.page) == []
        act()
        inputs += 1
    assert "/r/" in str(lea.page.evaluate("window.shared.url"))
    assert inputs <= MOST_INPUTS
    assert looks.faults(lea.page) == []
