"""Inviting in the console: the list is weighed, then sent; codes get places and a last day."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors import charter, circles
from ambassadors.models import Ambassador
from core import emails
from core.db import db
from core.outbox import OutboxMessage
from referrals.models_invitations import Invitation
from rewards import erasure, person_data
from rewards.models import Voucher
from tests.factories import make_ambassador, make_campaign, make_member, make_user, must, sign_in
from tests.rewards.test_joining import mailed, yes

LIST = "Ana Lopez, ana@example.com\nben@example.com\nin@example.com\nnonsense@x"
FORM = {"target": "program", "kind": "customer", "locale": "en", "addresses": LIST}


@pytest.fixture
def marketer(app: Flask) -> FlaskClient:
    """A marketer's browser; somebody of the list is in already."""
    charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")
    known = make_member(email="in@example.com", email_hash=emails.digest("in@example.com"))
    make_ambassador(member=known)
    browser = app.test_client()
    sign_in(browser, make_user(RoleName.MARKETER))
    browser.get("/console/invitations?lang=en")
    return browser


def test_a_list_is_previewed_then_sent_and_followed(
    app: Flask, marketer: FlaskClient, client: FlaskClient
) -> None:
    preview = marketer.post("/console/invitations/new", data=FORM)
    assert preview.status_code == 200
    for words in ("2 people are invited", "2 are spared", "is in already", "not an e-mail address"):
        assert words in preview.text
    assert db.session.query(OutboxMessage).count() == 0
    sent = marketer.post("/console/invitations/new", data=FORM | {"act": "send"})
    assert sent.location == "/console/invitations"
    assert "2 invitations are on their way" in marketer.get(sent.location).text
    marketer.post("/console/invitations/new", data=FORM | {"act": "send"})
    assert db.session.query(OutboxMessage).count() == 2
    assert yes(client, mailed("ana@example.com")) == 303
    page = marketer.get("/console/invitations?state=accepted").text
    assert "Zoé Martin" in page  # as she wrote her name
    assert "ben@example.com" not in page
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {"invitation.send", "invitation.accept"} <= acts


def test_a_mistyped_line_is_shown_and_a_heading_is_not(app: Flask, marketer: FlaskClient) -> None:
    told = FORM | {"addresses": "E-mail of the person\nana@example.com\nben.example.com\n\n"}
    preview = marketer.post("/console/invitations/new", data=told).text
    assert "1 person is invited" in preview
    assert "1 is spared" in preview
    assert "<b>ben.example.com</b>" in preview
    assert "<b>E-mail of the person</b>" not in preview
    marketer.post("/console/invitations/new", data=told | {"act": "send"})
    assert db.session.query(OutboxMessage).count() == 1


def test_an_invitation_is_withdrawn_and_not_sent_again_at_once(
    app: Flask, marketer: FlaskClient
) -> None:
    marketer.post("/console/invitations/new", data=FORM | {"act": "send"})
    one = must(db.session.scalar(sa.select(Invitation.id).order_by(Invitation.id)))
    path = f"/console/invitations/{one}"
    again = marketer.post(f"{path}/again", follow_redirects=True)
    assert "three times at most" in again.text
    assert marketer.post(f"{path}/withdraw").status_code == 303
    twice = marketer.post(f"{path}/withdraw", follow_redirects=True)
    assert "accepted or withdrawn already" in twice.text
    assert "ana@example.com" in marketer.get("/console/invitations?state=withdrawn").text
    assert marketer.post(f"{path}/nonsense").status_code == 404
    assert marketer.post("/console/invitations/999/withdraw").status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("addresses", "nobody here"), ("addresses", ""), ("target", "campaign:999"),
     ("addresses", "a@example.com\n" * 501), ("locale", "de"), ("kind", "x")],
)  # fmt: skip
def test_what_cannot_be_is_told_and_nothing_is_sent(
    app: Flask, marketer: FlaskClient, field: str, value: str
) -> None:
    sent = FORM | {"act": "send", field: value}
    assert marketer.post("/console/invitations/new", data=sent).status_code == 422
    assert db.session.query(OutboxMessage).count() == 0


def test_a_code_with_places_leads_into_a_circle(
    app: Flask, marketer: FlaskClient, client: FlaskClient
) -> None:
    circle = circles.create("Panel", capacity=1)
    make_campaign(name="Friends")
    db.session.commit()
    form = {"target": f"circle:{circle.id}", "text": "PANEL-26", "places": "12",
            "ends_on": "2026-04-01"}  # fmt: skip
    for wrong in ({"places": "0"}, {"places": "x"}, {"ends_on": "2026-01-01"}, {"ends_on": ""}):
        answer = marketer.post("/console/invitations/codes/new", data=form | wrong)
        assert answer.status_code == 422
    made = marketer.post("/console/invitations/codes/new", data=form)
    assert made.status_code == 303
    assert marketer.post("/console/invitations/codes/new", data=form).status_code == 422
    assert "PANEL-26" in marketer.get("/console/invitations").text
    page = client.post("/join?lang=en", data={"code": "panel 26"}, follow_redirects=True).text
    assert "A place in the circle “Panel”" in page
    hidden = dict(re.findall(r'name="(token|version)"[^>]*value="([^"]*)"', page))
    asked = {"name": "Zoé Martin", "email": "zoe@example.com", "charter": "y"}
    client.post("/join/ask", data=asked | hidden)
    assert yes(client, mailed("zoe@example.com")) == 303
    assert circles.find(circle.id).seated == 1
    assert db.session.scalars(sa.select(Voucher)).one().taken == 1


def test_an_invited_person_can_have_their_data_and_be_forgotten(
    app: Flask, marketer: FlaskClient, client: FlaskClient
) -> None:
    marketer.post("/console/invitations/new", data=FORM | {"act": "send"})
    assert yes(client, mailed("ana@example.com")) == 303
    erasure.erase_address("ben@example.com")
    (left,) = db.session.scalars(sa.select(Invitation))
    assert left.email == "ana@example.com"
    ana = must(left.ambassador_id)
    member = must(db.session.get(Ambassador, ana)).member
    assert '"ana@example.com"' in person_data.text(member)
    erasure.erase(member)
    db.session.expire_all()
    assert (left.email, left.name) == ("", "")
    assert left.email_hash != emails.digest("ana@example.com")
