"""Money that goes back is counted once, in whatever order and under whatever name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from flask import Flask

from core.db import db
from core.errors import ConflictError
from integrations import facts
from referrals import refunds
from referrals.models import Code, OrderAlias, Purchase, Refund
from rewards import commissions, intake, jobs, ledger, verify
from rewards.models import Account
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact
from tests.queries import counted


@pytest.fixture
def order(app: Flask) -> facts.Purchase:
    make_code("ZOE10")
    return purchase_fact(codes=("ZOE10",), aliases=("charge-1",))


def refunded() -> int:
    db.session.expire_all()
    return int(db.session.scalars(db.select(Purchase.refunded)).one())


def earned() -> int:
    query = db.text("SELECT ambassador_id FROM attribution")
    (who,) = db.session.scalars(query)
    return ledger.balances(who).get("EUR", {}).get(Account.PENDING, 0)


def test_a_refund_before_its_order_waits_and_is_applied_once(order: facts.Purchase) -> None:
    early = refund_fact(order, 4_000)
    assert [one.state for one in intake.take_refunds([early, early])] == ["parked", "parked"]
    intake.take_purchases([order])
    assert (refunded(), earned()) == (4_000, 600)
    assert intake.take_refunds([early])[0].state == "unchanged"
    assert (refunded(), jobs.apply_parked_refunds()) == (4_000, 0)
    assert verify.breaches() == []


def test_a_parked_refund_that_the_clock_applies_frees_the_use_if_the_campaign_says_so(
    app: Flask,
) -> None:
    make_code("ZOE10", campaign_id=make_campaign(refund_frees_use=True).id)
    order = purchase_fact(codes=("ZOE10",))
    early = refund_fact(order, order.total)
    intake.take_refunds([early])
    with pytest.MonkeyPatch.context() as crossed:  # the two came at the same moment
        crossed.setattr(refunds, "apply_parked", lambda ids: set())
        intake.take_purchases([order])
    assert db.session.scalars(db.select(Code.used)).one() == 1
    assert jobs.apply_parked_refunds() == 1
    assert (refunded(), earned()) == (order.total, 0)
    db.session.expire_all()
    assert db.session.scalars(db.select(Code.used)).one() == 0
    assert verify.breaches() == []


def test_a_parked_refund_that_was_too_large_is_applied_once_it_fits(order: facts.Purchase) -> None:
    first, second = refund_fact(order, 6_000), refund_fact(order, 6_000)
    intake.take_refunds([first, second])
    intake.take_purchases([order])
    assert (refunded(), jobs.apply_parked_refunds()) == (6_000, 0)
    intake.take_refunds([dataclasses.replace(first, state="failed")])
    assert (refunded(), jobs.apply_parked_refunds()) == (0, 1)
    assert (refunded(), earned()) == (6_000, 400)
    assert verify.breaches() == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (refunds._HAS_PARKED, "ix_refund_parked"),
        (refunds._parked(Purchase.id), "ix_refund_parked"),
        (db.select(Refund).where(Refund.order_source == "a", Refund.order_external_id == "b"),
         "ix_refund_order"),
        (db.select(OrderAlias).where(OrderAlias.source == "a", OrderAlias.external_id == "b"),
         "ix_order_alias_order"),
    ],
)  # fmt: skip
def test_what_every_message_asks_is_found_by_an_index(app: Flask, query: Any, index: str) -> None:
    is_small = db.engine.dialect.name == "sqlite"
    if not is_small:  # tables of a test are read whole unless that is forbidden
        db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
    text = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    plan = db.session.execute(
        db.text(f"EXPLAIN {'QUERY PLAN ' if is_small else ''}{text}".replace(":", r"\:"))
    )
    assert index in " ".join(str(row) for row in plan)
    if index == "ix_refund_parked":  # a partial index is not found by a parameter
        with counted() as sent:
            db.session.execute(query)
        assert "state = 'parked'" in sent[0]


@pytest.mark.parametrize("is_early", [True, False])
def test_a_refund_finds_its_order_by_another_name(order: facts.Purchase, is_early: bool) -> None:
    by_charge = refund_fact(order, 10_000, order_external_id="charge-1")
    if is_early:
        intake.take_refunds([by_charge])
    intake.take_purchases([order])
    intake.take_refunds([by_charge])
    assert (refunded(), earned()) == (10_000, 0)


@pytest.mark.parametrize("is_early", [True, False])
def test_a_refund_that_fails_gives_back_whenever_it_was_told(
    order: facts.Purchase, is_early: bool
) -> None:
    refund = refund_fact(order, 4_000)
    failed = dataclasses.replace(refund, state="failed")
    if not is_early:
        intake.take_purchases([order])
    intake.take_refunds([refund])
    intake.take_refunds([failed, failed])
    intake.take_refunds([refund])  # told late: it failed since
    intake.take_purchases([order])
    assert (refunded(), earned()) == (0, 1_000)
    assert [one.state for one in db.session.query(Refund)] == ["failed"]
    assert verify.breaches() == []


def test_a_dispute_takes_the_money_and_a_won_one_gives_it_back(order: facts.Purchase) -> None:
    intake.take_purchases([order])
    dispute = refund_fact(order, 10_000, kind="dispute")
    intake.take_refunds([dispute])
    assert (refunded(), earned()) == (10_000, 0)
    intake.take_refunds([dataclasses.replace(dispute, state="failed")])
    assert (refunded(), earned()) == (0, 1_000)
    kinds = [entry.kind for entry in commissions.entries_of(db.session.query(Purchase.id).scalar())]
    assert kinds == ["commission", "clawback", "reinstatement"]


def test_never_more_goes_back_than_was_charged_even_in_one_list(order: facts.Purchase) -> None:
    intake.take_purchases([order])
    outcomes = intake.take_refunds([refund_fact(order, 6_000) for _ in range(3)])
    assert [one.state for one in outcomes] == ["created", "refused", "refused"]
    assert isinstance(outcomes[1].problem, refunds.RefundTooLargeError)
    assert refunded() == 6_000


def test_a_refund_told_again_with_another_amount_is_refused(order: facts.Purchase) -> None:
    intake.take_purchases([order])
    refund = refund_fact(order, 4_000)
    first, other = intake.take_refunds([refund, dataclasses.replace(refund, amount=5_000)])
    assert (first.state, other.state) == ("created", "refused")
    assert isinstance(other.problem, ConflictError)
    assert refunded() == 4_000


@pytest.mark.parametrize(
    "change",
    [{"amount": 0}, {"amount": -1}, {"amount": 10**16}, {"external_id": ""},
     {"external_id": "a\0b"},
     {"external_id": "x" * 201}, {"source": "x" * 41}, {"currency": "USD"}],
)  # fmt: skip
def test_a_refund_that_cannot_be_is_refused_and_harms_no_other(
    order: facts.Purchase, change: dict[str, Any]
) -> None:
    intake.take_purchases([order])
    wrong = dataclasses.replace(refund_fact(order, 1_000), **change)
    outcomes = intake.take_refunds([wrong, refund_fact(order, 2_000)])
    assert [one.state for one in outcomes] == ["refused", "created"]
    assert refunded() == 2_000
