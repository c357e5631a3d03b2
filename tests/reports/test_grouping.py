"""Acquisition and CAC by something other than the month: the same on page, API and command."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import date

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import circles
from ambassadors.models import AmbassadorKind
from campaigns import spend
from campaigns.models import SpendKind
from core import clock
from core.db import db
from referrals.models import Code
from reports import engine, people, purchases
from reports.models import Period
from tests.factories import make_ambassador, make_campaign, make_code, make_key, make_user, sign_in
from tests.reports.conftest import buy

SPAN = "from=2026-01&to=2026-04"


@pytest.fixture
def world(zoe: Code) -> None:
    """Two through Zoé, one through Ann of another campaign, two by themselves; media and tools."""
    other = make_campaign(slug="winter", currency="GBP", rule={"hold_days": 0})
    ann = make_ambassador(
        kind=AmbassadorKind.PARTNER, enrolled_at=clock.parse_instant("2020-01-01T00:00:00Z")
    )
    make_code("ANN10", campaign_id=other.id, ambassador_id=ann.id)
    assert ann.member_id
    for name in ("Bakers", "Tasters"):
        circle = circles.create(name=name, purpose="To bake", capacity=None)
        circles.join(circle, ann.member_id)
    days = ("2026-01-10", "2026-03-31", "2026-04-01", "2026-04-02", "2026-04-03")
    codes = (("ZOE10",), ("ZOE10",), ("ANN10",), (), ())
    for n, (day, used) in enumerate(zip(days, codes, strict=True)):
        buy(f"{day}T10:00+00:00", 1_000, codes=used, external_id=f"o{n}",
            email=f"c{n}@example.com", country="GB" if n else None)  # fmt: skip
    told = (("paid_social", SpendKind.MEDIA, 900), ("community", SpendKind.TOOLS, 300))
    spend.record(
        [
            spend.Line(channel=channel, on=date(2026, 4, 2), amount=amount, currency="GBP",
                       kind=kind, key=channel)
            for channel, kind, amount in told
        ]
    )  # fmt: skip
    db.session.commit()


@pytest.mark.parametrize(
    ("by", "groups"),
    [("quarter", {"2026-Q1": 2, "2026-Q2": 3}), ("channel", {"community": 3, "unattributed": 2}),
     ("campaign", {"spring": 2, "winter": 1, "": 2}), ("country", {"GB": 4, "": 1}),
     ("kind", {"customer": 2, "partner": 1, "": 2}),
     ("circle", {"Bakers": 1, "Tasters": 1, "": 4})],
)  # fmt: skip
def test_acquisition_by_each(
    world: None, client: FlaskClient, by: str, groups: dict[str, int]
) -> None:
    url = f"/api/v1/reports/acquisition?{SPAN}&group_by={by}"
    body = client.get(url, headers=make_key("read")).get_json()
    assert {row["group"]: row["new_customers"] for row in body["rows"]} == groups
    assert body["totals"]["new_customers"] == 5
    assert body["rows"][0]["part"] == pytest.approx(body["rows"][0]["new_customers"] / 5)
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/acquisition?{SPAN}&group_by={by}&lang=en")
    assert page.status_code == 200
    assert page.text.count('<th scope="row"') == len(groups) + 1
    text = client.get(f"/console/reports/acquisition.csv?{SPAN}&group_by={by}&lang=en").text
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert {row["Group"]: int(row["New customers"]) for row in rows} == groups
    assert client.get(f"/console/reports/acquisition.xlsx?{SPAN}&group_by={by}").status_code == 200


def test_cac_by_channel_and_quarter(world: None, client: FlaskClient, app: Flask) -> None:
    key = make_key("read")
    url = f"/api/v1/reports/cac?{SPAN}&group_by="
    rows = client.get(f"{url}channel", headers=key).get_json()["rows"]
    assert [(row["group"], row["cost"], row["cac"]) for row in rows] == [
        ("community", 600, 200), ("paid_social", 900, None), ("unattributed", 0, None),
    ]  # fmt: skip
    rows = client.get(f"{url}quarter", headers=key).get_json()["rows"]
    assert [(row["group"], row["new_customers"], row["cac_paid"]) for row in rows] == [
        ("2026-Q1", 2, None), ("2026-Q2", 3, 450),
    ]  # fmt: skip
    assert client.get(f"{url}weather", headers=key).status_code == 422
    assert client.get(f"{url}month", headers=key).get_json()["rows"][0]["month"] == "2026-01"
    codes = client.get(f"/api/v1/reports/codes?{SPAN}&group_by=x", headers=key)
    assert codes.status_code == 422
    sign_in(client, make_user(RoleName.FINANCE))
    assert "2026-Q2" in client.get(f"/console/reports/cac?{SPAN}&group_by=quarter").text
    asked = ["report", "cac", "--from", "2026-01", "--to", "2026-04", "--group-by", "quarter"]
    assert "2026-Q2" in app.test_cli_runner().invoke(args=asked).output


GROUPED = {  # commissions of a tenth of 1,000 each; tools of 300 and media of 900 for channels
    "campaign": {"spring": (200, 2), "winter": (100, 1), "": (0, 0), "not_told": (1_200, 0)},
    "country": {"GB": (200, 2), "": (100, 1), "not_told": (1_200, 0)},
    "kind": {"customer": (200, 2), "partner": (150, 1), "": (0, 0), "not_told": (1_200, 0)},
    "circle": {"Bakers": (150, 1), "Tasters": (150, 1), "": (200, 2), "not_told": (1_200, 0)},
}


@pytest.mark.parametrize("by", GROUPED)
def test_cac_by_group_has_the_costs_that_can_be_told_and_adds_up(
    world: None, client: FlaskClient, app: Flask, by: str
) -> None:
    _perk_for_ann(50)
    key = make_key("read")
    body = client.get(f"/api/v1/reports/cac?{SPAN}&group_by={by}", headers=key).get_json()
    told = {row["group"]: (row["cost"], row["new_customers_community"]) for row in body["rows"]}
    expected = dict(GROUPED[by])
    if by in {"campaign", "country"}:
        expected["not_told"] = (1_250, 0)  # a perk stands on a person
    assert told == expected
    plain = client.get(f"/api/v1/reports/cac?{SPAN}", headers=key).get_json()["totals"]
    assert body["totals"] == plain
    if by != "circle":  # Ann sits in two
        for figure in ("cost", "commissions", "discounts", "perks", "tools", "new_customers"):
            assert sum(row[figure] for row in body["rows"]) == plain[figure]
    first = body["rows"][0]
    assert first["cac_direct"] == first["cost"] // first["new_customers_community"]
    assert body["rows"][-1]["cac_direct"] is None
    sign_in(client, make_user(RoleName.FINANCE))
    text = client.get(f"/console/reports/cac.csv?{SPAN}&group_by={by}&lang=en").text
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert {row["Group"]: row["Cost"] for row in rows} == {
        name: f"{cost / 100:.2f}" for name, (cost, _came) in expected.items()
    }
    assert client.get(f"/console/reports/cac.xlsx?{SPAN}&group_by={by}").status_code == 200
    asked = ["report", "cac", "--from", "2026-01", "--to", "2026-04", "--group-by", by]
    assert "not_told" in app.test_cli_runner().invoke(args=asked).output


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "by"),
    [("cac", "quarter"), ("cac", "channel"), ("cac", "country"), ("cac", "circle"),
     ("acquisition", "campaign"), ("acquisition", "kind")],
)  # fmt: skip
def test_every_figure_of_a_group_opens_just_what_it_counts(
    world: None, client: FlaskClient, name: str, by: str
) -> None:
    _perk_for_ann(50)
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/{name}?{SPAN}&group_by={by}&lang=en").text
    cells = re.findall(r'<td class="n[^"]*"><a href="([^"]+)">([\d.,]+)</a>', page)
    assert len(cells) > 5
    for url, figure in sorted(set(cells)):
        opened = client.get(f"{html.unescape(url)}&lang=en").text
        told = re.findall(r'(?:tile-value"|class="n ?")>(?:<span.*?</span> )?([\d.,]+)', opened)
        assert figure in told, (url, figure, told)


def _perk_for_ann(amount: int) -> None:
    """Record what a perk cost that Ann took."""
    ann = db.session.scalars(sa.select(Code.ambassador_id).where(Code.text == "ANN10")).one()
    perk = spend.Line(channel="community", on=date(2026, 4, 3), amount=amount, currency="GBP",
                      kind=SpendKind.PERKS, key="exchange:1", ambassador_id=ann)  # fmt: skip
    spend.record([perk])
    db.session.commit()


def test_a_circle_and_a_kind_lead_to_the_purchases_of_their_ambassadors(
    world: None, client: FlaskClient
) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    for wanted, count in (("circle=Bakers", 1), ("kind=customer", 2), ("circle=Nobody", 0),
                          ("kind=customer&circle=Bakers", 0)):  # fmt: skip
        page = client.get(f"/console/reports/purchases?{SPAN}&{wanted}").text
        assert page.count('<th scope="row">') == count
    assert client.get(f"/console/reports/purchases?{SPAN}&kind=king").status_code == 422
    page = client.get(f"/console/reports/purchases?{SPAN}&kind=partner&circle=Bakers&lang=en").text
    assert "Partner, circle Bakers." in page


def test_a_kind_of_very_many_ambassadors_leads_to_their_purchases(
    world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = people.ambassadors()
    monkeypatch.setattr(people, "ambassadors", lambda **_asked: [*known, *range(10**6, 1_050_000)])
    copy, wanted = engine.fresh(), purchases.Filter(kind="customer")
    asked = (copy, Period("2026-01", "2026-04"), "GBP", wanted)
    assert len(purchases.page(*asked)) == purchases.totals(*asked).purchases == 3


def test_a_country_leads_to_its_purchases(world: None, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(f"/console/reports/acquisition?{SPAN}&group_by=country").text
    assert "country=GB" in page
    orders = client.get(f"/console/reports/purchases?{SPAN}&country=GB").text
    assert orders.count('<th scope="row">') == 4
