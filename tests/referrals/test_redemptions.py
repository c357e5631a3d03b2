"""A use of a code is taken once, given back once, and never outlives its reservation."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from flask import Flask

from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals import eligibility, redemptions
from referrals.eligibility import Reason, Terms
from referrals.models import (
    Attribution,
    Code,
    CodeCustomerUse,
    Redemption,
    RedemptionState,
)  # fmt: skip
from referrals.redemptions import NotRedeemableError
from rewards import intake, jobs, verify
from tests.conftest import NOW
from tests.factories import make_code, purchase_fact, refund_fact

ANA, BEA = "a" * 64, "b" * 64


def terms_of(code: Code) -> Terms:
    return eligibility.terms_of([code.key])[code.key]


def used(code: Code) -> int:
    return db.session.get_one(Code, code.id, populate_existing=True).used


def test_a_reservation_holds_a_use_until_it_is_confirmed(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=1)
    held = redemptions.reserve(terms_of(code), "api:1", customer_key=None)
    assert (held.state, held.expires_at) == ("reserved", NOW + timedelta(minutes=30))
    with pytest.raises(NotRedeemableError) as refused:
        redemptions.redeem(terms_of(code), "api:2", customer_key=None)
    assert refused.value.code == Reason.LIMIT_REACHED
    for _ in range(2):
        assert redemptions.confirm(held.id).state == "redeemed"
    assert used(code) == 1


def test_a_released_or_rolled_back_use_is_given_back_once(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=5, uses_per_customer=5)
    for order in ("api:0", "api:1"):
        redemptions.redeem(terms_of(code), order, customer_key=ANA)
    reserved = redemptions.reserve(terms_of(code), "api:2", customer_key=ANA)
    redeemed = redemptions.redeem(terms_of(code), "api:3", customer_key=ANA)
    for _ in range(3):
        assert redemptions.release(reserved.id).state == "rolled_back"
        assert redemptions.roll_back(redeemed.id).state == "rolled_back"
        assert used(code) == 2
    assert db.session.scalars(db.select(CodeCustomerUse.used)).all() == [2]
    assert redeemed.settled_at == NOW  # the history of the use stays
    assert verify.breaches() == []


def test_a_use_that_was_redeemed_is_not_released_and_one_given_back_not_confirmed(
    app: Flask,
) -> None:
    code = make_code("ZOE10")
    redeemed = redemptions.redeem(terms_of(code), "api:1", customer_key=None)
    with pytest.raises(ConflictError):
        redemptions.release(redeemed.id)
    redemptions.roll_back(redeemed.id)
    with pytest.raises(ConflictError):
        redemptions.confirm(redeemed.id)
    with pytest.raises(NotFoundError):
        redemptions.confirm(redeemed.id + 99)


@pytest.mark.parametrize(
    "length",
    [timedelta(0), timedelta(seconds=-1), timedelta(days=7, seconds=1), timedelta(days=400)],
)
def test_a_reservation_lasts_seven_days_at_most(app: Flask, length: timedelta) -> None:
    code = make_code("ZOE10")
    with pytest.raises(InvalidInputError):
        redemptions.reserve(terms_of(code), "api:1", customer_key=None, expires_in=length)
    week = redemptions.reserve(
        terms_of(code), "api:1", customer_key=None, expires_in=timedelta(days=7)
    )
    assert week.expires_at == NOW + timedelta(days=7)


def test_a_reservation_that_is_over_is_given_back_by_the_clock_once(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=1)
    held = redemptions.reserve(terms_of(code), "api:1", customer_key=ANA)
    db.session.commit()
    with clock.frozen(NOW + timedelta(minutes=29, seconds=59)):
        assert jobs.expire_reservations() == 0
    with clock.frozen(NOW + timedelta(minutes=30)):
        assert (jobs.expire_reservations(), jobs.expire_reservations()) == (1, 0)
    db.session.refresh(held)
    assert (held.state, used(code)) == (RedemptionState.EXPIRED, 0)


def test_a_reservation_that_is_over_is_not_confirmed_even_before_the_clock_came(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=1)
    held = redemptions.reserve(terms_of(code), "api:1", customer_key=None)
    with clock.frozen(NOW + timedelta(minutes=30)):
        with pytest.raises(ConflictError):
            redemptions.confirm(held.id)
        assert used(code) == 0
        again = redemptions.redeem(terms_of(code), "api:1", customer_key=None)
    assert (again.id, again.state, used(code)) == (held.id, "redeemed", 1)


def test_the_same_order_takes_one_use_however_often_it_asks(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=2)
    first = redemptions.reserve(terms_of(code), "api:1", customer_key=None)
    assert redemptions.reserve(terms_of(code), "api:1", customer_key=None).id == first.id
    assert redemptions.redeem(terms_of(code), "api:1", customer_key=None).state == "redeemed"
    assert redemptions.redeem(terms_of(code), "api:1", customer_key=None).id == first.id
    with pytest.raises(NotRedeemableError) as refused:
        redemptions.reserve(terms_of(code), "api:1", customer_key=None)
    assert refused.value.code == Reason.ALREADY_REDEEMED
    assert used(code) == 1


def test_the_limit_of_one_customer_is_not_the_limit_of_another(app: Flask) -> None:
    code = make_code("ZOE10", uses_per_customer=1)
    redemptions.redeem(terms_of(code), "api:1", customer_key=ANA)
    with pytest.raises(NotRedeemableError) as refused:
        redemptions.redeem(terms_of(code), "api:2", customer_key=ANA)
    assert refused.value.code == Reason.CUSTOMER_LIMIT_REACHED
    redemptions.redeem(terms_of(code), "api:3", customer_key=BEA)
    assert used(code) == 2  # the refused attempt left nothing
    assert db.session.query(Redemption).count() == 2
    assert verify.breaches() == []


def test_a_purchase_confirms_the_reservation_of_its_order(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=1)
    redemptions.reserve(terms_of(code), "api:1001", customer_key=None)
    fact = purchase_fact(external_id="1001", codes=("ZOE10",))
    intake.take_purchases([fact])
    assert used(code) == 1
    assert [one.state for one in db.session.query(Redemption)] == ["redeemed"]
    assert verify.breaches() == []


def test_a_reservation_of_a_code_that_the_order_did_not_use_is_left_to_expire(app: Flask) -> None:
    left, taken = make_code("ZOE10", uses_limit=1), make_code("BEA10", uses_limit=1)
    held = redemptions.reserve(terms_of(left), "api:1001", customer_key=None)
    intake.take_purchases([purchase_fact(external_id="1001", codes=("BEA10",))])
    db.session.refresh(held)
    assert (held.state, used(taken)) == (RedemptionState.RESERVED, 1)
    with clock.frozen(NOW + timedelta(hours=1)):
        assert (jobs.expire_reservations(), used(left)) == (1, 0)
    assert verify.breaches() == []


@pytest.mark.parametrize("too_late", [True, False])
def test_an_order_whose_reservation_is_over_takes_another_use_if_one_is_left(
    app: Flask, too_late: bool
) -> None:
    code = make_code("ZOE10", uses_limit=1)
    redemptions.reserve(terms_of(code), "api:1001", customer_key=None)
    with clock.frozen(NOW + timedelta(minutes=31)):
        if too_late:
            jobs.expire_reservations()
            redemptions.redeem(terms_of(code), "api:other", customer_key=None)
        intake.take_purchases([purchase_fact(external_id="1001", codes=("ZOE10",))])
    lost = db.session.scalars(db.select(Attribution.lost)).one()
    assert [one["reason"] for one in lost] == (["limit_reached"] if too_late else [])
    assert used(code) == 1
    assert verify.breaches() == []


@pytest.mark.parametrize("limit", [None, 3])
def test_a_cancelled_order_frees_its_use_and_a_refunded_one_does_not(
    app: Flask, limit: int | None
) -> None:
    code = make_code("ZOE10", uses_limit=limit)
    cancelled, refunded = (purchase_fact(codes=("ZOE10",)) for _ in range(2))
    intake.take_purchases([cancelled, refunded])
    assert used(code) == 2
    intake.take_refunds([refund_fact(refunded, 10_000)])
    for _ in range(2):
        intake.take_purchases([dataclasses.replace(cancelled, status="cancelled")])
        assert used(code) == 1
    assert verify.breaches() == []


def test_a_pending_or_test_order_takes_no_use(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=1)
    pending = purchase_fact(codes=("ZOE10",), status="pending")
    intake.take_purchases([pending, purchase_fact(codes=("ZOE10",), is_test=True)])
    assert used(code) == 0
    intake.take_purchases([dataclasses.replace(pending, status="paid")])
    assert used(code) == 1
