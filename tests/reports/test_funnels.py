"""The funnel of a campaign and of a code, with its signs."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import RoleName
from campaigns.models import Campaign
from core.db import db
from referrals.models import Code
from reports import engine, funnels
from reports.models import period
from tests.factories import make_user, sign_in
from tests.reports.conftest import buy

SPAN = period("2026-01", "2026-03")


@pytest.fixture
def way(zoe: Code) -> None:
    """Two new through Zoé, one of whom comes back twice, and an old customer with her code."""
    orders = (("a", ("ZOE10",), "2026-01-05"), ("b", ("ZOE10",), "2026-01-06"),
              ("a", (), "2026-02-01"), ("a", (), "2026-03-01"), ("old", (), "2026-01-01"),
              ("old", ("ZOE10",), "2026-02-02"))  # fmt: skip
    for n, (who, codes, day) in enumerate(sorted(orders, key=lambda order: order[2])):
        buy(f"{day}T10:00+00:00", 1_000, codes=codes, discount=100 if codes else 0,
            external_id=f"o{n}", email=f"{who}@example.com")  # fmt: skip


def test_a_campaign_from_visit_to_repeat_purchase(way: None) -> None:
    found = funnels.of_campaign(engine.fresh(), "spring", SPAN, "GBP")
    assert (found.visits, found.purchases, found.new_customers) == (0, 3, 2)
    assert (found.repeat_customers, found.repeat) == (1, Decimal("0.500000"))
    assert (found.net, found.net_later, found.existing) == (3_000, 2_000, 1)
    assert found.cost == 600  # three commissions of 1.00 and three discounts
    assert found.roi == Decimal("4.000000")
    assert found.is_cannibal
    assert found.bought is None


def test_a_code_has_no_visits_and_its_own_figures(way: None) -> None:
    found = funnels.of_code(engine.fresh(), "ZOE10", SPAN, "GBP")
    assert (found.visits, found.purchases, found.repeat_customers) == (None, 3, 1)
    nothing = funnels.of_code(engine.fresh(), "NOBODY", SPAN, "GBP")
    assert (nothing.purchases, nothing.roi, nothing.is_cannibal) == (0, None, False)


def test_a_code_for_new_customers_used_by_old_ones_is_a_sign(zoe: Code) -> None:
    db.session.execute(sa.update(Campaign).values(new_customers_only=True))
    db.session.commit()
    for n, (day, codes) in enumerate([("01", ()), ("02", ("ZOE10",)), ("03", ("ZOE10",))]):
        buy(f"2026-01-{day}T10:00+00:00", 1_000, codes=codes, external_id=f"o{n}",
            email="old@example.com")  # fmt: skip
    copy = engine.fresh()
    assert funnels.of_code(copy, "ZOE10", SPAN, "GBP").refused == 2
    assert funnels.of_campaign(copy, "spring", SPAN, "GBP").refused == 2
    assert funnels.of_campaign(copy, "winter", SPAN, "GBP").refused == 0


def test_staff_reads_the_funnel(way: None, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    url = "/console/reports/funnel?from=2026-01&to=2026-03&lang=en"
    page = client.get(f"{url}&campaign=spring").text
    assert "From visit to repeat purchase" in page
    assert "That is many" in page
    assert client.get(f"{url}&code=ZOE10").status_code == 200
    codes = client.get("/console/reports/codes?from=2026-01&to=2026-03").text
    assert "/console/reports/funnel?code=ZOE10" in codes
    assert "/console/reports/funnel?campaign=spring" in client.get("/console/campaigns/spring").text
    for odd, status in (("", 422), ("&campaign=spring&code=A", 422), ("&campaign=none", 404)):
        assert client.get(f"{url}{odd}").status_code == status
