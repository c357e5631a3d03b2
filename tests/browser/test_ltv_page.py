"""The LTV page with a prediction: it fits a phone, shuts nobody out, and says how sure it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import RoleName
from ambassadors import program
from core.db import db
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.reports.test_prediction import ADDRESS, _orders, _take


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_predicted_ltv_is_read_on_a_phone_in_both_languages(
    site: Site, visit: Opener, language: str
) -> None:
    program.set_rules({"currency": "GBP", "timezone": "Europe/London"})
    db.session.commit()
    _take(_orders(150))
    site.add_person(RoleName.FINANCE, "finance@brand.example")
    visitor = visit(language)
    visitor.sign_in("finance@brand.example")
    visitor.page.goto(f"/console/reports/ltv?{ADDRESS}")
    section = visitor.main.get_by_role("region", name=visitor.said("LTV at 12 months, predicted"))
    expect(section.get_by_text(visitor.said("Show the parameters"))).to_be_visible()
    assert looks.faults(visitor.page) == []
