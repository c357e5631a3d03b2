"""Suspicions: what makes a credit wait for a person (rule 12).

Some signals the order tells alone, against who would get the credit; they are
decided with the attribution, and again whenever that is.  Others depend on
many orders: `rewards/patterns.py` finds them after the fact and keeps them
here with their evidence, and the attribution follows.  A suspicion never
refuses anything: it holds the commission until somebody has looked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, Member
from core import clock, likeness
from core.db import db, many, run, upsert_dialect
from referrals.models import Suspicion
from referrals.touches import Candidate, Order


class Signal(StrEnum):
    """Why a commission waits for a person; all of them fit into `attribution.suspicion`."""

    PAID_TRAFFIC = "paid_traffic"  # the click came from a paid advertisement
    SIMILAR_NAME = "namesake"  # the mailbox that bought is spelt like the ambassador
    DISPOSABLE_DOMAIN = "disposable"
    VELOCITY = "velocity"  # many orders within an hour
    SHARED_IP = "shared_ip"  # many customers behind one address
    NO_CLICK = "no_click"  # a code used without clicks, unlike the ambassador's past
    SAME_ACCOUNT = (
        "account"  # who bought is paid to the same account, or signs in as the ambassador
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One order that many orders speak against."""

    purchase_id: int
    ambassador_id: int
    signal: Signal
    evidence: dict[str, int]  # counts, and `since` as seconds of Unix time


@dataclass(frozen=True, slots=True)
class Known:
    """What is known against credits that may be given."""

    likenesses: dict[int, frozenset[str]]  # by ambassador
    found: dict[tuple[int, int], tuple[str, ...]]  # by purchase and ambassador

    def against(self, order: Order, winner: Candidate) -> str | None:
        """Return the signals against a credit in words, separated by spaces."""
        if winner.is_vouched or winner.ambassador_id is None:
            return None
        said = [
            (Signal.PAID_TRAFFIC, winner.is_paid_traffic),
            (Signal.SIMILAR_NAME, self._is_similar(order, winner.ambassador_id)),
            (Signal.DISPOSABLE_DOMAIN, order.is_disposable),
        ]
        found = self.found.get((order.id, winner.ambassador_id), ())
        words = [signal.value for signal, is_so in said if is_so] + sorted(found)
        return " ".join(words) or None

    def _is_similar(self, order: Order, ambassador_id: int) -> bool:
        return order.name_key is not None and order.name_key in self.likenesses.get(
            ambassador_id, ()
        )


_PEOPLE = (
    sa.select(Ambassador.id, Member.name, Member.email)
    .join(Member, Member.id == Ambassador.member_id)
    .where(Ambassador.id.in_(many()))
)
_FOUND = sa.select(Suspicion.purchase_id, Suspicion.ambassador_id, Suspicion.signal).where(
    Suspicion.purchase_id.in_(many())
)


def known(
    orders: Sequence[Order], ambassador_ids: Iterable[int], decided: Collection[int]
) -> Known:
    """Return what is known against credits for these orders.

    Args:
        orders: Which orders are to be decided.
        ambassador_ids: Who may get the credit.
        decided: The orders decided before; only of those can something have been found.
    """
    who = sorted(set(ambassador_ids))
    likenesses: dict[int, frozenset[str]] = {}
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    if who and any(order.name_key for order in orders):
        people = run(_PEOPLE, {"ids": who})
        likenesses = {one.id: likeness.of_person(one.name, one.email) for one in people}
    if who and decided:
        for row in run(_FOUND, {"ids": sorted(decided)}):
            key = (row.purchase_id, row.ambassador_id)
            found[key] = (*found.get(key, ()), row.signal)
    return Known(likenesses, found)


def keep(findings: Sequence[Finding]) -> None:
    """Write findings down; one that is known stays as it was first found."""
    if findings:
        rows: list[dict[str, Any]] = [
            {
                "purchase_id": one.purchase_id, "ambassador_id": one.ambassador_id,
                "signal": one.signal.value, "evidence": one.evidence, "found_at": clock.now(),
            }
            for one in findings
        ]  # fmt: skip
        db.session.execute(upsert_dialect().insert(Suspicion).on_conflict_do_nothing(), rows)


def evidence(purchase_ids: Iterable[int]) -> dict[int, dict[str, dict[str, Any]]]:
    """Return the evidence of purchases, by signal; the latest where two ambassadors had one."""
    query = (
        sa.select(Suspicion.purchase_id, Suspicion.signal, Suspicion.evidence)
        .where(Suspicion.purchase_id.in_(sorted(set(purchase_ids))))
        .order_by(Suspicion.found_at, Suspicion.ambassador_id)
    )
    kept: dict[int, dict[str, dict[str, Any]]] = {}
    for row in db.session.execute(query):
        kept.setdefault(row.purchase_id, {})[row.signal] = row.evidence
    return kept
