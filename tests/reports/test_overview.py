"""The console's first page, and what a campaign brought."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from campaigns import campaigns
from core import jobs
from core.db import db
from referrals.models import Code
from rewards import intake, jobs_imports
from tests import queries
from tests.conftest import NOW
from tests.factories import make_user, refund_fact, sign_in
from tests.reports.conftest import buy

THIS_MONTH, LAST_MONTH = NOW.isoformat(), (NOW - timedelta(days=5)).isoformat()


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def _bought() -> None:
    """Buy twice last month, once by the code, and by the code this month, partly refunded."""
    buy(LAST_MONTH, 10_000, codes=("ZOE10",), email="a@example.com")
    buy(LAST_MONTH, 5_000, email="b@example.com")
    back = buy(THIS_MONTH, 8_000, codes=("ZOE10",), email="c@example.com", discount=500)
    intake.take_refunds([refund_fact(back, 4_000)])
    buy(THIS_MONTH, 9_900, codes=("ZOE10",), email="d@example.com", is_test=True)
    db.session.commit()


def test_a_new_program_is_told_its_first_steps(london: Flask, staff: FlaskClient) -> None:
    page = staff.get("/console?lang=en").text
    assert "First steps" in page
    assert "/console/wizard" in page
    assert "Nothing waits for you" in page
    assert 'class="chart"' not in page


def test_the_first_page_tells_the_month_beside_the_one_before(
    zoe: Code, staff: FlaskClient
) -> None:
    _bought()
    page = staff.get("/console?lang=en").text
    assert "1 of 1 new customers came through the community" in page
    assert "100.0\u202f%" in page
    assert "▲ 50 points" in page
    assert "2 in the whole of" in page
    assert 'class="chart"' in page
    assert "Show as table" in page
    assert 'href="/console/campaigns/spring"' in page
    assert "campaign=spring&amp;customers=new" in page


def test_the_first_page_and_a_campaign_ask_the_database_little(
    zoe: Code, staff: FlaskClient
) -> None:
    _bought()
    for path in ("/console", "/console/campaigns/spring"):
        staff.get(path)  # the copy is fresh now
        with queries.counted() as seen:
            assert staff.get(path).status_code == 200
        assert len(seen) <= queries.MOST, path + "\n" + "\n".join(seen)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_waits_for_a_person_is_on_the_first_page(
    zoe: Code, staff: FlaskClient, language: str
) -> None:
    job = jobs.create(jobs_imports.KIND, {"name": "mai.csv"}, created_by="user:1", total=3)
    job.state, job.ended_at, job.result = jobs.JobState.DONE, NOW, {"counts": {"rejected": 3}}
    old = jobs.create(jobs_imports.KIND, {"name": "old.csv"}, created_by="user:1", total=3)
    old.state, old.ended_at = jobs.JobState.FAILED, NOW - timedelta(days=8)
    db.session.commit()
    page = staff.get(f"/console?lang={language}").text
    assert "mai.csv" in page
    assert f"/console/imports/{job.id}" in page
    assert "old.csv" not in page


def test_a_campaign_tells_what_it_brought_and_opens_the_rows(zoe: Code, staff: FlaskClient) -> None:
    page = staff.get("/console/campaigns/spring?lang=en").text
    assert "No purchase has come through it yet." in page
    _bought()
    page = staff.get("/console/campaigns/spring?lang=en").text
    for figure in ("140.00", "14.00", "19.00", "GBP\xa05.00", "GBP\xa040.00"):
        assert figure in page, figure
    assert "campaign=spring" in page
    assert campaigns.get("spring").name in page
    assert staff.get("/console/campaigns/none").status_code == 404
