"""The staff's pages of ambassadors: list, forms, export, access, and the program's rules."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, OneTimeLink, RoleName
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import emails
from core.db import db
from tests import queries
from tests.factories import make_ambassador, make_member, make_user, sign_in


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def _audited(act: str) -> AuditLine:
    return db.session.scalars(sa.select(AuditLine).where(AuditLine.act == act)).one()


def _named(name: str, **member: str) -> Ambassador:
    digest = emails.digest(member.get("email"))
    return make_ambassador(member=make_member(name=name, email_hash=digest, **member))


def test_an_empty_program_is_told_the_first_step(staff: FlaskClient) -> None:
    page = staff.get("/console/ambassadors").text
    assert "A circle starts with a few people" in page
    assert "/console/ambassadors/new" in page


def test_ambassadors_are_found_and_narrowed(staff: FlaskClient) -> None:
    _named("Zoé Martin", email="zoe@example.com")
    _named("Ana Silva").status = AmbassadorStatus.SUSPENDED
    assert "Zoé Martin" in staff.get("/console/ambassadors?q=zoe@ex").text
    narrowed = staff.get("/console/ambassadors?status=suspended&kind=nonsense").text
    assert "Ana Silva" in narrowed
    assert "Zoé Martin" not in narrowed
    assert "Nobody fits" in staff.get("/console/ambassadors?q=nobody").text


def test_the_list_goes_on_page_by_page(staff: FlaskClient) -> None:
    ids = [make_ambassador().id for _ in range(60)]
    with queries.counted() as seen:
        first = staff.get("/console/ambassadors").text
    assert len(seen) <= queries.MOST
    assert f'/console/ambassadors/{ids[-1]}"' in first
    assert f'/console/ambassadors/{ids[5]}"' not in first
    assert f"before={ids[10]}" in first
    assert (
        f'/console/ambassadors/{ids[5]}"'
        in staff.get(f"/console/ambassadors?before={ids[10]}").text
    )


def test_the_export_is_safe_for_a_spreadsheet_and_written_down(staff: FlaskClient) -> None:
    _named('=HYPERLINK("http://evil")', email="zoe@example.com", external_id="-1+2")
    answer = staff.post("/console/ambassadors/export", data={"status": "active"})
    assert answer.mimetype == "text/csv"
    lines = answer.data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("ambassador,external_id,name,email")
    assert "'-1+2" in lines[1]
    assert "\"'=HYPERLINK(" in lines[1]
    assert _audited("ambassador.export").details["status"] == "active"


def test_somebody_is_enrolled_with_access_to_the_portal(staff: FlaskClient) -> None:
    answer = staff.post(
        "/console/ambassadors/new",
        data={"name": "Zoé", "email": "Zoe@Example.com", "kind": "partner", "country": "ch",
              "has_access": "y", "locale": ""},
    )  # fmt: skip
    ambassador = db.session.scalars(sa.select(Ambassador)).one()
    assert answer.location == f"/console/ambassadors/{ambassador.id}"
    assert ambassador.kind is AmbassadorKind.PARTNER
    assert ambassador.user_id is not None
    assert "/password/" in staff.get(answer.location).text
    _audited("ambassador.enrol")
    _audited("ambassador.access")


def test_a_staff_account_is_never_handed_out_by_giving_access(staff: FlaskClient) -> None:
    make_user(RoleName.ADMIN, email="boss@example.com")
    ambassador = _named("Boss", email="boss@example.com")
    links = db.session.scalar(sa.select(sa.func.count()).select_from(OneTimeLink))
    answer = staff.post(f"/console/ambassadors/{ambassador.id}/access", follow_redirects=True)
    assert "/password/" not in answer.text
    assert "/sign-in/link/" not in answer.text
    assert links == 0


def test_what_cannot_be_is_shown_at_its_field(staff: FlaskClient) -> None:
    _named("Zoé", email="zoe@example.com")
    answer = staff.post(
        "/console/ambassadors/new",
        data={"name": "Ana", "email": "zoe+2@example.com", "kind": "customer", "country": "Suisse"},
    )
    assert answer.status_code == 422
    again = staff.post(
        "/console/ambassadors/new",
        data={"name": "Ana", "email": "zoe+2@example.com", "kind": "customer"},
    )
    assert again.status_code == 422
    assert "is an ambassador already" in again.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 1


def test_an_ambassador_is_changed_and_suspended(staff: FlaskClient) -> None:
    ambassador = _named("Zoe", email="zoe@example.com")
    path = f"/console/ambassadors/{ambassador.id}"
    assert 'value="Zoe"' in staff.get(f"{path}/edit").text
    data = {"name": "Zoé", "email": "zoe@example.com", "kind": "employee", "locale": "fr"}
    assert staff.post(f"{path}/edit", data=data).status_code == 302
    answer = staff.post(f"{path}/status", data={"act": "suspend", "reason": "A coupon site"})
    assert answer.status_code == 302
    known = db.session.get_one(Ambassador, ambassador.id)
    db.session.refresh(known)
    assert known.status is AmbassadorStatus.SUSPENDED
    assert known.kind is AmbassadorKind.EMPLOYEE
    assert _audited("ambassador.suspend").details["reason"] == "A coupon site"
    assert staff.post(f"{path}/status", data={"act": "suspend", "reason": "x"}).status_code == 409
    assert staff.post(f"{path}/status", data={"act": "promote"}).status_code == 422


def test_finance_sees_and_changes_nothing(app: Flask, client: FlaskClient) -> None:
    ambassador = make_ambassador()
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get("/console/ambassadors").status_code == 200
    assert client.get("/console/ambassadors/new").status_code == 403
    assert client.post(f"/console/ambassadors/{ambassador.id}/status").status_code == 403
    assert client.post("/console/ambassadors/export").status_code == 403
    assert client.get("/console/settings/program").status_code == 403


def test_an_ambassador_is_not_let_in(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.AMBASSADOR))
    for path in ("/console", "/console/ambassadors", "/console/campaigns", "/console/codes"):
        assert client.get(path).status_code == 403


def test_an_admin_changes_the_rules(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.ADMIN))
    assert 'value="EUR"' in client.get("/console/settings/program").text
    told = program.texts() | {"currency": "CHF", "hold_days": "14"}
    assert client.post("/console/settings/program", data=told).status_code == 302
    wrong = client.post("/console/settings/program", data=told | {"timezone": "Mars"})
    assert wrong.status_code == 422
    assert "use a time zone such as Europe/Zurich" in wrong.text
    db.session.rollback()
    assert program.texts()["currency"] == "CHF"
    _audited("program.change")
