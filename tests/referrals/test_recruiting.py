"""Approvals: a code, a link and a way in, once, and never more than there are seats."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import applications, members
from ambassadors.models import Ambassador, AmbassadorStatus
from ambassadors.models_recruiting import Application, ApplicationPage, ApplicationState
from core import emails
from core.db import db
from core.errors import ConflictError
from core.outbox import OutboxMessage
from referrals import codes, consents, links, proofs, recruiting
from rewards import intake
from tests.ambassadors.test_applications import applied, opened
from tests.factories import (
    make_ambassador,
    make_member,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)

CLIENTS, SEATS = 50, 10


def test_an_approval_enrols_with_a_code_a_link_and_a_way_in(app: Flask) -> None:
    campaign_id = opened()
    ambassador = recruiting.approve(applied(campaign_id))
    assert ambassador.status is AmbassadorStatus.ACTIVE
    assert ambassador.user_id is not None
    (code,) = codes.of_ambassador(ambassador.id)
    assert code.campaign_id == campaign_id
    assert code.text.startswith("ZOE-")
    assert [one.slug for one in links.of_ambassador(ambassador.id)] == [code.text.lower()]
    told = list(db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))
    assert len(told) == 3  # thanks, welcome, the way in
    assert code.text in told[1].payload["text"]
    assert "/password/" in told[2].payload["text"]
    assert {one.payload["to"] for one in told} == {"zoe@example.com"}


@pytest.mark.parametrize("wants", [True, False])
def test_the_wish_for_messages_counts_once_the_person_is_in(app: Flask, wants: bool) -> None:
    one = applied(opened(), wants_messages=wants)
    digest = str(emails.digest("zoe@example.com"))
    assert consents.known([digest]) == {}
    recruiting.approve(one)
    said = consents.known([digest])
    assert ({(word.email, word.may_write, word.said_at) for word in said.values()}
            == ({("zoe@example.com", True, one.applied_at)} if wants else set()))  # fmt: skip


def test_who_is_an_ambassador_already_joins_with_a_code_more(app: Flask) -> None:
    member = make_member(email="zoe@example.com", email_hash=emails.digest("zoe@example.com"))
    known = make_ambassador(member=member)
    one = applied(opened())
    assert recruiting.approve(one).id == known.id
    assert len(codes.of_ambassador(known.id)) == 1
    assert one.ambassador_id == known.id


@pytest.mark.parametrize("status", [AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT])
def test_who_was_suspended_or_left_does_not_come_back_through_an_application(
    app: Flask, status: AmbassadorStatus
) -> None:
    member = make_member(email="zoe@example.com", email_hash=emails.digest("zoe@example.com"))
    make_ambassador(member=member, status=status)
    with pytest.raises(ConflictError):
        recruiting.approve(applied(opened()))


@pytest.mark.parametrize(
    ("name", "start"), [("Zoé Martin", "ZOE-"), ("李 小龙", "CERCLE-"), ("Jean-Luc", "JEANLUC-")]
)
def test_a_code_is_named_after_the_person_where_it_can_be(
    app: Flask, name: str, start: str
) -> None:
    ambassador = recruiting.approve(applied(opened(), name=name))
    assert codes.of_ambassador(ambassador.id)[0].text.startswith(start)


def test_fifty_approvals_at_once_of_ten_seats_enrol_exactly_ten(app: Flask) -> None:
    campaign_id = opened(capacity=SEATS)
    ids = [applied(campaign_id, f"p{n}@example.com").id for n in range(CLIENTS)]
    staff = make_user(RoleName.MARKETER)
    clients = [app.test_client() for _ in ids]
    for client in clients:
        sign_in(client, staff)
    start = Barrier(CLIENTS)

    def approve(client: FlaskClient, application_id: int) -> int:
        with app.app_context():
            start.wait()
            status = 503
            for _ in range(30):
                status = client.post(f"/console/applications/{application_id}/approve").status_code
                if status != 503:
                    break
            db.session.remove()
            return status

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert Counter(pool.map(approve, clients, ids)) == {303: CLIENTS}
    db.session.expire_all()
    assert must(db.session.get(ApplicationPage, campaign_id)).taken == SEATS
    assert applications.counts(campaign_id)[ApplicationState.APPROVED] == SEATS
    assert applications.counts(campaign_id)[ApplicationState.WAITING] == CLIENTS - SEATS
    assert db.session.query(Ambassador).count() == SEATS
    welcomes = OutboxMessage.key.like("application:%:1")
    assert db.session.query(OutboxMessage).filter(welcomes).count() == SEATS


def test_one_application_approved_by_two_people_at_once_enrols_once(app: Flask) -> None:
    campaign_id = opened(capacity=5)
    one = applied(campaign_id)
    recruiting.approve(one)
    with pytest.raises(ConflictError):
        recruiting.approve(one)
    assert must(db.session.get(ApplicationPage, campaign_id, populate_existing=True)).taken == 1


def test_a_customer_is_proven_by_paid_orders_less_what_went_back(app: Flask) -> None:
    sold = [purchase_fact(email="zoe@example.com") for _ in range(3)]
    others = [
        purchase_fact(email="zoe@example.com", status="cancelled"),
        purchase_fact(email="zoe@example.com", is_test=True),
        purchase_fact(email="zoe@example.com", currency="CHF", total=500),
    ]
    intake.take_purchases([*sold, *others])
    intake.take_refunds([refund_fact(sold[0], 4_000)])
    zoe, nobody = (must(emails.digest(one)) for one in ("ZOE+x@example.com", "n@example.com"))
    found = proofs.of_mailboxes({zoe, nobody})
    assert [(one.currency, one.orders, one.value) for one in found[zoe]] == [
        ("EUR", 3, 26_000),
        ("CHF", 1, 500),
    ]
    assert found[nobody] == []
    assert proofs.of_mailboxes([]) == {}


def test_nothing_of_a_failed_approval_stays(app: Flask) -> None:
    campaign_id = opened(capacity=1)
    recruiting.approve(applied(campaign_id, "a@example.com"))
    late = applied(campaign_id, "b@example.com").id
    db.session.commit()
    with pytest.raises(applications.FullError):
        recruiting.approve(applications.get(late))
    db.session.rollback()
    assert members.find(email="b@example.com") is None
    assert must(db.session.get(Application, late)).state is ApplicationState.WAITING
