"""A year of a real shop: every figure of an independent computation comes out of our reports.

8,890 orders of a British gift shop with real refunds; 40 ambassador codes were laid
over by hash.  The orders and the expected figures lie beside this checkout; without
them these tests skip.  Source: UCI Online Retail, Dr Daqing Chen (CC0).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ambassadors import program
from core import clock
from core.db import db
from referrals.models import Attribution, Purchase, Refund
from reports import checks, cohorts, engine
from reports.models import Period
from rewards import patterns
from rewards.models import Posting
from tests.conftest import NOW, SHARED, MakeApp, _empty
from tests.factories import make_ambassador, make_campaign, make_code, make_key

MONTHS = [f"2010-{12:02d}", *(f"2011-{n:02d}" for n in range(1, 13))]
ORDERS = "orders/shopify_orders_export.csv.gz"
SPAN = ["--from", MONTHS[0], "--to", MONTHS[-1], "--format", "json"]


@dataclass(frozen=True)
class Shop:
    """The application after the import, and what the reports say, by command and by API."""

    app: Flask
    imported: str  # what the command printed
    by_command: dict[str, Any]
    by_api: dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(
    request: pytest.FixtureRequest, make_app: MakeApp, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop's year, imported once for each database."""
    if not SHARED.exists():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    app = make_app(request.param)
    with clock.frozen(NOW), app.app_context():
        try:
            _set_up(tmp_path_factory.mktemp("spend") / "spend.csv", app)
            printed = _run(app, "import", "purchases", str(SHARED / ORDERS))
            command = {
                name: json.loads(_run(app, "report", name, *SPAN))
                for name in ("acquisition", "codes", "cac", "cohorts", "ltv")
            }
            yield Shop(app, printed, command, _asked(app.test_client()))
        finally:
            db.session.remove()
            _empty(app)


def _set_up(spend: Path, app: Flask) -> None:
    program.set_rules({"currency": "GBP", "timezone": "Europe/London", "hold_days": "0"})
    campaign = make_campaign(slug="year", currency="GBP", rule={"hold_days": 0})
    long_ago = clock.parse_instant("2010-01-01T00:00:00Z")
    for n in range(1, 41):
        owner = make_ambassador(enrolled_at=long_ago)
        make_code(
            f"AMB{n:03d}", campaign_id=campaign.id, ambassador_id=owner.id, created_at=long_ago
        )
    db.session.commit()
    lines = ["channel,on,amount,currency,kind"]
    for month in MONTHS:
        lines += [f"paid,{month}-01,3000.00,GBP,media", f"community,{month}-01,500.00,GBP,tools"]
    spend.write_text("\n".join(lines) + "\n")
    assert "26 created" in _run(app, "import", "spend", str(spend))
    assert "0 created, 26 unchanged" in _run(app, "import", "spend", str(spend))


def _run(app: Flask, *args: str) -> str:
    db.session.remove()  # the command opens its own
    done = app.test_cli_runner().invoke(args=list(args))
    assert done.exit_code == 0, done.output
    return done.stdout


def _asked(client: FlaskClient) -> dict[str, Any]:
    key = make_key("read")
    answers = {}
    for name in ("acquisition", "codes", "cac", "cohorts", "ltv"):
        address = f"/api/v1/reports/{name}?from={MONTHS[0]}&to={MONTHS[-1]}"
        answer = client.get(address, headers=key)
        assert answer.status_code == 200, answer.text
        answers[name] = answer.json
    return answers


def _expected(name: str) -> Any:
    return json.loads((SHARED / "expected" / name).read_text())


def _pence(text: str) -> int:
    return int(Decimal(text) * 100)


def test_a_year_of_honest_orders_gives_no_alarm(shop: Shop) -> None:
    held = sa.select(sa.func.count()).where(Attribution.suspicion.is_not(None))
    assert db.session.scalar(held) == 0
    with clock.frozen(clock.parse_instant("2010-11-30T00:00:00Z")):  # all of it is still pending
        assert patterns.found() == []


def test_command_and_api_say_the_same(shop: Shop) -> None:
    for name, told in shop.by_command.items():
        assert {**told, "as_of": ""} == {**shop.by_api[name], "as_of": ""}


def test_the_whole_year_agrees(shop: Shop) -> None:
    expected = _expected("derived_shopify_visible.json")
    totals = shop.by_command["acquisition"]["totals"]
    assert totals["purchases"] == expected["orders"] == 8890
    assert totals["new_customers"] == expected["customers"]
    assert totals["new_customers_unknown"] == 0
    assert totals["purchases_community"] == expected["orders_with_code"]
    for name in ("gross", "refunds", "net"):
        assert totals[name] == _pence(expected[name])
    inside = expected["segments"]["acquired_by_ambassador"]["customers"]
    assert totals["new_customers_community"] == inside
    assert len(shop.by_command["codes"]["rows"]) == expected["distinct_codes"]


@pytest.mark.parametrize("month", MONTHS)
def test_each_month_agrees(shop: Shop, month: str) -> None:
    expected = _expected("derived_shopify_visible.json")["months"][month]
    (row,) = [row for row in shop.by_command["acquisition"]["rows"] if row["month"] == month]
    assert row == {
        "month": month,
        "new_customers": expected["new_customers"],
        "new_customers_community": expected["new_via_ambassador"],
        "new_customers_unknown": 0,
        "share_tracked": expected["acquisition_share"],
        "purchases": expected["orders"],
        "purchases_community": expected["attributed_orders"],
        "gross": _pence(expected["gross"]),
        "refunds": _pence(expected["refunds_on_orders_of_month"]),
        "net": _pence(expected["net"]),
    }
    (cost,) = [row for row in shop.by_command["cac"]["months"] if row["month"] == month]
    commission = cost["commissions"] + cost["commissions_retention"] + cost["commissions_unknown"]
    assert commission == _pence(expected["commission"])


def test_shares_are_written_with_six_places(shop: Shop) -> None:
    text = _run(shop.app, "report", "acquisition", *SPAN)
    assert '"share_tracked":0.332518' in text


def test_each_code_agrees(shop: Shop) -> None:
    expected = _expected("derived_shopify_visible.json")["codes"]
    found = {row["code"]: row for row in shop.by_command["codes"]["rows"]}
    assert set(found) == set(expected)
    for code, told in expected.items():
        row = found[code]
        assert row["campaign"] == "year"
        assert row["ambassador"]
        assert (row["purchases"], row["customers"], row["new_customers"]) == (
            told["orders"], told["customers"], told["new_customers"],
        )  # fmt: skip
        assert [row["gross"], row["refunds"], row["net"], row["commission"]] == [
            _pence(told[name]) for name in ("gross", "refunds", "net", "commission_10pct")
        ]


@pytest.mark.parametrize("month", MONTHS)
def test_cac_of_each_month_agrees(shop: Shop, month: str) -> None:
    (expected,) = [row for row in _expected("shopify_cac.json")["rows"] if row["month"] == month]
    rows = {row["channel"]: row for row in shop.by_command["cac"]["rows"] if row["month"] == month}
    community = rows["community"]
    assert community["commissions"] == expected["commissions_new"]
    assert community["commissions_retention"] == expected["commissions_retention"]
    assert community["tools"] == 50_000
    assert community["cost"] == expected["community_cost"]
    assert community["new_customers"] == expected["new_customers_community"]
    assert abs(community["cac"] - expected["cac_community"]) <= 1  # it rounds half to even
    assert (rows["paid"]["spend"], rows["paid"]["cac"]) == (300_000, None)
    others = expected["new_customers"] - expected["new_customers_community"]
    assert rows["unattributed"]["new_customers"] == others
    _totals_agree(shop, month, expected)


def _totals_agree(shop: Shop, month: str, expected: dict[str, Any]) -> None:
    """The totals of a report of this month alone, and the month's line in a longer one."""
    alone = ["report", "cac", "--from", month, "--to", month, "--format", "json"]
    totals = json.loads(_run(shop.app, *alone))["totals"]
    (line,) = [row for row in shop.by_command["cac"]["months"] if row["month"] == month]
    assert line == {"month": month, **totals}
    assert abs(totals["cac_community"] - expected["cac_community"]) <= 1
    assert abs(totals["cac_paid"] - expected["cac_paid_other"]) <= 1
    assert abs(totals["cac_loaded"] - expected["cac_paid_other"]) <= 1
    assert abs(totals["cac_blended"] - expected["cac_blended"]) <= 1


def test_cac_of_the_year_agrees(shop: Shop) -> None:
    expected = _expected("shopify_cac.json")["totals"]
    totals = shop.by_command["cac"]["totals"]
    assert totals["commissions"] == expected["commissions_new"]
    assert totals["commissions"] + totals["commissions_retention"] == expected["commissions"]
    assert totals["new_customers"] == expected["new"]
    assert totals["new_customers_community"] == expected["community"]


def test_the_reports_equal_the_ledger(shop: Shop) -> None:
    assert checks.totals_equal_ledger() == []


def test_the_ledger_verifies(shop: Shop) -> None:
    _run(shop.app, "ledger", "verify")


def test_a_second_import_adds_nothing(shop: Shop) -> None:
    assert "8,890 created" in shop.imported
    before = _counts()
    again = _run(shop.app, "import", "purchases", str(SHARED / ORDERS))
    assert "0 created" in again.replace("8,890 created", "")
    assert _counts() == before


def _counts() -> list[int | None]:
    db.session.rollback()
    return [
        db.session.scalar(sa.select(sa.func.count()).select_from(table))
        for table in (Purchase, Refund, Posting)
    ]


SEGMENTS = {"community": "acquired_by_ambassador", "other": "other"}


def test_every_cohort_is_as_computed_independently(shop: Shop) -> None:
    expected = _expected("derived_shopify_visible.json")["cohort_active"]
    told: dict[str, dict[str, list[int]]] = {"community": {}, "other": {}}
    for row in shop.by_api["cohorts"]["rows"]:
        told[row["segment"]].setdefault(row["cohort"], []).append(row["active"])
    assert told == {"community": expected["ambassador"], "other": expected["other"]}


def test_what_each_segment_bought_is_as_computed_independently(shop: Shop) -> None:
    expected = _expected("derived_shopify_visible.json")["segments"]
    copy = engine.fresh()
    told = cohorts.segments(copy, Period(MONTHS[0], MONTHS[-1]), "GBP")
    for name, named in SEGMENTS.items():
        _same_segment(told[name], expected[named])
    _same_segment(cohorts.whole(told.values()), expected["all"])


def test_ltv_adds_up_to_what_the_customers_brought(shop: Shop) -> None:
    expected = _expected("derived_shopify_visible.json")["segments"]
    for name, named in SEGMENTS.items():
        rows = [row for row in shop.by_api["ltv"]["rows"] if row["segment"] == name]
        assert sum(row["net"] for row in rows) == _pence(expected[named]["net"])
        sizes = {row["cohort"]: row["size"] for row in rows}
        assert sum(sizes.values()) == expected[named]["customers"]


def _same_segment(told: cohorts.Segment, expected: dict[str, Any]) -> None:
    assert told.customers == expected["customers"]
    assert told.purchases == expected["orders"]
    assert told.gross == _pence(expected["gross"])
    assert told.refunds == _pence(expected["refunds"])
    assert told.net == _pence(expected["net"])
    assert told.aov == _pence(expected["aov_gross"])
    assert round(float(told.repeat_rate or 0), 6) == expected["repeat_rate"]
    assert round(told.net / told.customers) == _pence(expected["ltv_net"])
