"""Tracked and declared side by side (rule 20): the matrix, its rates and its interval."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from accounts.models import RoleName
from referrals.models import Code
from reports import survey
from tests.factories import make_key, make_user, sign_in
from tests.reports.conftest import buy

SPAN = "from=2026-01&to=2026-02"
ANSWERS = (
    (("ZOE10",), "friend"), (("ZOE10",), " Bouche à oreille "), (("ZOE10",), "Instagram"),
    (("ZOE10",), None), ((), "Ami"), ((), "google"), ((), "press"), ((), None),
)  # fmt: skip


def _surveyed() -> None:
    for number, (codes, answer) in enumerate(ANSWERS):
        buy(f"2026-01-1{number}T10:00+00:00", 1_000, codes=codes, heard_from=answer,
            external_id=f"o{number}", customer_external_id=f"c{number}",
            email=f"c{number}@example.com")  # fmt: skip


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, "0.000000", "0.277533"), (5, 10, "0.236593", "0.763407"),
     (10, 10, "0.722467", "1.000000"), (1, 1, "0.206549", "1.000000")],
)  # fmt: skip
def test_the_interval_is_wilsons(part: int, whole: int, low: str, high: str) -> None:
    assert survey.wilson(part, whole) == (Decimal(low), Decimal(high))


def test_nobody_asked_gives_no_interval() -> None:
    assert survey.wilson(0, 0) == (None, None)


def test_tracked_and_declared_are_crossed(zoe: Code, client: FlaskClient) -> None:
    _surveyed()
    body = client.get(f"/api/v1/reports/acquisition?{SPAN}", headers=make_key("read")).get_json()
    for told in (body["totals"]["declared"], body["rows"][0]["declared"]):
        counts = {name: told[name] for name in (*survey.CELLS, "answers")}
        assert counts == {
            "tracked_and_declared": 2, "tracked_only": 1, "declared_only": 1, "neither": 2,
            "no_answer": 2, "answers": 6,
        }  # fmt: skip
        assert (told["response_rate"], told["share_declared"]) == (0.75, 0.5)
        assert told["share_either"] == 0.666667
        assert told["share_low"] < told["share_either"] < told["share_high"]
    assert body["rows"][1]["declared"]["share_low"] is None
    assert "declared" not in body["totals"]["declared"]


def test_without_a_survey_nothing_is_declared(zoe: Code, client: FlaskClient) -> None:
    buy("2026-01-05T10:00+00:00", 1_000, codes=("ZOE10",))
    body = client.get(f"/api/v1/reports/acquisition?{SPAN}", headers=make_key("read")).get_json()
    assert "declared" not in body["totals"]
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/acquisition?{SPAN}&lang=en").text
    assert "Tracked and declared" not in page


@pytest.mark.parametrize("name", ["acquisition", "cac"])
def test_pages_show_the_matrix(zoe: Code, client: FlaskClient, name: str) -> None:
    _surveyed()
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/{name}?{SPAN}&lang=en").text
    assert "Tracked and declared" in page
    assert "66.7\u202f%" in page
    assert "survey=community" in page


@pytest.mark.parametrize(
    ("filters", "orders"),
    [("survey=community", 3), ("survey=other", 3), ("survey=nothing", 2),
     ("survey=community&channel=community&customers=new", 2), ("campaign=spring", 4),
     ("campaign=none", 0)],
)  # fmt: skip
def test_a_cell_leads_to_its_purchases(
    zoe: Code, client: FlaskClient, filters: str, orders: int
) -> None:
    _surveyed()
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/purchases?{SPAN}&{filters}").text
    assert page.count('<th scope="row">') == orders
    assert client.get(f"/console/reports/purchases?{SPAN}&survey=all").status_code == 422


def test_the_file_has_a_column_for_each(zoe: Code, client: FlaskClient) -> None:
    _surveyed()
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get(f"/console/reports/acquisition.csv?{SPAN}&lang=en").text
    january = next(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert (january["Declared only"], january["Response rate"]) == ("1", "0.750000")
    assert client.get(f"/console/reports/acquisition.xlsx?{SPAN}").status_code == 200
