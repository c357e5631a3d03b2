"""Members against others, from the shop's orders to the page."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName, Scope
from ambassadors import holdouts
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Customer, CustomerIdentity
from reports import compared, engine, exports, members
from reports.estimates import Verdict
from reports.members import Row
from reports.models import Period
from rewards import intake
from tests.factories import make_key, make_member, make_user, purchase_fact, sign_in
from tests.reports.conftest import buy

MONTHS = ("2025-01", "2025-02", "2025-03", "2025-06", "2025-07")
SPAN = Period("2025-01", "2025-08")
ADDRESS = "from=2025-01&to=2025-08&currency=GBP"


def _order(who: str, month: str, day: int, **more: Any) -> facts.Purchase:
    at = datetime.fromisoformat(f"{month}-{day:02d}T10:00:00+00:00")
    values = {"occurred_at": at, "total": 1_000, "currency": "GBP", "email": None}
    return purchase_fact(source="crm", customer_external_id=who, **values | more)


def _join(who: str, on: date) -> None:
    """Link a customer to a member who joined."""
    identity = db.session.get_one(CustomerIdentity, f"id:crm:{who}")
    customer = db.session.get_one(Customer, identity.customer_id)
    customer.member_id = make_member(joined_on=on).id


def _take(orders: list[facts.Purchase]) -> None:
    assert [one.problem for one in intake.take_purchases(orders) if one.problem] == []
    db.session.commit()


def _shop(count: int = 36) -> None:
    """Everybody buys once a month; after joining in May, every other member buys twice.

    Members always spent more from the start of February: 20.00 at a time.
    """
    orders = []
    for month in MONTHS:
        for number in range(count // 3):
            orders.append(_order(f"other-{number}", month, 3))
        for number in range(count):
            total = 1_000 if month == MONTHS[0] else 2_000
            days = (4, 5) if number % 2 and month >= "2025-06" else (4,)
            orders += [_order(f"fan-{number}", month, day, total=total) for day in days]
    _take(orders)
    for number in range(count):
        _join(f"fan-{number}", date(2025, 5, 10))
    db.session.commit()


def _rows() -> dict[str, Row]:
    return {row.measure: row for row in members.report(SPAN, "GBP").rows}


@pytest.fixture
def shop(london: Flask) -> Flask:
    _shop()
    return london


def test_the_estimate_takes_away_what_fans_had_before(shop: Flask) -> None:
    row = _rows()["frequency"]
    # June to August: half of the members buy twice in two of three months, others once
    assert row.observed_members == Decimal("1.000000")
    assert row.observed_others == Decimal("0.571429")  # four purchases in February to August
    assert (row.n_members, row.n_matched) == (36, 36)
    assert row.estimate == Decimal("0.333333")
    assert isinstance(row.low, Decimal)
    assert row.low > 0
    assert row.verdict is Verdict.HIGHER


def test_money_is_told_for_six_months_in_minor_units(shop: Flask) -> None:
    row = _rows()["ltv"]
    assert row.observed_members == 1_000 + 2_000 * 4 + 2_000 * 2 // 2
    assert row.observed_others == 5_000
    assert row.gap == 6_000
    # members: 2 * 3000 / 3 after, 2000 before; others: 2 * 1000 / 3 after, 1000 before
    assert row.estimate == 6 * 2_000 - 6 * 2_000 - (6 * 2_000 // 3 - 6 * 1_000)


def test_a_basket_that_was_always_larger_is_no_effect(shop: Flask) -> None:
    row = _rows()["aov"]
    assert (row.observed_members, row.observed_others, row.gap) == (2_000, 1_000, 1_000)
    assert row.estimate is None  # no basket differs from its like: nothing to tell an error by
    assert row.verdict is Verdict.NOT_ENOUGH


def test_a_shop_without_subscriptions_tells_no_churn(shop: Flask) -> None:
    for measure in ("churn", "mrr"):
        row = _rows()[measure]
        assert (row.observed_members, row.gap, row.estimate) == (None, None, None)
        assert (row.n_members, row.verdict) == (0, Verdict.NOT_ENOUGH)


def test_ten_members_are_observed_but_nothing_is_concluded(london: Flask) -> None:
    _shop(10)
    row = _rows()["frequency"]
    assert (row.gap, row.n_matched) == (Decimal("0.428571"), 10)
    assert (row.estimate, row.low, row.high) == (None, None, None)
    assert row.verdict is Verdict.NOT_ENOUGH


def test_the_same_question_gives_the_same_interval(shop: Flask) -> None:
    assert members.report(SPAN, "GBP").rows == members.report(SPAN, "GBP").rows


def test_a_month_that_is_not_over_is_left_out(shop: Flask) -> None:
    with clock.frozen(datetime(2025, 7, 20, tzinfo=UTC)):
        assert _rows()["frequency"].n_matched == 0  # June alone is over after joining


def test_balance_is_told_before_and_after(shop: Flask) -> None:
    totals = members.report(SPAN, "GBP").totals
    assert (totals.members, totals.others, totals.comparable, totals.matched) == (36, 12, 36, 36)
    assert [one.name for one in totals.balance] == list(members.TRAITS)


def _subscriptions() -> None:
    """Monthly: a fan stays and pays more; another customer leaves after March."""
    for month in ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06", "2025-07"):
        for who, total, until in (("fan", 1_500, "2025-12"), ("other", 1_000, "2025-03")):
            if month <= until:
                buy(f"{month}-05T10:00:00+00:00", total, email=None, source="crm",
                    customer_external_id=who, subscription=f"sub-{who}")  # fmt: skip
    _join("fan", date(2025, 2, 1))
    db.session.commit()


def test_a_subscription_is_over_when_no_payment_covers_a_month_and_the_next(london: Flask) -> None:
    _subscriptions()
    rows = _rows()
    churn, mrr = rows["churn"], rows["mrr"]
    assert (churn.observed_members, churn.observed_others) == (0, Decimal("0.333333"))
    assert (mrr.observed_members, mrr.observed_others, mrr.gap) == (1_500, 1_000, 500)
    totals = members.report(SPAN, "GBP").totals
    assert [(one.time, one.at_risk, one.share) for one in totals.lasting_others] == [(3, 1, 0.0)]
    assert totals.lasting_members == ()


def test_a_yearly_payment_is_a_twelfth_in_each_month(london: Flask) -> None:
    for month in ("2024-02", "2025-02"):
        buy(f"{month}-05T10:00:00+00:00", 12_000, email=None, source="crm",
            customer_external_id="fan", subscription="sub")  # fmt: skip
    row = _rows()["mrr"]
    assert row.observed_others == 1_000


def test_the_report_is_a_page_an_answer_and_files(shop: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get(f"/console/reports/members?{ADDRESS}&lang=en").text
    for words in ("Raw gap, biased", "no difference shown", "higher", "not enough data", "0.33"):
        assert words in text
    assert "names a subscription" in text
    assert "What a lot shows" not in text
    holdout = holdouts.create("Box of spring", withheld_share=2_000)
    holdouts.draw(holdout, [make_member().id])
    db.session.commit()
    text = client.get(f"/console/reports/members?{ADDRESS}&lang=en").text
    assert "Box of spring" in text
    assert "1 person waits" in text
    lines = client.get(f"/console/reports/members.csv?{ADDRESS}&lang=en").text.splitlines()
    assert len(lines) == 6
    assert lines[1].split(",")[1:4] == ["20.00", "10.00", "10.00"]
    assert lines[2].split(",")[1:3] == ["1.000000", "0.571429"]
    book = client.get(f"/console/reports/members.xlsx?{ADDRESS}&lang=en").data
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None


def test_machines_get_the_rows_of_the_contract(shop: Flask, client: FlaskClient) -> None:
    db.session.commit()
    answer = client.get(f"/api/v1/reports/members?{ADDRESS}", headers=make_key(Scope.READ))
    rows = {row["measure"]: row for row in json.loads(answer.text)["rows"]}
    assert list(rows) == ["aov", "frequency", "ltv", "churn", "mrr"]
    assert rows["ltv"]["gap"] == 6_000
    assert rows["frequency"]["verdict"] == "higher"
    assert {
        "observed_members", "observed_others", "gap", "estimate", "low", "high", "n_members",
        "n_matched", "verdict",
    } <= set(rows["aov"])  # fmt: skip


def test_the_command_prints_each_measure_in_its_unit(shop: Flask) -> None:
    report = members.report(SPAN, "GBP")
    told = list(exports.cells(report.columns, report.rows, "GBP"))
    assert [str(row[1]) for row in told[:3]] == ["20.00", "1.000000", "110.00"]
    run = shop.test_cli_runner().invoke(
        args=["report", "members", "--from", "2025-01", "--to", "2025-08"]
    )
    assert run.exit_code == 0, run.output
    assert "higher" in run.output


@pytest.mark.parametrize("months", ["from=1900-01&to=1900-02", "from=2099-01&to=2099-12"])
def test_a_period_without_anybody_says_so(london: Flask, client: FlaskClient, months: str) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    answer = client.get(f"/console/reports/members?{months}")
    assert answer.status_code == 200
    assert 'class="empty"' in answer.text


def test_every_count_leads_to_its_people_and_they_to_their_orders(
    shop: Flask, client: FlaskClient
) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    text = html.unescape(client.get(f"/console/reports/members?{ADDRESS}").text)
    ways = set(re.findall(r'href="(/console/reports/members/people[^"]+)"', text))
    people = {}
    for way in ways:
        page = client.get(f"{way}&lang=en").text
        people[way] = re.findall(r"/console/reports/purchases\?[^\"]+", html.unescape(page))
    assert sorted(len(found) for found in people.values()) == [12, 36, 36, 48, 48, 48, 48]
    ((orders, *_rest),) = [found for way, found in people.items() if "group=others" in way]
    orders = orders.partition("?")[2]
    page = client.get(f"/console/reports/purchases?{orders}&lang=en").text
    assert page.count('<th scope="row">') == len(MONTHS)
    assert f"customer {parse_qs(orders)['customer'][0]}." in page
    assert client.get(f"/console/reports/purchases?{ADDRESS}&customer=Ann").status_code == 422


def test_files_of_people_name_nobody_and_leave_a_line(shop: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    base = "/console/reports/members/people"
    lines = client.get(f"{base}.csv?{ADDRESS}&lang=en").text.splitlines()
    assert lines[0].removeprefix("\ufeff").startswith("Set,Side,Customer,First purchase")
    sides = Counter(line.split(",")[1] for line in lines[1:])
    assert sides == {"member": 36, "other": 12}
    assert lines[1].split(",")[-2:] == ["2025-05", "GBP"]
    assert "crm" not in "".join(lines)
    book = client.get(f"{base}.xlsx?{ADDRESS}&group=comparable").data
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    query = (
        sa.select(AuditLine.object_id)
        .where(AuditLine.act == "report.export")
        .order_by(AuditLine.id)
    )
    assert list(db.session.scalars(query)) == ["members-people"] * 2


def test_a_measure_of_subscriptions_has_the_people_who_had_one(london: Flask) -> None:
    _shop(40)
    paying = [f"fan-{number}" for number in range(20)] + [f"other-{number}" for number in range(13)]
    months = ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06", "2025-07")
    _take([_order(one, month, 20, subscription=one) for one in paying for month in months])
    wanted = {name: compared.Filter(group="matched", measure=name) for name in ("aov", "churn")}
    copy = engine.fresh()
    found = {name: compared.people(copy, SPAN, "GBP", one) for name, one in wanted.items()}
    rows = {row.measure: row for row in members.report(SPAN, "GBP", copy=copy).rows}
    assert (found["aov"].members, found["churn"].members) == (40, 20)
    assert rows["churn"].n_matched == 20


def test_people_are_for_staff_and_a_list_nobody_knows_is_refused(
    shop: Flask, client: FlaskClient
) -> None:
    address = f"/console/reports/members/people?{ADDRESS}"
    assert client.get(address).status_code == 302
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get(f"{address}&group=kings").status_code == 422
    assert client.get(f"{address}&measure=height").status_code == 422
    assert 'class="empty"' in client.get(f"{address.replace('2025', '2099')}").text
