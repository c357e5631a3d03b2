"""Questions about purchases: asked with one click, answered once, told to the ambassador."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine
from core.db import db
from core.errors import NotFoundError, TooManyError
from core.outbox import OutboxMessage
from integrations import facts
from referrals.models import Attribution, Purchase
from rewards import intake, ledger, questions
from rewards.models import Account, PurchaseQuestion, QuestionKind
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)


@pytest.fixture
def zoe(app: Flask) -> int:
    """Zoé, who signs in with a French account and has the code ZOE15; her number."""
    user = make_user("ambassador", email="zoe@example.com", name="Zoé", locale="fr")
    member = make_member(name="Zoé Martin", email="zoe@example.com", locale="fr")
    ambassador = make_ambassador(member=member, user_id=user.id)
    make_code("ZOE15", ambassador_id=ambassador.id, campaign_id=make_campaign().id)
    db.session.commit()
    return ambassador.id


def _buy(*codes: str) -> int:
    fact: facts.Purchase = purchase_fact(codes=codes)
    intake.take_purchases([fact])
    db.session.commit()
    query = sa.select(Purchase.id).where(Purchase.external_id == fact.external_id)
    return must(db.session.scalar(query))


def _browser(app: Flask, ambassador_id: int) -> FlaskClient:
    from accounts.models import User
    from ambassadors.models import Ambassador

    client = app.test_client()
    who = db.session.get_one(Ambassador, ambassador_id)
    sign_in(client, db.session.get_one(User, who.user_id))
    return client


def _only() -> PurchaseQuestion:
    db.session.expire_all()
    return db.session.scalars(sa.select(PurchaseQuestion)).one()


def test_one_click_asks_and_the_portal_says_that_the_team_answers(app: Flask, zoe: int) -> None:
    purchase_id = _buy("ZOE15")
    browser = _browser(app, zoe)
    answer = browser.post(f"/portal/purchases/{purchase_id}/question", data={"kind": "question"})
    assert answer.status_code == 303
    assert _only().kind is QuestionKind.QUESTION
    assert "You asked on 1 March 2026." in browser.get("/portal/purchases?lang=en").text


def test_asking_twice_about_a_purchase_keeps_the_first_question(app: Flask, zoe: int) -> None:
    purchase_id = _buy("ZOE15")
    for text in ("first", "second"):
        questions.ask(zoe, purchase_id, QuestionKind.QUESTION, text)
        db.session.commit()
    assert _only().text == "first"


def test_nobody_asks_about_a_purchase_that_is_not_theirs(app: Flask, zoe: int) -> None:
    make_code("ANA15")
    others = _buy("ANA15")
    with pytest.raises(NotFoundError):
        questions.ask(zoe, others, QuestionKind.OBJECTION, "mine")
    path = f"/portal/purchases/{others}/question"
    assert _browser(app, zoe).post(path, data={"kind": "question"}).status_code == 404


def test_ten_questions_a_day_pass_and_no_more(app: Flask, zoe: int) -> None:
    for _ in range(questions.A_DAY):
        questions.limit(zoe)
    with pytest.raises(TooManyError):
        questions.limit(zoe)


def test_the_answer_goes_to_the_portal_and_by_mail_in_the_persons_language(
    app: Flask, zoe: int
) -> None:
    purchase_id = _buy("ZOE15")
    questions.ask(zoe, purchase_id, QuestionKind.QUESTION, "Pourquoi si peu ?")
    client = app.test_client()
    sign_in(client, make_user("marketer"))
    path = f"/console/questions/{_only().id}"
    assert "Pourquoi si peu ?" in client.get("/console/questions?lang=en").text
    assert "The code ZOE15 was entered" in client.get(path, query_string={"lang": "en"}).text
    assert client.post(path, data={"answer": "Hors livraison."}).status_code == 303
    mail = db.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.key.startswith("question_answered:"))
    ).one()
    assert mail.payload["to"] == "zoe@example.com"
    assert "Hors livraison." in mail.payload["text"]
    assert "Bonjour" in mail.payload["text"]
    browser = _browser(app, zoe)
    assert "The team has answered you" in browser.get("/portal/?lang=en").text
    assert "Hors livraison." in browser.get("/portal/questions").text
    browser.post("/portal/questions/read")
    assert "The team has answered you" not in browser.get("/portal/?lang=en").text


def test_an_answer_can_give_the_credit_and_the_ledger_follows(app: Flask, zoe: int) -> None:
    make_code("ANA15")
    purchase_id = _buy("ANA15", "ZOE15")
    questions.ask(zoe, purchase_id, QuestionKind.OBJECTION, "They told me they used mine.")
    questions.answer(_only().id, "You are right.", by="user:1", gives_credit=True)
    db.session.commit()
    row = db.session.scalars(sa.select(Attribution)).one()
    assert row.ambassador_id == zoe
    assert ledger.balances(zoe)["EUR"][Account.PENDING] == 1_000
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {"attribution.override", "question.answer"} <= acts


def test_of_two_colleagues_at_once_one_answers(app: Flask, zoe: int) -> None:
    questions.ask(zoe, _buy("ZOE15"), QuestionKind.QUESTION, "")
    db.session.commit()
    number = _only().id
    db.session.remove()

    def answer(words: str) -> bool:
        with app.app_context():
            try:
                questions.answer(number, words, by=words)
                db.session.commit()
            except questions.AnsweredError:
                db.session.rollback()
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(answer, ["a", "b", "c", "d"]))
    assert told.count(True) == 1
    mails = sa.select(sa.func.count()).where(OutboxMessage.key.startswith("question_answered:"))
    assert db.session.scalar(mails) == 1


def test_an_empty_answer_is_refused_at_its_field(app: Flask, zoe: int) -> None:
    questions.ask(zoe, _buy("ZOE15"), QuestionKind.QUESTION, "")
    client = app.test_client()
    sign_in(client, make_user("marketer"))
    answer = client.post(f"/console/questions/{_only().id}", data={"answer": " "})
    assert answer.status_code == 422
    assert _only().answered_at is None


def test_a_newcomer_has_a_short_list_up_to_the_first_share(app: Flask, zoe: int) -> None:
    browser = _browser(app, zoe)
    page = browser.get("/portal/?lang=en").text
    assert "Up to your first share" in page
    assert "This month is quiet so far." in page
    _buy("ZOE15")
    page = browser.get("/portal/?lang=en").text
    assert "Up to your first share" not in page
    assert "This month: 1 purchase, 1 person who bought for the first time." in page


def test_the_link_is_shared_with_honest_words_also_without_a_share_sheet(
    app: Flask, zoe: int
) -> None:
    from referrals import links
    from referrals.models import Code

    campaign_id = must(db.session.scalar(sa.select(Code.campaign_id)))
    links.create(campaign_id=campaign_id, ambassador_id=zoe, slug="zoe")
    db.session.commit()
    page = _browser(app, zoe).get("/portal/share?lang=en").text
    assert 'data-share-text="With my code ZOE15 at Cercle: 15\u202f% off. I am rewarded' in page
    assert 'href="mailto:?subject=Cercle&amp;body=With%20my%20code' in page
    assert "https://wa.me/?text=" in page
    assert "/portal/qr/zoe.svg" in page
