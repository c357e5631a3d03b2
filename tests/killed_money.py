"""The road of money from orders to payouts, walked by a process that kills itself at a named point.

python -m tests.killed_money POINT    dies by SIGKILL at the point
python -m tests.killed_money          never: it walks the whole road

Every act may be done again: a second walk goes on where the first one died.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from app import create_app
from core import clock
from core.db import db
from core.errors import DomainError
from integrations import facts
from referrals import attribution
from rewards import (
    commissions,
    intake,
    jobs,
    jobs_payouts,
    ledger,
    payout_sending,
    payouts,
)
from rewards.models_payouts import PayoutBatch
from tests.conftest import NOW

ORDERS = 4
DUE = NOW + timedelta(days=31)
# What is patched, and whether it dies before or after that is done; the number is which call.
POINTS: dict[str, tuple[Any, str, bool, int]] = {
    "accrual before its credit": (attribution, "attribute", False, 1),
    "accrual before the ledger": (ledger, "post", False, 1),
    "accrual after the ledger": (ledger, "post", True, 1),
    "accrual after its commit": (db.session, "commit", True, 1),
    "clawback before the ledger": (ledger, "post", False, 2),
    "clawback after the ledger": (ledger, "post", True, 2),
    "clawback after its commit": (db.session, "commit", True, 2),
    "release": (commissions, "release", True, 1),
    "draft": (payouts, "prepare", True, 1),
    "approval": (payouts, "approve", True, 1),
    "claim": (payout_sending, "claim", True, 2),
    "before the transfer": (payout_sending, "ask", False, 1),
    "after the transfer": (payout_sending, "ask", True, 2),
    "before the answer is written": (payout_sending, "note", True, 1),
    "after the answer is written": (payout_sending, "claim", False, 2),
    "settlement": (payout_sending, "prove", True, 1),
    "clawback after payout, before the ledger": (commissions, "settle", False, 3),
    "clawback after payout, after the ledger": (intake, "take_refunds", True, 2),
}


def main(point: str) -> None:
    """Walk the road, until the point comes."""
    with create_app().app_context():
        if point:
            _arm(*POINTS[point])
        walk()


def walk() -> None:
    """Sell, give back, release, prepare, approve, send, look again, and give back once more."""
    sold = [_order(number) for number in range(ORDERS)]
    _do(NOW, lambda: intake.take_purchases(sold))
    _do(NOW, lambda: intake.take_refunds([_refund("early", 0, 2_500)]))
    _do(DUE, jobs.release_holds)
    _do(DUE, lambda: payouts.prepare("EUR", key="march", by="user:1"))
    batch_id = db.session.scalars(db.select(PayoutBatch.id)).one()
    _do(DUE, lambda: payouts.approve(batch_id, by="user:2"))
    for minutes in (0, 3, 6):  # a killed worker's payout is due again after its lease
        _do(DUE + timedelta(minutes=minutes), jobs_payouts.send_due)
    _do(DUE + timedelta(hours=2), jobs_payouts.prove_due)
    late = DUE + timedelta(days=1)
    _do(late, lambda: intake.take_refunds([_refund("late", 1, 10_000)]))


def _do(at: Any, act: Callable[[], object]) -> None:
    clock.set_now(at)
    try:
        act()
        db.session.commit()
    except DomainError:  # it was done by the walk before
        db.session.rollback()


def _order(number: int) -> facts.Purchase:
    return facts.Purchase(
        source="api", external_id=f"{number}", occurred_at=NOW, currency="EUR", total=10_000,
        codes=(f"CODE{number}",), email=f"friend{number}@example.com",
    )  # fmt: skip


def _refund(name: str, order: int, amount: int) -> facts.Refund:
    return facts.Refund(
        source="api", external_id=name, order_source="api", order_external_id=f"{order}",
        amount=amount, occurred_at=clock.now(),
    )  # fmt: skip


def _arm(module: Any, name: str, is_after: bool, which: int) -> None:
    """Make the `which`-th call of a function the last thing that this process does."""
    real, calls = getattr(module, name), [0]

    def deadly(*args: Any, **values: Any) -> Any:
        calls[0] += 1
        if calls[0] == which and not is_after:
            _die()
        made = real(*args, **values)
        if calls[0] == which:
            _die()
        return made

    setattr(module, name, deadly)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
