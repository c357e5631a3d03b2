"""The staff's pages of campaigns: list, plain form, one page with its terms in sentences."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns import campaigns, terms
from campaigns.models import Campaign, CampaignStatus
from core.db import db
from tests import queries
from tests.factories import make_campaign, make_user, sign_in

READERS = {
    "name": "Readers", "slug": "readers", "objective": "acquisition", "starts_on": "2026-03-01",
    "ends_on": "2026-03-31", "percent": "25", "amount": "", "free_shipping": "y",
    "free_product": "", "reward_kind": "percent", "rate": "12,5", "fixed": "",
    "maximum": "20.00", "hold_days": "14", "countries": "us, GB", "currencies": "",
    "products": "", "minimum_basket": "30", "uses_per_code": "100", "uses_per_customer": "1",
    "budget": "5000", "landing_url": "https://shop.example/readers",
}  # fmt: skip


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
    answer = staff.post("/console/campaigns/new", data=READERS)
    assert answer.location == "/console/campaigns/readers", answer.text
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


def test_saving_the_form_as_it_is_shown_changes_nothing(app: Flask, staff: FlaskClient) -> None:
    staff.post("/console/campaigns/new", data=READERS)
    before = terms.of(campaigns.get("readers"))
    form = staff.get("/console/campaigns/readers/edit").text
    assert 'value="12.5"' in form
    assert 'value="5000.00"' in form
    again = {name: text for name, text in READERS.items() if name != "slug"}
    staff.post("/console/campaigns/readers/edit", data=again)
    db.session.rollback()
    assert terms.of(campaigns.get("readers")) == before
    assert _acts() == ["campaign.create"]


def test_a_changed_reward_is_a_second_version(staff: FlaskClient) -> None:
    staff.post("/console/campaigns/new", data=READERS)
    staff.post(
        "/console/campaigns/readers/edit",
        data=READERS | {"reward_kind": "fixed", "fixed": "5", "rate": ""},
    )
    db.session.rollback()
    first, second = campaigns.get("readers").rules
    assert (first.rate, second.rate, second.amount) == (1250, None, 500)
    assert "Version 2" in staff.get("/console/campaigns/readers?lang=en").text


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("name", "", "This field is needed."),
        ("slug", "Not plain", "Use small letters, digits and dashes"),
        ("percent", "120", "Write a percentage from 0 to 100"),
        ("amount", "5", "not both"),
        ("rate", "ten", "Write a percentage from 0 to 100"),
        ("hold_days", "soon", "Write a whole number."),
        ("hold_days", "400", "Write a number of days from 0 to 365."),
        ("countries", "Suisse", "Write country codes"),
        ("budget", "-1", "Write an amount such as 12.50."),
        ("ends_on", "2026-02-01", "The end comes before the start."),
        ("starts_on", "0001-01-01", "is not a date of our time"),
        ("landing_url", "javascript:alert(1)", "Write an https address."),
        ("uses_per_code", "0", "Write a number above zero"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    staff: FlaskClient, field: str, text: str, said: str
) -> None:
    answer = staff.post("/console/campaigns/new?lang=en", data=READERS | {field: text})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Campaign)) == 0


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
    assert client.get(f"/console/campaigns/{slug}/edit").status_code == 403
    assert client.post(f"/console/campaigns/{slug}/end").status_code == 403


def test_terms_changed_in_another_tab_are_not_written_over(staff: FlaskClient) -> None:
    make_campaign(slug="friend", name="Bring a friend")
    db.session.commit()
    seen = campaigns.get("friend")
    mark = terms.digest(terms.of(seen))
    db.session.rollback()
    page = staff.get("/console/campaigns/friend/edit").text
    assert f'value="{mark}"' in page
    fields = {name: text for name, text in READERS.items() if name != "slug"} | {"seen": mark}
    first = staff.post("/console/campaigns/friend/edit", data=fields | {"name": "First"})
    assert first.location == "/console/campaigns/friend", first.text
    second = staff.post("/console/campaigns/friend/edit?lang=en", data=fields | {"name": "Second"})
    assert second.status_code == 422
    assert "changed since you opened them" in second.text
    assert 'value="Second"' in second.text
    db.session.rollback()
    assert campaigns.get("friend").name == "First"
