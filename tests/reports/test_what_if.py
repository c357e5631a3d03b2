"""CAC under another assumption stands beside the real figure, never instead of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from accounts.models import RoleName
from campaigns import costs
from core.db import db
from referrals.models import Code
from reports import cac, what_if
from reports.models import period
from tests.factories import make_user, sign_in
from tests.reports.conftest import buy

SPAN = "from=2026-01&to=2026-01"


@pytest.fixture
def costly(zoe: Code) -> None:
    """Two friends with a discount of 2.00 each, and 1.5 hours at 40.00."""
    for n in range(2):
        buy("2026-01-10T10:00+00:00", 1_000, codes=("ZOE10",), discount=200,
            external_id=f"o{n}", email=f"c{n}@example.com")  # fmt: skip
    costs.set_rate(effective_on=date(2026, 1, 1), amount=4000, currency="GBP")
    costs.add_hours(
        month="2026-01", channel="community", activity="Care", hours=Decimal("1.5"), key="a"
    )
    db.session.commit()


@pytest.mark.parametrize(
    ("query", "cost"),
    [({}, 6_600), ({"without": "discounts"}, 6_200), ({"rate": "0"}, 600), ({"rate": "60"}, 9_600),
     ({"rate": "60", "without": "discounts"}, 9_200), ({"rate": "33,33"}, 5_600)],
)  # fmt: skip
def test_an_assumption_changes_what_it_names(
    costly: None, query: dict[str, str], cost: int
) -> None:
    report = cac.report(period("2026-01", "2026-01"), "GBP")
    assumed = what_if.totals(report, what_if.asked(query, "GBP"))
    assert assumed.cost == cost
    assert assumed.cac_community == cost // 2
    assert report.totals.cost == 6_600


def test_the_page_shows_both(costly: None, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    url = f"/console/reports/cac?{SPAN}&lang=en"
    real = client.get(url).text
    assert "Real and assumed" not in real
    page = client.get(f"{url}&without=discounts&rate=60").text
    assert "33.00" in page
    assert "46.00" in page
    for odd in ("without=x", "rate=x", "rate=-1", "rate=NaN", "rate=1e99", "rate=0.001"):
        assert client.get(f"{url}&{odd}").status_code == 422
