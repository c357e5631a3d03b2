"""Units of work that cross wait for each other, and do not fail or lose what the other wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from core import clock
from core.db import db
from rewards import commissions, intake, verify
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact


def at_once(app: Flask, works: Sequence[Callable[[], Any]]) -> None:
    """Do units of work at the same moment, each once, in a transaction of its own."""
    db.session.commit()  # no lock of the test itself is in the way
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

        def wait_and_settle(ids: Any) -> None:
            written.wait(timeout=5)
            settle(ids)

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
    slow_settling(4)
    at_once(app, [partial(intake.take_purchases, [fact]) for fact in told])
    db.session.expire_all()
    assert campaign.committed == 3_500
    assert verify.breaches() == []


def test_new_names_of_one_customer_do_not_lock_each_other_out(app: Flask) -> None:
    intake.take_purchases([purchase_fact(email="ana@example.com")])
    told = [
        purchase_fact(
            email="ana@example.com", customer_external_id=str(number),
            occurred_at=NOW + timedelta(days=number),
        )
        for number in range(8)
    ]  # fmt: skip
    at_once(app, [partial(intake.take_purchases, [fact]) for fact in told])
    assert verify.breaches() == []
