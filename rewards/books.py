"""The books: what each month comes to, and months that are closed and never change.

An entry counts in the month in which it occurred.  Once that month is closed it counts when it
was recorded instead, and is a correction that names where it comes from.  Closing takes the
row that every new entry reads under a lock, so no entry slips into a month that was summed up.

Debits are positive, as in the ledger; a balance sheet's sides are told apart by their sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns import spend
from campaigns.models_closed import Books
from core import clock
from core.db import db
from core.errors import ConflictError, NotFoundError
from core.money import POINTS
from rewards import ledger
from rewards.models import Account, Entry, Posting
from rewards.models_books import ClosedBalance, ClosedDocument, ClosedMonth

BOOKED = sa.func.coalesce(Entry.booked_at, Entry.occurred_at)
_ATTEMPTS = 20  # to make the papers while nothing new is recorded


class NotOverError(ConflictError):
    """A month can be closed once it is over, and after the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One account in one currency over a month, in minor units."""

    currency: str
    account: Account
    opening: int  # signed: debits positive
    debit: int
    credit: int

    @property
    def closing(self) -> int:
        """What stands at the end of the month."""
        return self.opening + self.debit - self.credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Accrued = reversed + what it has become, at the end of a month in one currency."""

    currency: str
    accrued: int  # commissions, bonuses and reinstatements since the beginning
    reversed: int  # clawbacks
    stands: dict[Account, int]  # what it has become: owed, under way, paid, taken as perks

    @property
    def difference(self) -> int:
        """Zero, or the books are wrong."""
        return self.accrued - self.reversed - sum(self.stands.values())


def closed_through() -> str | None:
    """Return the last closed month, or None."""
    return db.session.scalar(sa.select(Books.closed_through).where(Books.id == 1))


def closed_months() -> list[ClosedMonth]:
    """Return the closed months, the latest first."""
    return list(db.session.scalars(sa.select(ClosedMonth).order_by(ClosedMonth.month.desc())))


def closed(month: str) -> ClosedMonth | None:
    """Return a month that is closed, or None."""
    return db.session.get(ClosedMonth, month)


def document(month: str, name: str) -> str:
    """Return a report as its month was closed with; raises NotFoundError."""
    found = db.session.get(ClosedDocument, (month, name))
    if found is None:
        raise NotFoundError(_("There is no such document of a closed month."))
    return found.body


def documents(month: str) -> list[str]:
    """Return the names of the documents that a month was closed with."""
    query = sa.select(ClosedDocument.name).where(ClosedDocument.month == month)
    return list(db.session.scalars(query.order_by(ClosedDocument.name)))


def require_closable(month: str) -> None:
    """Refuse to close a month that is not over or not the next.

    Raises:
        NotOverError: It is still running, closed already, or another comes first.
    """
    now = clock.local_month(clock.now(), program.current().timezone)
    last = closed_through()
    if month >= now:
        raise NotOverError(_("%(month)s is not over yet.", month=month))
    if last is not None and month != _after(last):
        raise NotOverError(
            _("Months are closed one after the other; the next is %(month)s.", month=_after(last))
        )


def close(month: str, bounds: tuple[datetime, datetime], *, by: str,
          papers: Callable[[], Mapping[str, str]]) -> ClosedMonth:  # fmt: skip
    """Close a month: keep its balances and documents, and book what comes later elsewhere.

    Args:
        month: `YYYY-MM`, over, and the one after the last that was closed.
        bounds: Its first instant and the first after it.
        by: Who closes it, as the audit log names people.
        papers: Makes the reports of the month, by the names of their files.

    Raises:
        NotOverError: As `require_closable`.
        ConflictError: Something new was recorded again and again.
    """
    require_closable(month)
    row, told = _locked(bounds[1], papers)
    require_closable(month)
    # A time zone that changed moves the edges of months: nothing falls between two of them.
    found = trial_balance(row.closed_until or bounds[0], bounds[1])
    db.session.add_all(
        ClosedBalance(
            month=month, currency=one.currency, account=one.account, opening=one.opening,
            debit=one.debit, credit=one.credit,
        )
        for one in found
    )  # fmt: skip
    db.session.add_all(
        ClosedDocument(month=month, name=name, body=body) for name, body in told.items()
    )
    last = db.session.get(ClosedMonth, row.closed_through) if row.closed_through else None
    made = ClosedMonth(
        month=month, closed_at=clock.now(), closed_by=by,
        digest=_digest(month, found, told, last.digest if last else ""),
    )  # fmt: skip
    db.session.add(made)
    row.closed_through, row.closed_until = month, bounds[1]
    db.session.flush()  # the act and its audit line stand together
    audit.record("books.close", "month", month, {"digest": made.digest})
    return made


def trial_balance(start: datetime, end: datetime) -> list[Balance]:
    """Return every account's opening balance, debits and credits from an instant to another."""
    before = sa.func.sum(sa.case((start > BOOKED, Posting.amount), else_=0))
    inside = start <= BOOKED
    debit = sa.func.sum(sa.case((sa.and_(inside, Posting.amount > 0), Posting.amount), else_=0))
    credit = -sa.func.sum(sa.case((sa.and_(inside, Posting.amount < 0), Posting.amount), else_=0))
    query = (
        sa.select(Posting.currency, Posting.account, before, debit, credit)
        .join(Entry, Entry.id == Posting.entry_id)
        .where(end > BOOKED, Posting.currency != POINTS)
        .group_by(Posting.currency, Posting.account)
    )
    found = [
        Balance(
            currency=row[0], account=row[1], opening=int(row[2]), debit=int(row[3]),
            credit=int(row[4]),
        )
        for row in db.session.execute(query)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.currency, list(Account).index(one.account)))


def closed_balance(month: str) -> list[Balance]:
    """Return the balances that a month was closed with."""
    query = sa.select(ClosedBalance).where(ClosedBalance.month == month)
    found = [
        Balance(
            currency=one.currency, account=one.account, opening=one.opening, debit=one.debit,
            credit=one.credit,
        )
        for one in db.session.scalars(query)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.currency, list(Account).index(one.account)))


def proofs(end: datetime) -> list[Proof]:
    """Return for each currency that what was accrued is all somewhere, at an instant."""
    is_cost = Posting.account.in_(ledger.COSTS)
    query = (
        sa.select(
            Posting.currency, Posting.account,
            sa.func.sum(sa.case((Posting.amount > 0, Posting.amount), else_=0)),
            sa.func.sum(sa.case((Posting.amount < 0, Posting.amount), else_=0)),
            is_cost,
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .where(end > BOOKED, Posting.currency != POINTS)
        .group_by(Posting.currency, Posting.account, is_cost)
    )  # fmt: skip
    rows = list(db.session.execute(query))
    return [_proof(currency, rows) for currency in sorted({row[0] for row in rows})]


def _proof(currency: str, rows: Sequence[Any]) -> Proof:
    own = [row for row in rows if row[0] == currency]
    return Proof(
        currency=currency,
        accrued=sum(int(row[2]) for row in own if row[4]),
        reversed=-sum(int(row[3]) for row in own if row[4]),
        stands={row[1]: -int(row[2] + row[3]) for row in own if not row[4]},
    )


def liabilities(at: datetime) -> list[Any]:
    """Return what each ambassador was owed at an instant: pending, held, payable, in transit."""
    kinds = (Account.PENDING, Account.HELD, Account.PAYABLE, Account.TRANSIT)

    def on(account: Account) -> Any:
        amount = sa.case((Posting.account == account, Posting.amount), else_=0)
        return (-sa.func.sum(amount)).label(account.value)

    query = (
        sa.select(Posting.ambassador_id, Posting.currency, *map(on, kinds))
        .join(Entry, Entry.id == Posting.entry_id)
        .where(at > BOOKED, Posting.account.in_(kinds), Posting.ambassador_id.is_not(None))
        .group_by(Posting.ambassador_id, Posting.currency)
        .having(sa.or_(*(on(kind).element != 0 for kind in kinds)))
        .order_by(Posting.currency, Posting.ambassador_id)
    )
    return list(db.session.execute(query))


def _after(month: str) -> str:
    count = int(month[:4]) * 12 + int(month[5:])
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def _locked(
    end: datetime, papers: Callable[[], Mapping[str, str]]
) -> tuple[Books, Mapping[str, str]]:
    """Return the locked row of the books, and papers that hold all that came before the lock."""
    for _attempt in range(_ATTEMPTS):
        before, told = _last_told(end), papers()  # takes its time, while nobody waits
        row = db.session.get_one(Books, 1, with_for_update=True, populate_existing=True)
        if _last_told(end) == before:
            return row, told
        db.session.rollback()  # papers may not be made while others wait
    raise ConflictError(_("Much is being recorded just now; close the month in a moment."))


def _last_told(end: datetime) -> tuple[int | None, int | None]:
    """Return the last entry that counts before an instant and the last line of spend.

    They tell whether another came.
    """
    entries = sa.select(sa.func.max(Entry.id)).where(end > BOOKED)
    return db.session.scalar(entries), spend.last_line()


def _digest(month: str, found: Sequence[Balance], papers: Mapping[str, str], before: str) -> str:
    """Return SHA-256 over a month's figures and documents and the digest of the month before."""
    told = [month, before]
    told += [
        f"{one.currency} {one.account.value} {one.opening} {one.debit} {one.credit}"
        for one in found
    ]  # fmt: skip
    told += [f"{name}\n{body}" for name, body in sorted(papers.items())]
    return hashlib.sha256("\n\0".join(told).encode()).hexdigest()


def broken_seals() -> Iterator[tuple[str, str]]:
    """Yield closed months that do not hold any more, and what is wrong with each (M12)."""
    before = ""
    for one in reversed(closed_months()):
        papers = {name: document(one.month, name) for name in documents(one.month)}
        if _digest(one.month, closed_balance(one.month), papers, before) != one.digest:
            yield one.month, "its kept figures do not fit their digest"
        before = one.digest
    yield from _moved()


def _moved() -> Iterator[tuple[str, str]]:
    """Yield the last closed month if the ledger says by now that it ended with other balances."""
    row = db.session.get_one(Books, 1)
    if row.closed_through is None or row.closed_until is None:
        return
    kept = {(one.currency, one.account): one.closing for one in closed_balance(row.closed_through)}
    live = {
        (one.currency, one.account): one.closing
        for one in trial_balance(row.closed_until, row.closed_until)
    }
    if any(kept.get(key, 0) != live.get(key, 0) for key in kept.keys() | live.keys()):
        yield row.closed_through, "the ledger holds other balances at its end than were kept"
