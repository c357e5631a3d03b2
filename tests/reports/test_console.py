"""The report pages, their files, and the purchases behind each figure."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns import spend
from campaigns.models import Campaign, SpendKind
from core.db import db
from referrals.models import Code
from tests.factories import make_key, make_user, sign_in
from tests.reports.conftest import buy
from tests.reports.test_cac import _two_months

PAGES = ("acquisition", "codes", "cac", "cohorts", "ltv", "members", "purchases")
SPAN = "from=2026-01&to=2026-02"


@pytest.fixture
def finance(client: FlaskClient) -> FlaskClient:
    """The browser of someone in finance."""
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def _text(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_without_any_data(
    london: Flask, finance: FlaskClient, name: str, language: str
) -> None:
    text = _text(finance, f"/console/reports/{name}?lang={language}")
    assert 'class="empty"' in text
    assert f'<html lang="{language}"' in text


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_with_data(
    zoe: Code, finance: FlaskClient, name: str, language: str
) -> None:
    _two_months()
    text = _text(finance, f"/console/reports/{name}?{SPAN}&lang={language}")
    assert 'class="empty"' not in text
    assert "<h1>" in text
    assert "style=" not in text


def test_the_cac_page_shows_the_figures(zoe: Code, finance: FlaskClient) -> None:
    _two_months()
    text = _text(finance, f"/console/reports/cac?{SPAN}&lang=en")
    for figure in ("40.50", "35.50", "300.00", "320.00", "133.67", "66.7"):
        assert figure in text
    assert "-- CAC: what each channel cost" in text  # the definition, as it ran
    assert text.count("<svg") > 6


def test_french_pages_write_figures_the_french_way(zoe: Code, finance: FlaskClient) -> None:
    _two_months()
    assert "133,67" in _text(finance, f"/console/reports/cac?{SPAN}&lang=fr")


@pytest.mark.parametrize("name", ["acquisition", "codes", "cac"])
def test_every_link_behind_a_figure_opens(zoe: Code, finance: FlaskClient, name: str) -> None:
    _two_months()
    text = _text(finance, f"/console/reports/{name}?{SPAN}&lang=en")
    links = {
        unescape(link) for link in re.findall(r'href="(/console/(?:reports|spend)[^"]*)"', text)
    }
    assert len(links) > 8
    for link in sorted(links):
        assert finance.get(link).status_code == 200, link


@pytest.mark.parametrize(
    ("filters", "orders"),
    [("", 5), ("&customers=new", 3), ("&customers=existing", 1), ("&customers=unknown", 1),
     ("&customers=new&channel=community", 2), ("&channel=unattributed", 2), ("&code=ZOE10", 3),
     ("&refunded=1", 1), ("&code=ZOE10&commission=1", 3), ("&with_code=1", 3), ("&code=NONE", 0)],
)  # fmt: skip
def test_a_figure_leads_to_exactly_its_purchases(
    zoe: Code, finance: FlaskClient, filters: str, orders: int
) -> None:
    _two_months()
    text = _text(finance, f"/console/reports/purchases?{SPAN}{filters}")
    assert text.count('<th scope="row">') == orders
    rows = _text(finance, f"/console/reports/purchases.csv?{SPAN}{filters}").splitlines()
    assert len(rows) == orders + 1


def test_a_row_leads_to_its_purchase_and_its_ambassador(zoe: Code, finance: FlaskClient) -> None:
    buy("2026-01-05T10:00+00:00", 100, external_id="#1 / a", codes=("ZOE10",))
    text = _text(finance, f"/console/reports/purchases?{SPAN}")
    links = [unescape(link) for link in re.findall(r'href="(/console/(?:pur|amb)[^"]+)"', text)]
    (order,) = [link for link in links if link.startswith("/console/purchases/")]
    (person,) = [link for link in links if link.startswith("/console/ambassadors/")]
    for link in (order, person):
        assert finance.get(link).status_code == 200


@pytest.mark.parametrize("name", ["codes", "purchases"])
def test_a_campaign_is_called_by_its_name_and_opens(
    zoe: Code, finance: FlaskClient, name: str
) -> None:
    campaign = db.session.get_one(Campaign, zoe.campaign_id)
    link = f'<a href="/console/campaigns/{campaign.slug}">{campaign.name}</a>'
    buy("2026-01-05T10:00+00:00", 100, codes=("ZOE10",))
    text = _text(finance, f"/console/reports/{name}?{SPAN}")
    assert link in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_the_database_little(zoe: Code, finance: FlaskClient, name: str) -> None:
    _two_months()
    _text(finance, f"/console/reports/{name}?{SPAN}")  # the copy is fresh now
    asked: list[str] = []

    def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        _text(finance, f"/console/reports/{name}?{SPAN}")
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
    assert len(asked) <= 12, asked


def test_purchases_come_page_by_page(zoe: Code, finance: FlaskClient) -> None:
    for n in range(55):
        buy(f"2026-01-05T10:{n // 2:02d}+00:00", 100 + n, external_id=f"order#{n}")
    seen: list[str] = []
    address: str | None = f"/console/reports/purchases?{SPAN}"
    while address:
        text = _text(finance, address)
        seen += re.findall(r'<th scope="row"><a [^>]*>(order#\d+)', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = unescape(following[1]) if following else None
    assert len(seen) == 55
    assert len(set(seen)) == 55
    assert seen[0] == "order#54"


def test_files_leave_an_audit_line_and_hold_no_formula(zoe: Code, finance: FlaskClient) -> None:
    buy("2026-01-05T10:00+00:00", 12_345, external_id="=1+2", codes=("ZOE10",))
    text = _text(finance, f"/console/reports/purchases.csv?{SPAN}&lang=en")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["Order"] == "'=1+2"
    assert (row["Total"], row["Currency"], row["Customer"]) == ("123.45", "GBP", "new")
    line = db.session.scalars(sa.select(AuditLine).where(AuditLine.act == "report.export")).one()
    assert line.object_id == "purchases"
    assert line.details["format"] == "csv"
    assert line.actor.startswith("user:")


def test_a_workbook_has_numbers_and_definitions(zoe: Code, finance: FlaskClient) -> None:
    _two_months()
    answer = finance.get(f"/console/reports/codes.xlsx?{SPAN}&lang=en")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        rows = book.read("xl/worksheets/sheet1.xml").decode()
        told = book.read("xl/worksheets/sheet2.xml").decode()
    assert re.search(
        r'<c r="J2"[^>]*><v>34(?:\.00)?</v></c>', rows
    )  # 34.00 of commission, a number
    assert "Highest" not in told
    assert "SELECT" in told
    assert "<f>" not in rows
    acts = db.session.scalars(sa.select(AuditLine.act)).all()
    assert "report.export" in acts


def test_csv_of_a_report_keeps_negative_numbers_numbers(zoe: Code, finance: FlaskClient) -> None:
    spend.record(
        [
            spend.line(channel="paid", on=date(2026, 1, 3), amount=-1250, currency="GBP",
                       kind=SpendKind.MEDIA, key="minus")
        ]
    )  # fmt: skip
    text = _text(finance, f"/console/reports/cac.csv?{SPAN}&lang=en")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    (paid,) = [row for row in rows if row["Channel"] == "paid"]
    assert paid["Spend"] == "-12.50"


@pytest.mark.parametrize(
    "address",
    ["/console/reports/cac?from=2026-13", "/console/reports/cac?from=2026-02&to=2026-01",
     "/console/reports/cac?currency=XXQ", "/console/reports/purchases?customers=all",
     "/console/reports/purchases?after=nonsense",
     "/console/reports/purchases?after=2026-01-01T00:00Z~x",
     "/console/reports/acquisition?from=%00", "/console/reports/cac?from=1900-01&to=2100-01"],
)  # fmt: skip
def test_nonsense_in_the_address_is_refused_plainly(
    london: Flask, finance: FlaskClient, address: str
) -> None:
    assert finance.get(address).status_code == 422


def test_an_unknown_report_is_not_found(london: Flask, finance: FlaskClient) -> None:
    for address in (
        "/console/reports/weather",
        "/console/reports/weather.csv",
        "/console/reports/x.xlsx",
    ):
        assert finance.get(address).status_code == 404


def test_an_ambassador_sees_no_report(london: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.AMBASSADOR))
    for page in PAGES:
        assert client.get(f"/console/reports/{page}").status_code == 403


def test_the_api_gives_a_report_to_a_key_that_may_read(zoe: Code, client: FlaskClient) -> None:
    _two_months()
    answer = client.get(f"/api/v1/reports/cac?{SPAN}", headers=make_key("read"))
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["currency"], body["totals"]["cac_blended"]) == ("GBP", 13_367)
    assert body["definition"]["sql"].startswith("-- CAC")
    assert body["definition"]["columns"]["cac"]
    assert client.get("/api/v1/reports/cac", headers=make_key("purchases")).status_code == 403
    assert client.get("/api/v1/reports/cac").status_code == 401
    assert client.get("/api/v1/reports/none", headers=make_key("read")).status_code == 404
    wrong = client.get("/api/v1/reports/cac?from=soon", headers=make_key("read"))
    assert (wrong.status_code, wrong.mimetype) == (422, "application/problem+json")


def test_the_command_prints_each_format(zoe: Code, london: Flask, tmp_path: Path) -> None:
    _two_months()
    db.session.remove()
    run = london.test_cli_runner().invoke
    span = ["--from", "2026-01", "--to", "2026-02"]
    table = run(args=["report", "codes", *span])
    assert table.exit_code == 0
    assert "ZOE10" in table.output
    assert "340.00" in table.output
    text = run(args=["report", "codes", *span, "--format", "csv"]).output
    assert next(csv.DictReader(io.StringIO(text)))["Commission"] == "34.00"
    file = tmp_path / "codes.xlsx"
    assert (
        run(args=["report", "codes", *span, "--format", "xlsx", "--out", str(file)]).exit_code == 0
    )
    assert zipfile.is_zipfile(file)
    assert run(args=["report", "codes", "--from", "x"]).exit_code == 1
    assert run(args=["report", "codes", *span, "--format", "xlsx"]).exit_code == 1
    for kind in ("csv", "xlsx"):
        nowhere = str(tmp_path / "none" / f"codes.{kind}")
        refused = run(args=["report", "codes", *span, "--format", kind, "--out", nowhere])
        assert (refused.exit_code, "cannot be written" in refused.output) == (1, True)
    assert "agree" in run(args=["report", "verify"]).output
    assert run(args=["report", "refresh"]).exit_code == 0
