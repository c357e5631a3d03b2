"""The list of commissions: its filters, its totals, and the files that hold the same."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from core.db import db
from integrations import facts
from rewards import commission_list, credits, intake, ledger
from rewards.commission_list import Search, State
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

LIST = "/console/commissions?lang=en"


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def _owner(name: str, code: str, **values: object) -> int:
    owner = make_ambassador(member=make_member(name=name))
    make_code(code, ambassador_id=owner.id, **values)
    return owner.id


def _buy(code: str, **overrides: object) -> facts.Purchase:
    fact = purchase_fact(codes=(code,), **overrides)
    intake.take_purchases([fact])
    db.session.commit()
    return fact


def test_a_commission_is_found_by_state_campaign_ambassador_and_month(staff: FlaskClient) -> None:
    zoe = _owner("Zoé", "ZOE15")
    _owner("Ana", "ANA15", campaign_id=make_campaign(slug="winter", name="Winter").id)
    mine, theirs = _buy("ZOE15"), _buy("ANA15")
    old = _buy("ZOE15", occurred_at=NOW - timedelta(days=70))
    back = _buy("ZOE15")
    intake.take_refunds([refund_fact(back, back.total)])
    db.session.commit()
    month = f"{NOW - timedelta(days=70):%Y-%m}"
    for query, shown in {
        "": {mine, theirs, back},
        "month=": {mine, theirs, old, back},
        f"month={month}": {old},
        "state=reversed": {back},
        "state=pending": {mine, theirs},
        "campaign=winter": {theirs},
        f"ambassador={zoe}&month=": {mine, old, back},
        "q=ZO": {mine, back},
        "q=%25": set(),
        "state=nonsense": {mine, theirs, back},
    }.items():
        page = staff.get(f"{LIST}&{query}").text
        found = {one for one in (mine, theirs, old, back) if f">{one.external_id}</a>" in page}
        assert found == shown, query
    assert staff.get(f"{LIST}&month=2026-13").status_code == 422
    assert "Show all months" in staff.get(f"{LIST}&month=2001-01").text


def test_the_state_is_the_one_that_a_purchase_shows(staff: FlaskClient) -> None:
    _owner("Zoé", "ZOE15")
    for days in (0, 40):
        _buy("ZOE15", occurred_at=NOW - timedelta(days=days))
    back = _buy("ZOE15")
    intake.take_refunds([refund_fact(back, 4_000)])
    db.session.commit()
    rows = commission_list.page(Search())
    described = credits.describe([row.purchase_id for row in rows])
    assert len(rows) == 3
    for row in rows:
        shown = described[row.purchase_id].commission
        assert shown is not None
        assert (row.state, row.amount, row.accrued) == (shown.state, shown.amount, shown.accrued)


def test_totals_are_what_the_ledger_has_by_currency(staff: FlaskClient) -> None:
    zoe = _owner("Zoé", "ZOE15")
    fact = _buy("ZOE15", total=10_000)
    _buy("ZOE15", total=25_000)
    intake.take_refunds([refund_fact(fact, 5_000)])
    db.session.commit()
    (total,) = commission_list.totals(Search())
    owed = ledger.balances(zoe)["EUR"]
    assert total.count == 2
    assert total.amount == sum(owed.get(one, 0) for one in (Account.PENDING, Account.PAYABLE))
    assert total.accrued - total.amount == 500
    assert commission_list.totals(Search(state=State.HELD)) == []
    page = staff.get(LIST).text
    assert "30.00" in page
    assert "35.00" in page


def test_each_commission_leads_to_its_steps(staff: FlaskClient) -> None:
    zoe = _owner("Zoé", "ZOE15")
    _buy("ZOE15")
    (row,) = commission_list.page(Search())
    path = f"/console/commissions/{row.purchase_id}/{zoe}"
    assert f'href="{path}"' in staff.get(LIST).text
    assert staff.get(path).status_code == 200


def test_the_files_hold_what_the_page_shows_and_the_audit_log_keeps_who_took_them(
    staff: FlaskClient,
) -> None:
    _owner("=SUM(A1)", "ZOE15")
    fact = _buy("ZOE15")
    _buy("ZOE15", occurred_at=NOW - timedelta(days=70))
    text = staff.get("/console/commissions/commissions.csv?lang=en").text
    head, line = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    told = dict(zip(head, line, strict=True))
    assert told["Order"] == fact.external_id
    assert told["Ambassador"] == "'=SUM(A1)"
    assert (told["Commission"], told["Currency"]) == ("10.00", "EUR")
    book = staff.get("/console/commissions/commissions.xlsx?lang=en&month=").data
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        workbook = parts.read("xl/workbook.xml").decode()
    assert len(re.findall(r"<v>10(?:\.00)?</v>", sheet)) == 4, "two orders, two amounts each"
    assert "Definitions" in workbook
    kept = db.session.scalars(
        sa.select(AuditLine.details).where(AuditLine.act == "commission.export")
    )
    assert sorted(one["format"] for one in kept) == ["csv", "xlsx"]


def test_the_list_goes_on_page_by_page_and_asks_the_database_as_often(staff: FlaskClient) -> None:
    _owner("Zoé", "ZOE15")
    intake.take_purchases([
        purchase_fact(codes=("ZOE15",), external_id=f"C-{n:02}",
                      occurred_at=NOW - timedelta(minutes=n + 1))
        for n in range(55)
    ])  # fmt: skip
    db.session.commit()
    with queries.counted() as many:
        first = staff.get(LIST).text
    assert len(many) <= queries.MOST, "\n".join(many)
    before = first.split("before=")[1].split('"')[0].split("&")[0]
    second = staff.get(f"{LIST}&before={before}").text
    assert ">C-49</a>" in first
    assert ">C-50</a>" not in first
    assert ">C-50</a>" in second
    assert [row.external_id for row in commission_list.every(Search())] == [
        f"C-{n:02}" for n in range(55)
    ]
