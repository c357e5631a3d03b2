"""Finance's pages, the commands and the API of payouts say what the verbs did."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts import security
from accounts.models import AuditLine, RoleName, Scope
from core import clock
from core.db import db
from rewards import payout_sending, payouts
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutBatch, PayoutState
from tests.factories import make_key, make_user, must, sign_in
from tests.rewards.test_payouts import IBAN, LATER, approved, earner, holds, later, rules, stands

__all__ = ["rules"]


@pytest.fixture
def finance(client: FlaskClient) -> FlaskClient:
    """A browser in which finance is signed in, a moment ago."""
    with later():
        sign_in(client, make_user(RoleName.FINANCE))
        db.session.commit()
    return client


def prepare(browser: FlaskClient, **form: str) -> str:
    """Prepare a batch on the page and return its address."""
    page = browser.get("/console/payouts").text
    token = re.search(r'name="token"[^>]*value="([^"]+)"', page)
    assert token
    given = {"currency": "EUR", "token": token[1]} | form
    return str(browser.post("/console/payouts", data=given).headers["Location"])


def test_a_batch_goes_from_the_list_to_the_bank_and_back(app: Flask, finance: FlaskClient) -> None:
    who = earner(method=PayoutMethod.BANK)
    with later():
        where = prepare(finance)
        assert "10.00" in finance.get(f"{where}?lang=en").text
        finance.post(f"{where}/approve")
        file = finance.post(f"{where}/bank.xml")
        assert (file.mimetype, IBAN.encode() in file.data) == ("application/xml", True)
        finance.post(f"{where}/settle", data={"reference": "statement 12"})
    (payout,) = db.session.scalars(sa.select(Payout))
    assert (payout.state, payout.reference) == (PayoutState.PAID, "statement 12")
    assert stands(who) == {"cash": 1000}
    acts = set(db.session.scalars(sa.select(AuditLine.act)))
    assert {"payout.prepare", "payout.approve", "payout.export", "payout.settle"} <= acts


def test_pressing_prepare_twice_makes_one_batch(app: Flask, finance: FlaskClient) -> None:
    earner()
    with later():
        token = {"currency": "EUR", "token": "the same"}
        finance.post("/console/payouts", data=token)
        finance.post("/console/payouts", data=token)
    assert db.session.scalar(sa.select(sa.func.count(PayoutBatch.id))) == 1


def test_who_prepared_much_sees_no_button_and_is_refused(app: Flask, finance: FlaskClient) -> None:
    earner(60_000)
    with later():
        where = prepare(finance)
        assert "/approve" not in finance.get(where).text
        finance.post(f"{where}/approve")
        batch = db.session.scalars(sa.select(PayoutBatch)).one()
        assert batch.approved_at is None
        sign_in(finance, make_user(RoleName.ADMIN))
        db.session.commit()
        finance.post(f"{where}/approve")
        db.session.refresh(batch)
        assert batch.approved_at is not None


def test_approval_asks_for_a_fresh_sign_in(
    app: Flask, finance: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    earner()
    with later():
        where = prepare(finance)
        monkeypatch.setattr(security, "is_fresh", lambda: False)
        assert "/account/confirm" in finance.post(f"{where}/approve").headers["Location"]
    assert db.session.scalars(sa.select(PayoutBatch)).one().approved_at is None


def test_the_list_says_who_waits_and_why(app: Flask, finance: FlaskClient) -> None:
    earner(method=None)
    earner(4_000)
    with later():
        page = finance.get("/console/payouts?lang=en").text
    assert "They have not said where to pay." in page
    assert "1 person has less than the smallest payout, EUR" in page


def test_money_that_did_not_arrive_is_payable_again(app: Flask, finance: FlaskClient) -> None:
    who = earner(method=None)
    with later():
        where = prepare(finance, by_hand="y")
        finance.post(f"{where}/approve")
        (payout,) = db.session.scalars(sa.select(Payout))
        finance.post(f"{where}/{payout.id}/paid", data={"reference": "cash, 12 March"})
        assert stands(who) == {"cash": 1000}
        finance.post(f"{where}/{payout.id}/failed", data={"reason": "He was not there."})
    db.session.refresh(payout)
    assert (payout.state, payout.reason) == (PayoutState.REVERSED, "He was not there.")
    assert stands(who) == {"payable": 1000}


@pytest.fixture
def has_key(app: Flask) -> Iterator[None]:
    """Stripe is set up; nothing here asks it."""
    before = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(before, stripe_secret_key="sk_test_x")
    yield
    app.extensions["settings"] = before


@pytest.mark.usefixtures("has_key")
def test_nobody_says_for_stripe_that_a_transfer_failed(app: Flask, finance: FlaskClient) -> None:
    earner()
    with later():
        (payout,) = approved()
        finance.post(f"/console/payouts/{payout.batch_id}/{payout.id}/failed", data={"reason": "x"})
    db.session.refresh(payout)
    assert payout.state is PayoutState.APPROVED


@pytest.mark.usefixtures("has_key")
def test_nobody_says_for_stripe_that_a_transfer_arrived(app: Flask, finance: FlaskClient) -> None:
    earner()
    with later():
        (payout,) = approved()
        payout.state = PayoutState.SENT
        db.session.commit()
        finance.post(f"/console/payouts/{payout.batch_id}/{payout.id}/paid", data={})
    db.session.refresh(payout)
    assert payout.state is PayoutState.SENT


def test_a_reference_that_is_too_long_is_told_and_nothing_is_noted(
    app: Flask, finance: FlaskClient
) -> None:
    earner(method=PayoutMethod.BANK)
    with later():
        (payout,) = approved()
        finance.post(f"/console/payouts/{payout.batch_id}/bank.xml")
        for path in ("settle", f"{payout.id}/paid"):
            where = f"/console/payouts/{payout.batch_id}/{path}"
            page = finance.post(where, data={"reference": "9" * 101}, follow_redirects=True)
            assert (page.status_code, "100" in page.text) == (200, True)
    db.session.refresh(payout)
    assert payout.state is PayoutState.SENT


def test_the_file_of_a_batch_equals_its_page(app: Flask, finance: FlaskClient) -> None:
    who = earner(method=PayoutMethod.STORE_CREDIT)
    with later():
        (payout,) = approved()
        payout_sending.give_credit(payout.id)
        db.session.commit()
        file = finance.post(f"/console/payouts/{payout.batch_id}/payouts.csv").text.splitlines()
    assert file[1].split(",")[:8] == [
        str(payout.id), str(who), payout.ambassador.member.name, "10.00", "EUR", "store_credit",
        "paid", str(payout.reference),
    ]  # fmt: skip


def test_an_ambassador_reads_what_came_and_what_they_wait_for(
    app: Flask, client: FlaskClient
) -> None:
    who = earner(method=PayoutMethod.STORE_CREDIT)
    with later():
        (payout,) = approved()
        code = payout_sending.give_credit(payout.id)
        user = make_user(RoleName.AMBASSADOR)
        payout.ambassador.user_id = user.id
        sign_in(client, user)
        db.session.commit()
        page = client.get("/portal/payouts?lang=en").text
        assert code
        assert code in page
    assert stands(who) == {"store_credit": 1000}


def test_the_api_lists_payouts_by_state_without_the_codes(app: Flask, client: FlaskClient) -> None:
    earner(method=PayoutMethod.STORE_CREDIT)
    earner(20_000)
    with later():
        made = approved()
        payout_sending.give_credit(made[0].id)
        headers = make_key(Scope.READ)
        db.session.commit()
        both = must(client.get("/api/v1/payouts", headers=headers).json)
        paid = must(client.get("/api/v1/payouts?state=paid", headers=headers).json)
    assert [one["state"] for one in both["data"]] == ["paid", "approved"]
    assert [(one["amount"], one["reference"]) for one in paid["data"]] == [(1000, None)]
    assert client.get("/api/v1/payouts?state=x", headers=headers).status_code == 422


def test_the_commands_prepare_approve_send_and_export(app: Flask, tmp_path: object) -> None:
    earner(method=PayoutMethod.STORE_CREDIT)
    earner(11_000, method=PayoutMethod.BANK)
    earner(4_000)
    run = app.test_cli_runner().invoke
    with clock.frozen(LATER):
        said = run(args=["payouts", "prepare", "--key", "march"]).output
        assert "2 payouts, 21.00 EUR" in said
        assert "4.00 (minimum)" in said
        batch = str(db.session.scalars(sa.select(PayoutBatch.id)).one())
        run(args=["payouts", "approve", batch])
        assert "store_credit: 1 paid" in run(args=["payouts", "send", batch]).output
        file = f"{tmp_path}/bank.xml"
        assert run(args=["payouts", "export", batch, "--out", file]).exit_code == 0
        again = run(args=["payouts", "approve", batch])
    assert (again.exit_code, "decided already" in again.output) == (1, True)
    with clock.frozen(LATER + timedelta(days=1)):
        assert payouts.batch_of(int(batch)).exported_at == LATER


@pytest.mark.parametrize(("state", "act", "then"), [
    (PayoutState.APPROVED, "failed", PayoutState.FAILED),
    (PayoutState.UNKNOWN, "failed", PayoutState.FAILED),
    (PayoutState.UNKNOWN, "paid", PayoutState.PAID),
    (PayoutState.SENT, "paid", PayoutState.PAID),
])  # fmt: skip
def test_a_payout_by_stripe_whose_key_was_taken_away_says_so_and_a_person_ends_it(
    app: Flask, finance: FlaskClient, state: PayoutState, act: str, then: PayoutState
) -> None:
    who = earner()
    with later():
        (payout,) = approved()
        payout.state = state
        db.session.commit()
        page = finance.get(f"/console/payouts/{payout.batch_id}?lang=en").text
        assert "STRIPE_SECRET_KEY is not set" in page
        assert "leave by themselves" not in page
        assert f"/{payout.id}/{act}" in page
        data = {"reason": "Nothing at Stripe.", "reference": "tr_1"}
        finance.post(f"/console/payouts/{payout.batch_id}/{payout.id}/{act}", data=data)
        db.session.refresh(payout)
        assert payout.state is then
        assert stands(who) == ({"cash": 1000} if act == "paid" else {"payable": 1000})
        holds()


def test_nobody_ends_a_payout_that_a_worker_is_asking_for_right_now(
    app: Flask, finance: FlaskClient
) -> None:
    earner()
    with later():
        (payout,) = approved()
        payout.state, payout.due_at = PayoutState.SENDING, clock.now() + timedelta(minutes=2)
        db.session.commit()
        where = f"/console/payouts/{payout.batch_id}/{payout.id}/failed"
        finance.post(where, data={"reason": "x"})
        db.session.refresh(payout)
        assert payout.state is PayoutState.SENDING
