"""Applications: asked once a mailbox, decided once, told kindly, forgotten in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from ambassadors import applications, charter
from ambassadors.applications import Question, Sent, Setup
from ambassadors.models import AmbassadorKind
from ambassadors.models_recruiting import Application, ApplicationState, QuestionKind
from core import clock, outbox
from core.db import db
from core.errors import InvalidInputError
from core.outbox import OutboxMessage
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign

SETUP = Setup(is_open=True, title_en="Join us", title_fr="Rejoignez-nous")


def opened(**overrides: Any) -> int:
    """Publish a charter, open a campaign's page and return the campaign's id."""
    charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")
    campaign = make_campaign()
    values: dict[str, Any] = {
        "is_open": True, "title_en": "Join us", "title_fr": "Rejoignez-nous",
    }  # fmt: skip
    applications.set_up(campaign.id, Setup(**values | overrides))
    return campaign.id


def sent(email: str = "zoe@example.com", **overrides: Any) -> Sent:
    values: dict[str, Any] = {
        "name": "Zoé Martin", "email": email, "locale": "fr", "charter_version": 1,
        "kind": AmbassadorKind.CUSTOMER,
    }  # fmt: skip
    return Sent(**values | overrides)


def applied(campaign_id: int, email: str = "zoe@example.com", **overrides: Any) -> Application:
    applications.apply(campaign_id, sent(email, **overrides), brand="Givre")
    return db.session.scalars(sa.select(Application).where(Application.email == email)).one()


def mails() -> list[OutboxMessage]:
    return list(db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))


def test_an_application_is_kept_with_the_charter_that_was_read_and_thanked_for(app: Flask) -> None:
    campaign_id = opened()
    one = applied(campaign_id, answers=(("Un moment ?", "En juillet."),))
    assert one.state is ApplicationState.WAITING
    assert one.answers == [{"question": "Un moment ?", "answer": "En juillet."}]
    assert one.charter_id == charter.current().id  # type: ignore[union-attr]
    (mail,) = mails()
    assert mail.payload["to"] == "zoe@example.com"
    assert "Givre" in mail.payload["subject"]
    assert mail.payload["text"].startswith("Bonjour")


def test_a_second_application_of_one_mailbox_changes_nothing_and_mails_nobody(app: Flask) -> None:
    campaign_id = opened()
    applied(campaign_id, "z.oe@gmail.com")
    again = sent("ZOE+again@googlemail.com", name="Somebody else")
    applications.apply(campaign_id, again, brand="Givre")
    assert [one.name for one in db.session.scalars(sa.select(Application))] == ["Zoé Martin"]
    assert len(mails()) == 1


def test_a_charter_that_changed_meanwhile_has_to_be_read_again(app: Flask) -> None:
    campaign_id = opened()
    charter.publish(text_en="Other words.", text_fr="D’autres mots.")
    with pytest.raises(InvalidInputError) as refused:
        applications.apply(campaign_id, sent(), brand="Givre")
    assert refused.value.faults[0].pointer == "/charter"
    applications.apply(campaign_id, sent(charter_version=2), brand="Givre")


def test_a_published_charter_is_never_edited_and_the_same_words_are_the_same_version(
    app: Flask,
) -> None:
    first = charter.publish(text_en="One.", text_fr="Un.")
    assert charter.publish(text_en=" One. ", text_fr="Un.\n").id == first.id
    assert charter.publish(text_en="Two.", text_fr="Deux.").version == 2
    kept = charter.of_version(1)
    assert kept is not None
    assert kept.text_fr == "Un."


def test_a_closed_page_takes_nobody_and_an_open_one_needs_a_charter(app: Flask) -> None:
    campaign = make_campaign()
    with pytest.raises(InvalidInputError) as refused:
        applications.set_up(campaign.id, SETUP)
    assert refused.value.faults[0].pointer == "/is_open"
    campaign_id = opened(is_open=False)
    with pytest.raises(applications.ClosedError):
        applications.apply(campaign_id, sent(), brand="Givre")


@pytest.mark.parametrize("email", ["zoe@exemple", "zoe", "zoe@.com", "a b@example.com"])
def test_an_address_without_its_end_is_refused_with_a_hint(app: Flask, email: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        applications.apply(opened(), sent(email), brand="Givre")
    assert refused.value.faults[0].pointer == "/email"


def test_questions_are_in_both_languages_and_a_choice_has_as_many_answers_in_each(
    app: Flask,
) -> None:
    campaign_id = opened()
    wrong = [
        Question(kind=QuestionKind.SHORT, label_en="Why?", label_fr=""),
        Question(
            kind=QuestionKind.CHOICE, label_en="Which?", label_fr="Lequel ?",
            choices_en=("Pear", "Plum"), choices_fr=("Poire",),
        ),
    ]  # fmt: skip
    for question in wrong:
        with pytest.raises(InvalidInputError):
            applications.set_up(
                campaign_id,
                Setup(is_open=True, title_en="A", title_fr="B", questions=(question,)),
            )


def test_a_refusal_tells_why_in_their_language_after_a_while(app: Flask) -> None:
    one = applied(opened())
    applications.decline(one, reason=" Nous cherchons\ndes personnes à Lyon. ", brand="Givre")
    mail = mails()[-1]
    assert "Nous cherchons des personnes à Lyon." in mail.payload["text"]
    assert mail.due_at == NOW + applications.SECOND_THOUGHTS
    acts = list(db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id)))
    assert acts[-1] == "application.decline"


def test_a_refusal_taken_back_in_time_tells_nobody(app: Flask) -> None:
    one = applied(opened())
    applications.decline(one, reason="Non.", brand="Givre")
    assert applications.take_back(one) is True
    assert (one.state, one.reason) == (ApplicationState.WAITING, "")
    assert len(mails()) == 1  # the word of thanks


def test_a_refusal_taken_back_after_the_mail_says_so(app: Flask) -> None:
    one = applied(opened())
    applications.decline(one, reason="Non.", brand="Givre")
    db.session.commit()
    with clock.frozen(NOW + timedelta(hours=1)):
        assert outbox.drain({"email": lambda payload, key: None}) == 2
        assert applications.take_back(one) is False
        applications.decline(one, reason="Toujours non.", brand="Givre")
    assert "Toujours non." in mails()[-1].payload["text"]


def test_what_is_decided_is_not_decided_again(app: Flask) -> None:
    one = applied(opened())
    applications.decline(one, reason="Non.", brand="Givre")
    with pytest.raises(applications.ApplicationError):
        applications.put_on_list(one, brand="Givre")
    with pytest.raises(applications.ApplicationError):
        applications.approve(one, make_ambassador().id)


def test_seats_cannot_be_fewer_than_are_taken(app: Flask) -> None:
    campaign_id = opened(capacity=2)
    for email in ("a@example.com", "b@example.com"):
        applications.approve(applied(campaign_id, email), make_ambassador().id)
    with pytest.raises(applications.FullError):
        applications.approve(applied(campaign_id, "c@example.com"), make_ambassador().id)
    db.session.rollback()


def test_fewer_seats_than_are_taken_are_refused(app: Flask) -> None:
    campaign_id = opened(capacity=2)
    applications.approve(applied(campaign_id), make_ambassador().id)
    values: dict[str, Any] = {
        "is_open": True, "title_en": "Join us", "title_fr": "Rejoignez-nous",
    }  # fmt: skip
    applications.set_up(campaign_id, Setup(**values, capacity=1))
    applications.set_up(campaign_id, Setup(**values, capacity=None))
    applications.approve(applied(campaign_id, "b@example.com"), make_ambassador().id)
    with pytest.raises(InvalidInputError) as refused:
        applications.set_up(campaign_id, Setup(**values, capacity=1))
    assert refused.value.faults[0].pointer == "/capacity"


def test_what_led_nowhere_is_deleted_after_half_a_year_and_approvals_stay(app: Flask) -> None:
    campaign_id = opened()
    approved, declined = (applied(campaign_id, f"{x}@example.com") for x in "ab")
    applications.approve(approved, make_ambassador().id)
    applications.decline(declined, reason="Non.", brand="Givre")
    assert applications.sweep() == 0
    with clock.frozen(NOW + applications.KEPT_FOR + timedelta(days=1)):
        applied(campaign_id, "new@example.com")
        assert applications.sweep() == 1
    left = set(db.session.scalars(sa.select(Application.email)))
    assert left == {"a@example.com", "new@example.com"}
