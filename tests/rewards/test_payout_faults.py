"""A run of many payouts against a Stripe that fails in every way, with a worker that is killed.

`--payouts 5000` for the size that we promise; the suite runs fewer.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import clock, config
from core.db import db
from integrations import stripe_transfers
from integrations.stripe_transfers import Transfer, TransferOrder, Transfers
from rewards import jobs_payouts, ledger, payouts, verify
from rewards import wording_payouts as words
from rewards.ledger import Draft
from rewards.models import Account, EntryKind, PayoutDetail, PayoutMethod
from rewards.models_payouts import ConnectedAccount, Payout, PayoutState
from tests.conftest import NOW
from tests.factories import must
from tests.fake_stripe import FakeStripe, Fault, serving

SEED = 18
KILLS = 3
LONGEST = timedelta(days=4)  # until every payout has to be over
FAULTS = (
    Fault.REFUSE, Fault.HANG, Fault.HANG_AFTER, Fault.BROKEN, Fault.CUT, Fault.BUSY,
    Fault.LOCKED_OUT, Fault.GARBLED,
)  # fmt: skip


class Killed(BaseException):
    """The worker is gone, as after SIGKILL: nothing more of it runs."""


class Doomed:
    """A worker that dies at chosen calls, before or after Stripe has done them."""

    def __init__(self, inner: Transfers, deaths: set[int]) -> None:
        self.inner, self.deaths, self.calls = inner, deaths, 0

    def send(self, order: TransferOrder) -> Transfer:
        self.calls += 1
        if self.calls in self.deaths:
            if self.calls % 2:
                self.inner.send(order)
            raise Killed
        return self.inner.send(order)


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    yield from serving()


def people(count: int, now: datetime) -> list[int]:
    """Add so many ambassadors with something payable and an account at Stripe."""
    ids = list(range(1, count + 1))
    db.session.execute(
        sa.insert(Member),
        [{"id": n, "name": f"M{n}", "joined_on": now.date(), "created_at": now} for n in ids],
    )
    db.session.execute(
        sa.insert(Ambassador),
        [
            {"id": n, "member_id": n, "kind": AmbassadorKind.CUSTOMER,
             "status": AmbassadorStatus.ACTIVE, "enrolled_at": now}
            for n in ids
        ],
    )  # fmt: skip
    db.session.execute(
        sa.insert(PayoutDetail),
        [
            {"ambassador_id": n, "method": PayoutMethod.STRIPE, "holder": "", "last4": "",
             "changed_at": now - timedelta(days=9)}
            for n in ids
        ],
    )  # fmt: skip
    db.session.execute(
        sa.insert(ConnectedAccount),
        [
            {"ambassador_id": n, "account": f"acct_{n}", "is_ready": True,
             "created_at": now - timedelta(days=9), "changed_at": now}
            for n in ids
        ],
    )  # fmt: skip
    ledger.post([_given(n, 2_000 + n) for n in ids])
    db.session.commit()
    return ids


def _given(ambassador_id: int, amount: int) -> Draft:
    legs = ledger.move(
        amount, "EUR", debit=Account.BONUS, credit=Account.PAYABLE, ambassador_id=ambassador_id
    )
    return Draft(
        kind=EntryKind.BONUS, source=f"test:{ambassador_id}", occurred_at=NOW, legs=legs
    )  # fmt: skip


def work(transfers: Transfers, since: datetime) -> int:
    """Let a worker run and be started again until nothing is under way; return its deaths."""
    deaths, now = 0, since
    while now < since + LONGEST:
        with clock.frozen(now):
            try:
                jobs_payouts.send_with(transfers)
            except Killed:
                db.session.rollback()
                deaths += 1
        under_way = [PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN]
        left = sa.select(sa.func.min(Payout.due_at)).where(Payout.state.in_(under_way))
        due = db.session.scalar(left)
        db.session.rollback()
        if due is None:
            return deaths
        now = max(due, now)
    raise AssertionError("some payouts are never over")


def proven(transfers: Transfers, since: datetime) -> datetime:
    """Look at what was sent until all is settled; a search without an answer waits an hour."""
    is_sent = sa.select(sa.exists().where(Payout.state == PayoutState.SENT))
    for hour in range(48):
        now = since + timedelta(hours=hour)
        with clock.frozen(now):
            while jobs_payouts.prove_with(transfers):
                pass
        if not db.session.scalar(is_sent):
            return now
    raise AssertionError("some payouts are never proven")


@pytest.mark.parametrize("app", ["sqlite", "postgresql"], indirect=True)
def test_everybody_is_paid_once_whatever_fails(
    app: Flask, fake: FakeStripe, request: pytest.FixtureRequest
) -> None:
    count = request.config.getoption("--payouts")
    chance = random.Random(SEED)  # noqa: S311  a seed, no secret
    program.set_rules({"minimum_payout": "5.00", "payout_approval_above": "0"})
    ids = people(count, NOW)
    share = max(count // 100, 1)
    unlucky = iter(chance.sample(ids, share * len(FAULTS)))
    for fault in FAULTS:
        for _ in range(share):
            fake.faults[f"acct_{next(unlucky)}"] = [fault]
    settings = dataclasses.replace(
        config.load(), stripe_secret_key="sk_test_x", stripe_api_base=fake.url
    )
    real = must(stripe_transfers.transfers(settings, time_limit=0.4))
    doomed = Doomed(real, set(chance.sample(range(1, count), KILLS)))
    transfers = Transfers(doomed.send, real.find)
    deaths, at = 0, NOW
    for number in range(2):  # what was refused is paid by the next batch
        with clock.frozen(at):
            batch = payouts.prepare("EUR", key=f"run {number}", by="user:1")
            payouts.approve(batch.id, by="user:2")
            db.session.commit()
        deaths += work(transfers, at)
        at += LONGEST
    at = proven(real, at)
    assert deaths == KILLS
    states = Counter(db.session.scalars(sa.select(Payout.state)))
    # A 500 that Stripe keeps under the key is found to be absent, and tried under a new key.
    assert states == {PayoutState.PAID: count, PayoutState.FAILED: share}
    sent = Counter(one["destination"] for one in fake.transfers)
    assert sent == dict.fromkeys((f"acct_{n}" for n in ids), 1)
    assert sum(one["amount"] for one in fake.transfers) == sum(2_000 + n for n in ids)
    failed = db.session.scalars(sa.select(Payout).where(Payout.state == PayoutState.FAILED))
    assert all(words.why(one) for one in failed)
    with clock.frozen(at):
        found = [str(one) for one in verify.breaches() if one.invariant in {"M1", "M8", "M9"}]
    assert found == []
