"""Customers: who bought, known by e-mail and by the shops' own ids.

A purchase may name its customer twice.  When the two names belong to two
customers, they were one person all along: the younger record is merged into
the older one.  A customer is new on their first paid purchase and existing on
every later one, in the order of time and then of arrival; that first purchase
is kept on the customer, so history that arrives late moves one pointer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from ambassadors.models import Member
from core import clock, emails
from core.db import db, many, run, upsert_dialect
from integrations import facts
from referrals.models import Binding, Customer, CustomerIdentity, Purchase, PurchaseStatus


def identities(fact: facts.Purchase) -> list[str]:
    """Return the names by which a purchase knows its customer, none for a stranger."""
    names = []
    digest = emails.digest(fact.email)
    if digest:
        names.append(f"email:{digest}")
    if fact.customer_external_id:
        names.append(f"id:{fact.source}:{fact.customer_external_id}")
    return names


@dataclass(slots=True)
class _People:
    """Identities that belong together, found by union."""

    parent: dict[str, str] = field(default_factory=dict)

    def root(self, name: str) -> str:
        self.parent.setdefault(name, name)
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def join(self, names: Sequence[str]) -> None:
        for name in names:
            self.parent[self.root(name)] = self.root(names[0])


@dataclass(slots=True)
class Resolved:
    """The customer of each purchase, None where it names nobody.

    `disturbed` are earlier purchases of customers who turned out to be one: what is known
    of either, such as the member they are, now holds for all of them.
    """

    customer_ids: list[int | None]
    disturbed: set[int]


def resolve(purchases: Sequence[facts.Purchase]) -> Resolved:
    """Return the customer of each purchase, making and merging customers as needed.

    Issues a constant number of statements where nobody has to be merged.
    """
    named = [identities(fact) for fact in purchases]
    people = _People()
    for names in named:
        people.join(names)
    known = _known(people.parent)
    for names in _by_customer(known):  # one customer under several names is one person
        people.join(names)
    disturbed: set[int] = set()
    customer_of = _merge(people, known, disturbed)
    newcomers = sorted({people.root(names[0]) for names in named if names} - customer_of.keys())
    customer_of |= _create(newcomers, people, purchases, named)
    _name(people, customer_of, known, disturbed)
    ids = [customer_of[people.root(names[0])] if names else None for names in named]
    return Resolved(ids, disturbed)


def resolve_locked(purchases: Sequence[facts.Purchase]) -> Resolved:
    """Resolve customers and lock them, so that nobody merges them away until the commit."""
    disturbed: set[int] = set()
    while True:
        resolved = resolve(purchases)
        disturbed |= resolved.disturbed
        wanted = {i for i in resolved.customer_ids if i is not None}
        if wanted == lock(wanted).keys():
            return Resolved(resolved.customer_ids, disturbed)


# Not the lock that keeps out rows which point here: two who both added such rows would
# wait for each other.
_LOCK = (
    sa.select(Customer)
    .where(Customer.id.in_(many()))
    .order_by(Customer.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_LOCK_TO_DELETE = (
    sa.select(Customer.id).where(Customer.id.in_(many())).order_by(Customer.id).with_for_update()
)


def lock(customer_ids: Iterable[int | None]) -> dict[int, Customer]:
    """Lock customers, in the order of their ids, and return them.

    What follows sees every purchase that others recorded for them before.
    """
    ids = sorted({i for i in customer_ids if i is not None})
    if not ids:
        return {}
    rows = db.session.scalars(_LOCK, {"ids": ids})
    return {customer.id: customer for customer in rows}


_RANK = sa.func.row_number().over(
    partition_by=Purchase.customer_id, order_by=(Purchase.occurred_at, Purchase.id)
)
_RANKED = (
    sa.select(Purchase.customer_id, Purchase.id, Purchase.occurred_at, _RANK.label("place"))
    .where(
        Purchase.customer_id.in_(many()),
        Purchase.status == PurchaseStatus.PAID,
        Purchase.is_test.is_(False),
    )
    .subquery()
)
_FIRST = sa.select(_RANKED).where(_RANKED.c.place == 1)


def refresh_first(customer_ids: Iterable[int]) -> dict[int, tuple[int | None, int | None]]:
    """Point locked customers at their first paid purchase.

    Returns:
        For each customer whose first purchase changed: the old and the new id.
    """
    locked = lock(customer_ids)
    rows = run(_FIRST, {"ids": list(locked)})
    first = {row.customer_id: (row.id, row.occurred_at) for row in rows}
    moved = {}
    for customer in locked.values():
        new_id, new_at = first.get(customer.id, (None, None))
        if customer.first_purchase_id != new_id:
            moved[customer.id] = (customer.first_purchase_id, new_id)
            customer.first_purchase_id, customer.first_purchased_at = new_id, new_at
    db.session.flush()  # what follows reads the pointers
    return moved


def link_members(customer_ids: Iterable[int] | None = None) -> list[int]:
    """Link customers to the members who have the same e-mail; return the customers linked."""
    if customer_ids is None:
        return list(db.session.scalars(_LINK).all())
    return list(run(_LINK_THESE, {"ids": list(customer_ids)}).scalars().all())


_SAME_ADDRESS = (
    sa.select(Member.id)
    .join(CustomerIdentity, CustomerIdentity.key == sa.literal("email:") + Member.email_hash)
    .where(CustomerIdentity.customer_id == Customer.id)
    .limit(1)
    .scalar_subquery()
)
_LINK = (
    sa.update(Customer)
    .where(Customer.member_id.is_(None), _SAME_ADDRESS.is_not(None))
    .values(member_id=_SAME_ADDRESS)
    .returning(Customer.id)
    .execution_options(synchronize_session=False)
)
_LINK_THESE = _LINK.where(Customer.id.in_(many()))


def _by_customer(known: dict[str, int]) -> Iterable[list[str]]:
    groups: dict[int, list[str]] = {}
    for name, customer_id in known.items():
        groups.setdefault(customer_id, []).append(name)
    return groups.values()


_IDENTITIES = sa.select(CustomerIdentity.key, CustomerIdentity.customer_id).where(
    CustomerIdentity.key.in_(many())
)


def _known(names: Iterable[str]) -> dict[str, int]:
    rows = run(_IDENTITIES, {"ids": sorted(names)})
    return {row.key: row.customer_id for row in rows}


def _merge(people: _People, known: dict[str, int], disturbed: set[int]) -> dict[str, int]:
    """Return the customer of each group that has one; of several, the oldest stays."""
    groups: dict[str, set[int]] = {}
    for name, customer_id in known.items():
        groups.setdefault(people.root(name), set()).add(customer_id)
    customer_of = {}
    for root, ids in groups.items():
        oldest, *others = sorted(ids)
        customer_of[root] = oldest
        if others:
            disturbed |= _absorb(oldest, others)
    return customer_of


def _absorb(oldest: int, others: list[int]) -> set[int]:
    """Give all that is known of some customers to the oldest record; return their purchases."""
    same = [oldest, *others]
    db.session.execute(_LOCK_TO_DELETE, {"ids": same}).all()
    theirs = set(db.session.scalars(sa.select(Purchase.id).where(Purchase.customer_id.in_(same))))
    for table in (Purchase, CustomerIdentity):
        db.session.execute(
            sa.update(table).where(table.customer_id.in_(others)).values(customer_id=oldest)
        )
    members = sa.select(Customer.member_id).where(
        Customer.id.in_(same), Customer.member_id.is_not(None)
    )
    member_id = db.session.scalar(members.order_by(Customer.id).limit(1))
    db.session.execute(sa.update(Customer).where(Customer.id == oldest).values(member_id=member_id))
    bound = [f"customer:{customer_id}" for customer_id in others]
    db.session.execute(sa.delete(Binding).where(Binding.key.in_(bound)))  # decided anew
    db.session.execute(sa.delete(Customer).where(Customer.id.in_(others)))
    return theirs


def _create(
    roots: list[str],
    people: _People,
    purchases: Sequence[facts.Purchase],
    named: list[list[str]],
) -> dict[str, int]:
    """Insert a customer for each group that has none, and return their ids."""
    if not roots:
        return {}
    country = {
        people.root(names[0]): fact.country.upper() if fact.country else None
        for fact, names in zip(reversed(purchases), reversed(named), strict=True)
        if names
    }
    made = run(
        sa.insert(Customer).returning(Customer.id, Customer.country),
        [{"country": country[root], "created_at": clock.now()} for root in roots],
    )
    free: dict[str | None, list[int]] = {}  # rows come back in any order on SQLite
    for row in sorted(made, key=lambda one: -one.id):
        free.setdefault(row.country, []).append(row.id)
    return {root: free[country[root]].pop() for root in roots}


def _name(
    people: _People, customer_of: dict[str, int], known: dict[str, int], disturbed: set[int]
) -> None:
    """Write the identities that are new; if somebody else just did, theirs count."""
    missing = sorted(name for name in people.parent if name not in known)
    if not missing:
        return
    rows = [{"key": name, "customer_id": customer_of[people.root(name)]} for name in missing]
    statement = upsert_dialect().insert(CustomerIdentity).on_conflict_do_nothing()
    written = set(run(statement.returning(CustomerIdentity.key), rows).scalars())
    lost = [name for name in missing if name not in written]
    for name, winner in _known(lost).items() if lost else ():
        loser = customer_of[people.root(name)]
        if loser != winner:
            disturbed |= _absorb(min(winner, loser), [max(winner, loser)])
            customer_of[people.root(name)] = min(winner, loser)
