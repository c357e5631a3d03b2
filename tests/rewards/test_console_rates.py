"""The pages of rates: a file from upload to the last mended line, and the queue."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns.models import RewardKind
from core.db import db
from rewards import intake
from rewards.models import Commission, CurrencyRate
from tests.factories import make_campaign, make_code, make_user, purchase_fact, sign_in

HISTORY = "Date,USD,JPY,CYP,\n2026-02-27,1.0823,162.35,N/A,\n2026-02-26,1.0801,N/A,N/A,\n"


@pytest.fixture
def finance(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def upload(browser: FlaskClient, text: str) -> Any:
    file = (io.BytesIO(text.encode()), "eurofxref-hist.csv")
    return browser.post("/console/rates", data={"file": file}, follow_redirects=True)


def values() -> list[str]:
    db.session.rollback()
    return [f"{one:f}" for one in db.session.scalars(sa.select(CurrencyRate.value))]


def await_a_rate() -> None:
    rule = {"kind": RewardKind.FIXED, "rate": None, "amount": 500}
    make_code("ZOE10", campaign_id=make_campaign(rule=rule, name="Spring").id)
    told = purchase_fact(codes=("ZOE10",), currency="USD", external_id="us-1")
    intake.take_purchases([told])
    db.session.commit()


def test_a_file_is_looked_at_then_imported_and_pays_what_waited(
    app: Flask, finance: FlaskClient
) -> None:
    await_a_rate()
    assert "EUR/USD" in finance.get("/console/rates").text
    page = upload(finance, HISTORY)
    assert page.status_code == 200
    assert "1 EUR = 1.0823 USD" in page.text
    assert "CYP" in page.text
    assert values() == []  # nothing is written by looking
    done = finance.post(page.request.path, data={"act": "start"}, follow_redirects=True)
    assert "3 new, 0 corrected, 0 known already" in done.text
    assert "1 purchase that awaited a rate is settled" in done.text
    assert sorted(values()) == ["1.0801", "1.0823", "162.35"]
    assert db.session.scalars(sa.select(Commission.amount)).all() == [541]
    acts = db.session.scalars(sa.select(AuditLine.act)).all()
    assert acts.count("rates.import") == 1


def test_a_correction_is_shown_before_it_is_made(app: Flask, finance: FlaskClient) -> None:
    page = upload(finance, HISTORY)
    finance.post(page.request.path, data={"act": "start"})
    page = upload(finance, HISTORY.replace("1.0823", "1.0832"))
    assert "keep the rate they were converted with" in page.text
    assert "1.0823" in page.text
    finance.post(page.request.path, data={"act": "start"})
    assert "1.0832" in values()


def test_lines_to_mend_are_shown_fetched_and_read_again(app: Flask, finance: FlaskClient) -> None:
    text = "date,currency,rate\n2026-02-27,USD,1.0823\n2026-02-26,USD,abc\n"
    page = upload(finance, text)
    assert "abc" in page.text
    done = finance.post(page.request.path, data={"act": "start"}, follow_redirects=True)
    assert values() == ["1.0823"]
    link = re.search(r'href="([^"]*lines-to-mend.csv[^"]*)"', done.text)
    assert link
    kept = finance.get(link[1].replace("&amp;", "&")).text
    assert kept.splitlines()[1].startswith("3,")
    page = upload(finance, kept.replace("abc", "1.09"))
    finance.post(page.request.path, data={"act": "start"})
    assert sorted(values()) == ["1.0823", "1.09"]


def test_the_direction_of_a_file_of_one_s_own_is_chosen_in_the_preview(
    app: Flask, finance: FlaskClient
) -> None:
    page = upload(finance, "date,currency,rate\n2026-02-27,USD,0.92\n")
    assert "1 EUR = 0.92 USD" in page.text
    turned = {"direction": "turned", "source": "bank"}
    again = finance.post(page.request.path, data=turned)
    assert "1 USD = 0.92 EUR" in again.text
    finance.post(page.request.path, data=turned | {"act": "start"})
    row = db.session.scalars(sa.select(CurrencyRate)).one()
    assert (row.base, row.quote, row.source) == ("USD", "EUR", "bank")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x00", "date,currency,rate\n,,\n"])
def test_a_file_of_something_else_is_told_so(app: Flask, finance: FlaskClient, text: str) -> None:
    page = upload(finance, text)
    assert page.status_code == 200
    assert "Import the rates" not in page.text
    assert values() == []


def test_the_queue_names_what_is_awaited_and_can_be_looked_at_again(
    app: Flask, finance: FlaskClient
) -> None:
    await_a_rate()
    page = finance.get("/console/rates/waiting")
    assert "a rate of EUR/USD for 1 March 2026" in page.text
    assert "us-1" in page.text
    again = finance.post("/console/rates/waiting", follow_redirects=True)
    assert "There is still no rate for them." in again.text
    assert "EUR/USD" in finance.get("/console/purchases/api/us-1").text
    assert "awaits a rate" in finance.get("/console/purchases").text


def test_marketing_sees_the_rates_and_finance_imports_them(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    await_a_rate()
    for path in ("/console/rates", "/console/rates/waiting"):
        page = client.get(path)
        assert page.status_code == 200
        assert "Import rates" not in page.text
    assert client.post("/console/rates/waiting").status_code == 403
    assert upload(client, HISTORY).status_code == 403


def test_a_preview_that_is_not_there_answers_404(app: Flask, finance: FlaskClient) -> None:
    for token in ("0" * 32, "..%2f..%2fcercle.db"):
        assert finance.get(f"/console/rates/preview/{token}").status_code == 404
