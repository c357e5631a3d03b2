"""Finance brings rates of currency in, sees who waited for them, and follows a commission."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import RoleName
from campaigns.models import RewardKind
from core import clock
from rewards import intake
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.factories import make_ambassador, make_campaign, make_code, make_member, purchase_fact

OLDER = "Date,USD,JPY,CYP,\n2026-02-20,1.0790,161.2,N/A,\n"
NEWER = "date;currency;rate\n2026-02-20;USD;1,08\n2026-02-27;USD;1,0823\n2026-02-30;USD;1,1\n"


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_rate_is_imported_and_pays_the_order_that_waited(
    site: Site, visit: Opener, language: str, width: int, tmp_path: Path
) -> None:
    site.add_person(RoleName.FINANCE, "finance@brand.example")
    rule = {"kind": RewardKind.FIXED, "rate": None, "amount": 500, "maximum": 600}
    owner = make_ambassador(member=make_member(name="Léa Monnier"))
    campaign = make_campaign(name="Bring a friend", rule=rule)
    make_code("LEA15", ambassador_id=owner.id, campaign_id=campaign.id)
    ordered_at = clock.now() - timedelta(days=1)
    order = {"currency": "USD", "total": 12_000, "tax": 2_000, "external_id": "us-1"}
    intake.take_purchases([purchase_fact(codes=("LEA15",), occurred_at=ordered_at, **order)])
    site.settle()
    finance = visit(language, viewport={"width": width, "height": 900})
    page = finance.page
    finance.sign_in("finance@brand.example")
    for text, name in ((OLDER, "eurofxref-hist.csv"), (NEWER, "bank.csv")):
        page.goto("/console/rates/waiting")
        expect(page.get_by_role("row").filter(has_text="us-1")).to_contain_text("EUR/USD")
        assert looks.faults(page) == []
        page.goto("/console/rates")
        assert looks.faults(page) == []
        (tmp_path / name).write_text(text)
        finance.field("File").set_input_files(tmp_path / name)
        finance.press("Look at the file")
        expect(page.get_by_text("1 EUR = ").first).to_be_visible()
        assert looks.faults(page) == []
        finance.press("Import the rates")
    expect(page.get_by_role("table", name=finance.said("Lines to mend"))).to_be_visible()
    page.goto("/console/purchases/api/us-1")
    page.get_by_role(
        "link",
        name=finance.said("The commission of %(name)s step by step", name="Léa Monnier"),
    ).click()
    table = page.get_by_role("table", name=finance.said("What the rule gives"))
    expect(table).to_contain_text("5.4115" if language == "en" else "5,4115")
    assert looks.faults(page) == []
