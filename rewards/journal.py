"""The journal: the legs of entries that a figure of the books is made of, and their sums.

Whatever a page shows of the ledger can be asked for here: `Wanted` says which lines a figure
stands for, so the page, both files and the figure itself are read by the same condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core.db import db
from core.errors import NotFoundError
from core.money import POINTS
from referrals.models import Purchase
from rewards.books import BOOKED
from rewards.models import Account, Entry, EntryKind, Posting
from rewards.models_payouts import Payout

_BATCH = 1000  # rows in memory at once
_STEPS = ("", ":settled", ":returned")  # of a payout, in the sources of its entries


class Side(StrEnum):
    """Which column of the books."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines are meant: from an instant to another, narrowed by what is given."""

    start: datetime | None  # None: since the beginning
    end: datetime  # the first instant after
    as_occurred: bool = False  # by when it happened, not by when it is booked
    accounts: tuple[Account, ...] = ()
    kinds: tuple[EntryKind, ...] = ()
    ambassador_id: int | None = None
    currency: str | None = None
    side: Side | None = None
    payout_id: int | None = None
    corrections: bool = False  # only entries that occurred in a month that was closed by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One leg of an entry, as the journal has it."""

    entry_id: int
    source: str
    kind: EntryKind
    shop: str | None  # where the purchase behind it was made, and its number there
    order_id: str | None
    booked_at: datetime
    occurred_at: datetime
    account: Account
    amount: int  # debits positive
    currency: str
    ambassador_id: int | None
    is_correction: bool

    @property
    def purchase(self) -> str | None:
        """The purchase behind it, `api:1001`."""
        return f"{self.shop}:{self.order_id}" if self.shop else None

    @property
    def debit(self) -> int:
        """The amount, if it stands on the left."""
        return max(self.amount, 0)

    @property
    def credit(self) -> int:
        """The amount, if it stands on the right."""
        return max(-self.amount, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What lines come to in one currency, minor units."""

    currency: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Debits less credits."""
        return self.debit - self.credit


def lines(wanted: Wanted, *, limit: int | None = None) -> Iterator[Line]:
    """Yield lines in the order of their entries, `limit` at most."""
    query = _lines().where(*_where(wanted)).limit(limit)
    for row in db.session.execute(query.execution_options(yield_per=_BATCH)):
        yield _line(row)


def sums(wanted: Wanted) -> list[Sums]:
    """Return what all lines that are meant come to, currency by currency."""
    debit = sa.func.sum(sa.case((Posting.amount > 0, Posting.amount), else_=0))
    credit = -sa.func.sum(sa.case((Posting.amount < 0, Posting.amount), else_=0))
    query = (
        sa.select(Posting.currency, debit, credit)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(*_where(wanted))
        .group_by(Posting.currency)
        .order_by(Posting.currency)
    )
    return [
        Sums(currency=currency, debit=int(left), credit=int(right))
        for currency, left, right in db.session.execute(query)
    ]


def of_entry(entry_id: int) -> list[Line]:
    """Return every leg of an entry.

    Raises:
        NotFoundError: There is no such entry.
    """
    found = [_line(row) for row in db.session.execute(_lines().where(Entry.id == entry_id))]
    if not found:
        raise NotFoundError(_("There is no such entry."))
    return found


def payout_of(line: Line) -> Payout | None:
    """Return the payout that an entry moved, or None."""
    kind, _sep, rest = line.source.partition(":")
    number = rest.partition(":")[0]
    return db.session.get(Payout, int(number)) if kind == "payout" and number.isdecimal() else None


def _lines() -> Any:
    return (
        sa.select(
            Entry.id.label("entry_id"), Entry.source, Entry.kind, BOOKED.label("booked_at"),
            Entry.occurred_at, Posting.account, Posting.amount, Posting.currency,
            Posting.ambassador_id, Entry.booked_at.is_not(None).label("is_correction"),
            Purchase.source.label("shop"), Purchase.external_id.label("order_id"),
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .outerjoin(Purchase, Purchase.id == Posting.purchase_id)
        .order_by(Entry.id, Posting.id)
    )  # fmt: skip


def _line(row: Any) -> Line:
    return Line(**row._asdict() | {"is_correction": bool(row.is_correction)})


def _where(wanted: Wanted) -> list[Any]:
    at = Entry.occurred_at if wanted.as_occurred else BOOKED
    told: dict[str, Any] = {
        "accounts": Posting.account.in_(wanted.accounts), "kinds": Entry.kind.in_(wanted.kinds),
        "ambassador_id": Posting.ambassador_id == wanted.ambassador_id,
        "currency": Posting.currency == wanted.currency,
        "side": Posting.amount > 0 if wanted.side is Side.DEBIT else Posting.amount < 0,
        "payout_id": Entry.source.in_([f"payout:{wanted.payout_id}{step}" for step in _STEPS]),
        "corrections": Entry.booked_at.is_not(None),
    }  # fmt: skip
    if wanted.start is not None:
        told["start"] = at >= wanted.start
    narrowed = [where for name, where in told.items() if getattr(wanted, name)]
    return [Posting.currency != POINTS, at < wanted.end, *narrowed]
