"""Who might become an ambassador: said with figures, and written to only by consent."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName, Scope
from ambassadors import choices, circles, guard
from ambassadors.models import Contact
from core import clock, emails
from core.db import db
from core.outbox import OutboxMessage
from integrations import facts
from referrals import consents, invitees
from referrals.invitees import Target
from referrals.models_invitations import MailConsent
from rewards import erasure, intake, suggestions
from rewards.suggestions import Silent, Wish
from tests.factories import (
    make_ambassador,
    make_key,
    make_member,
    make_user,
    purchase_fact,
    sign_in,
)

PROGRAM = Target()


def buys(email: str, times: int, *, accepts: bool | None = None, **values: object) -> None:
    told = [purchase_fact(email=email, accepts_mail=accepts, **values) for _ in range(times)]
    for outcome in intake.take_purchases(told):
        assert outcome.problem is None


def found(**wish: int) -> dict[str, suggestions.Reason | None]:
    return {one.email: one.why_not for one in suggestions.customers(Wish(**wish), PROGRAM)}


def test_customers_are_suggested_by_orders_value_and_time(app: Flask) -> None:
    buys("often@example.com", 4, accepts=True)
    buys("twice@example.com", 2, accepts=True, total=90_000)
    ago = clock.now() - timedelta(days=400)
    buys("past@example.com", 5, accepts=True, occurred_at=ago)
    buys("tests@example.com", 5, accepts=True, is_test=True)
    assert found(orders=3) == {"often@example.com": None}
    assert set(found(orders=2)) == {"often@example.com", "twice@example.com"}
    assert set(found(orders=2, value=100_000)) == {"twice@example.com"}
    assert set(found(orders=3, days=500)) == {"often@example.com", "past@example.com"}
    (one,) = suggestions.customers(Wish(orders=3), PROGRAM)
    assert (one.orders, one.value) == (4, 40_000)


def test_who_is_an_ambassador_is_not_suggested(app: Flask) -> None:
    buys("zoe@example.com", 3, accepts=True)
    member = make_member(email="zoe@example.com", email_hash=emails.digest("zoe@example.com"))
    assert set(found()) == {"zoe@example.com"}
    make_ambassador(member=member)
    assert found() == {}


def test_who_did_not_agree_is_listed_without_an_address_and_says_why(app: Flask) -> None:
    buys("silent@example.com", 3)
    assert found() == {"": Silent.NO_WORD}
    buys("silent@example.com", 1, accepts=False)
    assert found() == {"": Silent.SAID_NO}
    buys("silent@example.com", 1, accepts=True)
    assert found() == {"silent@example.com": None}


def test_the_latest_word_counts_in_whatever_order_it_arrives(app: Flask) -> None:
    early, late = clock.now() - timedelta(days=9), clock.now()
    buys("zoe@example.com", 1, accepts=False, occurred_at=late)
    buys("ZOE+shop@example.com", 1, accepts=True, occurred_at=early)
    kept = db.session.scalars(sa.select(MailConsent)).one()
    assert (kept.may_write, kept.email) == (False, "")


def test_a_changed_mind_is_no_contradiction_of_an_order(app: Flask) -> None:
    order = purchase_fact(email="zoe@example.com", accepts_mail=True)
    intake.take_purchases([order])
    values = {name: getattr(order, name) for name in facts.Purchase.__dataclass_fields__}
    (again,) = intake.take_purchases([facts.Purchase(**values | {"accepts_mail": False})])
    assert again.problem is None
    assert not db.session.scalars(sa.select(MailConsent)).one().may_write


def test_the_api_and_a_file_of_orders_tell_who_agrees(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    order = {
        "external_id": "A-1", "occurred_at": "2026-03-01T10:00:00Z", "currency": "EUR",
        "total": 5_000, "customer": {"email": "zoe@example.com", "accepts_mail": True},
    }  # fmt: skip
    answer = client.post("/api/v1/purchases", json=order, headers=make_key(Scope.PURCHASES))
    assert answer.status_code == 201
    shopify = tmp_path / "orders.csv"
    shopify.write_text(
        "Name,Email,Financial Status,Created at,Accepts Marketing,Currency,Total\n"
        "#1,ana@example.com,paid,2026-02-01 10:00:00 +0100,yes,EUR,20.00\n"
        "#2,ben@example.com,paid,2026-02-01 10:00:00 +0100,no,EUR,20.00\n"
    )
    run = app.test_cli_runner().invoke(args=["import", "purchases", str(shopify)])
    assert run.exit_code == 0, run.output
    people = tmp_path / "customers.csv"
    people.write_text("email,accepts_mail\nben@example.com,yes\ncleo@example.com,\n")
    run = app.test_cli_runner().invoke(
        args=["import", "customers", "--source", "shop", str(people)]
    )
    assert run.exit_code == 0, run.output
    db.session.expire_all()
    agreed = sa.select(MailConsent.email).where(MailConsent.may_write).order_by(MailConsent.email)
    assert list(db.session.scalars(agreed)) == [
        "ana@example.com", "ben@example.com", "zoe@example.com",
    ]  # fmt: skip


def test_members_who_take_part_are_suggested_and_spared_by_the_guard(app: Flask) -> None:
    circle = circles.create("Panel")
    ana, ben, cleo = (
        make_member(name=name, email=f"{name}@example.com", email_hash=emails.digest(f"{name}@x.y"))
        for name in ("ana", "ben", "cleo")
    )
    for one in (ana, ben):
        circles.join(circle, one.id)
    choices.unsubscribe(ben)
    told = {one.member.name: one.why_not for one in suggestions.members(Wish(), PROGRAM)}
    assert told == {"ana": None, "ben": guard.Spared.UNSUBSCRIBED}
    make_ambassador(member=ana)
    assert "ana" not in {one.member.name for one in suggestions.members(Wish(), PROGRAM)}
    assert cleo.id is not None


@pytest.fixture
def marketer(app: Flask) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, make_user(RoleName.MARKETER))
    browser.get("/console/invitations?lang=en")
    return browser


def test_a_marketer_invites_those_who_agreed_and_nobody_else(
    app: Flask, marketer: FlaskClient
) -> None:
    buys("often@example.com", 4, accepts=True)
    buys("silent@example.com", 3)
    member = make_member(
        name="Ana", email="ana@example.com", email_hash=emails.digest("ana@example.com")
    )
    circles.join(circles.create("Panel"), member.id)
    db.session.commit()
    page = marketer.get("/console/suggestions").text
    for words in ("4 orders in the last 365 days", "never said that we may write to them",
                  "In Panel."):  # fmt: skip
        assert words in page
    assert "silent@example.com" not in page
    assert len(re.findall(r'name="who"', page)) == 2
    form = {"target": "program", "kind": "customer", "locale": "fr", "orders": "3", "days": "365"}
    assert marketer.post("/console/suggestions", data=form).status_code == 422
    everybody = [one.key for one in suggestions.customers(Wish(), PROGRAM)]
    sent = form | {"who": [*everybody, f"member:{member.id}", "member:x"]}
    for _turn in range(2):
        marketer.post("/console/suggestions", data=sent)
    told = [one.payload["to"] for one in db.session.scalars(sa.select(OutboxMessage))]
    assert sorted(told) == ["ana@example.com", "often@example.com"]
    assert db.session.scalars(sa.select(Contact.what)).one() == "invitation"
    page = marketer.get("/console/suggestions").text
    assert str(invitees.WORDS[invitees.Spared.INVITED]) in page


@pytest.mark.parametrize("query", ["orders=0", "orders=x", "days=0", "days=9999", "value=x",
                                   "segment=99", "target=campaign:9", "value=-1"])  # fmt: skip
def test_odd_figures_are_told_and_break_nothing(
    app: Flask, marketer: FlaskClient, query: str
) -> None:
    assert marketer.get(f"/console/suggestions?{query}").status_code == 200


def test_an_erased_customer_leaves_no_address(app: Flask) -> None:
    buys("zoe@example.com", 3, accepts=True)
    erasure.erase_address("zoe@example.com")
    assert db.session.query(MailConsent).count() == 0
    assert consents.known({str(emails.digest("zoe@example.com"))}) == {}
