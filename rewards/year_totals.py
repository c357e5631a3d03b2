"""The totals of a calendar year for each ambassador, and what tax offices are told of it.

Totals come from the ledger by the day on which things happened, in the program's time zone.
A declaration counts what was put at somebody's disposal in the year: payouts that arrived, less
those that came back, and earned money that was taken as perks; gifts stand beside it.

Source: CGI, art. 240 and 87 A (DAS2); 26 U.S.C. § 6041A (form 1099-NEC).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, Member
from core import clock
from core.db import db
from core.money import POINTS
from rewards import contract_meter, day_sums, thresholds
from rewards.models import Account, Entry, EntryKind, Posting
from rewards.models_contracts import TaxDetail, ThresholdKind
from rewards.statements import STANDS
from rewards.thresholds import Limit

PAID = (Account.CASH, Account.STORE_CREDIT, Account.PERKS)
COUNTRY = "US"  # of form 1099-NEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of a year's totals, and which lines of the ledger it sums up."""

    name: str
    accounts: tuple[Account, ...]
    kinds: tuple[EntryKind, ...] = ()  # all unless given
    is_cost: bool = False  # debits count up; elsewhere credits do
    is_balance: bool = False  # since the beginning, not of the year


_COSTS = (Account.EXPENSE, Account.BONUS)
FIGURES = (
    Figure(
        name="earned", accounts=_COSTS, kinds=(EntryKind.COMMISSION, EntryKind.BONUS), is_cost=True
    ),
    Figure(
        name="clawed_back", accounts=_COSTS, is_cost=True,
        kinds=(EntryKind.CLAWBACK, EntryKind.REINSTATEMENT, EntryKind.BONUS_BACK),
    ),
    Figure(name="paid", accounts=(Account.CASH,)),
    Figure(name="store_credit", accounts=(Account.STORE_CREDIT,)),
    Figure(name="perks", accounts=(Account.PERKS,)),
    Figure(name="owed", accounts=STANDS, is_balance=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What a year was for one ambassador in one currency, minor units."""

    ambassador_id: int
    name: str
    currency: str
    earned: int  # commissions and bonuses
    clawed_back: int  # below zero
    paid: int
    store_credit: int
    perks: int  # earned money that was taken as perks
    owed: int  # at the end of the year, or now


@dataclass(slots=True)
class Declared:
    """What a tax office is told of one person, minor units of the threshold's currency."""

    ambassador_id: int
    name: str
    country: str
    detail: TaxDetail | None  # what they said for declarations
    paid: int = 0
    gifts: int = 0
    unknown: set[str] = field(default_factory=set)  # currencies without a rate, not counted

    @property
    def total(self) -> int:
        """Money and gifts."""
        return self.paid + self.gifts


def years() -> list[int]:
    """Return the years in which the ledger moved, the latest first, at least this one."""
    zone = program.current().timezone
    this = clock.local_day(clock.now(), zone).year
    first = db.session.scalar(sa.select(sa.func.min(Entry.occurred_at)))
    return list(range(this, (clock.local_day(first, zone).year if first else this) - 1, -1))


def totals(year: int) -> list[Total]:
    """Return the totals of a year by name, a row for each currency."""
    start, end = clock.year_bounds(year, program.current().timezone)
    query = (
        sa.select(
            Ambassador.id.label("ambassador_id"), Member.name, Posting.currency,
            *(_of(figure, start).label(figure.name) for figure in FIGURES),
        )
        .join(Posting, Posting.ambassador_id == Ambassador.id)
        .join(Entry, Entry.id == Posting.entry_id)
        .join(Member, Member.id == Ambassador.member_id)
        .where(Entry.occurred_at < end, Posting.currency != POINTS)
        .group_by(Ambassador.id, Member.name, Posting.currency)
        .order_by(Member.name, Ambassador.id, Posting.currency)
    )  # fmt: skip
    return [Total(**row._mapping) for row in db.session.execute(query)]


def declared(
    kind: ThresholdKind, year: int, *, only: Collection[int] | None = None, near: int = 100
) -> tuple[Limit | None, list[Declared]]:
    """Return the threshold of a declaration and who is above it, the highest first.

    DAS2 is asked above the threshold, for everybody, with gifts; form 1099-NEC from it on,
    for people in the United States, with what was paid.

    Args:
        kind: Which declaration.
        year: Of the payments, in the program's time zone.
        only: Ambassadors to look at; all of them unless given.
        near: Name who is above this many per cent of the threshold.
    """
    limit = thresholds.of_year(kind, year)
    if limit is None:
        return None, []
    start, end = clock.year_bounds(year, program.current().timezone)
    paid = day_sums.rows(_paid(start, end, limit.currency, only), "ambassador_id")
    gifts = (
        day_sums.rows(contract_meter.gifts(year, limit.currency, only, None), "ambassador_id")
        if kind is ThresholdKind.DAS2
        else []
    )
    people = _people({row.ambassador_id for row in [*paid, *gifts]})
    book = day_sums.book([*paid, *gifts], limit.currency)
    for rows, name in ((paid, "paid"), (gifts, "gifts")):
        for row in rows:
            one, amount = people[row.ambassador_id], day_sums.told(row, limit.currency, book)
            if amount is None:
                one.unknown.add(row.currency)
            else:
                setattr(one, name, getattr(one, name) + amount)
    found = [
        one for one in people.values()
        if is_declared(one, kind, limit.amount * near) or one.unknown
    ]  # fmt: skip
    return limit, sorted(found, key=lambda one: (-one.total, one.ambassador_id))


def is_declared(one: Declared, kind: ThresholdKind, from_cents: int) -> bool:
    """Tell whether somebody is declared, from a hundredth of minor units on."""
    if kind is ThresholdKind.DAS2:
        return one.total * 100 > from_cents
    return one.country == COUNTRY and one.paid * 100 >= from_cents


def _of(figure: Figure, start: datetime) -> Any:
    """Return what a figure is, over entries up to the end of the year."""
    where: Any = Posting.account.in_(figure.accounts)
    if figure.kinds:
        where &= Entry.kind.in_(figure.kinds)
    if not figure.is_balance:
        where &= Entry.occurred_at >= start
    told = sa.func.coalesce(sa.func.sum(sa.case((where, Posting.amount), else_=0)), 0)
    return told if figure.is_cost else -told


def _paid(start: datetime, end: datetime, currency: str, only: Collection[int] | None) -> Any:
    query = (
        sa.select(
            Posting.ambassador_id, Posting.currency, (-Posting.amount).label("amount"),
            day_sums.day(Entry.occurred_at, Posting.currency, currency),
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .where(
            Posting.account.in_(PAID), Posting.ambassador_id.is_not(None),
            Posting.currency != POINTS, Entry.occurred_at >= start, Entry.occurred_at < end,
        )
    )  # fmt: skip
    return query if only is None else query.where(Posting.ambassador_id.in_(only))


def _people(ids: Iterable[int]) -> dict[int, Declared]:
    rows = db.session.execute(
        sa.select(Ambassador.id, Member.name, Member.country, TaxDetail)
        .join(Member, Member.id == Ambassador.member_id)
        .outerjoin(TaxDetail, TaxDetail.ambassador_id == Ambassador.id)
        .where(Ambassador.id.in_(ids))
    )
    return {
        row.id: Declared(
            row.id, row.TaxDetail.name if row.TaxDetail else row.name,
            (row.TaxDetail.country if row.TaxDetail else row.country) or "", row.TaxDetail,
        )
        for row in rows
    }  # fmt: skip
