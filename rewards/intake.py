"""One road for what shops tell: record, credit, settle, whoever the messenger is.

The API, file imports, webhooks and the demo all come through here with lists
of facts; the door that called commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from integrations import facts
from referrals import attribution, consents, order_names, purchases, refunds
from referrals.models import Attribution
from rewards import commissions, holds, news, rate_queue


def take_purchases(
    told: Sequence[facts.Purchase], *, on_other_facts: str = "refuse"
) -> list[purchases.Outcome]:
    """Record purchases, decide their credit, and bring the ledger in line.

    Args:
        told: Facts in any order, at most some hundreds at a time.
        on_other_facts: As in `purchases.record`.

    Returns:
        What became of each, in the order given.
    """
    recorded = purchases.record(order_names.known(told), on_other_facts=on_other_facts)
    refunded = refunds.apply_parked(recorded.to_credit)
    _decide(recorded.to_credit | refunded, fresh=recorded.created)
    consents.record(consents.of_purchases(told))
    return recorded.outcomes


def take_refunds(told: Sequence[facts.Refund]) -> list[refunds.Outcome]:
    """Record refunds and disputes, and take back or reinstate what they change."""
    recorded = refunds.record(told)
    _decide(recorded.to_credit)  # a full refund may give a code's use back
    return recorded.outcomes


def decide_again(purchase_ids: Iterable[int]) -> set[int]:
    """Decide the credit of recorded purchases anew and settle them; return those that changed."""
    ids = set(purchase_ids)
    changed = _decide(ids)
    purchases.mark_changed(changed & ids)
    return changed


def _decide(marked: set[int], *, fresh: Set[int] = frozenset()) -> set[int]:
    """Decide and settle purchases whose months are marked already, and those they bind.

    Those recorded just now stand where their suspicions say as soon as they are settled.
    """
    changed = attribution.attribute(marked, fresh=fresh)
    commissions.settle(marked | changed, fresh=fresh)
    holds.follow(changed - fresh)
    news.credited(changed)
    purchases.mark_changed(changed - marked)
    return changed


def settle_waiting(purchase_ids: Sequence[int]) -> int:
    """Settle purchases that await a rate of currency; return how many have left the queue."""
    before = rate_queue.still_waiting(list(purchase_ids))
    commissions.settle(purchase_ids)
    purchases.mark_changed(purchase_ids)
    return before - rate_queue.still_waiting(list(purchase_ids))


def override(purchase_id: int, ambassador_id: int | None, *, reason: str) -> Attribution:
    """Give a purchase's credit to somebody by hand; raises as `attribution.override` does."""
    decided = attribution.override(purchase_id, ambassador_id, reason=reason)
    decide_again([purchase_id])  # and what this purchase binds
    holds.follow([purchase_id])
    news.credited([purchase_id])
    purchases.mark_changed([purchase_id])
    return decided
