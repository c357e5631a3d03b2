"""A code's page tells its story; signs of a leak are shown with evidence, and decided by people."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador
from campaigns.models import Campaign
from core import clock
from core.db import db
from core.outbox import OutboxMessage
from referrals import code_batches, code_requests, code_signals, codes, jobs_codes, links
from referrals.code_signals import Use
from referrals.models import Code, CodeSignal, CodeStatus, SignalKind
from rewards import intake
from tests import queries
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)  # fmt: skip


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def sell(code: Code, count: int, *, days_ago: float = 1, **facts: object) -> None:
    """Record orders with a code."""
    at = clock.now() - timedelta(days=days_ago)
    intake.take_purchases(
        [
            purchase_fact(**{"codes": (code.text,), "occurred_at": at, "country": "FR", **facts})
            for _n in range(count)
        ]
    )


def signals() -> list[tuple[SignalKind, dict[str, object]]]:
    return [(one.kind, one.evidence) for one in db.session.scalars(sa.select(CodeSignal))]


def old_code(text: str = "ZOE15") -> Code:
    """Return a code made long ago, in a campaign that ran by then."""
    long_ago = clock.now() - timedelta(days=200)
    campaign = make_campaign(status_since=long_ago, created_at=long_ago)
    owner = make_ambassador(
        status_since=long_ago, enrolled_at=long_ago,
        member=make_member(name="Zoé", email="zoe@example.com"),
    )  # fmt: skip
    return make_code(
        text, campaign_id=campaign.id, ambassador_id=owner.id, created_at=long_ago,
        status_since=long_ago,
    )  # fmt: skip


def test_the_page_of_a_code_says_who_where_and_when(staff: FlaskClient) -> None:
    code = old_code()
    sell(code, 3)
    sell(code, 2, days_ago=20, country="CH", email="anna@example.com")
    sell(code, 1, days_ago=20, is_test=True)
    page = staff.get(f"/console/codes/{code.id}?lang=en").text
    assert "5 purchases in 26 weeks" in page
    assert "Switzerland" in page
    assert "France" in page
    assert "anna@" not in page  # customers are numbers
    assert staff.get("/console/codes/999999").status_code == 404


def test_a_new_code_has_a_page_that_says_there_is_nothing_yet(staff: FlaskClient) -> None:
    page = staff.get(f"/console/codes/{make_code('NEW15').id}?lang=en").text
    assert "Nothing yet" in page
    assert "Nobody yet" in page


def test_a_leaked_code_is_replaced_its_owner_told_and_the_chain_shown(staff: FlaskClient) -> None:
    code = old_code()
    sell(code, 2)
    path = f"/console/codes/{code.id}/freeze"
    page = staff.get(f"{path}?lang=en").text
    assert "2 purchases came with it so far." in page
    assert 'value="ZOE-' in page  # a replacement is proposed
    form = {"reason": "On a coupon site", "replacement": "ZOE26"}
    assert staff.post(path, data=form).location == f"/console/codes/{code.id}"
    db.session.rollback()
    new = codes.find("ZOE26")
    assert new is not None
    told = db.session.scalars(sa.select(OutboxMessage)).one().payload
    assert (told["to"], "ZOE26" in told["text"]) == ("zoe@example.com", True)
    for one in (code.id, new.id):
        page = staff.get(f"/console/codes/{one}?lang=en").text
        assert "What stood in for what" in page
        assert "ZOE26" in page
    assert "On a coupon site" in staff.get(f"/console/codes/{code.id}").text
    third = codes.replace(new.id, "ZOE27", reason="again")
    assert "ZOE15" in staff.get(f"/console/codes/{third.id}").text


def test_a_qr_code_leads_through_the_link_of_the_same_person(staff: FlaskClient) -> None:
    code = old_code()
    assert f"It says: {code.text}" in staff.get(f"/console/codes/{code.id}?lang=en").text
    assert code.ambassador_id is not None
    links.create(campaign_id=code.campaign_id, ambassador_id=code.ambassador_id, slug="zoe")
    assert "/r/zoe" in staff.get(f"/console/codes/{code.id}").text
    png = staff.get(f"/console/codes/{code.id}/qr.png")
    assert (png.mimetype, png.data[:4]) == ("image/png", b"\x89PNG")
    assert staff.get(f"/console/codes/{code.id}/qr.svg").mimetype == "image/svg+xml"
    assert staff.get(f"/console/codes/{code.id}/qr.exe").status_code == 404


def test_cards_are_in_the_language_of_those_who_get_them(staff: FlaskClient) -> None:
    code = old_code()
    english = staff.get(f"/console/codes/{code.id}/cards?lang=en&in=en").text
    french = staff.get(f"/console/codes/{code.id}/cards?lang=en&in=fr").text
    assert english.count('class="print-card"') == french.count('class="print-card"') == 8
    assert "Enter this code at the checkout" in english
    assert '<p class="brand-name">Cercle</p>' in english
    assert "Saisissez ce code" in french
    assert "Cards to print" in french  # the page itself stays in the reader's language


def test_a_code_used_far_beyond_its_past_gives_a_sign_and_stays_as_it_is(app: Flask) -> None:
    code, quiet = old_code(), old_code("ANA15")
    for week in range(12):
        sell(code, 1, days_ago=10 + 7 * week)
        sell(quiet, 1, days_ago=10 + 7 * week)
    sell(quiet, 3)
    sell(code, 14)
    assert code_signals.look() == 1
    ((kind, evidence),) = signals()
    assert kind is SignalKind.BEYOND_ITS_PAST
    assert evidence == {"orders": 14, "usual": 1.0, "weeks": 12}
    assert code_signals.look() == 0  # nothing twice
    assert code.status is CodeStatus.ACTIVE


def test_a_sign_is_decided_by_a_person(staff: FlaskClient) -> None:
    code = old_code()
    sell(code, 14)
    assert jobs_codes.look_for_leaks() == 1
    page = staff.get("/console/codes/signals?lang=en").text
    assert "14 orders in seven days" in page
    assert "1 sign of a leak" in staff.get("/console/codes?lang=en").text
    assert "Used far beyond its past" in staff.get(f"/console/codes/{code.id}?lang=en").text
    signal_id = db.session.scalars(sa.select(CodeSignal.id)).one()
    assert staff.post(f"/console/codes/signals/{signal_id}/harmless").status_code == 302
    assert staff.post(f"/console/codes/signals/{signal_id}/harmless").status_code == 404
    assert "Nothing unusual" in staff.get("/console/codes/signals?lang=en").text
    assert jobs_codes.look_for_leaks() == 0  # the same week was decided
    assert "code.signal" in db.session.scalars(sa.select(AuditLine.act)).all()


def test_stopping_a_code_closes_its_signs(staff: FlaskClient) -> None:
    code = old_code()
    sell(code, 14)
    jobs_codes.look_for_leaks()
    staff.post(f"/console/codes/{code.id}/freeze", data={"reason": "leaked", "replacement": ""})
    db.session.rollback()
    assert db.session.scalars(sa.select(CodeSignal.closed_as)).all() == ["frozen"]


def test_orders_without_a_click_count_beside_the_codes_own_past() -> None:
    past = Use(orders=60, without_click=6)
    leaked = dict(code_signals.unusual(Use(orders=14, without_click=13), past))
    assert leaked[SignalKind.WITHOUT_CLICK]["without_click"] == 13
    shop_tells_no_clicks = Use(orders=60, without_click=60)
    usual = dict(code_signals.unusual(Use(orders=14, without_click=14), shop_tells_no_clicks))
    assert SignalKind.WITHOUT_CLICK not in usual


def test_many_new_customers_from_rare_countries_give_a_sign_and_usual_ones_do_not() -> None:
    past = Use(orders=100, new_by_country={"FR": 60, "CH": 39, "US": 1})
    far = Use(orders=9, new_by_country={"US": 3, "IN": 4, "FR": 2})
    ((kind, evidence),) = code_signals.unusual(far, past)
    assert kind is SignalKind.UNUSUAL_COUNTRIES
    assert (evidence["from_far"], evidence["countries"]) == (7, ["IN", "US"])
    assert list(code_signals.unusual(Use(orders=9, new_by_country={"CH": 9}), past)) == []
    young = Use(orders=3, new_by_country={"FR": 3})
    assert list(code_signals.unusual(far, young)) == []


def test_a_steady_code_gives_a_false_alarm_about_as_rarely_as_said() -> None:
    for weekly in (1, 2, 5, 20, 100):
        chance = sum(
            code_signals._poisson_tail(orders, weekly)
            - code_signals._poisson_tail(orders + 1, weekly)
            for orders in range(1_000)
            if dict(code_signals.unusual(Use(orders=orders), Use(orders=weekly * 12)))
        )
        assert chance < code_signals.CHANCE, weekly


MOST = 15  # statements of a page about codes


def one_of_each(number: int) -> Code:
    """Add a code that was used, with a signal, a wish of its owner and a batch; return it."""
    code = old_code(f"ZOE{number}")
    sell(code, 3, country="CH")
    sell(code, 1, days_ago=20, email=f"anna{number}@example.com")
    codes.replace(make_code(f"OLD{number}", ambassador_id=code.ambassador_id).id, f"NEW{number}",
                  reason="leaked")  # fmt: skip
    owner = db.session.get_one(Ambassador, must(code.ambassador_id))
    code_requests.ask(owner, code.campaign_id, f"ZOEICE{number}")
    db.session.add(
        CodeSignal(
            code_id=code.id, kind=SignalKind.BEYOND_ITS_PAST, week_on=clock.now().date(),
            evidence={"orders": 30, "weeks": 12, "usual": 2}, seen_at=clock.now(),
        )
    )  # fmt: skip
    return code


def statements(staff: FlaskClient, path: str) -> int:
    staff.get(path)  # the first look after a change reads the rules of the program again
    with queries.counted() as seen:
        assert staff.get(path).status_code == 200, path
    assert len(seen) <= MOST, (path, seen)
    return len(seen)


def test_every_page_about_codes_takes_at_most_15_statements_however_many_there_are(
    staff: FlaskClient,
) -> None:
    code = one_of_each(1)
    slug = db.session.get_one(Campaign, code.campaign_id).slug
    job = code_batches.create(slug, 3, "BOX-######", created_by="a test")
    job_id, here = job.id, f"/console/codes/{code.id}"
    db.session.commit()
    jobs_codes.run_job(job_id)
    pages = [
        "/console/codes", "/console/codes?q=ZOE", "/console/codes/new", "/console/codes/signals",
        "/console/codes/requests", f"/console/codes/give/{slug}", "/console/codes/batches",
        f"/console/codes/batches/{job_id}", f"/console/codes/batches/{job_id}/cards", here,
        f"{here}/cards", f"{here}/freeze",
    ]  # fmt: skip
    few = {page: statements(staff, page) for page in pages}
    for number in range(2, 12):
        one_of_each(number)
    assert {page: statements(staff, page) for page in pages} == few
