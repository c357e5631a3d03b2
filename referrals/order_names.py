"""One order under several names: a shop speaks of a payment, a charge, a session, an invoice.

Every name that a shop uses has a row that leads to the order's own id in one
step, the own id included.  Rows are inserted before they are read and stay
locked, so two messages about one order, told at the same instant in different
names, agree on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from core.db import db, many, run, upsert_dialect
from integrations import facts
from referrals.models import OrderAlias, Purchase


def join(source: str, names: Sequence[str]) -> str:
    """Say that these names mean one order and return the id it goes by.

    An order that is recorded keeps its id; before that the first name is taken.

    Args:
        source: The shop that uses the names.
        names: At least one, at most 150 characters each, the preferred one first.
    """
    rows = [
        {"source": source, "alias": name, "external_id": names[0]} for name in sorted(set(names))
    ]
    insert = upsert_dialect().insert(OrderAlias).on_conflict_do_nothing()
    db.session.execute(insert, rows)
    query = (
        sa.select(OrderAlias.alias, OrderAlias.external_id)
        .where(OrderAlias.source == source, OrderAlias.alias.in_(names))
        .order_by(OrderAlias.alias)
        .with_for_update()
    )
    leads = {row.alias: row.external_id for row in db.session.execute(query)}
    own = _own_id(source, names, set(leads.values()))
    others = {external_id for external_id in leads.values() if external_id != own}
    if others:
        db.session.execute(
            sa.update(OrderAlias)
            .where(OrderAlias.source == source, OrderAlias.external_id.in_(others))
            .values(external_id=own)
        )
    return own


def known(told: Sequence[facts.Purchase]) -> list[facts.Purchase]:
    """Return purchases under the ids their orders are recorded by, where that is another name.

    A file of history may call an order by its payment that a message called by its invoice.
    """
    by_source: dict[str, list[str]] = {}
    for fact in told:
        by_source.setdefault(fact.source, []).append(fact.external_id)
    own: dict[tuple[str, str], str] = {}
    for source, names in by_source.items():
        rows = run(_RECORDED, {"source": source, "ids": names})
        own |= {(source, row.alias): row.external_id for row in rows}
    if not own:
        return list(told)
    return [
        replace(fact, external_id=own.get((fact.source, fact.external_id), fact.external_id))
        for fact in told
    ]


_RECORDED = (
    sa.select(OrderAlias.alias, OrderAlias.external_id)
    .join(
        Purchase,
        sa.and_(
            Purchase.source == OrderAlias.source, Purchase.external_id == OrderAlias.external_id
        ),
    )
    .where(
        OrderAlias.source == sa.bindparam("source"),
        OrderAlias.alias.in_(many()),
        OrderAlias.alias != OrderAlias.external_id,
    )
)


def names_of(source: str, name: str) -> set[str]:
    """Return every name of the order that goes by this one, itself included."""
    own = sa.select(OrderAlias.external_id).where(
        OrderAlias.source == source, OrderAlias.alias == name
    )
    query = sa.select(OrderAlias.alias).where(
        OrderAlias.source == source, OrderAlias.external_id == own.scalar_subquery()
    )
    return {name, *db.session.scalars(query)}


def recorded(source: str, names: Sequence[str]) -> int | None:
    """Return the purchase that goes by one of these joined names, or None."""
    own = sa.select(OrderAlias.external_id).where(
        OrderAlias.source == source, OrderAlias.alias.in_(names)
    )
    return db.session.scalar(
        sa.select(Purchase.id).where(Purchase.source == source, Purchase.external_id.in_(own))
    )


def _own_id(source: str, names: Sequence[str], led_to: set[str]) -> str:
    known = db.session.scalar(
        sa.select(Purchase.external_id)
        .where(Purchase.source == source, Purchase.external_id.in_({*names, *led_to}))
        .order_by(Purchase.id)
        .limit(1)
    )
    if known is not None:
        return known
    return next((name for name in names if name in led_to), sorted(led_to)[0])
