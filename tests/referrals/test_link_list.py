"""The page of links: who shares where to, and what came of it in a period."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from accounts.models import RoleName
from core.db import db
from referrals import links
from referrals.models import Click, ClickKind
from rewards import intake
from tests import queries
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_member,
    make_user,
    purchase_fact,
    sign_in,
)  # fmt: skip

LIST = "/console/links?lang=en"


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.FINANCE))
    return client


def _visit(link_id: int, token: str, *, days: int = 1, kind: ClickKind = ClickKind.VISIT) -> None:
    db.session.add(
        Click(token=token, link_id=link_id, clicked_at=NOW - timedelta(days=days), kind=kind,
              has_consent=True, is_paid_traffic=False)
    )  # fmt: skip
    db.session.flush()


def _row(page: str, slug: str) -> list[str]:
    """Return visits and purchases in the row of a link."""
    row = page.split(f"/r/{slug}</span>")[1].split("</tr>")[0]
    return re.findall(r'<td class="n ">(?:<[^>]*>)?(\d+)', row)


def test_a_link_tells_visits_of_people_and_the_purchases_that_they_won(staff: FlaskClient) -> None:
    who = make_ambassador(member=make_member(name="Zoé Martin"))
    link = links.create(campaign_id=make_campaign().id, ambassador_id=who.id, slug="zoe")
    _visit(link.id, "t-1")
    _visit(link.id, "t-2")
    _visit(link.id, "t-3", kind=ClickKind.BOT)
    _visit(link.id, "t-4", days=80)
    won = purchase_fact(click_token="t-1")
    long_ago = NOW - timedelta(days=79)
    intake.take_purchases([won, purchase_fact(), purchase_fact(click_token="t-2", is_test=True),
                           purchase_fact(click_token="t-4", occurred_at=long_ago)])  # fmt: skip
    db.session.commit()
    page = staff.get(LIST).text
    assert "Zoé Martin" in page
    assert f'<td class="where">{link.destination.removeprefix("https://")}</td>' in page
    assert _row(page, "zoe") == ["3", "2"]
    present, past = f"{NOW - timedelta(days=1):%Y-%m}", f"{long_ago:%Y-%m}"
    assert _row(staff.get(f"{LIST}&from={present}").text, "zoe") == ["2", "1"]
    assert _row(staff.get(f"{LIST}&to={past}").text, "zoe") == ["1", "1"]
    assert _row(staff.get(f"{LIST}&from=2001-01&to=2001-02").text, "zoe") == ["0", "0"]


def test_links_are_found_by_their_end_their_ambassador_and_campaign(staff: FlaskClient) -> None:
    zoe, ana = (make_ambassador(member=make_member(name=name)) for name in ("Zoé", "Ana"))
    spring, winter = make_campaign(slug="spring"), make_campaign(slug="winter")
    links.create(campaign_id=spring.id, ambassador_id=zoe.id, slug="pear")
    links.create(campaign_id=winter.id, ambassador_id=ana.id, slug="apple")
    db.session.commit()
    for query, shown in {
        "": {"pear", "apple"}, "q=PEA": {"pear"}, "q=ana": {"apple"}, "campaign=spring": {"pear"},
        f"ambassador={ana.id}": {"apple"}, "q=%25": set(),
    }.items():  # fmt: skip
        page = staff.get(f"{LIST}&{query}").text
        assert {one for one in ("pear", "apple") if f"/r/{one}<" in page} == shown, query


@pytest.mark.parametrize("query", ["from=2026-13", "to=now", "from=2026-05&to=2026-04"])
def test_a_period_that_cannot_be_is_told(staff: FlaskClient, query: str) -> None:
    assert staff.get(f"{LIST}&{query}").status_code == 422


def test_links_go_on_page_by_page_and_ask_the_database_as_often(staff: FlaskClient) -> None:
    campaign_id, who = make_campaign().id, make_ambassador().id
    for n in range(55):
        links.create(campaign_id=campaign_id, ambassador_id=who, slug=f"l{n:02}")
    db.session.commit()
    with queries.counted() as seen:
        first = staff.get(LIST).text
    assert len(seen) <= queries.MOST, "\n".join(seen)
    before = first.split("before=")[1].split('"')[0].split("&")[0]
    assert "/r/l05<" in first
    assert "/r/l04<" in staff.get(f"{LIST}&before={before}").text
