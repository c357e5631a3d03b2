"""The page on which anyone applies, as a visitor without JavaScript sees it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import applications, charter
from ambassadors.models_recruiting import Application, SocialProfile
from campaigns import campaigns
from campaigns.models import Campaign, CampaignStatus
from core.db import db
from core.outbox import OutboxMessage
from tests.factories import make_campaign, make_user, sign_in

PAGE = {
    "is_open": "y", "title_en": "Join the circle", "title_fr": "Rejoignez le cercle",
    "intro_en": "We taste and make.", "intro_fr": "On goûte et on crée.", "capacity": "30",
    "questions-0-label_en": "A moment with us", "questions-0-label_fr": "Un moment avec nous",
    "questions-0-kind": "long", "questions-0-is_required": "y",
    "questions-1-label_en": "Which one?", "questions-1-label_fr": "Lequel ?",
    "questions-1-kind": "choice", "questions-1-choices_en": "Pear\nPlum",
    "questions-1-choices_fr": "Poire\nPrune",
    "questions-2-label_en": "Your page", "questions-2-label_fr": "Votre page",
    "questions-2-kind": "link",
    **{f"questions-{n}-kind": "short" for n in (3, 4)},
}  # fmt: skip
ANSWERS = {
    "name": "Zoé Martin", "email": "zoe@example.com", "kind": "customer", "charter": "y",
    "version": "1", "answer_0": "In July.", "answer_1": "Pear",
    "answer_2": "https://example.com/zoe",
}  # fmt: skip


@pytest.fixture
def campaign(app: Flask) -> Campaign:
    """A campaign whose page a marketer opened in the console."""
    campaign = make_campaign(slug="summer", name="Summer")
    charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")
    staff = app.test_client()
    sign_in(staff, make_user(RoleName.MARKETER))
    saved = staff.post("/console/campaigns/summer/application-page", data=PAGE)
    assert saved.status_code == 302, saved.text
    return campaign


def kept() -> list[Application]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Application).order_by(Application.id)))


def test_a_person_reads_the_page_answers_and_is_thanked(
    campaign: Campaign, client: FlaskClient
) -> None:
    page = client.get("/apply/summer?lang=en").text
    for words in ("Join the circle", "We taste and make.", "A moment with us", "Plum",
                  "0 of 30 seats taken", "15\u202f% off", "You earn 10"):  # fmt: skip
        assert words in page
    assert "Un moment avec nous" in client.get("/apply/summer?lang=fr").text
    client.get("/apply/summer?lang=en")
    answer = client.post("/apply/summer", data=ANSWERS)
    assert answer.location == "/apply/summer/thanks"
    assert "Thank you" in client.get(answer.location).text
    (one,) = kept()
    assert [said["answer"] for said in one.answers] == [
        "In July.", "Pear", "https://example.com/zoe",
    ]  # fmt: skip
    assert one.locale == "en"


def test_a_second_application_gets_the_same_answer_as_the_first(
    campaign: Campaign, client: FlaskClient
) -> None:
    first = client.post("/apply/summer", data=ANSWERS)
    again = client.post("/apply/summer", data=ANSWERS | {"email": "ZOE+2@example.com"})
    assert (first.status_code, first.location) == (again.status_code, again.location)
    assert first.data == again.data
    assert len(kept()) == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("email", "zoe@exemple", "The end of the address is missing"),
        ("name", "", "This field is needed."),
        ("charter", "", "Please read the charter and accept it"),
        ("answer_0", "", "This field is needed."),
        ("answer_1", "Mango", "Not a valid choice"),
        ("answer_2", "javascript:alert(1)", "Write a whole address"),
        ("version", "x", "The charter has changed"),
        ("kind", "employee", "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_the_rest_is_kept(
    campaign: Campaign, client: FlaskClient, field: str, value: str, told: str
) -> None:
    client.get("/apply/summer?lang=en")
    sent = {name: text for name, text in (ANSWERS | {field: value}).items() if text}
    answer = client.post("/apply/summer", data=sent)
    assert answer.status_code == 422
    assert told in answer.text
    assert ("Zoé Martin" in answer.text) is (field != "name")
    assert kept() == []


def test_applications_of_one_network_are_limited_and_others_go_on(
    campaign: Campaign, client: FlaskClient
) -> None:
    client.get("/apply/summer?lang=en")
    for n in range(10):
        sent = ANSWERS | {"email": f"p{n}@example.com"}
        assert client.post("/apply/summer", data=sent).status_code == 303
    refused = client.post("/apply/summer", data=ANSWERS)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "Too many attempts" in refused.text
    assert "Zoé Martin" in refused.text  # what was written is kept
    other = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.post("/apply/summer", data=ANSWERS, environ_base=other).status_code == 303


def test_a_closed_an_ended_and_an_unknown_page_answer_alike(
    campaign: Campaign, client: FlaskClient
) -> None:
    make_campaign(slug="bare")
    assert client.get("/apply/summer").status_code == 200
    campaigns.end(campaigns.get("summer"))
    db.session.commit()
    for slug in ("summer", "bare", "nobody"):
        assert client.get(f"/apply/{slug}").status_code == 404
        assert client.post(f"/apply/{slug}", data=ANSWERS).status_code == 404
        assert client.get(f"/apply/{slug}/thanks").status_code == 404


def test_a_paused_campaign_still_takes_applications(
    campaign: Campaign, client: FlaskClient
) -> None:
    known = campaigns.get("summer")
    assert known.status is CampaignStatus.RUNNING
    campaigns.pause(known)
    assert client.post("/apply/summer", data=ANSWERS).status_code == 303


def test_the_charter_is_public_in_the_language_of_the_reader(
    campaign: Campaign, client: FlaskClient
) -> None:
    charter.publish(text_en="Newer.", text_fr="Plus récente.")
    assert "Plus récente." in client.get("/charter?lang=fr").text
    assert "Dites ce qui est payé." in client.get("/charter?version=1").text
    assert client.get("/charter?version=3").status_code == 404
    assert client.get("/charter?version=99999999999").status_code == 404


def test_a_marketer_decides_in_the_queue_and_the_person_is_told(
    campaign: Campaign, client: FlaskClient, app: Flask
) -> None:
    for name in ("ana", "ben", "cleo"):
        client.post("/apply/summer", data=ANSWERS | {"email": f"{name}@example.com", "name": name})
    staff = app.test_client()
    sign_in(staff, make_user(RoleName.MARKETER))
    page = staff.get("/console/applications?campaign=summer&lang=en").text
    assert "no order" in page
    assert "In July." in page
    ana, ben, cleo = (one.id for one in kept())
    assert staff.post(f"/console/applications/{ana}/approve").status_code == 303
    empty = staff.post(f"/console/applications/{ben}/decline", data={"reason": " "})
    assert empty.status_code == 422
    staff.post(f"/console/applications/{ben}/decline", data={"reason": "We look in Lyon."})
    staff.post(f"/console/applications/{cleo}/list")
    assert [one.state.value for one in kept()] == ["approved", "declined", "listed"]
    page = staff.get("/console/applications?campaign=summer&state=declined").text
    assert "We look in Lyon." in page
    late = staff.get(f"/console/applications/{ben}/decline?lang=en", follow_redirects=True)
    assert "decided already" in late.text
    staff.post(f"/console/applications/{ben}/take-back")
    assert [one.state.value for one in kept()] == ["approved", "waiting", "listed"]
    again = staff.post(f"/console/applications/{ana}/approve", follow_redirects=True)
    assert "decided already" in again.text
    keys = set(db.session.scalars(sa.select(OutboxMessage.key)))
    assert {f"application:{ana}:1", f"application:{cleo}:1"} <= keys
    assert f"application:{ben}:1" not in keys


def test_every_page_of_recruiting_says_what_to_do_when_it_is_empty(
    app: Flask, client: FlaskClient
) -> None:
    make_campaign(slug="bare")
    sign_in(client, make_user(RoleName.MARKETER))
    assert "No application page yet" in client.get("/console/applications?lang=en").text
    assert "There is no charter yet" in client.get("/console/campaigns/bare/application-page").text
    refused = client.post("/console/campaigns/bare/application-page", data=PAGE)
    assert refused.status_code == 422
    assert "Publish the charter first" in refused.text
    texts = {"text_en": "One.", "text_fr": "Un."}
    assert client.post("/console/charter", data=texts).status_code == 302
    assert client.post("/console/campaigns/bare/application-page", data=PAGE).status_code == 302
    assert "Nobody here" in client.get("/console/applications").text


def test_a_page_that_was_set_up_shows_what_was_written(
    campaign: Campaign, app: Flask, client: FlaskClient
) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    page = client.get("/console/campaigns/summer/application-page").text
    for words in ("Rejoignez le cercle", "Un moment avec nous", "Poire\nPrune", 'value="30"'):
        assert words in page
    known = applications.page_of(campaigns.get("summer").id)
    assert known is not None
    assert len(known.questions) == 3


def test_a_profile_is_proven_in_the_queue(
    campaign: Campaign, client: FlaskClient, app: Flask
) -> None:
    sent = ANSWERS | {"kind": "micro_creator", "profile": "https://pages.example/zoe"}
    assert client.post("/apply/summer", data=sent).status_code == 303
    staff = app.test_client()
    sign_in(staff, make_user(RoleName.MARKETER))
    page = staff.get("/console/applications?lang=en").text
    assert "not checked" in page
    assert "https://pages.example/zoe" in page
    profile = db.session.scalars(sa.select(SocialProfile)).one()
    path = f"/console/applications/profiles/{profile.id}"
    assert staff.post(f"{path}/nothing").status_code == 404
    assert staff.post(f"{path}/look").status_code == 303
    assert "being checked" in staff.get("/console/applications").text
    assert staff.post(f"{path}/confirm").status_code == 303
    assert "theirs" in staff.get("/console/applications").text
    assert staff.post(f"{path}/confirm").status_code == 409


def test_a_profile_that_is_no_https_address_is_refused(
    campaign: Campaign, client: FlaskClient
) -> None:
    for wrong in ("http://pages.example/", "javascript:alert(1)", "https://x@pages.example/"):
        answer = client.post("/apply/summer", data=ANSWERS | {"profile": wrong})
        assert answer.status_code == 422, wrong
    assert kept() == []
