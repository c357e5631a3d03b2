"""The double-entry ledger: the only place where owed money changes.

Each change is an entry of two or more postings that add up to zero in every
currency.  Entries are never edited or deleted (the database refuses it): a
refund is answered by a new entry, so the history always adds up.

Amounts are signed integers in minor units (cents for USD, yen for JPY).  A
debit is positive and a credit negative, so money we owe an ambassador is a
negative balance; `owed` flips the sign once, for people to read.

Nothing here commits.  The door that received the request commits once.

Source: the sign convention is Beancount's,
https://beancount.github.io/docs/the_double_entry_counting_method.html
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from campaigns.models_closed import Books
from core import clock
from core.db import db, many, run, upsert_dialect
from core.errors import ConflictError, DomainError
from core.money import POINTS
from rewards.models import Account, Entry, EntryKind, Posting

COSTS = (Account.EXPENSE, Account.BONUS, Account.POINTS_GIVEN)  # what the program has cost
OWED = (Account.PENDING, Account.HELD, Account.PAYABLE)  # what an ambassador is owed stands here


class UnbalancedEntryError(DomainError):
    """The postings of an entry do not add up to zero."""


class SourceReusedError(ConflictError):
    """A source key already names an entry with different postings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One posting to be: a signed amount on one account."""

    account: Account
    amount: int
    currency: str
    ambassador_id: int | None = None
    purchase_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One entry to be.

    `source` is the unique key of the fact behind it, at most 200 characters,
    such as `commission:17`; the same source again posts nothing.
    """

    kind: EntryKind
    source: str
    occurred_at: datetime
    legs: tuple[Leg, ...]


def move(
    amount: int,
    currency: str,
    *,
    debit: Account,
    credit: Account,
    ambassador_id: int,
    purchase_id: int | None = None,
) -> tuple[Leg, Leg]:
    """Return the two legs that move money from one account to another.

    Args:
        amount: Minor units to move, above zero.
        currency: ISO 4217 code in upper case, such as "USD".
        debit: The account that receives the amount.
        credit: The account that gives it.
        ambassador_id: Whose money moves.
        purchase_id: The purchase behind it, if there is one.
    """

    def leg(account: Account, signed: int) -> Leg:
        return Leg(
            account=account, amount=signed, currency=currency, ambassador_id=ambassador_id,
            purchase_id=purchase_id,
        )  # fmt: skip

    return leg(debit, amount), leg(credit, -amount)


def post(drafts: Sequence[Draft]) -> int:
    """Record entries, in a constant number of statements, and return how many are new.

    A source that is known posts nothing if its legs are the same, so a webhook
    that is delivered twice pays once.

    Raises:
        UnbalancedEntryError: The legs of a draft do not add up to zero.
        SourceReusedError: A source names an entry with other legs.
    """
    if not drafts:
        return 0
    for draft in drafts:
        _require_balance(draft)
    first = {draft.source: draft for draft in reversed(drafts)}
    ids = _insert_entries(list(first.values()))
    rows = [
        {
            "entry_id": ids[draft.source], "account": leg.account, "amount": leg.amount,
            "currency": leg.currency, "ambassador_id": leg.ambassador_id,
            "purchase_id": leg.purchase_id,
        }
        for draft in first.values()
        if draft.source in ids
        for leg in draft.legs
    ]  # fmt: skip
    if rows:
        run(sa.insert(Posting), rows)
    _require_same([d for d in drafts if d.source not in ids or d is not first[d.source]])
    return len(ids)


def owed(ambassador_id: int, account: Account, currency: str, *, as_of: datetime) -> int:
    """Return what we owe an ambassador on one account, in minor units.

    The answer is negative when a clawback came after the payout: the next
    commissions repay it.  Entries at `as_of` itself are counted.
    """
    balance = sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0)).join(Posting.entry)
    return -db.session.scalars(
        balance.where(
            Posting.ambassador_id == ambassador_id,
            Posting.account == account,
            Posting.currency == currency,
            Entry.occurred_at <= as_of,
        )
    ).one()


def balances(ambassador_id: int) -> dict[str, dict[Account, int]]:
    """Return what an ambassador is owed by currency and account, and was paid (CASH)."""
    rows = db.session.execute(
        sa.select(Posting.currency, Posting.account, sa.func.sum(Posting.amount))
        .where(
            Posting.ambassador_id == ambassador_id,
            Posting.currency != POINTS,
            Posting.account.not_in(COSTS),
        )
        .group_by(Posting.currency, Posting.account)
    )
    found: dict[str, dict[Account, int]] = {}
    for currency, account, total in rows:
        found.setdefault(currency, {})[account] = -int(total)
    return found


_BY_PURCHASE = (
    sa.select(
        Posting.purchase_id, Posting.ambassador_id, Posting.account,
        sa.func.sum(Posting.amount).label("total"),
    )
    .where(Posting.purchase_id.in_(many()))
    .group_by(Posting.purchase_id, Posting.ambassador_id, Posting.account)
)  # fmt: skip


def by_purchase(
    purchase_ids: Sequence[int],
) -> dict[tuple[int, int], dict[Account, int]]:
    """Return signed balances of purchases by (purchase, ambassador) and account."""
    rows = run(_BY_PURCHASE, {"ids": purchase_ids}) if purchase_ids else ()
    found: dict[tuple[int, int], dict[Account, int]] = {}
    for row in rows:
        found.setdefault((row.purchase_id, row.ambassador_id), {})[row.account] = int(row.total)
    return found


@functools.cache
def _insert(dialect: Any) -> Any:
    return (
        dialect.insert(Entry)
        .on_conflict_do_nothing(index_elements=["source"])
        .returning(Entry.id, Entry.source)
    )


def _insert_entries(drafts: Sequence[Draft]) -> dict[str, int]:
    """Insert entries whose source is new, and return their ids by source."""
    now, closed = clock.now(), _closed_until()
    rows = [
        {
            "kind": d.kind, "source": d.source, "occurred_at": d.occurred_at, "recorded_at": now,
            "booked_at": max(now, closed) if closed and d.occurred_at < closed else None,
        }
        for d in drafts
    ]  # fmt: skip
    return {row.source: row.id for row in run(_insert(upsert_dialect()), rows)}


def _closed_until() -> datetime | None:
    """Return up to when the books are closed, and keep them from being closed meanwhile."""
    return run(_CLOSED_UNTIL).scalar()


_CLOSED_UNTIL = sa.select(Books.closed_until).where(Books.id == 1).with_for_update(read=True)


def _require_balance(draft: Draft) -> None:
    totals: Counter[str] = Counter()
    for leg in draft.legs:
        totals[leg.currency] += leg.amount
    off = {currency: total for currency, total in totals.items() if total}
    if len(draft.legs) < 2 or off:
        raise UnbalancedEntryError(f"{draft.source} is off by {off or 'a missing leg'}")


def _require_same(repeated: list[Draft]) -> None:
    """Refuse a source that already names an entry with other legs."""
    if not repeated:
        return
    rows = db.session.execute(
        sa.select(
            Entry.source, Posting.ambassador_id, Posting.purchase_id, Posting.account,
            Posting.amount, Posting.currency,
        )
        .join(Posting.entry)
        .where(Entry.source.in_([draft.source for draft in repeated]))
    )  # fmt: skip
    known: dict[str, Counter[tuple[object, ...]]] = {}
    for source, *leg in rows:
        known.setdefault(source, Counter())[tuple(leg)] += 1
    for draft in repeated:
        legs = Counter(
            (leg.ambassador_id, leg.purchase_id, leg.account, leg.amount, leg.currency)
            for leg in draft.legs
        )
        if known.get(draft.source) != legs:
            raise SourceReusedError(f"{draft.source} was already recorded with other amounts")
