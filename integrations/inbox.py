"""The inbox: every outside message, kept raw and once, before anything is made of it.

A delivery is stored in the transaction that answers 2xx; its effects follow in
a transaction of their own and can be replayed by a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, mapped_column

from core import clock
from core.db import Model, PrimaryKey, UtcTime, affected, choice, db, upsert_dialect
from core.errors import NotFoundError

BODY_KEPT = timedelta(days=90)  # it names customers


class DeliveryState(StrEnum):
    """What became of a delivery."""

    STORED = "stored"
    PROCESSED = "processed"
    IGNORED = "ignored"  # valid, and nothing of ours
    FAILED = "failed"  # could not be understood or applied; waits for a person


class Delivery(Model):
    """One webhook, as it came."""

    __tablename__ = "inbox_delivery"
    __table_args__ = (
        sa.UniqueConstraint("provider", "event_id"),
        sa.Index("ix_inbox_delivery_state", "state", "received_at"),
    )

    id: Mapped[PrimaryKey]
    provider: Mapped[str] = mapped_column(sa.String(20))
    event_id: Mapped[str] = mapped_column(sa.String(200))
    kind: Mapped[str] = mapped_column(sa.String(100))
    body: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # None after its 90 days
    received_at: Mapped[UtcTime]
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState))
    attempts: Mapped[int]
    note: Mapped[str | None] = mapped_column(sa.String(500))


class NoSuchDeliveryError(NotFoundError):
    """There is no delivery of this number, or its body is gone after its 90 days."""


def store(
    provider: str, event_id: str, kind: str, body: bytes, *, is_ours: bool = True
) -> int | None:
    """Store a delivery once and return its id, or None if it is here already.

    Args:
        provider: `stripe`, `shopify`, ...
        event_id: The provider's name of the message, the same in each redelivery.
        kind: The provider's word for what it is about.
        body: As it came.
        is_ours: False stores it as ignored.
    """
    state = DeliveryState.STORED if is_ours else DeliveryState.IGNORED
    stored: int | None = db.session.scalar(
        upsert_dialect()
        .insert(Delivery)
        .values(
            provider=provider, event_id=event_id, kind=kind, body=body, attempts=0, state=state,
            received_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["provider", "event_id"])
        .returning(Delivery.id)
    )  # fmt: skip
    return stored


def claim(delivery_id: int, *, again: bool = False) -> Delivery | None:
    """Take a delivery for the caller's transaction; None if its effect is in already.

    Two workers cannot apply one delivery at once: the row stays locked until
    the effect is committed or rolled back.

    Args:
        delivery_id: Of the delivery.
        again: Also take one that was processed, ignored or failed.
    """
    query = sa.select(Delivery).where(Delivery.id == delivery_id).with_for_update()
    delivery = db.session.scalar(query.execution_options(populate_existing=True))
    if delivery is None or (delivery.state is not DeliveryState.STORED and not again):
        return None
    return delivery


def settle(delivery: Delivery, state: DeliveryState, note: str | None = None) -> None:
    """Write down what became of a delivery."""
    delivery.state = state
    delivery.attempts += 1
    delivery.note = note[:500] if note else None


def find(delivery_id: int) -> Delivery:
    """Return a delivery with its body.

    Raises:
        NoSuchDeliveryError: None, or without a body.
    """
    delivery = db.session.get(Delivery, delivery_id)
    if delivery is None or delivery.body is None:
        raise NoSuchDeliveryError(_("There is no such message that can be replayed."))
    return delivery


def waiting(*, before: datetime, limit: int = 100) -> list[int]:
    """Return deliveries whose effect never came: the process died, or the database was busy."""
    query = (
        sa.select(Delivery.id)
        .where(Delivery.state == DeliveryState.STORED, Delivery.received_at <= before)
        .order_by(Delivery.received_at, Delivery.id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def recent(*, state: DeliveryState | None = None, limit: int = 50) -> list[Delivery]:
    """Return the latest deliveries, the newest first."""
    query = sa.select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if state:
        query = query.where(Delivery.state == state)
    return list(db.session.scalars(query))


def sweep() -> int:
    """Forget the bodies of old deliveries that wait for nothing; return how many."""
    return affected(
        db.session.execute(
            sa.update(Delivery)
            .where(
                Delivery.received_at < clock.now() - BODY_KEPT, Delivery.body.is_not(None),
                Delivery.state != DeliveryState.STORED,
            )
            .values(body=None)
        )
    )  # fmt: skip


def counts() -> dict[str, int]:
    """Return how many deliveries stand where."""
    query = sa.select(Delivery.state, sa.func.count()).group_by(Delivery.state)
    found = {str(state): count for state, count in db.session.execute(query)}
    return {str(state): found.get(str(state), 0) for state in DeliveryState}
