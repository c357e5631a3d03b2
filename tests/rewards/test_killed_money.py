"""Killed with SIGKILL at any named point of the road of money, the books come out the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import program
from core import clock, config
from core.db import db
from rewards import verify
from rewards.models import Entry, PayoutDetail, PayoutMethod, Posting
from rewards.models_payouts import ConnectedAccount, Payout, PayoutState
from tests.conftest import NOW
from tests.factories import make_ambassador, make_code
from tests.fake_stripe import FakeStripe, serving
from tests.killed_money import DUE, ORDERS, POINTS


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    yield from serving()


@pytest.fixture
def people(app: Flask) -> None:
    """Ambassadors with a code each, who are paid by Stripe."""
    program.set_rules({"minimum_payout": "1.00", "payout_approval_above": "0"})
    before = NOW - timedelta(days=9)
    with clock.frozen(before):
        for number in range(ORDERS):
            who = make_ambassador().id
            make_code(f"CODE{number}", ambassador_id=who)
            db.session.add(
                PayoutDetail(
                    ambassador_id=who, method=PayoutMethod.STRIPE, holder="", last4="",
                    changed_at=before,
                )
            )  # fmt: skip
            db.session.add(
                ConnectedAccount(
                    ambassador_id=who, account=f"acct_{number}", is_ready=True, created_at=before,
                    changed_at=before,
                )
            )  # fmt: skip
    db.session.commit()


def walk(app: Flask, fake: FakeStripe, folder: Path, point: str = "") -> int:
    """Let a process walk the road, and return how it ended."""
    db.session.rollback()
    env = os.environ | {
        "CERCLE_ENV": "test", "DATABASE_URL": app.extensions["settings"].database_url,
        "CERCLE_INSTANCE": str(folder), "REDIS_URL": "", "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_API_BASE": fake.url,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.killed_money", point]
    ended = subprocess.run(command, cwd=config.ROOT, env=env, capture_output=True, timeout=120)  # noqa: S603  our own command
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr.decode()
    return ended.returncode


def books() -> Counter[Any]:
    """Return how often each posting stands in the ledger, and of how many entries each kind."""
    db.session.rollback()
    query = sa.select(Entry.kind, Posting.account, Posting.amount).join(
        Entry, Entry.id == Posting.entry_id
    )
    return Counter((row[0].value, row[1].value, row[2]) for row in db.session.execute(query))


# Four orders of 100.00 earn 10.00 each; a quarter of one goes back before the payout, and all
# of another after it.
UNHARMED = Counter({
    ("commission", "expense", 1_000): 4, ("commission", "pending", -1_000): 4,
    ("clawback", "expense", -250): 1, ("clawback", "pending", 250): 1,
    ("release", "pending", 1_000): 3, ("release", "payable", -1_000): 3,
    ("release", "pending", 750): 1, ("release", "payable", -750): 1,
    ("payout", "payable", 1_000): 3, ("payout", "transit", -1_000): 3,
    ("payout", "payable", 750): 1, ("payout", "transit", -750): 1,
    ("payout_settled", "transit", 1_000): 3, ("payout_settled", "cash", -1_000): 3,
    ("payout_settled", "transit", 750): 1, ("payout_settled", "cash", -750): 1,
    ("clawback", "expense", -1_000): 1, ("clawback", "payable", 1_000): 1,
})  # fmt: skip


@pytest.mark.parametrize("point", [*POINTS])
def test_a_process_that_dies_leaves_the_books_as_one_that_lives(
    app: Flask, people: None, fake: FakeStripe, tmp_path: Path, point: str
) -> None:
    assert walk(app, fake, tmp_path, point) == -signal.SIGKILL
    assert walk(app, fake, tmp_path) == 0
    assert books() == UNHARMED
    assert Counter(one["destination"] for one in fake.transfers) == dict.fromkeys(
        (f"acct_{number}" for number in range(ORDERS)), 1
    )
    assert set(db.session.scalars(sa.select(Payout.state))) == {PayoutState.PAID}
    with clock.frozen(DUE + timedelta(days=2)):
        assert [str(one) for one in verify.breaches()] == []
    if point == "settlement":  # once is enough: a walk more changes nothing
        assert walk(app, fake, tmp_path) == 0
        assert books() == UNHARMED
