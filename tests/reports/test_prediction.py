"""Predicted LTV: what is told of a shop's cohorts, what speaks against it, and when it is not."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Code
from reports import (
    cohorts,
    engine,
    forecast,
    prediction,
    prediction_segments,
    wording_prediction,
)
from reports.models import Doubt, Period, Reason
from rewards import intake
from tests.factories import make_key, make_user, purchase_fact, sign_in
from tests.reports.conftest import buy

OPENING = datetime(2025, 6, 2, 12, tzinfo=UTC)
SPAN = Period("2025-06", "2026-03")
ADDRESS = "from=2025-06&to=2026-03"


def _orders(customers: int, *, seed: int = 7, grows: bool = False) -> list[facts.Purchase]:
    """Return what simulated customers buy from June to February, each with a rate and an end.

    Args:
        customers: How many; they come evenly from June to January.
        seed: Of the simulation.
        grows: Whether baskets grow with the rate.
    """
    random = np.random.default_rng(seed)
    told = []
    for n in range(customers):
        first = at = OPENING + timedelta(days=230 * n / customers)
        rate, leaves = random.gamma(1.2, 1 / 40), random.beta(1.0, 4.0)
        mean = random.gamma(8.0, 600.0) * ((rate * 40) ** 1.5 if grows else 1)
        while at < datetime(2026, 3, 1, tzinfo=UTC):
            told.append(
                purchase_fact(
                    occurred_at=at, total=round(mean * random.gamma(5.0, 0.2)) + 1, currency="GBP",
                    email=f"p{n}@example.com",
                )
            )  # fmt: skip
            if random.random() < leaves and at > first:
                break
            at += timedelta(days=1 + random.exponential(1 / rate))
    return told


def _take(told: Sequence[facts.Purchase]) -> None:
    for start in range(0, len(told), 200):
        intake.take_purchases(told[start : start + 200])
        db.session.commit()


@pytest.fixture
def shop(london: Flask) -> Flask:
    """A shop in which 240 customers have come since June."""
    _take(_orders(240))
    return london


def test_each_cohort_has_its_ltv_so_far_and_what_to_expect(shop: Flask) -> None:
    made = prediction.report(SPAN, "GBP")
    observed = cohorts.at_equal_age(cohorts.finished(cohorts.report(SPAN, "GBP").rows))
    assert [row.cohort for row in made.rows] == SPAN.months[:8]  # nobody came later
    assert sum(row.size for row in made.rows) == made.totals.size == observed[0].customers == 240
    for row in made.rows:
        assert not row.is_observed
        assert row.ltv < row.low < row.ltv_12 < row.high
        assert 0 < row.alive < 1
        assert row.purchases_ahead > 0
    ages = [row.age_months for row in made.rows]
    assert ages == [8, 7, 6, 5, 4, 3, 2, 1]
    assert made.rows[-1].purchases_ahead > made.rows[0].purchases_ahead


def test_the_whole_is_the_mean_of_its_cohorts_with_a_narrower_interval(shop: Flask) -> None:
    made = prediction.report(SPAN, "GBP")
    mean = sum(row.ltv_12 * row.size for row in made.rows) / made.totals.size
    assert made.totals.ltv_12 == round(mean)
    assert made.totals.low < made.totals.ltv_12 < made.totals.high
    widest = max(row.high - row.low for row in made.rows)
    assert made.totals.high - made.totals.low < widest


def test_both_databases_and_every_day_of_a_month_tell_the_same(shop: Flask) -> None:
    first = prediction.report(SPAN, "GBP")
    buy("2026-03-01T11:00:00+00:00", 999_999, email="p1@example.com")
    engine._answers.clear()
    again = prediction.report(SPAN, "GBP")
    assert (again.rows, again.totals) == (first.rows, first.totals)
    assert first.totals.ltv_12 == 29_718


def test_a_forecast_is_remembered_until_its_months_change(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prediction.report(SPAN, "GBP")
    monkeypatch.setattr(forecast, "_made", None)  # fitting again would fail
    buy("2026-03-01T11:00:00+00:00", 999_999, email="p1@example.com")
    assert prediction.report(SPAN, "GBP").totals == first.totals
    monkeypatch.undo()
    buy("2026-02-10T11:00:00+00:00", 999_999, email="p1@example.com")
    assert prediction.report(SPAN, "GBP").totals.high > first.totals.high


def test_it_is_checked_on_months_that_the_model_had_not_seen(shop: Flask) -> None:
    totals = prediction.report(SPAN, "GBP").totals
    assert totals.check_months == 3
    first = Period("2025-06", "2025-11")
    early = sum(row.purchases for row in cohorts.report(first, "GBP").rows)
    later = cohorts.report(Period("2025-06", "2026-02"), "GBP").rows
    assert totals.check_actual == sum(
        row.purchases for row in later if row.cohort <= first.last
    ) - early  # fmt: skip
    assert totals.check_expected == pytest.approx(totals.check_actual, rel=0.3)
    assert totals.doubts is None


def test_a_cohort_of_twelve_months_is_observed_and_not_predicted(shop: Flask) -> None:
    with clock.frozen(clock.parse_instant("2026-07-15T12:00:00Z")):
        made = prediction.report(Period("2025-06", "2026-07"), "GBP")
    june, july = made.rows[:2]
    assert (june.is_observed, june.ltv_12, june.low, june.high) == (True, june.ltv, None, None)
    assert (july.is_observed, july.age_months) == (False, 11)
    assert july.low <= july.ltv_12 <= july.high


def test_a_period_in_the_past_is_seen_up_to_its_end(shop: Flask) -> None:
    made = prediction.report(Period("2025-06", "2025-12"), "GBP")
    assert [row.age_months for row in made.rows] == [6, 5, 4, 3, 2, 1, 0]


def test_too_few_customers_too_few_repeaters_and_too_early_are_said(london: Flask) -> None:
    assert prediction.report(SPAN, "GBP").totals.reason == wording_prediction.reason(
        Reason.TOO_EARLY, None
    )
    _take(
        [purchase_fact(occurred_at=OPENING + timedelta(days=n), currency="GBP") for n in range(90)]
    )
    made = prediction.report(SPAN, "GBP")
    assert made.totals.reason == "Only 90 customers have come; the models need 100."
    assert [row.ltv for row in made.rows] == [10_000] * 3
    assert {(row.ltv_12, row.low, row.note) for row in made.rows} == {
        (None, None, made.totals.reason)
    }
    _take([purchase_fact(occurred_at=OPENING, currency="GBP") for _ in range(60)])
    reason = prediction.report(SPAN, "GBP").totals.reason
    assert reason.startswith("Only 0 customers came back")


def test_the_running_month_alone_is_too_early(london: Flask) -> None:
    buy("2026-03-01T10:00:00+00:00", 5_000)
    made = prediction.report(Period("2026-03", "2026-03"), "GBP")
    assert made.rows == []
    assert made.totals.reason


def test_purchases_of_nothing_are_customers_without_a_basket(london: Flask) -> None:
    _take(
        [
            purchase_fact(occurred_at=OPENING + timedelta(days=day), total=0, currency="GBP",
                          email=f"p{n}@example.com")
            for n in range(120) for day in (n / 2, n / 2 + 20)
        ]
    )  # fmt: skip
    totals = prediction.report(SPAN, "GBP").totals
    assert totals.repeaters == 120
    assert totals.reason.startswith("Only 120 customers came back")
    assert totals.ltv_12 is None


def test_who_buys_more_often_and_pays_more_is_a_doubt(london: Flask) -> None:
    _take(_orders(200, grows=True))
    totals = prediction.report(SPAN, "GBP").totals
    assert totals.link > forecast.LINK
    assert "more often spend more" in totals.doubts


def test_a_shop_that_breaks_with_its_past_is_a_doubt(london: Flask) -> None:
    orders = [one for one in _orders(240) if one.occurred_at < datetime(2025, 12, 1, tzinfo=UTC)]
    _take(orders)
    buy("2026-02-10T11:00:00+00:00", 5_000, email="p1@example.com")
    totals = prediction.report(SPAN, "GBP").totals
    assert "more than 20 % off" in totals.doubts


def test_a_short_history_is_told_with_the_doubt_that_it_was_not_checked(shop: Flask) -> None:
    made = prediction.report(Period("2025-06", "2025-10"), "GBP")
    assert made.totals.ltv_12
    assert made.totals.check_actual is None
    assert "could not be checked" in made.totals.doubts


def test_of_many_customers_a_sample_stands_for_all(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prediction.report(SPAN, "GBP")
    monkeypatch.setattr(forecast, "MOST_CUSTOMERS", 120)
    engine._answers.clear()
    made = prediction.report(SPAN, "GBP")
    assert (made.totals.size, made.totals.customers) == (240, 122)  # half of each cohort
    assert made.totals.ltv_12 == pytest.approx(whole.totals.ltv_12, rel=0.2)
    assert [row.ltv for row in made.rows] == [row.ltv for row in whole.rows]


def test_every_reason_and_doubt_has_its_words(shop: Flask) -> None:
    for reason in Reason:
        assert wording_prediction.reason(reason, None)
    source = prediction.report(SPAN, "GBP").totals
    assert source.reason is None
    assert len(Doubt) == 4


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_tells_prediction_interval_and_definition(
    shop: Flask, client: FlaskClient, language: str
) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get(f"/console/reports/ltv?{ADDRESS}&lang={language}").text
    for figure in ("297", "-- Histories", "alpha"):
        assert figure in text
    assert "style=" not in text
    assert 'href="/console/reports/prediction.xlsx?' in text


def test_the_page_says_why_there_is_none(london: Flask, client: FlaskClient) -> None:
    buy("2026-01-10T10:00:00+00:00", 5_000)
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get("/console/reports/ltv?from=2026-01&to=2026-02&lang=en").text
    assert "It cannot be told: Only 1 customer has come" in text


def test_api_command_and_files_give_the_same_figures(
    shop: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    answer = client.get(
        f"/api/v1/reports/prediction?{ADDRESS}", headers=make_key("read")
    ).get_json()
    assert answer["totals"]["model"]["r"] > 0
    assert answer["totals"]["check"]["check_months"] == 3
    assert answer["definition"]["columns"]["ltv_12"]
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get(f"/console/reports/prediction.csv?{ADDRESS}&lang=en").text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    told = [f"{row['ltv_12'] / 100:.2f}" for row in answer["rows"]]
    assert [row["LTV at 12 months"] for row in rows] == told
    assert {row["Note"] for row in rows} == {"Predicted."}
    db.session.remove()
    span = ["--from", "2025-06", "--to", "2026-03"]
    run = shop.test_cli_runner().invoke
    assert told[0] in run(args=["report", "prediction", *span]).output
    file = tmp_path / "prediction.xlsx"
    args = ["report", "prediction", *span, "--format", "xlsx", "--out", str(file)]
    assert run(args=args).exit_code == 0
    with zipfile.ZipFile(file) as book:
        assert "Histories" in book.read("xl/worksheets/sheet2.xml").decode()


def test_each_segment_is_fitted_by_itself_and_says_why_it_cannot_be_told(
    zoe: Code, client: FlaskClient
) -> None:
    _take([*_orders(240), *_through_zoe(_orders(30, seed=8))])
    both = {row.segment: row for row in prediction_segments.report(SPAN, "GBP").rows}
    alone = prediction.report(SPAN, "GBP", segment="other").totals
    others, community = both["other"], both["community"]
    assert (others.size, community.size) == (240, 30)
    assert (others.ltv_12, others.low, others.high) == (alone.ltv_12, alone.low, alone.high)
    assert others.low
    assert others.high
    assert community.ltv_12 is None
    assert "Only 30 customers have come" in str(community.reason)
    answer = client.get(
        f"/api/v1/reports/prediction_segments?{ADDRESS}", headers=make_key("read")
    ).get_json()
    assert [row["ltv_12"] for row in answer["rows"]] == [None, others.ltv_12]
    assert answer["totals"] == {"size": 270, "gap": None}
    sign_in(client, make_user(RoleName.FINANCE))
    assert "apart=1" in client.get(f"/console/reports/ltv?{ADDRESS}").text
    page = client.get(f"/console/reports/ltv?{ADDRESS}&apart=1&lang=en").text
    assert "Community: it cannot be told. Only 30 customers have come" in page
    assert "prediction_segments.xlsx" in page
    text = client.get(f"/console/reports/prediction_segments.csv?{ADDRESS}&lang=en").text
    assert len(text.splitlines()) == 3
    book = client.get(f"/console/reports/prediction_segments.xlsx?{ADDRESS}").data
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None


def test_two_segments_that_can_be_told_have_a_gap(zoe: Code) -> None:
    _take([*_orders(240), *_through_zoe(_orders(240, seed=8), dearer=2)])
    made = prediction_segments.report(SPAN, "GBP")
    community, other = made.rows
    assert community.ltv_12 - other.ltv_12 == made.totals.gap
    assert community.low > other.high


def _through_zoe(told: Sequence[facts.Purchase], *, dearer: int = 1) -> list[facts.Purchase]:
    """Return other people's orders, with her code."""
    return [
        replace(
            one, email=f"friend-{one.email}", codes=("ZOE10",), total=one.total * dearer,
            external_id=f"friend-{one.external_id}",
        )
        for one in told
    ]  # fmt: skip
