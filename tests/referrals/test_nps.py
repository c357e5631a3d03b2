"""NPS: scores from files and machines, whose they are, and what they lead to."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from core import clock, emails
from core.db import db
from referrals import nps
from referrals.invitees import Target
from referrals.models_nps import NpsScore
from referrals.models_survey import ToldBy
from rewards import erasure, intake, person_data, suggestions
from rewards.suggestions import Wish
from tests.conftest import NOW
from tests.factories import make_key, make_member, make_user, purchase_fact, sign_in

API = "/api/v1/nps-scores"


@pytest.fixture
def buyers(app: Flask) -> None:
    """Three customers, one of them also by an id."""
    intake.take_purchases([
        purchase_fact(email="tom@example.com", customer_external_id="c-1"),
        purchase_fact(email="ida@example.com"),
        purchase_fact(email="eva@example.com", accepts_mail=True),
    ])  # fmt: skip
    db.session.commit()


def says(email: str, score: int, *, days: int = 0) -> nps.State:
    told = nps.Told(score=score, answered_at=NOW - timedelta(days=days), email=email)
    (state,) = nps.record([nps.checked(told)], ToldBy.API)
    return state


def suggested(**wish: int) -> list[tuple[int, int | None]]:
    found = suggestions.customers(Wish(orders=1, **wish), Target())
    return sorted((one.customer_id, one.score) for one in found)


def test_the_api_takes_a_score_once(buyers: None, client: FlaskClient) -> None:
    key = make_key("purchases")
    db.session.commit()
    body: dict[str, Any] = {"customer": {"email": "Tom+x@example.com"}, "score": 9,
                            "answered_at": "2026-03-01T10:00:00Z"}  # fmt: skip
    by_id = {"customer": {"external_id": "c-1"}}
    for sent, status in (
        (body, 201), (body, 200), (body | {"score": 3}, 409), (body | by_id, 201),
        (body | {"score": 11}, 422), (body | {"score": -1}, 422), (body | {"score": 9.5}, 422),
        (body | {"customer": {}}, 422), (body | {"customer": {"email": "no@example.com"}}, 404),
        (body | {"answered_at": "2999-01-01T00:00:00Z"}, 422),
        (body | {"answered_at": "2026-03-01T10:00:00"}, 422),
        ({"customer": {"email": "ida@example.com"}, "score": 0}, 201),
    ):  # fmt: skip
        assert client.post(API, json=sent, headers=key).status_code == status, sent
    assert client.post(API, json=body, headers=make_key("read")).status_code == 403


def test_a_file_keeps_the_lines_that_were_refused(app: Flask, buyers: None, tmp_path: Path) -> None:
    file = tmp_path / "nps.csv"
    lines = ["tom@example.com,9,2026-03-01", "tom@example.com,9,2026-03-01",
             "tom@example.com,2,2026-03-01", "no@example.com,9,2026-03-01",
             "ida@example.com,11,2026-03-01", "ida@example.com,ten,2026-03-01",
             "ida@example.com,7,yesterday", ",8,2026-03-01"]  # fmt: skip
    file.write_text("email,score,answered_on\n" + "\n".join(lines) + "\n", "utf-8")
    run = app.test_cli_runner().invoke
    dry = run(args=["import", "nps", str(file), "--dry-run"])
    assert dry.output.startswith("Would be: 1 created, 1 unchanged, 6 rejected")
    assert db.session.scalars(sa.select(NpsScore)).all() == []
    db.session.rollback()
    assert "1 created" in run(args=["import", "nps", str(file)]).output
    assert "0 created" in run(args=["import", "nps", str(file)]).output
    assert db.session.scalars(sa.select(NpsScore.score)).all() == [9]
    refused = (tmp_path / "nps.csv.rejected.csv").read_text("utf-8")
    assert "Nobody is known" in refused
    assert "from 0 to 10" in refused
    file.write_text("who,score\na,1\n", "utf-8")
    assert run(args=["import", "nps", str(file)]).exit_code != 0


def test_the_page_takes_a_file_and_shows_what_was_refused(
    buyers: None, client: FlaskClient
) -> None:
    def send(body: bytes) -> Any:
        data = {"file": (io.BytesIO(body), "nps.csv"), "source": "api"}
        return client.post("/console/nps?lang=en", data=data)

    sign_in(client, make_user(RoleName.MARKETER))
    good = b"customer;score;answered_on\nc-1;10;2026-03-01\n"
    assert send(good).status_code == 303
    answer = send(good + b"c-9;10;2026-03-01\n")
    assert answer.status_code == 422
    assert "Nobody is known" in answer.text
    assert send(b"\x89PNG\r\n\x1a\n\x00\x00").status_code == 303
    assert send(b"a,b\n1,2\n").status_code == 303
    assert "needs the columns" in client.get("/console/nps?lang=en").text
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get("/console/nps").status_code == 200
    assert send(good).status_code == 403


def test_the_latest_score_of_each_person_counts_and_too_few_make_no_figure(buyers: None) -> None:
    says("tom@example.com", 3, days=9)
    says("tom@example.com", 9)
    by_id = nps.Told(score=10, answered_at=NOW - timedelta(days=1), external_id="c-1")
    nps.record([by_id], ToldBy.FILE)
    says("ida@example.com", 6, days=400)
    found = nps.figures(NOW - timedelta(days=365))
    assert (found.promoters, found.passives, found.detractors, found.nps) == (1, 0, 0, None)
    known = nps.Figures(promoters=60, passives=20, detractors=20)
    assert (known.nps, known.margin) == (40, 16)  # sqrt(0.8 - 0.16) / 10 * 1.96


def test_the_page_says_how_sure_the_figure_is(
    buyers: None, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    says("tom@example.com", 9)
    says("ida@example.com", 10)
    db.session.commit()
    sign_in(client, make_user(RoleName.FINANCE))
    assert "Too early: 2 people, 30 are needed." in client.get("/console/nps?lang=en").text
    monkeypatch.setattr(nps, "FEWEST", 2)
    assert "between 100 and 100, at 95 %" in client.get("/console/nps?lang=en").text


def test_customers_who_would_recommend_are_suggested(buyers: None) -> None:
    everybody = suggested()
    assert [score for _id, score in everybody] == [None] * 3
    says("tom@example.com", 10, days=3)
    says("tom@example.com", 8)
    says("eva@example.com", 9)
    says("ida@example.com", 0)
    assert sorted(score for _id, score in suggested() if score is not None) == [0, 8, 9]
    assert [score for _id, score in suggested(score=9)] == [9]
    assert suggested(score=9, value=10**9) == []


def test_a_person_takes_their_scores_along_and_an_erasure_keeps_only_the_figures(
    buyers: None,
) -> None:
    member = make_member(email="tom@example.com", email_hash=emails.digest("tom@example.com"))
    says("tom@example.com", 9)
    assert [one["score"] for one in person_data.collect(member)["nps_scores"]] == [9]
    before = nps.figures(NOW - timedelta(days=1))
    erasure.erase(member)
    db.session.flush()
    assert nps.figures(NOW - timedelta(days=1)) == before
    assert nps.told([f"email:{emails.digest('tom@example.com')}"]) == []
    assert says("tom@example.com", 1) is nps.State.UNKNOWN


def test_the_wish_for_a_score_is_read_from_the_page(buyers: None, client: FlaskClient) -> None:
    says("eva@example.com", 9)
    db.session.commit()
    sign_in(client, make_user(RoleName.MARKETER))
    page = client.get("/console/suggestions?lang=en&orders=1&score=9").text
    assert "eva@example.com" in page
    assert "Would recommend us: 9 of 10." in page
    assert "from 0 to 10" in client.get("/console/suggestions?lang=en&orders=1&score=11").text
    assert clock.now() == NOW
