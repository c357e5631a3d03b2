"""The staff's pages of what was brought and earned, and the decision by hand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from core import emails
from core.db import db
from integrations import facts
from referrals import links
from referrals.models import Attribution, Click, ClickKind
from rewards import intake, ledger, verify
from rewards.models import Account
from tests import queries
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip

THEO = "theo@example.com"


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def _buy(*codes: str, **overrides: object) -> facts.Purchase:
    fact = purchase_fact(codes=codes, **overrides)
    intake.take_purchases([fact])
    db.session.commit()
    return fact


def _path(fact: facts.Purchase) -> str:
    return f"/console/purchases/{fact.source}/{fact.external_id}"


def _paid_visit() -> int:
    """Add a visit from a paid advertisement; its commission has to wait."""
    theo = make_member(name="Théo", email=THEO, email_hash=emails.digest(THEO))
    owner = make_ambassador(member=theo)
    link = links.create(campaign_id=make_campaign().id, ambassador_id=owner.id, slug="theo")
    make_code("THEO15", ambassador_id=owner.id)
    db.session.add(
        Click(token="t-1", link_id=link.id, clicked_at=NOW - timedelta(days=1),
              kind=ClickKind.VISIT, has_consent=True, is_paid_traffic=True)
    )  # fmt: skip
    return owner.id


def test_a_held_commission_waits_on_the_first_page_until_a_person_decides(
    staff: FlaskClient,
) -> None:
    owner_id = _paid_visit()
    fact = _buy(click_token="t-1")
    page = staff.get("/console?lang=en").text
    assert "Théo, commission of EUR\xa010.00" in page
    assert "paid advertisement" in page
    assert fact.external_id in staff.get("/console/purchases?narrow=held").text
    staff.post(_path(fact), data={"ambassador": "THEO15", "reason": "We asked him: his own ad"})
    db.session.rollback()
    balance = ledger.balances(owner_id)["EUR"]
    assert (balance.get(Account.HELD, 0), balance[Account.PENDING]) == (0, 1000)
    assert "Nothing waits for you" in staff.get("/console?lang=en").text
    assert verify.breaches() == []


def test_a_purchase_shows_its_why_its_refunds_and_its_entries(staff: FlaskClient) -> None:
    make_code("ZOE15", ambassador_id=make_ambassador(member=make_member(name="Zoé")).id)
    make_code("ANA15", ambassador_id=make_ambassador(member=make_member(name="Ana")).id)
    fact = _buy("ZOE15", "ANA15")
    intake.take_refunds([refund_fact(fact, 5_000)])
    db.session.commit()
    page = staff.get(_path(fact) + "?lang=en").text
    for text in (
        "Zoé", "The code was entered at the checkout.", "Ana",
        "Another code came first on the order.", "Taken back", "EUR\xa050.00", "refund-",
    ):  # fmt: skip
        assert text in page
    assert staff.get("/console/purchases/api/nobody").status_code == 404


def test_a_person_decides_otherwise_and_the_ledger_follows(staff: FlaskClient) -> None:
    zoe, ana = make_ambassador(), make_ambassador(member=make_member(external_id="ana"))
    make_code("ZOE15", ambassador_id=zoe.id)
    make_code("ANA15", ambassador_id=ana.id)
    fact = _buy("ZOE15")
    assert staff.post(_path(fact), data={"ambassador": "ana", "reason": ""}).status_code == 422
    assert staff.post(_path(fact), data={"ambassador": "bob", "reason": "x"}).status_code == 422
    answer = staff.post(_path(fact), data={"ambassador": "ana", "reason": "She was at the stand"})
    assert answer.status_code == 302
    db.session.rollback()
    assert db.session.scalars(sa.select(Attribution.ambassador_id)).all() == [ana.id]
    assert ledger.balances(ana.id)["EUR"][Account.PENDING] == 1000
    assert ledger.balances(zoe.id)["EUR"].get(Account.PENDING, 0) == 0
    line = db.session.scalars(
        sa.select(AuditLine).where(AuditLine.act == "attribution.override")
    ).one()
    assert line.details["reason"] == "She was at the stand"
    nobody = staff.post(_path(fact), data={"ambassador": "", "reason": "A mistake"})
    assert nobody.status_code == 302
    db.session.rollback()
    assert ledger.balances(ana.id)["EUR"].get(Account.PENDING, 0) == 0


def test_purchases_are_found_narrowed_and_paged(staff: FlaskClient) -> None:
    assert "No purchase yet" in staff.get("/console/purchases?lang=en").text
    code = make_code("ZOE15")
    mine, other = _buy("ZOE15", external_id="A-1"), _buy(external_id="B-2")
    for query, shown in (
        ("", {mine, other}), ("q=A-1", {mine}), ("q=zoe15", {mine}), ("narrow=credited", {mine}),
        ("narrow=lost", set()), (f"ambassador={code.ambassador_id}", {mine}),
        ("q=%00", {mine, other}),
    ):  # fmt: skip
        page = staff.get(f"/console/purchases?{query}").text
        found = {fact for fact in (mine, other) if f">{fact.external_id}</a>" in page}
        assert found == shown, query
    for n in range(55):
        _buy(external_id=f"C-{n}", occurred_at=NOW - timedelta(days=n + 1))
    first = staff.get("/console/purchases").text
    before = first.split("before=")[1].split('"')[0].split("&")[0]
    second = staff.get(f"/console/purchases?before={before}").text
    assert ">C-47</a>" in first
    assert ">C-48</a>" in second
    assert ">C-47</a>" not in second


def test_an_ambassadors_page_tells_what_they_share_bring_and_earn(staff: FlaskClient) -> None:
    who = make_ambassador(member=make_member(name="Zoé Martin", email="zoe@example.com"))
    code = make_code("ZOE15", ambassador_id=who.id)
    links.create(campaign_id=code.campaign_id, ambassador_id=who.id, slug="zoe")
    fact = _buy("ZOE15")
    intake.take_refunds([refund_fact(fact, 2_000)])
    db.session.commit()
    path = f"/console/ambassadors/{who.id}"
    with queries.counted() as seen:
        page = staff.get(f"{path}?lang=en").text
    assert len(seen) <= queries.MOST, "\n".join(seen)
    for text in (
        "Zoé Martin", "zoe@example.com", "ZOE15", "/r/zoe", fact.external_id, "Enrolled",
        "Code ZOE15", "Commission", "Taken back", "8.00",
    ):  # fmt: skip
        assert text in page, text
    assert staff.get("/console/ambassadors/999999").status_code == 404


def test_pages_stay_within_their_statements(staff: FlaskClient) -> None:
    make_code("ZOE15")
    facts_ = [_buy("ZOE15") for _ in range(3)]
    for path in ("/console/purchases", _path(facts_[0])):
        with queries.counted() as seen:
            assert staff.get(path).status_code == 200
        assert len(seen) <= queries.MOST, path + "\n" + "\n".join(seen)


def test_the_front_leads_each_role_to_its_home(client: FlaskClient) -> None:
    assert client.get("/").location.endswith("/sign-in")
    sign_in(client, make_user(RoleName.MARKETER))
    assert client.get("/").location == "/console"


@pytest.mark.parametrize("number", ["-1", "0", "99999999999999999999999"])
@pytest.mark.parametrize(
    "address", ["ambassadors?before=", "campaigns?before=", "codes?before=", "codes?ambassador=",
                "codes/new?ambassador=", "purchases?before=", "purchases?ambassador="],
)  # fmt: skip
def test_a_number_that_no_row_has_breaks_no_list(
    client: FlaskClient, address: str, number: str
) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    assert client.get(f"/console/{address}{number}").status_code == 200


def test_a_hold_is_decided_without_copying_who_has_the_credit(staff: FlaskClient) -> None:
    _paid_visit()
    fact = _buy(click_token="t-1")
    page = staff.get(f"{_path(fact)}?lang=en").text
    (written,) = re.findall(r'<input[^>]*name="ambassador"[^>]*>', page)
    (value,) = re.findall(r'value="([^"]+)"', written)
    data = {"ambassador": value, "reason": "Her own newsletter."}
    assert staff.post(_path(fact), data=data).status_code == 302
    assert "Théo" in staff.get(_path(fact)).text
    assert fact.external_id not in staff.get("/console/purchases?narrow=held").text
