"""Joining by an invitation's link and by a code: once, exactly, telling strangers nothing."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import applications, charter, circles, members
from ambassadors.models import (
    Ambassador,
    AmbassadorStatus,
    CircleSeat,
    Member,
    SeatState,
    Suppression,
)
from ambassadors.models_recruiting import Application, ApplicationState
from core import clock, emails
from core.db import db
from core.outbox import OutboxMessage
from referrals import codes, given_codes, invitations, invitees
from referrals.invitees import Spared, Target
from referrals.models_invitations import Invitation, Standing
from rewards import vouchers
from rewards.models import Voucher, VoucherKind
from tests.ambassadors.test_applications import applied, opened
from tests.factories import make_ambassador, make_campaign, make_member, make_user, must

MANNER = invitations.Manner(locale="en", brand="Cercle")
ASKED = {"name": "Zoé Martin", "email": "zoe@example.com", "charter": "y"}
CLIENTS, PLACES = 20, 5


@pytest.fixture(autouse=True)
def agreement(app: Flask) -> None:
    """A charter to accept."""
    charter.publish(text_en="Say what is paid.", text_fr="Dites ce qui est payé.")
    db.session.commit()


def invited(email: str = "zoe@example.com", **target: int) -> str:
    """Invite somebody and return the path of the link that was mailed."""
    invitations.send(invitees.read(email), Target(**target), MANNER)
    return mailed(email)


def mailed(email: str) -> str:
    """Return the path of the newest invitation link that went to an address."""
    rows = db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id.desc()))
    texts = [one.payload["text"] for one in rows if one.payload["to"] == email]
    return str(re.search(r"/invitation/[\w-]+", "".join(texts)).group())  # type: ignore[union-attr]


def make_code(text: str = "COME-ALONG", **values: object) -> Voucher:
    terms: dict[str, object] = {
        "kind": VoucherKind.INVITATION, "name_en": "Come along", "name_fr": "Venez",
    }  # fmt: skip
    places = values.pop("places", 10)
    batch = vouchers.create(
        vouchers.Terms(**terms | values), text=text, takes_limit=places,  # type: ignore[arg-type]
    )  # fmt: skip
    db.session.commit()
    return vouchers.of_batch(batch.id)[0]


def yes(client: FlaskClient, path: str, name: str = "Zoé Martin") -> int:
    """Accept an invitation and return the status."""
    page = client.get(path).text
    version = re.search(r'name="version"[^>]*value="(\d*)"', page)
    sent = {"name": name, "charter": "y", "version": version.group(1) if version else ""}
    return client.post(path, data=sent).status_code


def ask(client: FlaskClient, text: str, **said: str) -> int:
    """Type a code at /join, then ask for the link."""
    page = client.post("/join", data={"code": text}, follow_redirects=True).text
    hidden = dict(re.findall(r'name="(token|version)"[^>]*value="([^"]*)"', page))
    return client.post("/join/ask", data=ASKED | hidden | said).status_code


def standing_of(email: str) -> Standing:
    db.session.commit()
    found = db.session.scalar(
        sa.select(Invitation).where(Invitation.email_hash == emails.digest(email))
    )
    return invitations.standing(must(found))


def test_an_invitation_makes_an_ambassador_with_a_code_and_lets_them_in(
    app: Flask, client: FlaskClient
) -> None:
    campaign = make_campaign(name="Friends")
    path = invited(campaign_id=campaign.id)
    assert standing_of("zoe@example.com") is Standing.SENT
    assert "Friends" in client.get(f"{path}?lang=en").text
    assert standing_of("zoe@example.com") is Standing.OPENED
    assert yes(client, path) == 303
    assert standing_of("zoe@example.com") is Standing.ACCEPTED
    zoe = must(must(members.find(email="zoe@example.com")).ambassador)
    assert zoe.status is AmbassadorStatus.ACTIVE
    (code,) = codes.of_ambassador(zoe.id)
    assert code.text.startswith("ZOE-")
    assert code.text in client.get("/portal/").text
    invitation = db.session.scalars(sa.select(Invitation)).one()
    assert invitation.charter_id == must(charter.current()).id
    assert invitation.ambassador_id == zoe.id
    welcome = must(db.session.scalar(
        sa.select(OutboxMessage).where(OutboxMessage.key == f"joined:{invitation.id}")
    ))  # fmt: skip
    assert code.text in welcome.payload["text"]


def test_a_link_works_once_and_says_so_the_second_time(app: Flask, client: FlaskClient) -> None:
    path = invited()
    assert yes(client, path) == 303
    other = app.test_client()
    assert other.get(path).status_code == 410
    assert yes(other, path) == 410
    assert "/sign-in" in other.get("/portal/").location


def test_the_charter_and_a_name_are_needed_and_the_link_stays_good(
    app: Flask, client: FlaskClient
) -> None:
    path = invited()
    for wrong in ({"name": "Zoé"}, {"name": "", "charter": "y", "version": "1"},
                  {"name": "Zoé", "charter": "y", "version": "7"}):  # fmt: skip
        assert client.post(path, data=wrong).status_code == 422
    assert standing_of("zoe@example.com") is not Standing.ACCEPTED
    assert yes(client, path) == 303


def test_a_full_circle_keeps_a_place_in_its_line(app: Flask, client: FlaskClient) -> None:
    circle = circles.create("VIP", capacity=1)
    paths = [invited(f"p{n}@example.com", circle_id=circle.id) for n in range(2)]
    for path in paths:
        assert yes(app.test_client(), path) == 303
    states = list(db.session.scalars(sa.select(CircleSeat.state).order_by(CircleSeat.id)))
    assert states == [SeatState.SEATED, SeatState.WAITING]


def test_a_full_campaign_puts_who_comes_on_the_waiting_list(
    app: Flask, client: FlaskClient
) -> None:
    campaign = make_campaign()
    applications.set_up(
        campaign.id,
        applications.Setup(is_open=True, title_en="Join", title_fr="Venez", capacity=1),
    )
    paths = [invited(f"p{n}@example.com", campaign_id=campaign.id) for n in range(2)]
    assert yes(app.test_client(), paths[0]) == 303
    answer = app.test_client()
    assert yes(answer, paths[1]) == 200
    (waiting,) = db.session.scalars(sa.select(Application))
    assert (waiting.email, waiting.state) == ("p1@example.com", ApplicationState.LISTED)
    assert members.find(email="p1@example.com") is None
    assert must(applications.page_of(campaign.id)).taken == 1


def test_who_came_in_by_their_application_meanwhile_takes_no_second_seat(
    app: Flask, client: FlaskClient
) -> None:
    campaign = make_campaign()
    applications.set_up(
        campaign.id,
        applications.Setup(is_open=True, title_en="Join", title_fr="Venez", capacity=1),
    )
    path = invited(campaign_id=campaign.id)
    digest = emails.digest("zoe@example.com")
    member = make_member(email="zoe@example.com", email_hash=digest)
    zoe = make_ambassador(member=member)
    assert applications.take_seat(campaign.id)  # as her application was approved
    given_codes.on_joining([zoe.id], campaign)
    db.session.commit()
    assert yes(client, path) == 303
    assert standing_of("zoe@example.com") is Standing.ACCEPTED
    assert must(applications.page_of(campaign.id)).taken == 1
    assert db.session.scalar(sa.select(Application.id)) is None  # she waits for nothing


def test_who_has_a_password_or_works_here_gets_a_link_instead_of_a_session(
    app: Flask, client: FlaskClient
) -> None:
    make_user(RoleName.MARKETER, email="zoe@example.com")
    assert yes(client, invited()) == 200
    assert "/sign-in" in client.get("/portal/").location
    assert must(members.find(email="zoe@example.com")).ambassador is not None


@pytest.mark.parametrize("status", [AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT])
def test_who_was_suspended_or_left_does_not_come_back_by_an_invitation(
    app: Flask, client: FlaskClient, status: AmbassadorStatus
) -> None:
    path = invited()
    member = make_member(email="zoe@example.com", email_hash=emails.digest("zoe@example.com"))
    make_ambassador(member=member, status=status)
    assert yes(client, path) == 409
    assert must(member.ambassador).status is status


def test_a_list_says_whom_it_reaches_and_why_others_are_spared(app: Flask) -> None:
    def member(email: str, **values: object) -> Member:
        return make_member(email=email, email_hash=emails.digest(email), **values)

    make_ambassador(member=member("in@example.com"))
    make_ambassador(member=member("gone@example.com"), status=AmbassadorStatus.LEFT)
    member("known@example.com")
    invited("lately@example.com")
    applied = invitations.of_token(invited("no@example.com").rsplit("/", 1)[1])
    invitations.withdraw(applied)
    invitations.decline(invited("never@example.com").rsplit("/", 1)[1])
    text = """name;email
    Ana Lopez;ana@example.com
    ANA+2@example.com
    <in@example.com>, gone@example.com
    known@example.com
    lately@example.com
    never@example.com
    no@example.com
    zoe@exemple"""
    weighed = invitees.weigh(invitees.read(text), Target())
    assert [(one.email, one.spared) for one in weighed] == [
        ("ana@example.com", None),
        ("ANA+2@example.com", Spared.TWICE),
        ("in@example.com", Spared.MEMBER),
        ("gone@example.com", Spared.STOPPED),
        ("known@example.com", None),
        ("lately@example.com", Spared.INVITED),
        ("never@example.com", Spared.UNSUBSCRIBED),
        ("no@example.com", None),
        ("zoe@exemple", Spared.NO_ADDRESS),
    ]
    assert weighed[0].name == "Ana Lopez"


def test_who_applied_and_waits_is_answered_rather_than_invited(app: Flask) -> None:
    campaign_id = opened()
    one = applied(campaign_id)
    (person,) = invitees.weigh(invitees.read(one.email), Target(campaign_id=campaign_id))
    assert person.spared is Spared.APPLIED
    applications.decline(one, reason="We look in Lyon.", brand="Cercle")
    (person,) = invitees.weigh(invitees.read(one.email), Target(campaign_id=campaign_id))
    assert person.spared is None


def test_a_list_sent_twice_mails_everybody_once(app: Flask) -> None:
    people = invitees.read("a@example.com\nb@example.com")
    for _turn in range(2):
        invitations.send(people, Target(), MANNER)
    assert db.session.query(OutboxMessage).count() == 2
    with clock.frozen(clock.now() + timedelta(days=31)):
        invitations.send(people, Target(), MANNER)
    assert db.session.query(OutboxMessage).count() == 4
    assert db.session.query(Invitation).count() == 2


def test_an_invitation_is_mailed_three_times_at_most_days_apart(
    app: Flask, client: FlaskClient
) -> None:
    first = invited()
    one = db.session.scalars(sa.select(Invitation)).one()
    with pytest.raises(invitations.SendsError):
        invitations.send_again(one, brand="Cercle")
    for days in (2, 4):
        with clock.frozen(clock.now() + timedelta(days=days)):
            invitations.send_again(one, brand="Cercle")
    with clock.frozen(clock.now() + timedelta(days=9)), pytest.raises(invitations.SendsError):
        invitations.send_again(one, brand="Cercle")
    assert db.session.query(OutboxMessage).count() == 3
    assert client.get(first).status_code == 410  # the newest mail counts


def test_a_withdrawn_and_an_old_link_are_over_and_their_mail_does_not_go(
    app: Flask, client: FlaskClient
) -> None:
    path = invited()
    invitations.withdraw(db.session.scalars(sa.select(Invitation)).one())
    assert db.session.query(OutboxMessage).count() == 0
    assert client.get(path).status_code == 410
    other = invited("b@example.com")
    with clock.frozen(clock.now() + invitations.LASTS):
        assert client.get(other).status_code == 410
        assert standing_of("b@example.com") is Standing.EXPIRED


def test_who_would_rather_not_is_never_written_to_again(app: Flask, client: FlaskClient) -> None:
    path = invited()
    assert client.post(f"{path}/no").status_code == 200
    assert client.get(path).status_code == 410
    assert db.session.scalars(sa.select(Suppression)).one().email_hash == emails.digest(
        "zoe@example.com"
    )


def test_what_nobody_accepted_is_forgotten_after_half_a_year(
    app: Flask, client: FlaskClient
) -> None:
    invited("a@example.com")
    yes(client, invited("b@example.com"))
    with clock.frozen(clock.now() + timedelta(days=184)):
        assert invitations.sweep() == 1
    assert db.session.scalars(sa.select(Invitation)).one().email == "b@example.com"


def test_a_code_says_what_it_stands_for_and_its_mailbox_joins(
    app: Flask, client: FlaskClient
) -> None:
    campaign = make_campaign(name="Friends")
    code = make_code(campaign_id=campaign.id)
    answer = client.post("/join?lang=en", data={"code": "come along"})
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Come along" in page
    assert client.get(answer.location).text.count('name="email"') == 1  # as Back asks for it
    assert "Friends" in page
    assert ask(client, "come along") == 303
    assert members.find(email="zoe@example.com") is None  # nothing before the mailbox answers
    assert yes(client, mailed("zoe@example.com")) == 303
    zoe = must(must(members.find(email="zoe@example.com")).ambassador)
    assert codes.of_ambassador(zoe.id)[0].text in client.get("/portal/").text
    assert must(db.session.get(Voucher, code.id)).taken == 1


def test_asking_again_makes_the_older_link_useless_and_takes_one_place(
    app: Flask, client: FlaskClient
) -> None:
    code = make_code()
    ask(client, "COME-ALONG")
    first = mailed("zoe@example.com")
    ask(client, "COME-ALONG")
    assert client.get(first).status_code == 410
    assert yes(client, mailed("zoe@example.com")) == 303
    assert ask(app.test_client(), "COME-ALONG") == 303  # the same answer, and no mail
    assert db.session.query(OutboxMessage).filter(OutboxMessage.key.like("join:%")).count() == 2
    db.session.rollback()
    assert must(db.session.get(Voucher, code.id)).taken == 1


@pytest.mark.parametrize("text", ["NOBODY", "FROZEN-ONE", "FULL-ONE", "OLD-ONE", "A-BOX"])
def test_a_code_that_gives_nothing_is_answered_alike_whatever_is_wrong(
    app: Flask, client: FlaskClient, text: str
) -> None:
    frozen = make_code("FROZEN-ONE")
    vouchers.freeze(frozen.batch, reason="lost")
    full = make_code("FULL-ONE", places=1)
    vouchers.take(full.id, make_ambassador().id, is_new=True)
    now = clock.now()
    make_code("OLD-ONE", starts_at=now - timedelta(days=9), ends_at=now)
    make_code("A-BOX", kind=VoucherKind.BOX, points=5)
    answer = client.post("/join?lang=en", data={"code": text})
    assert answer.status_code == 422
    assert "gives nothing here" in answer.text


def test_guessing_codes_is_limited_by_network(app: Flask, client: FlaskClient) -> None:
    seen = [client.post("/join", data={"code": f"GUESS{n}"}).status_code for n in range(12)]
    assert seen == [422] * 10 + [429] * 2
    make_code()
    assert client.post("/join", data={"code": "COME-ALONG"}).status_code == 429
    other = {"REMOTE_ADDR": "203.0.113.9"}
    answer = client.post("/join", data={"code": "COME-ALONG"}, environ_base=other)
    assert answer.status_code == 303


def test_a_forged_or_old_page_asks_for_the_code_again(app: Flask, client: FlaskClient) -> None:
    make_code()
    page = client.post("/join", data={"code": "COME-ALONG"}, follow_redirects=True).text
    token = dict(re.findall(r'name="(token)"[^>]*value="([^"]*)"', page))["token"]
    for wrong in ("", "x", token[:-2]):
        assert client.post("/join/ask", data=ASKED | {"token": wrong}).status_code == 404
        assert client.get("/join/ask", query_string={"token": wrong}).status_code == 404


def test_twenty_links_of_a_code_with_five_places_opened_at_once_enrol_five(app: Flask) -> None:
    code = make_code(places=PLACES)
    agreed = must(charter.current()).id
    paths = []
    for n in range(CLIENTS):
        email = f"p{n}@example.com"
        person = invitees.Invitee(email=email, name=f"P {n}", digest=must(emails.digest(email)))
        token = must(invitations.ask(person, code.id, locale="en", charter_id=agreed))
        paths.append(f"/invitation/{token}")
    db.session.commit()
    assert together(app, paths) == {303: PLACES, 404: CLIENTS - PLACES}
    assert must(db.session.get(Voucher, code.id, populate_existing=True)).taken == PLACES
    assert db.session.query(Ambassador).count() == PLACES


def test_one_link_tapped_by_ten_at_once_enrols_once(app: Flask) -> None:
    path = invited()
    db.session.commit()
    found = together(app, [path] * 10)
    assert found == {303: 1, 410: 9}
    assert db.session.query(Ambassador).count() == 1


def together(app: Flask, paths: list[str]) -> Counter[int]:
    """Accept invitations at the same moment, each in a browser of its own."""
    start = Barrier(len(paths))
    sent = {"name": "Zoé", "charter": "y", "version": "1"}

    def post(path: str) -> int:
        with app.app_context():
            client = app.test_client()
            start.wait()
            status = 503
            for _turn in range(30):
                status = client.post(path, data=sent).status_code
                if status != 503:
                    break
            db.session.remove()
            return status

    with ThreadPoolExecutor(len(paths)) as pool:
        found = Counter(pool.map(post, paths))
    db.session.expire_all()
    return found
