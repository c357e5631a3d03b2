"""The staff's pages of campaigns: the list, and one page with its terms in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns import campaigns, terms
from campaigns.models import CampaignStatus
from core.db import db
from tests import queries
from tests.factories import make_campaign, make_user, sign_in

READERS = terms.Terms(
    name="Readers", starts_at=datetime(2026, 2, 28, 23, tzinfo=UTC),
    ends_at=datetime(2026, 3, 31, 22, tzinfo=UTC),
    benefits=(terms.benefit("25%", "EUR"), terms.benefit("free_shipping", "EUR")),
    reward=terms.AmbassadorEarns(rate=1250, maximum=2000, hold_days=14), countries=("US", "GB"),
    minimum_basket=3000, uses_per_code=100, uses_per_customer=1, budget=500_000,
    landing_url="https://shop.example/readers",
)  # fmt: skip


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def _acts() -> list[str]:
    db.session.rollback()
    query = sa.select(AuditLine.act).where(AuditLine.object_kind == "campaign")
    return list(db.session.scalars(query.order_by(AuditLine.id)))


def test_a_campaign_is_set_up_read_in_sentences_and_started(staff: FlaskClient) -> None:
    assert "No campaign yet" in staff.get("/console/campaigns").text
    campaigns.create("readers", READERS)
    db.session.commit()
    page = staff.get("/console/campaigns/readers?lang=en").text
    for sentence in (
        "The friend gets: 25\u202f% off, free delivery.",
        "The ambassador earns 12.5\u202f% of the amount after discount, before tax and shipping.",
        "At most EUR\xa020.00 for one purchase.",
        "It becomes payable 14 days after the purchase.",
        "It runs from 1 March 2026 to 31 March 2026.",
        "Only in: United States, United Kingdom.",
        "From a basket of EUR\xa030.00.",
        "Each code can be used 100 times.",
        "Commissions are EUR\xa05,000.00 in all, at most.",
    ):
        assert sentence in page
    assert staff.post("/console/campaigns/readers/start").status_code == 302
    assert campaigns.get("readers").status is CampaignStatus.RUNNING
    assert "Readers" in staff.get("/console/campaigns?status=running").text
    assert _acts() == ["campaign.create", "campaign.start"]


def test_an_ended_campaign_stays_ended(staff: FlaskClient) -> None:
    make_campaign(slug="over")
    assert staff.post("/console/campaigns/over/end").status_code == 302
    assert staff.post("/console/campaigns/over/start").status_code == 409
    assert staff.post("/console/campaigns/over/burn").status_code == 404
    assert staff.get("/console/campaigns/nobody").status_code == 404


def test_finance_reads_and_a_page_stays_within_its_statements(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    for _ in range(3):
        slug = make_campaign().slug
    for path in ("/console/campaigns", f"/console/campaigns/{slug}"):
        client.get(path)  # the copy that reports are read from is fresh now
        with queries.counted() as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= queries.MOST, "\n".join(seen)
    assert client.post("/console/wizard", data={"change": slug}).status_code == 403
    assert client.post(f"/console/campaigns/{slug}/end").status_code == 403
