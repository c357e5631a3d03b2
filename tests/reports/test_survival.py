"""Kaplan and Meier's estimate, against real subscriptions and a textbook."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reports import survival

Rows = Sequence[dict[str, str]]


@pytest.fixture
def telco(shared_data: Path) -> Rows:
    file = shared_data / "subscriptions" / "telco_customer_churn.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def expected(shared_data: Path) -> dict[str, Any]:
    text = (shared_data / "expected" / "telco_churn.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _curve(rows: Rows) -> list[survival.Point]:
    return survival.curve(
        [int(row["tenure"]) for row in rows], [row["Churn"] == "Yes" for row in rows]
    )


def _told(points: Sequence[survival.Point], months: Any) -> dict[str, float]:
    found = {month: survival.at(points, int(month)) for month in months}
    return {month: round(one.share, 6) if one else 1.0 for month, one in found.items()}


def test_real_subscriptions_last_as_computed_independently(
    telco: Rows, expected: dict[str, Any]
) -> None:
    assert _told(_curve(telco), expected["km_all"]) == expected["km_all"]
    assert survival.churn_rate([row["Churn"] == "Yes" for row in telco]) == pytest.approx(
        expected["churn_rate"], abs=5e-6
    )


def test_real_subscriptions_last_as_computed_for_each_contract(
    telco: Rows, expected: dict[str, Any]
) -> None:
    for contract, known in expected["by_contract"].items():
        rows = [row for row in telco if row["Contract"] == contract]
        ended = [row["Churn"] == "Yes" for row in rows]
        assert (len(rows), sum(ended)) == (known["n"], known["churned"])
        assert round(survival.churn_rate(ended) or 0, 6) == known["rate"]
        assert _told(_curve(rows), known["km"]) == known["km"]


def test_half_of_the_monthly_contracts_are_over_after_the_known_month(
    telco: Rows, expected: dict[str, Any]
) -> None:
    monthly = _curve([row for row in telco if row["Contract"] == "Month-to-month"])
    assert survival.median(monthly) == expected["median_survival_month_to_month"]


def test_greenwoods_interval_is_that_of_the_textbook() -> None:
    # Freireich's leukaemia trial, treated arm; S and its error as in Kalbfleisch and Prentice
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    ended = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    points = survival.curve(weeks, ended)
    assert [(one.time, one.at_risk, round(one.share, 4)) for one in points] == [
        (6, 21, 0.8571), (7, 17, 0.8067), (10, 15, 0.7529), (13, 12, 0.6902), (16, 11, 0.6275),
        (22, 7, 0.5378), (23, 6, 0.4482),
    ]  # fmt: skip
    first = points[0]
    assert first.low is not None
    assert first.high is not None
    assert (round(first.low, 3), round(first.high, 3)) == (0.620, 0.952)


def test_who_came_in_late_was_not_at_risk_before() -> None:
    points = survival.curve([2, 4, 6], [True, True, False], entries=[0, 0, 3])
    assert [(one.time, one.at_risk, one.share) for one in points] == [(2, 2, 0.5), (4, 2, 0.25)]


def test_nobody_tells_nothing() -> None:
    assert survival.curve([], []) == []
    assert survival.churn_rate([]) is None
    assert survival.at([], 3) is None
