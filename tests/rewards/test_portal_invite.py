"""An ambassador invites somebody they know: a code to pass on, so many a month, no names back."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName, User
from ambassadors import charter, members, program
from ambassadors.models import Ambassador, AmbassadorKind
from core import clock, emails
from core.db import db
from core.outbox import OutboxMessage
from rewards import invitation_codes
from rewards.models import Voucher, VoucherBatch
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    sign_in,
)
from tests.rewards.test_joining import ask, mailed, yes


class Lea:
    """An ambassador at their browser."""

    def __init__(self, app: Flask) -> None:
        charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")
        user: User = make_user(RoleName.AMBASSADOR, email="lea@example.com")
        member = make_member(
            name="Léa", email="lea@example.com", email_hash=emails.digest("lea@example.com")
        )
        self.id = make_ambassador(member=member, user_id=user.id).id
        self.campaign = make_campaign(name="Friends").id
        make_code("LEA15", ambassador_id=self.id, campaign_id=self.campaign)
        self.browser = app.test_client()
        sign_in(self.browser, user)
        self.browser.get("/portal/?lang=en")

    def invite(self, note: str = "Zoé from the choir") -> str:
        assert self.browser.post("/portal/invite", data={"note": note}).status_code == 303
        return str(db.session.scalar(sa.select(Voucher.text).order_by(Voucher.id.desc())))


@pytest.fixture
def lea(app: Flask) -> Lea:
    return Lea(app)


def test_who_is_invited_joins_and_is_recorded_with_who_invited_them(
    app: Flask, lea: Lea, client: FlaskClient
) -> None:
    text = lea.invite()
    assert text in client.get(f"/join?code={text}").text
    assert ask(client, text) == 303
    assert yes(client, mailed("zoe@example.com")) == 303
    zoe = must(must(members.find(email="zoe@example.com")).ambassador)
    assert zoe.invited_by_id == lea.id
    assert "ZOE-" in client.get("/portal/").text  # a code in the campaign of who invited
    page = lea.browser.get("/portal/invite").text
    assert "has joined" in page
    assert "Zoé from the choir" in page  # her own words
    assert "Zoé Martin" not in page
    assert "zoe@example.com" not in page
    staff = app.test_client()
    sign_in(staff, make_user(RoleName.MARKETER))
    assert "Invited by" in staff.get(f"/console/ambassadors/{zoe.id}?lang=en").text
    assert "has joined" in staff.get("/console/invitations").text


def test_nobody_is_mailed_when_an_invitation_is_made(lea: Lea) -> None:
    lea.invite()
    assert db.session.query(OutboxMessage).count() == 0


def test_one_cannot_invite_oneself_nor_somebody_who_is_in(
    app: Flask, lea: Lea, client: FlaskClient
) -> None:
    text = lea.invite()
    own = lea.browser.post("/portal/redeem", data={"code": text})
    assert own.status_code == 422
    assert "your own invitation" in own.text
    ask(client, text, email="lea@example.com")
    assert yes(client, mailed("lea@example.com")) == 409
    other = make_member(email="in@example.com", email_hash=emails.digest("in@example.com"))
    known = make_ambassador(member=other)
    ask(client, text, email="in@example.com")
    assert yes(client, mailed("in@example.com")) == 409
    db.session.expire_all()
    assert known.invited_by_id is None
    assert db.session.scalars(sa.select(Voucher)).one().taken == 0  # it still waits for somebody


def test_an_invitation_is_for_one_person(app: Flask, lea: Lea, client: FlaskClient) -> None:
    text = lea.invite()
    paths = []
    for email in ("a@example.com", "b@example.com"):
        ask(app.test_client(), text, email=email)
        paths.append(mailed(email))
    assert [yes(app.test_client(), path) for path in paths] == [303, 404]
    assert db.session.query(Ambassador).count() == 2
    assert client.post("/join", data={"code": text}).status_code == 422


def test_there_are_so_many_a_month_and_a_withdrawn_one_counts(lea: Lea) -> None:
    program.set_rules({"invitations_per_month": "2"})
    db.session.commit()
    lea.invite()
    batch = db.session.scalars(sa.select(VoucherBatch.id)).one()
    assert lea.browser.post(f"/portal/invite/{batch}/withdraw").status_code == 303
    lea.invite()
    refused = lea.browser.post("/portal/invite", data={"note": ""})
    assert refused.status_code == 422
    assert "New ones come next month" in refused.text
    with clock.frozen(clock.now() + timedelta(days=31)):
        assert invitation_codes.left(lea.id) == 2


def test_ten_taps_at_once_make_as_many_invitations_as_are_left(app: Flask, lea: Lea) -> None:
    start = Barrier(10)
    user = must(db.session.get(User, must(db.session.get(Ambassador, lea.id)).user_id))
    clients = [app.test_client() for _tap in range(10)]
    for client in clients:
        sign_in(client, user)

    def tap(client: FlaskClient) -> int:
        with app.app_context():
            start.wait()
            status = 503
            for _turn in range(30):
                status = client.post("/portal/invite", data={"note": "x"}).status_code
                if status != 503:
                    break
            db.session.remove()
            return status

    with ThreadPoolExecutor(10) as pool:
        assert Counter(pool.map(tap, clients)) == {303: 3, 422: 7}
    assert db.session.query(VoucherBatch).count() == 3


def test_somebody_elses_invitation_is_not_found(app: Flask, lea: Lea) -> None:
    lea.invite()
    batch = db.session.scalars(sa.select(VoucherBatch.id)).one()
    other = make_user(RoleName.AMBASSADOR)
    make_ambassador(user_id=other.id)
    browser = app.test_client()
    sign_in(browser, other)
    assert browser.post(f"/portal/invite/{batch}/withdraw").status_code == 404


def test_a_partner_invites_into_the_program_and_not_among_their_readers(
    app: Flask, lea: Lea, client: FlaskClient
) -> None:
    must(db.session.get(Ambassador, lea.id)).kind = AmbassadorKind.PARTNER
    db.session.commit()
    text = lea.invite()
    assert db.session.scalars(sa.select(VoucherBatch)).one().campaign_id is None
    page = client.post("/join?lang=en", data={"code": text}, follow_redirects=True).text
    assert "A place among the ambassadors" in page
    ask(client, text)
    assert yes(client, mailed("zoe@example.com")) == 303
