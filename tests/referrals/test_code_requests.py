"""A wish for a code is asked once, decided by a person, and answered kindly; it tells nothing."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador
from campaigns.models import Campaign, CampaignStatus
from core.db import db
from core.errors import InvalidInputError, NotFoundError
from core.outbox import OutboxMessage
from referrals import code_requests, codes, given_codes
from referrals.codes import InvalidCodeError
from referrals.models import Code, CodeRequest, Link, RequestState
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    sign_in,
)  # fmt: skip


def somebody(**overrides: object) -> tuple[Ambassador, Campaign]:
    """Return an ambassador with a code of a running campaign."""
    member = make_member(name="Zoé Blanc", email="zoe@example.com", locale="fr")
    zoe, campaign = make_ambassador(member=member, **overrides), make_campaign(name="Poire")
    make_code("START1", ambassador_id=zoe.id, campaign_id=campaign.id)
    return zoe, campaign


def mails() -> list[dict[str, str]]:
    query = sa.select(OutboxMessage).order_by(OutboxMessage.id)
    return [one.payload for one in db.session.scalars(query)]


def test_a_wish_that_is_approved_becomes_a_code_of_theirs_and_they_are_told(app: Flask) -> None:
    zoe, campaign = somebody()
    wish = code_requests.ask(zoe, campaign.id, "zoé glace")
    assert (wish.text, wish.state) == ("ZOEGLACE", RequestState.WAITING)
    code = code_requests.approve(wish.id)
    assert (code.ambassador_id, code.campaign_id) == (zoe.id, campaign.id)
    (mail,) = mails()
    assert mail["to"] == "zoe@example.com"
    assert "est votre code" in mail["subject"]
    with pytest.raises(NotFoundError):
        code_requests.approve(wish.id)


def test_a_wish_that_is_declined_says_why(app: Flask) -> None:
    zoe, campaign = somebody()
    wish = code_requests.ask(zoe, campaign.id, "BESTICE")
    with pytest.raises(InvalidInputError):
        code_requests.decline(wish.id, reason="  ")
    code_requests.decline(wish.id, reason="Another brand says so.")
    assert codes.find("BESTICE") is None
    assert "Another brand says so." in mails()[0]["text"]
    assert "code.decline" in db.session.scalars(sa.select(AuditLine.act)).all()
    again = code_requests.ask(zoe, campaign.id, "ZOEICE")
    assert again.state is RequestState.WAITING


def test_look_alikes_and_bad_words_are_refused_without_saying_what_stands_in_the_way(
    app: Flask,
) -> None:
    zoe, campaign = somebody()
    make_code("OTHER10")
    for text in ("OTHER10", "0THERlO"):
        with pytest.raises(code_requests.CannotHaveError) as refused:
            code_requests.ask(zoe, campaign.id, text)
        assert "OTHER10" not in refused.value.detail
    with pytest.raises(InvalidCodeError):
        code_requests.ask(zoe, campaign.id, "merde-FUCK")


def test_one_wish_waits_in_a_campaign_and_only_in_campaigns_of_theirs(app: Flask) -> None:
    zoe, campaign = somebody()
    other = make_campaign()
    code_requests.ask(zoe, campaign.id, "ZOEICE")
    with pytest.raises(code_requests.WaitingError):
        code_requests.ask(zoe, campaign.id, "ZOEPEAR")
    with pytest.raises(InvalidInputError):
        code_requests.ask(zoe, other.id, "ZOEPEAR")
    campaign.status = CampaignStatus.ENDED
    with pytest.raises(InvalidInputError):
        code_requests.ask(zoe, campaign.id, "ZOEPEAR")


def test_of_two_who_decide_at_once_one_does(app: Flask) -> None:
    zoe, campaign = somebody()
    wish_id = code_requests.ask(zoe, campaign.id, "ZOEICE").id
    db.session.commit()
    done: list[str] = []

    def decide(act: str) -> None:
        with app.app_context():
            try:
                if act == "approve":
                    code_requests.approve(wish_id)
                else:
                    code_requests.decline(wish_id, reason="No")
                db.session.commit()
                done.append(act)
            except NotFoundError:
                db.session.rollback()
            finally:
                db.session.remove()

    threads = [threading.Thread(target=decide, args=(act,)) for act in ("approve", "no") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert len(done) == 1
    state = db.session.get_one(CodeRequest, wish_id).state
    assert (state is RequestState.APPROVED) == (done == ["approve"])
    assert (codes.find("ZOEICE") is not None) == (done == ["approve"])
    assert len(mails()) == 1


def test_the_portal_asks_and_the_console_answers(client: FlaskClient) -> None:
    user = make_user(RoleName.AMBASSADOR)
    _zoe, campaign = somebody(user_id=user.id)
    sign_in(client, user)
    page = client.get("/portal/codes?lang=en").text
    assert "START1" in page
    form = {"campaign": str(campaign.id), "code": "ZOEICE"}
    assert client.post("/portal/codes", data=form | {"code": "x"}).status_code == 422
    assert client.post("/portal/codes", data=form).status_code == 302
    assert "with the team" in client.get("/portal/codes").text
    staff = client.application.test_client()
    sign_in(staff, make_user(RoleName.MARKETER))
    assert "1 wished code waits" in staff.get("/console/codes?lang=en").text
    assert "ZOEICE" in staff.get("/console/codes/requests").text
    wish_id = db.session.scalars(sa.select(CodeRequest.id)).one()
    path = f"/console/codes/requests/{wish_id}"
    assert staff.post(path, data={"act": "decline", "reason": ""}).status_code == 422
    assert staff.post(path, data={"act": "approve"}).status_code == 302
    assert staff.post(path, data={"act": "approve"}).status_code == 404
    page = client.get("/portal/codes").text
    assert "ZOEICE" in page
    assert "yours" in page


def test_a_wish_is_no_way_to_look_codes_up(client: FlaskClient) -> None:
    user = make_user(RoleName.AMBASSADOR)
    _zoe, campaign = somebody(user_id=user.id)
    sign_in(client, user)
    answers = [
        client.post("/portal/codes", data={"campaign": str(campaign.id), "code": "START1"})
        for _n in range(11)
    ]
    assert [one.status_code for one in answers] == [422] * 10 + [429]


def test_the_qr_code_of_another_is_not_there(client: FlaskClient) -> None:
    user = make_user(RoleName.AMBASSADOR)
    somebody(user_id=user.id)
    mine, others = codes.find("START1"), make_code("OTHER10")
    assert mine is not None
    sign_in(client, user)
    drawn = client.get(f"/portal/codes/{mine.id}/qr.png")
    assert drawn.data.startswith(b"\x89PNG")
    assert b"<svg" in client.get(f"/portal/codes/{mine.id}/qr.svg").data
    assert client.get(f"/portal/codes/{mine.id}/qr.gif").status_code == 404
    assert client.get(f"/portal/codes/{others.id}/qr.png").status_code == 404


def test_on_joining_everybody_gets_one_code_and_link_with_their_name(app: Flask) -> None:
    campaign = make_campaign()
    zoe = make_ambassador(member=make_member(name="Zoé Blanc"))
    rude = make_ambassador(member=make_member(name="Ω Fuck"))
    had = make_ambassador()
    make_code("MINE15", ambassador_id=had.id, campaign_id=campaign.id)
    given = given_codes.on_joining([zoe.id, rude.id, had.id], campaign)
    assert set(given) == {zoe.id, rude.id}
    assert given[zoe.id].startswith("ZOE-")
    assert given[rude.id].startswith("CERCLE-")
    assert given_codes.on_joining([zoe.id, rude.id], campaign) == {}
    slugs = db.session.scalars(sa.select(Link.slug).where(Link.ambassador_id == zoe.id)).all()
    assert slugs == [given[zoe.id].lower()]


def test_joining_at_the_same_moment_gives_one_code(app: Flask) -> None:
    campaign_id, zoe_id = make_campaign().id, make_ambassador().id
    db.session.commit()

    def join() -> None:
        with app.app_context():
            given_codes.on_joining([zoe_id], db.session.get_one(Campaign, campaign_id))
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=join) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(db.session.scalars(sa.select(Code.id)).all()) == 1


def test_the_console_gives_everybody_a_code(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    slug = make_campaign().slug
    for _n in range(3):
        make_ambassador()
    make_ambassador(status="suspended")
    path = f"/console/codes/give/{slug}"
    assert "3 active ambassadors have no code" in client.get(f"{path}?lang=en").text
    assert client.post(path).location == f"/console/codes?campaign={slug}"
    assert len(db.session.scalars(sa.select(Code.id)).all()) == 3
    assert "Everybody has one" in client.get(path).text
    client.post(path)
    assert len(db.session.scalars(sa.select(Code.id)).all()) == 3
