"""An ambassador connects an account at Stripe once, and is paid to it when Stripe says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts import security
from accounts.models import RoleName
from core import clock
from core.db import db
from rewards import connected, payout_blocks
from rewards.models import PayoutMethod
from rewards.models_payouts import ConnectedAccount
from rewards.payout_blocks import Block
from tests.factories import make_user, must, sign_in
from tests.fake_stripe import FakeStripe, Fault, serving
from tests.rewards.test_payouts import LATER, earner, later, rules
from tests.stripe_events import deliver, event

__all__ = ["rules"]
READY = {"capabilities": {"transfers": "active"}}


@pytest.fixture
def stripe(app: Flask) -> Iterator[FakeStripe]:
    """A Stripe of our own, which the application speaks to."""
    settings = app.extensions["settings"]
    for fake in serving():
        app.extensions["settings"] = dataclasses.replace(
            settings, stripe_secret_key="sk_test_x", stripe_api_base=fake.url
        )
        yield fake
    app.extensions["settings"] = settings


@pytest.fixture
def person(app: Flask, client: FlaskClient) -> FlaskClient:
    """The browser of an ambassador who has enough to be paid."""
    who = earner(method=None)
    with later():
        user = make_user(RoleName.AMBASSADOR)
        db.session.execute(sa.text(f"UPDATE ambassador SET user_id = {user.id} WHERE id = {who}"))
        sign_in(client, user)
        db.session.commit()
    return client


def account() -> ConnectedAccount:
    db.session.expire_all()
    return db.session.scalars(sa.select(ConnectedAccount)).one()


def test_from_the_choice_to_the_first_payout(
    app: Flask, person: FlaskClient, stripe: FakeStripe
) -> None:
    with later():
        chosen = person.post("/portal/me/payout", data={"method": "stripe"})
        assert chosen.headers["Location"].endswith("/portal/me/stripe")
        person.post("/portal/me/stripe")
        person.post("/portal/me/stripe")
        assert list(stripe.books.accounts) == [account().account]
        onward = person.get("/portal/me/stripe/go").headers["Location"]
        assert onward.startswith("https://connect.stripe.com/setup/e/")
        person.get("/portal/me/stripe/back")
        assert not account().is_ready  # nothing was filled in yet
        (one,) = payout_blocks.candidates("EUR")
        assert one.blocks == (Block.CHANGED, Block.NOT_READY)
        stripe.fulfil(account().account, **READY)
        person.get("/portal/me/stripe/back")
        assert account().is_ready
    with clock.frozen(LATER + timedelta(hours=73)):
        (one,) = payout_blocks.candidates("EUR")
        assert (one.blocks, one.method, one.account) == (
            (), PayoutMethod.STRIPE, account().account,
        )  # fmt: skip


def test_a_stripe_that_does_not_answer_is_told_and_nothing_is_lost(
    app: Flask, person: FlaskClient, stripe: FakeStripe
) -> None:
    stripe.faults["accounts"] = [Fault.CUT]
    with later():
        page = person.post("/portal/me/stripe", follow_redirects=True)
        assert page.status_code == 200
        person.post("/portal/me/stripe")
    assert len(stripe.books.accounts) == 1
    assert account().account in stripe.books.accounts


def test_stripe_tells_of_an_account_by_webhook(
    app: Flask, person: FlaskClient, client: FlaskClient, stripe: FakeStripe
) -> None:
    with later():
        person.post("/portal/me/stripe")
        told = stripe.fulfil(account().account, **READY)
        deliver(client, event("account.updated", dict(told)))
        assert account().is_ready
        told |= {"payouts_enabled": False}
        deliver(client, event("account.updated", dict(told), id="evt_later"))
        assert not account().is_ready


def test_stripes_pages_ask_for_a_fresh_sign_in_for_they_say_where_money_goes(
    app: Flask, person: FlaskClient, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with later():
        person.post("/portal/me/stripe")
        monkeypatch.setattr(security, "is_fresh", lambda: False)
        assert "/account/confirm" in person.get("/portal/me/stripe/go").headers["Location"]


def test_an_account_that_is_not_ours_is_ignored(app: Flask, client: FlaskClient) -> None:
    about = {"id": "acct_x", "object": "account", "payouts_enabled": True}
    assert deliver(client, event("account.updated", about)).status_code == 200
    assert db.session.scalar(sa.select(ConnectedAccount.id)) is None


def test_without_stripe_the_page_is_not_there(app: Flask, person: FlaskClient) -> None:
    with later():
        assert person.get("/portal/me/stripe").status_code == 404
        assert 'value="stripe"' not in person.get("/portal/me/payout").text
    assert connected.of(must(db.session.scalar(sa.text("SELECT id FROM ambassador")))) is None
