"""The survey "How did you hear about us?": its link, its answers, and the channels they name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from core import clock, seals
from core.db import db
from core.errors import NotFoundError
from referrals import survey
from referrals.models import Purchase
from referrals.models_survey import SurveyAnswer, ToldBy
from rewards import intake
from tests.factories import make_key, make_user, purchase_fact, sign_in


@pytest.fixture
def order(app: Flask) -> int:
    """An order of a new customer."""
    intake.take_purchases([purchase_fact(external_id="A-1", email="friend@example.com")])
    db.session.commit()
    return db.session.scalars(sa.select(Purchase.id)).one()


def _path(order: int) -> str:
    return survey.link(order).removeprefix("http://localhost").partition("/heard/")[2]


def _declared(client: FlaskClient) -> dict[str, Any]:
    day = db.session.scalars(sa.select(Purchase.occurred_at)).first()
    span = f"from={day:%Y-%m}&to={day:%Y-%m}"
    url = f"/api/v1/reports/acquisition?{span}"
    totals: dict[str, Any] = client.get(url, headers=make_key("read")).get_json()["totals"]
    return dict(totals.get("declared", {}))


def test_a_link_opens_its_order_and_no_other(app: Flask) -> None:
    tokens = [seals.sealed_number(b"survey link", n) for n in (1, 2, 2**62)]
    assert [seals.opened_number(b"survey link", token) for token in tokens] == [1, 2, 2**62]
    assert {len(token) for token in tokens} == {22}
    assert seals.opened_number(b"something else", tokens[0]) is None
    for odd in ("", "x" * 22, "é" * 22, tokens[0][:-1] + "!", tokens[0] + "A", "0" * 5000):
        assert seals.opened_number(b"survey link", odd) is None


def test_one_answers_without_a_cookie_and_may_change_it(order: int, client: FlaskClient) -> None:
    page = client.get(f"/heard/{_path(order)}?lang=en")
    assert page.status_code == 200
    assert "How did you hear about us?" in page.text
    assert "A-1" not in page.text
    assert "friend@example.com" not in page.text
    fresh = client.application.test_client(use_cookies=False)
    free = {"answer": "other", "words": " Ma  coiffeuse "}
    given = (({"answer": "friend or family"}, "friend or family"), (free, "Ma coiffeuse"))
    for told, kept in given:
        answer = fresh.post(f"/heard/{_path(order)}", data=told)
        assert answer.status_code == 303
        assert fresh.get(answer.location).status_code == 200
        assert db.session.scalars(sa.select(SurveyAnswer.answer)).all() == [kept]
        db.session.rollback()
    assert "Ma coiffeuse" in fresh.get(f"/heard/{_path(order)}").text
    assert fresh.get(f"/heard/{_path(order)}?lang=fr").status_code == 200


def test_opening_the_link_records_nothing_and_an_empty_answer_is_refused(
    order: int, client: FlaskClient
) -> None:
    client.get(f"/heard/{_path(order)}")
    assert client.post(f"/heard/{_path(order)}", data={}).status_code == 422
    assert client.post(f"/heard/{_path(order)}", data={"answer": "x"}).status_code == 422
    assert db.session.scalars(sa.select(SurveyAnswer)).all() == []


def test_a_link_closes_after_sixty_days(order: int, client: FlaskClient) -> None:
    path = _path(order)
    at = db.session.scalars(sa.select(Purchase.occurred_at)).one()
    db.session.rollback()
    with clock.frozen(at + survey.OPEN - timedelta(seconds=1)):
        assert client.get(f"/heard/{path}").status_code == 200
    with clock.frozen(at + survey.OPEN + timedelta(seconds=1)):
        assert client.get(f"/heard/{path}").status_code == 404
        with pytest.raises(NotFoundError):
            survey.asked(path)
    assert client.get("/heard/" + "x" * 22).status_code == 404


def test_only_the_customer_changes_an_answer(order: int) -> None:
    state = survey.State
    tell = [("press", ToldBy.FILE), ("press", ToldBy.API), ("google", ToldBy.API),
            ("ami", ToldBy.LINK), ("press", ToldBy.FILE)]  # fmt: skip
    assert [survey.answer(order, words, by) for words, by in tell] == [
        state.CREATED, state.UNCHANGED, state.CONFLICT, state.CHANGED, state.CONFLICT,
    ]  # fmt: skip


def test_the_api_takes_an_answer_once(order: int, client: FlaskClient) -> None:
    key = make_key("purchases", "read")
    link = client.get("/api/v1/purchases/api/A-1", headers=key).get_json()["heard_url"]
    assert link.endswith(f"/heard/{_path(order)}")
    body: dict[str, Any] = {"purchase": {"external_id": "A-1"}, "answer": "Un ami"}
    by_customer = {"customer": {"email": "Friend@example.com"}, "answer": "Un ami"}
    for sent, status in ((body, 201), (body, 200), (by_customer, 200),
                         (body | {"answer": "Google"}, 409), (body | by_customer, 422),
                         (body | {"question": "age"}, 422), (body | {"answer": " "}, 422),
                         (body | {"purchase": {"external_id": "A-9"}}, 404)):  # fmt: skip
        assert client.post("/api/v1/survey-answers", json=sent, headers=key).status_code == status
    assert _declared(client)["declared_only"] == 1


def test_a_channel_holds_for_past_and_future_answers(order: int, client: FlaskClient) -> None:
    survey.answer(order, "Ma coiffeuse", ToldBy.LINK)
    db.session.commit()
    assert _declared(client)["neither"] == 1
    sign_in(client, make_user(RoleName.MARKETER))
    assert "ma coiffeuse" in client.get("/console/survey?lang=en").text
    given = {"answer": "ma coiffeuse", "channel": "Community"}
    assert client.post("/console/survey", data=given).status_code == 303
    assert _declared(client)["declared_only"] == 1
    later = purchase_fact(external_id="A-2", email="b@example.com", heard_from=" MA COIFFEUSE")
    intake.take_purchases([later])
    db.session.commit()
    assert _declared(client)["declared_only"] == 2
    client.post("/console/survey", data=given | {"channel": "un attributed;"})
    client.post("/console/survey", data=given | {"channel": "press"})
    assert _declared(client)["neither"] == 2


def test_finance_reads_the_answers_and_gives_none_a_channel(
    order: int, client: FlaskClient
) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get("/console/survey").status_code == 200
    given = {"answer": "x", "channel": "press"}
    assert client.post("/console/survey", data=given).status_code == 403


def test_a_file_of_answers_keeps_the_lines_that_were_refused(
    app: Flask, order: int, tmp_path: Path
) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("order,answer\nA-1,Un ami\nA-9,Google\nA-1,Google\nA-1,\n", "utf-8")
    run = app.test_cli_runner().invoke
    dry = run(args=["import", "answers", str(file), "--source", "api", "--dry-run"])
    assert dry.output.startswith("Would be: 1 created, 0 unchanged, 3 rejected")
    assert db.session.scalars(sa.select(SurveyAnswer)).all() == []
    db.session.rollback()
    assert "1 created" in run(args=["import", "answers", str(file), "--source", "api"]).output
    assert db.session.scalars(sa.select(SurveyAnswer.answer)).all() == ["Un ami"]
    refused = (tmp_path / "answers.csv.rejected.csv").read_text("utf-8")
    assert refused.count("A-9") == 2  # in its line and in its reason
    assert "another answer" in refused
