"""Imports: orders from a file become purchases, refunds, credit and commissions.

A batch takes the same road as an order that comes by webhook or API, so importing a file
again changes nothing, and an interrupted import goes on by being run again.

Shops' exports tell how much of an order was refunded in all.  What is recorded is the
difference to what we know already, keyed by the order and the sum reached: a later export
with a larger sum adds only what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from core.db import BATCH_ROWS, db
from core.errors import DomainError
from integrations import facts
from integrations.order_files import reading
from integrations.order_files.shapes import Found, Order, Refused, Skipped
from integrations.tables import Row
from referrals.models import Purchase
from rewards import intake

REJECTED, CREATED, UPDATED, UNCHANGED = "rejected", "created", "updated", "unchanged"


@dataclass(slots=True)
class Counts:
    """What became of the orders of a file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0  # rows that are no orders, such as payments that failed

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    @property
    def all(self) -> int:
        return sum(self.as_dict().values())


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one batch: its counts, and the rows that were refused, with reasons."""

    counts: Counts
    refused: list[Row]


def batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """Cut a file into batches of one transaction each."""
    batch: list[Found] = []
    for item in found:
        batch.append(item)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def take(batch: Sequence[Found], counts: Counts) -> Taken:
    """Record a batch and return what became of it.

    Args:
        batch: At most `BATCH_ROWS` orders and refused rows.
        counts: Of the batches before; they stay as they are.
    """
    orders = [item for item in batch if isinstance(item, Order)]
    return sort_out(batch, orders, _record(orders), counts)


def sort_out(
    batch: Sequence[Found],
    read: Sequence[Found],
    given: Sequence[str | DomainError],
    counts: Counts,
) -> Taken:
    """Count what became of a batch and collect its refused rows.

    Args:
        batch: All that was found in the file.
        read: Those of it that could be read and were recorded.
        given: A verdict for each of these: a word of `Counts`, or what is wrong.
        counts: Of the batches before.
    """
    taken = Taken(Counts(**counts.as_dict()), [])
    verdicts = dict(zip(map(id, read), given, strict=True))
    for item in batch:
        if isinstance(item, Skipped):
            taken.counts.skipped += 1
            continue
        verdict = verdicts.get(id(item), REJECTED)
        if isinstance(verdict, DomainError):
            item, verdict = reading.refused(item.rows, reason(verdict)), REJECTED
        if isinstance(item, Refused):
            taken.refused.extend(item.rows)
        setattr(taken.counts, verdict, getattr(taken.counts, verdict) + 1)
    return taken


def known(orders: Sequence[Order]) -> dict[tuple[str, str], int]:
    """Return the orders that are recorded already, and how much of each was refunded."""
    return {(row.source, row.external_id): row.refunded for row in _recorded(orders)}


def reason(problem: DomainError) -> str:
    """Return a problem in one sentence, with the fields it is about."""
    faults = "; ".join(f"{fault.pointer.strip('/')}: {fault.detail}" for fault in problem.faults)
    return f"{problem.detail} {faults}." if faults else problem.detail


def _record(orders: Sequence[Order]) -> list[str | DomainError]:
    """Record orders, then what is new of their refunds; return a verdict for each."""
    outcomes = intake.take_purchases([order.purchase for order in orders])
    verdicts: list[str | DomainError] = [
        outcome.problem or str(outcome.state) for outcome in outcomes
    ]
    refunds = _refunds(orders, verdicts)
    settled = intake.take_refunds([refund for _index, refund in refunds])
    for (index, _refund), outcome in zip(refunds, settled, strict=True):
        if outcome.problem:
            verdicts[index] = outcome.problem
        elif verdicts[index] == UNCHANGED:
            verdicts[index] = UPDATED
    return verdicts


def _refunds(
    orders: Sequence[Order], verdicts: Sequence[str | DomainError]
) -> list[tuple[int, facts.Refund]]:
    """Return the refunds that are not recorded yet, with the places of their orders."""
    told = [
        (index, order)
        for index, order in enumerate(orders)
        if order.refunded and not isinstance(verdicts[index], DomainError)
    ]
    so_far = known([order for _index, order in told])
    refunds = []
    for index, order in told:
        key = (order.purchase.source, order.purchase.external_id)
        more = order.refunded - so_far[key]
        if more > 0:  # less: the file is older than what we know
            so_far[key] = order.refunded
            refunds.append((index, _refund(order, more)))
    return refunds


def _refund(order: Order, amount: int) -> facts.Refund:
    purchase = order.purchase
    return facts.Refund(
        source=purchase.source,
        external_id=f"{purchase.external_id}:{order.refunded}",
        order_source=purchase.source,
        order_external_id=purchase.external_id,
        amount=amount,
        occurred_at=order.refunded_at,
        currency=purchase.currency,
    )


def _recorded(orders: Sequence[Order]) -> Iterator[sa.Row[str, str, int]]:
    by_source: dict[str, list[str]] = {}
    for order in orders:
        by_source.setdefault(order.purchase.source, []).append(order.purchase.external_id)
    for source, ids in by_source.items():
        yield from db.session.execute(
            sa.select(Purchase.source, Purchase.external_id, Purchase.refunded).where(
                Purchase.source == source, Purchase.external_id.in_(ids)
            )
        )
