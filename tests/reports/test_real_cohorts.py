"""Two real shops' customers: cohorts as others count them, and predictions that came true.

CDNOW (Fader and Hardie's public set, USD) and the whole of UCI Online Retail (Dr Daqing Chen,
CC0, GBP) are laid out as the columnar copy, without a database in between.  The orders and the
expected figures lie beside this checkout; without them these tests skip.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from flask import Flask

from core import clock
from reports import cohorts, engine, forecast, lake, prediction
from reports.models import Period, Report, following
from reports.sources import PURCHASES
from tests.conftest import SHARED

CDNOW = Period("1997-01", "1998-06")
RETAIL = Period("2010-12", "2011-12")
UNITS = 1000  # of a pound: its prices have three decimals

# customer, when, total in minor units; a line of CDNOW is an order.
CDNOW_ORDERS = """
    SELECT CAST(customer_id AS BIGINT) AS customer, strptime(date, '%Y%m%d') AS moment,
        CAST(round(CAST(dollar_value AS DECIMAL(12, 2)) * 100) AS BIGINT) AS total
    FROM (
        SELECT words[1] AS customer_id, words[2] AS date, words[4] AS dollar_value
        FROM (
            SELECT regexp_split_to_array(trim(line), '\\s+') AS words
            FROM read_csv('{path}', header = false, columns = {{'line': 'VARCHAR'}}, sep = '|')
        )
    )
    WHERE customer_id <> 'customer_id'
"""
RETAIL_ORDERS = """
    SELECT CAST(CustomerID AS BIGINT) AS customer, min(CAST(InvoiceDate AS TIMESTAMP)) AS moment,
        CAST(sum(CAST(Quantity AS BIGINT) * CAST(round(CAST(UnitPrice AS DECIMAL(12, 3)) * 1000)
            AS BIGINT)) AS BIGINT) AS total
    FROM read_csv('{path}', all_varchar = true)
    WHERE InvoiceNo NOT LIKE 'C%' AND CAST(Quantity AS BIGINT) > 0
        AND CAST(UnitPrice AS DECIMAL(12, 3)) > 0 AND CustomerID <> ''
    GROUP BY InvoiceNo, CustomerID
"""
# Such as the database would give them, one file for each month.
LAID_OUT = """
    SELECT row_number() OVER (ORDER BY moment, customer, total) AS id,
        strftime(moment, '%Y-%m') AS month, CAST(moment AS TIMESTAMP) AS occurred_at,
        customer AS customer_id, '{currency}' AS currency,
        CASE WHEN row_number() OVER (PARTITION BY customer ORDER BY moment, total) = 1 THEN 'new'
            ELSE 'existing' END AS customer_status,
        total, total AS net_amount, 0 AS refunded, 0 AS discount, 0 AS commission
    FROM ({orders})
"""


def _laid_out(folder: Path, name: str, orders: str, currency: str) -> engine.Copy:
    """Return a columnar copy that holds one shop's orders."""
    path = SHARED / "orders" / name
    if not path.exists():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    files = {}
    with duckdb.connect() as made:
        told = LAID_OUT.format(orders=orders.format(path=path), currency=currency)
        made.execute(f"CREATE TABLE laid AS {told}")
        for (month,) in made.execute("SELECT DISTINCT month FROM laid ORDER BY month").fetchall():
            columns = ", ".join(
                f"CAST({column if column in _known(made) else 'NULL'} AS {kind}) AS {column}"
                for column, kind in PURCHASES.columns.items()
            )
            rows = f"SELECT {columns} FROM laid WHERE month = '{month}'"
            made.execute(f"COPY ({rows}) TO '{folder / month}.parquet' (FORMAT parquet)")
            files[month] = lake.File(f"{month}.parquet", 0)
    manifest = lake.Manifest(
        layout=lake.LAYOUT, lake_id=name, timezone="UTC", stamp=name, as_of=clock.now(),
        facts={"purchases": files}, retired=[],
    )  # fmt: skip
    return engine.Copy(folder, manifest)


def _known(made: Any) -> set[str]:
    return {row[0] for row in made.execute("DESCRIBE laid").fetchall()}


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> engine.Copy:
    folder = tmp_path_factory.mktemp("cdnow")
    return _laid_out(folder, "cdnow_master.txt.gz", CDNOW_ORDERS, "USD")


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> engine.Copy:
    folder = tmp_path_factory.mktemp("retail")
    return _laid_out(folder, "online_retail.csv.gz", RETAIL_ORDERS, "GBP")


def _expected(name: str) -> Any:
    return json.loads((SHARED / "expected" / name).read_text())


def _actives(rows: Sequence[cohorts.Row]) -> dict[str, list[int]]:
    told = defaultdict(list)
    for row in rows:
        told[row.cohort].append(row.active)
    return dict(told)


def _by_month(report: Report, figure: str) -> dict[str, int]:
    """Return a figure of all cohorts by calendar month."""
    told: dict[str, int] = defaultdict(int)
    for row in report.rows:
        told[following(row.cohort, row.age_months)] += getattr(row, figure)
    return dict(told)


def _hundredths(text: str, units: int = 100) -> int:
    return int(Decimal(text) * units)


def test_cdnow_has_its_cohorts_repeat_rate_and_basket(london: Flask, cdnow: engine.Copy) -> None:
    expected = _expected("cdnow.json")
    report = cohorts.report(CDNOW, "USD", copy=cdnow)
    totals = report.totals
    assert _actives(report.rows) == expected["cohort_active"]
    assert _by_month(report, "purchases") == expected["orders_by_month"]
    revenue = {month: _hundredths(told) for month, told in expected["revenue_by_month"].items()}
    assert _by_month(report, "net") == revenue
    assert totals.customers == expected["customers"]
    assert totals.repeat_customers == expected["repeat_customers_rows"]
    assert float(totals.repeat_rate) == pytest.approx(expected["repeat_rate_rows"], abs=1e-6)
    assert (totals.purchases, totals.aov) == (expected["rows"], _hundredths(expected["aov_rows"]))


def test_online_retail_has_its_cohorts_repeat_rate_and_basket(
    london: Flask, retail: engine.Copy
) -> None:
    expected = _expected("online_retail_full.json")
    report = cohorts.report(RETAIL, "GBP", copy=retail)
    totals = report.totals
    assert _actives(report.rows) == expected["cohort_active"]
    assert _by_month(report, "purchases") == expected["orders_by_month"]
    assert _by_month(report, "active") == expected["active_customers_by_month"]
    for month, gross in _by_month(report, "net").items():
        assert gross / UNITS == pytest.approx(float(expected["gross_by_month"][month]), abs=0.0051)
    assert totals.gross / UNITS == pytest.approx(float(expected["gross_revenue"]), abs=0.0051)
    assert totals.repeat_customers == expected["repeat_customers"]
    assert float(totals.repeat_rate) == pytest.approx(expected["repeat_rate"], abs=1e-6)
    assert float(totals.frequency) == pytest.approx(expected["orders_per_customer"], abs=1e-6)
    assert totals.aov / UNITS == pytest.approx(float(expected["aov"]), abs=0.0051)


@pytest.fixture
def everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit to all customers, not to a sample."""
    monkeypatch.setattr(forecast, "MOST_CUSTOMERS", 100_000)


def test_a_prediction_of_cdnow_after_nine_months_came_nearly_true(
    london: Flask, cdnow: engine.Copy
) -> None:
    """Christmas, and that frequent buyers have larger baskets, were worth 4 % more."""
    told = prediction.report(Period("1997-01", "1997-09"), "USD", copy=cdnow)
    later = cohorts.report(Period("1997-01", "1998-04"), "USD", copy=cdnow)
    actual = {row.cohort: row.ltv for row in cohorts.merged(later.rows) if row.age_months == 12}
    assert [row.cohort for row in told.rows] == sorted(actual)
    for row in told.rows:
        assert row.ltv_12 == pytest.approx(actual[row.cohort], rel=0.06)
    points = cohorts.at_equal_age(later.rows)
    assert told.totals.ltv_12 == pytest.approx(points[12].ltv, rel=0.05)
    assert told.totals.doubts is None


def test_the_whole_of_cdnow_is_described_by_its_known_parameters(
    london: Flask, cdnow: engine.Copy, everybody: None
) -> None:
    totals = prediction.report(Period("1997-01", "1997-09"), "USD", copy=cdnow).totals
    found = [float(value) for value in (totals.r, totals.alpha, totals.a, totals.b)]
    assert totals.customers == 23_570
    assert found == pytest.approx((0.2516, 4.789, 0.723, 2.161), rel=0.05)  # one day more each


def test_a_shop_before_christmas_is_told_with_its_check(london: Flask, retail: engine.Copy) -> None:
    totals = prediction.report(Period("2010-12", "2011-11"), "GBP", copy=retail).totals
    assert totals.low < totals.ltv_12 < totals.high
    assert totals.check_months == 4
    assert totals.check_actual > totals.check_expected
