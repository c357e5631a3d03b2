"""The staff's pages of codes: list, a code and a link for one person, stopping a leaked one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns.models import Campaign, CampaignStatus
from core import emails
from core.db import db
from referrals import codes
from referrals.models import Code, CodeStatus, Link
from tests import queries
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    sign_in,
)  # fmt: skip


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def _acts() -> list[tuple[str, str]]:
    db.session.rollback()
    lines = db.session.scalars(sa.select(AuditLine).where(AuditLine.object_kind == "code"))
    return [(line.act, line.object_id) for line in lines]


def test_a_code_and_a_link_are_given_to_somebody(staff: FlaskClient) -> None:
    assert "No campaign yet" in staff.get("/console/codes/new").text
    slug = make_campaign().slug
    mail = "zoe@example.com"
    owner = make_ambassador(
        member=make_member(name="Zoé", email=mail, email_hash=emails.digest(mail))
    )
    answer = staff.post(
        "/console/codes/new",
        data={"ambassador": "Zoe+x@example.com", "campaign": slug, "code": "zoe-15", "slug": "zoe"},
    )
    assert answer.location == f"/console/codes?ambassador={owner.id}", answer.text
    code = codes.find("ZOE15")
    assert code is not None
    assert code.ambassador_id == owner.id
    assert db.session.scalars(sa.select(Link.slug)).all() == ["zoe"]
    assert "ZOE-15" in staff.get(answer.location).text
    assert _acts() == [("code.create", "ZOE15")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ambassador": "nobody"}, "ambassador"),
        ({"ambassador": "999999"}, "code"),
        ({"code": "", "slug": ""}, "code"),
        ({"code": "A"}, "code"),
        ({"code": "ZOE!"}, "code"),
        ({"code": "ANA1O"}, "code"),
        ({"slug": "Not a slug"}, "slug"),
        ({"campaign": "other"}, "campaign"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    staff: FlaskClient, change: dict[str, str], field: str
) -> None:
    make_code("ANA10")
    data = {
        "ambassador": str(make_ambassador().id), "campaign": make_campaign().slug, "code": "ZOE15",
        "slug": "",
    }  # fmt: skip
    answer = staff.post("/console/codes/new", data=data | change)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalars(sa.select(Code.key)).all() == ["ANA10"]


def test_a_leaked_code_is_stopped_and_replaced(staff: FlaskClient) -> None:
    code = make_code("ZOE15")
    path = f"/console/codes/{code.id}/freeze"
    assert staff.post(path, data={"reason": ""}).status_code == 422
    taken = staff.post(path, data={"reason": "On a coupon site", "replacement": "Z"})
    assert taken.status_code == 422
    assert staff.post(
        path, data={"reason": "On a coupon site", "replacement": "ZOE26"}
    ).status_code == 302  # fmt: skip
    db.session.rollback()
    old, new = codes.find("ZOE15"), codes.find("ZOE26")
    assert old is not None
    assert new is not None
    assert old.status is CodeStatus.FROZEN
    assert (new.replaces_id, new.ambassador_id) == (old.id, old.ambassador_id)
    assert _acts() == [("code.freeze", "ZOE15"), ("code.create", "ZOE26")]
    assert staff.get(path).status_code == 404


def test_codes_are_found_and_narrowed(staff: FlaskClient) -> None:
    one = make_code("ZOE15")
    make_code("ANA15", status=CodeStatus.FROZEN)
    slug = campaign_slug(one)
    for query, is_there in (
        ("q=zoe-1", True), ("q=ana", False), ("status=frozen", False), ("status=active", True),
        (f"campaign={slug}", True), (f"ambassador={one.ambassador_id}", True), ("q=%25", False),
        ("campaign=nobody", True), ("status=odd&before=x", True),
    ):  # fmt: skip
        page = staff.get(f"/console/codes?{query}").text
        assert (f">{one.text}<" in page) is is_there, query


def test_the_codes_of_a_campaign_are_counted(staff: FlaskClient) -> None:
    campaign = make_campaign(name="Pear")
    for text in ("ZOE15", "ANA15"):
        make_code(text, campaign_id=campaign.id)
    make_code("BOB15")
    page = staff.get(f"/console/codes?campaign={campaign.slug}&lang=en").text
    assert "2 codes in the campaign Pear." in page


def campaign_slug(code: Code) -> str:
    return db.session.get_one(Campaign, code.campaign_id).slug


def test_the_list_stays_within_its_statements(staff: FlaskClient) -> None:
    for n in range(4):
        make_code(f"CODE{n}X")
    with queries.counted() as seen:
        assert staff.get("/console/codes").status_code == 200
    assert len(seen) <= queries.MOST


def test_a_code_is_frozen_in_the_words_of_the_glossary(staff: FlaskClient) -> None:
    code = make_code("ZOE15")
    db.session.commit()
    for path in ("/console/codes", f"/console/codes/{code.id}/freeze"):
        page = staff.get(f"{path}?lang=en").text
        assert "Freeze" in page
        assert "Stop" not in page
        assert "Geler" in staff.get(f"{path}?lang=fr").text


def test_the_form_of_a_new_code_chooses_a_running_campaign_first(staff: FlaskClient) -> None:
    make_campaign(slug="spring", name="Spring")
    make_campaign(slug="later", name="Later", status=CampaignStatus.DRAFT)
    db.session.commit()
    page = staff.get("/console/codes/new?lang=en").text
    assert page.index(">Spring<") < page.index(">Later<")
