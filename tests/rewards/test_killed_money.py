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
    """Return every posting of the ledger, without ids and the instants of recording."""
    db.session.rollback()
    query = sa.select(
        Entry.kind, Entry.source, Posting.account, Posting.amount, Posting.currency
    ).join(Entry, Entry.id == Posting.entry_id)
    names = {row[1] for row in db.session.execute(query)}
    order = {name: number for number, name in enumerate(sorted(names))}
    return Counter((row[0], order[row[1]], *row[2:]) for row in db.session.execute(query))


EXPECTED = {
    "earned": 4_000 - 250 - 1_000, "paid": 3_750, "owed": -1_000,
}  # fmt: skip


@pytest.mark.parametrize("point", [*POINTS])
def test_a_process_that_dies_leaves_the_books_as_one_that_lives(
    app: Flask, people: None, fake: FakeStripe, tmp_path: Path, point: str
) -> None:
    assert walk(app, fake, tmp_path, point) == -signal.SIGKILL
    assert walk(app, fake, tmp_path) == 0
    found = books()
    cost = sum(row[3] * n for row, n in found.items() if row[2] == "expense")
    paid = -sum(row[3] * n for row, n in found.items() if row[2] == "cash")
    owed = -sum(row[3] * n for row, n in found.items() if row[2] == "payable")
    assert {"earned": cost, "paid": paid, "owed": owed} == EXPECTED
    kinds = Counter({row[:2]: 1 for row in found})
    assert Counter(kind for kind, _number in kinds) == {
        "commission": 4, "clawback": 2, "release": 4, "payout": 4, "payout_settled": 4,
    }  # fmt: skip
    assert Counter(one["destination"] for one in fake.transfers) == dict.fromkeys(
        (f"acct_{number}" for number in range(ORDERS)), 1
    )
    assert set(db.session.scalars(sa.select(Payout.state))) == {PayoutState.PAID}
    with clock.frozen(DUE + timedelta(days=2)):
        assert [str(one) for one in verify.breaches()] == []
    if point == "settlement":  # once is enough: a walk more changes nothing
        assert walk(app, fake, tmp_path) == 0
        assert books() == found
