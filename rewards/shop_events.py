"""What one message of a shop says, taken as a whole: all of it is recorded, or none.

A message may name an order in several ways, tell the order, its refunds, and a
running total of refunds.  The names are joined first, so that whatever was told
before under another name is found; parked refunds whose order is found that way
are applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import DomainError
from integrations import facts
from referrals import order_names, purchases, refund_totals, refunds
from rewards import intake


def take(told: Sequence[facts.Fact]) -> None:
    """Record facts of one message, decide credit, and bring the ledger in line.

    Args:
        told: What the message says, with a `SameOrder` for every order it names.

    Raises:
        DomainError: One of the facts is refused; the caller rolls back.
    """
    own_ids = {
        name: own
        for fact in told
        if isinstance(fact, facts.SameOrder)
        for own in [order_names.join(fact.source, fact.names)]
        for name in fact.names
    }
    orders = [
        replace(fact, external_id=own_ids.get(fact.external_id, fact.external_id), aliases=())
        for fact in told
        if isinstance(fact, facts.Purchase)
    ]
    _require(intake.take_purchases(orders, on_other_facts="keep"))
    _apply_parked(fact for fact in told if isinstance(fact, facts.SameOrder))
    for fact in told:
        if isinstance(fact, facts.Refund):
            _require(intake.take_refunds([*refund_totals.make_room(fact), fact]))
        elif isinstance(fact, facts.RefundedTotal):
            _require(intake.take_refunds(refund_totals.explain(fact)))


def _apply_parked(named: Iterable[facts.SameOrder]) -> None:
    """Apply refunds that waited under a name which is now known to be an order's."""
    found = {order_names.recorded(fact.source, fact.names) for fact in named}
    intake.decide_again(refunds.apply_parked({id_ for id_ in found if id_ is not None}))


def _require(outcomes: Iterable[purchases.Outcome | refunds.Outcome]) -> None:
    problems: list[DomainError] = [one.problem for one in outcomes if one.problem]
    if problems:
        raise problems[0]
