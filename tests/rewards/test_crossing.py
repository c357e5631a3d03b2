"""Units of work that cross wait for each other, and do not fail or lose what the other wrote."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from core import clock
from core.db import db
from referrals.models import Attribution, Purchase, Refund
from rewards import commissions, intake, verify
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact


def at_once(app: Flask, works: Sequence[Callable[[], Any]]) -> None:
    """Do units of work at the same moment, each once, in a transaction of its own."""
    start = Barrier(len(works))

    def do(work: Callable[[], Any]) -> None:
        with app.app_context(), clock.frozen(NOW):
            start.wait()
            work()
            db.session.commit()
            db.session.remove()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(do, works))  # raises what one of them raised


@pytest.fixture
def slow_settling(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many units of work write their credit before the first of them settles."""

    def together(many: int) -> None:
        written = Barrier(many)
        settle = commissions.settle

        def wait_and_settle(ids: Any, **how: Any) -> None:
            written.wait(timeout=5)
            settle(ids, **how)

        monkeypatch.setattr(commissions, "settle", wait_and_settle)

    return together


def test_purchases_of_one_campaign_with_a_budget_do_not_lock_each_other_out(
    app: Flask, slow_settling: Callable[[int], None]
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    campaign = make_campaign(budget=3_500)
    for number in range(4):
        make_code(f"ZOE{number}", campaign_id=campaign.id)
    told = [purchase_fact(codes=(f"ZOE{number}",)) for number in range(4)]
    db.session.commit()
    slow_settling(4)
    at_once(app, [partial(intake.take_purchases, [fact]) for fact in told])
    db.session.expire_all()
    assert campaign.committed == 3_500
    assert verify.breaches() == []


def test_new_names_of_one_customer_do_not_lock_each_other_out(app: Flask) -> None:
    intake.take_purchases([purchase_fact(email="ana@example.com")])
    db.session.commit()
    told = [
        purchase_fact(
            email="ana@example.com", customer_external_id=str(number),
            occurred_at=NOW + timedelta(days=number),
        )
        for number in range(8)
    ]  # fmt: skip
    at_once(app, [partial(intake.take_purchases, [fact]) for fact in told])
    assert verify.breaches() == []


def wait_until_blocked() -> None:
    """Return once another transaction waits for a lock of this one."""
    query = sa.text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = "
        "ANY (pg_blocking_pids(pid))"
    )
    while not db.session.scalar(query):
        pass


@pytest.mark.parametrize("is_failure_first", [True, False])
def test_a_parked_refund_that_fails_while_its_order_comes_takes_nothing_back(
    app: Flask, is_failure_first: bool
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    make_code("ZOE10")
    order = purchase_fact(codes=("ZOE10",))
    refund = refund_fact(order, 4_000)
    failed = dataclasses.replace(refund, state="failed")
    intake.take_refunds([refund])
    db.session.commit()
    works: list[Callable[[], Any]] = [
        partial(intake.take_purchases, [order]),
        partial(intake.take_refunds, [failed]),
    ]
    first, second = works[::-1] if is_failure_first else works
    first()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(at_once, app, [second])
        wait_until_blocked()
        db.session.commit()
        other.result()
    db.session.expire_all()
    assert [one.state for one in db.session.query(Refund)] == ["failed"]
    assert db.session.scalars(sa.select(Purchase.refunded)).one() == 0
    assert verify.breaches() == []


def test_a_person_s_decision_is_not_overwritten_by_one_that_was_on_its_way(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    make_code("ZOE10")
    ana, bea = make_code("ANA10").ambassador_id, make_code("BEA10").ambassador_id
    (outcome,) = intake.take_purchases([purchase_fact(codes=("ZOE10",))])
    assert outcome.purchase_id is not None
    order, row = outcome.purchase_id, db.session.query(Attribution).one()
    row.ambassador_id = ana  # something to correct when it is decided again
    db.session.commit()
    intake.override(order, bea, reason="met at the fair")
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(at_once, app, [partial(intake.decide_again, [order])])
        wait_until_blocked()
        db.session.commit()
        other.result()
    db.session.expire_all()
    assert (row.ambassador_id, row.touch) == (bea, "manual")
    assert verify.breaches() == []
