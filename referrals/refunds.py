"""Refunds: money that went back, once, in whatever order the shop tells it.

A refund that comes before its purchase is parked and applied when the
purchase comes.  A purchase never has more refunded than was charged.  A refund
that failed, or a dispute that was won, gives its amount back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core import clock, money
from core.db import db, run, upsert_dialect
from core.errors import ConflictError, DomainError, Fault, InvalidInputError
from integrations import facts
from referrals import purchases
from referrals.models import OrderAlias, Purchase, Refund, RefundKind, RefundState

_CLOCKS_DIFFER = timedelta(days=1)  # a day without a time, another zone
_NAMES = {"source": 40, "external_id": 200, "order_source": 40, "order_external_id": 150}
_COLUMNS = (
    "source", "external_id", "order_source", "order_external_id", "purchase_id", "kind", "amount",
    "occurred_at", "state", "recorded_at",
)  # fmt: skip


class RefundTooLargeError(DomainError):
    """More would go back than was charged."""

    code = "refund_too_large"


class State(StrEnum):
    """What became of one refund."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    PARKED = "parked"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one refund of a list, in the list's order."""

    key: tuple[str, str]
    state: State
    purchase_id: int | None = None
    problem: DomainError | None = None


@dataclass(slots=True)
class Recorded:
    """What became of a list of refunds, and the purchases to settle again."""

    outcomes: list[Outcome] = field(default_factory=list)
    to_credit: set[int] = field(default_factory=set)


def record(refunds: Sequence[facts.Refund]) -> Recorded:
    """Record refunds; one that is wrong harms no other.

    The purchases are locked first, in the order of their ids, so two refunds
    of one purchase cannot both take its last cent.
    """
    readable = [fact for fact in refunds if not _name_faults(fact)]
    orders = _orders(readable)
    known = _known(readable)
    if any(_has_order(fact, known) and _order(fact) not in orders for fact in readable):
        orders = _orders(readable)  # the order came, and had them applied, this instant
    fresh: dict[tuple[str, str], Refund] = {}
    outcomes = [_record_one(fact, orders, known, fresh) for fact in refunds]
    lost = _write(fresh)
    if lost:  # told twice at the same moment: theirs counts
        _undo(lost, orders)
        known |= _known(readable)
        for index, fact in enumerate(refunds):
            if (fact.source, fact.external_id) in lost:
                outcomes[index] = _record_one(fact, orders, known, fresh)
    recorded = Recorded(outcomes)
    for outcome in outcomes:
        if outcome.purchase_id and outcome.state in {State.CREATED, State.UPDATED}:
            recorded.to_credit.add(outcome.purchase_id)
    db.session.flush()  # the commission is settled on what is stored
    purchases.mark_changed(recorded.to_credit)
    return recorded


def apply_parked(purchase_ids: Iterable[int]) -> set[int]:
    """Apply refunds that came before their purchases; return the purchases they changed."""
    ids = sorted(set(purchase_ids))
    if not ids or not _has_parked():
        return set()
    waiting = db.session.execute(
        _parked(Refund.id, Purchase)
        .where(Purchase.id.in_(ids))
        .order_by(Purchase.id, Refund.id)
        .with_for_update(of=Purchase, key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    still = _still_parked([row.id for row in waiting])
    changed = set()
    for refund_id, purchase in waiting:
        refund = still.get(refund_id)
        if refund is None:
            continue
        if refund.amount <= purchase.total - purchase.refunded:
            purchase.refunded += refund.amount
            refund.purchase_id, refund.state = purchase.id, RefundState.APPLIED
            changed.add(purchase.id)
        else:  # more than was charged: it stays parked, on its order's page, for a person
            refund.purchase_id = purchase.id
    db.session.flush()  # the commission is settled on what is stored
    purchases.mark_changed(changed)
    return changed


def parked_orders() -> list[int]:
    """Return the purchases that parked refunds speak of, although they are here."""
    fits = Refund.amount <= Purchase.total - Purchase.refunded
    return list(db.session.scalars(_parked(Purchase.id).where(fits).distinct()))


def _still_parked(ids: list[int]) -> dict[int, Refund]:
    """Lock parked refunds whose orders are locked; those that just failed are not among them."""
    if not ids:
        return {}
    rows = db.session.scalars(
        sa.select(Refund)
        .where(Refund.id.in_(ids), _IS_PARKED)
        .order_by(Refund.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _parked(*columns: Any) -> sa.Select[Any]:
    """Return a query of parked refunds with their purchases, by any name of the order."""
    alias = sa.and_(
        OrderAlias.source == Refund.order_source, OrderAlias.alias == Refund.order_external_id
    )
    named = sa.func.coalesce(OrderAlias.external_id, Refund.order_external_id)
    order = sa.and_(Purchase.source == Refund.order_source, Purchase.external_id == named)
    return (
        sa.select(*columns)
        .select_from(Refund)
        .outerjoin(OrderAlias, alias)
        .join(Purchase, order)
        .where(_IS_PARKED)
    )


# Written out in the statement: only so is the index of the few parked ones found by both databases.
_IS_PARKED = Refund.state == sa.literal(RefundState.PARKED, Refund.state.type, literal_execute=True)
_HAS_PARKED = sa.select(Refund.id).where(_IS_PARKED).limit(1)


def _has_parked() -> bool:
    return run(_HAS_PARKED).scalar() is not None


def _orders(refunds: Sequence[facts.Refund]) -> dict[tuple[str, str], Purchase]:
    """Return the purchases the refunds speak of, locked, by the names they use."""
    names = {_order(fact) for fact in refunds}
    real = {name: name for name in names}
    for source in {source for source, _order in names}:
        aliases = sa.select(OrderAlias.alias, OrderAlias.external_id).where(
            OrderAlias.source == source,
            OrderAlias.alias.in_([order for other, order in names if other == source]),
        )
        for row in db.session.execute(aliases):
            real[source, row.alias] = (source, row.external_id)
    found: dict[tuple[str, str], Purchase] = {}
    for source in sorted({source for source, _order in real.values()}):
        orders = [order for other, order in real.values() if other == source]
        rows = db.session.scalars(
            sa.select(Purchase)
            .where(
                Purchase.source == source,
                Purchase.external_id.in_(orders),
            )
            .order_by(Purchase.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        found |= {(source, row.external_id): row for row in rows}
    return {name: found[order] for name, order in real.items() if order in found}


def state_of(source: str, external_id: str) -> RefundState | None:
    """Return where a refund stands, None where nobody told it."""
    return db.session.scalar(
        sa.select(Refund.state).where(Refund.source == source, Refund.external_id == external_id)
    )


def _known(refunds: Sequence[facts.Refund]) -> dict[tuple[str, str], Refund]:
    known: dict[tuple[str, str], Refund] = {}
    for source in {fact.source for fact in refunds}:
        rows = db.session.scalars(
            sa.select(Refund)
            .where(
                Refund.source == source,
                Refund.external_id.in_([f.external_id for f in refunds if f.source == source]),
            )
            .order_by(Refund.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        known |= {(source, row.external_id): row for row in rows}
    return known


def _order(fact: facts.Refund) -> tuple[str, str]:
    return fact.order_source, fact.order_external_id


def _has_order(fact: facts.Refund, known: dict[tuple[str, str], Refund]) -> bool:
    refund = known.get((fact.source, fact.external_id))
    return refund is not None and refund.purchase_id is not None


def _record_one(
    fact: facts.Refund,
    orders: dict[tuple[str, str], Purchase],
    known: dict[tuple[str, str], Refund],
    fresh: dict[tuple[str, str], Refund],
) -> Outcome:
    key = (fact.source, fact.external_id)
    purchase = orders.get(_order(fact))
    problem = _problem(fact, purchase)
    if problem:
        return Outcome(key, State.REFUSED, problem=problem)
    if key in known:
        return _again(fact, known[key], purchase)
    is_refused = purchase is not None and (
        fact.state == "succeeded" and fact.amount > purchase.total - purchase.refunded
    )
    if is_refused and purchase is not None:
        return Outcome(key, State.REFUSED, purchase.id, _too_large(fact, purchase))
    known[key] = fresh[key] = _new(fact, purchase)
    if purchase is None:
        return Outcome(key, State.PARKED)
    if fact.state == "succeeded":
        purchase.refunded += fact.amount
    return Outcome(key, State.CREATED, purchase.id)


def _write(fresh: dict[tuple[str, str], Refund]) -> dict[tuple[str, str], Refund]:
    """Insert refunds and return those that somebody else wrote at the same moment."""
    if not fresh:
        return {}
    rows = [
        {name: getattr(refund, name) for name in _COLUMNS} for _key, refund in sorted(fresh.items())
    ]
    insert = upsert_dialect().insert(Refund)
    statement = insert.on_conflict_do_nothing(index_elements=["source", "external_id"])
    keys = db.session.execute(statement.returning(Refund.source, Refund.external_id), rows)
    written = {(row.source, row.external_id) for row in keys}
    return {key: refund for key, refund in fresh.items() if key not in written}


def _undo(lost: dict[tuple[str, str], Refund], orders: dict[tuple[str, str], Purchase]) -> None:
    for refund in lost.values():
        if refund.state is RefundState.APPLIED:
            orders[refund.order_source, refund.order_external_id].refunded -= refund.amount


def _new(fact: facts.Refund, purchase: Purchase | None) -> Refund:
    state = RefundState.APPLIED if purchase else RefundState.PARKED
    return Refund(
        source=fact.source, external_id=fact.external_id, order_source=fact.order_source,
        order_external_id=fact.order_external_id, kind=RefundKind(fact.kind), amount=fact.amount,
        purchase_id=purchase.id if purchase else None, occurred_at=fact.occurred_at,
        state=RefundState.FAILED if fact.state == "failed" else state, recorded_at=clock.now(),
    )  # fmt: skip


def _again(fact: facts.Refund, refund: Refund, purchase: Purchase | None) -> Outcome:
    """Answer a refund that is known: the same, failed since, or contradicted."""
    key = (fact.source, fact.external_id)
    if refund.amount != fact.amount:
        problem = ConflictError(
            _("Refund %(refund)s is recorded with another amount.", refund=fact.external_id)
        )
        return Outcome(key, State.REFUSED, refund.purchase_id, problem)
    if fact.state == "failed" and refund.state is not RefundState.FAILED:
        if refund.state is RefundState.APPLIED and purchase is not None:
            purchase.refunded -= refund.amount
        refund.state = RefundState.FAILED  # and failed it stays, whatever comes late
        return Outcome(key, State.UPDATED, refund.purchase_id)
    if refund.state is RefundState.PARKED:
        return Outcome(key, State.PARKED)
    return Outcome(key, State.UNCHANGED, refund.purchase_id)


def _too_large(fact: facts.Refund, purchase: Purchase) -> RefundTooLargeError:
    left = money.to_major(purchase.total - purchase.refunded, purchase.currency)
    return RefundTooLargeError(
        _(
            "Order %(order)s has %(left)s %(currency)s left to refund; %(asked)s is more.",
            order=purchase.external_id,
            left=left,
            currency=purchase.currency,
            asked=money.to_major(fact.amount, purchase.currency),
        )
    )


def _name_faults(fact: facts.Refund) -> list[Fault]:
    """Return which names no order or refund can have; nothing is looked up by them."""
    return [
        Fault(f"/{name}", _("use 1 to %(n)s characters", n=longest))
        for name, longest in _NAMES.items()
        if not (text := getattr(fact, name)).strip()
        or len(text) > longest
        or any(ord(symbol) < 32 or "\ud800" <= symbol <= "\udfff" for symbol in text)
    ]


def _problem(fact: facts.Refund, purchase: Purchase | None) -> DomainError | None:
    faults = []
    if not 0 < fact.amount <= money.LARGEST:
        faults.append(Fault("/amount", _("use minor units above zero")))
    faults += _name_faults(fact)
    if purchase is not None and fact.currency and fact.currency.upper() != purchase.currency:
        faults.append(
            Fault("/currency", _("the order is in %(currency)s", currency=purchase.currency))
        )
    if not 1900 < fact.occurred_at.year < 2200:
        faults.append(Fault("/occurred_at", _("use the day of the refund")))
    elif purchase is not None and fact.occurred_at < purchase.occurred_at - _CLOCKS_DIFFER:
        faults.append(Fault("/occurred_at", _("a refund cannot come before its order")))
    if not faults:
        return None
    return InvalidInputError(_("This refund cannot be recorded."), faults=faults)
