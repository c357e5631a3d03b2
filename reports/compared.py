"""The people behind members against others: who counts as what, and who was compared with whom.

Everybody is a number, as in the copy that reports are read from: no name, no address.  Rows are
made for the slice that is asked for, as others may be a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from ambassadors import program
from core.errors import InvalidInputError
from reports import engine, members
from reports.matching import NEVER, Cell, Ints
from reports.models import Column, Kind, Period, Report

NAME = "members-people"
PAGE = 50
BLOCK = 5_000  # rows at a time on the way into a file
MOST_XLSX = 100_000  # rows of a workbook; more open badly, and a CSV file holds all
GROUPS = ("matched", "comparable", "members", "others")
MEASURES = ("aov", "frequency", "ltv", "churn", "mrr")
TEXT = _l(
    "The customers behind members against others, by number. Those who were compared stand in "
    "sets: members and others of the same month of the first purchase, a like first basket, the "
    "same country and channel. Of many others who are alike, 50 or ten for each member are drawn, "
    "the same ones each time."
)
COLUMNS = (
    Column("number", Kind.TEXT, _l("Set"), _l("Who began alike; empty for who is not compared.")),
    Column("side", Kind.TEXT, _l("Side"), _l("member or other.")),
    Column("customer", Kind.TEXT, _l("Customer"), _l("The number of the customer, no name.")),
    Column("first_month", Kind.MONTH, _l("First purchase"), _l("The month of it.")),
    Column("basket", Kind.MONEY, _l("First basket"), _l("The total of the first purchase.")),
    Column("country", Kind.TEXT, _l("Country"), _l("Of the first purchase; ISO 3166-1.")),
    Column("channel", Kind.TEXT, _l("Channel"), _l("Of the first purchase: community or other.")),
    Column("joined_month", Kind.MONTH, _l("Joined"), _l("The month in which a member joined.")),
)  # fmt: skip
TOTALS = (
    Column("people", Kind.COUNT, lazy_pgettext("customers", "People"), _l("All of this list.")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Whose list it is; a measure narrows the matched to those behind its estimate."""

    group: str
    measure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One customer; the basket in minor units."""

    number: int | None  # of the set of those who began alike
    side: str
    customer: int
    first_month: str
    basket: int
    country: str
    channel: str
    joined_month: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many they are."""

    people: int


@dataclass(frozen=True, slots=True)
class People:
    """A list of people, whose rows are made when they are read."""

    facts: members.Facts
    positions: Ints
    sets: Ints  # the set of each, 0 for none

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def members(self) -> int:
        """How many of them are members."""
        return int(self.facts.is_member[self.positions].sum())

    def rows(self, start: int, stop: int) -> list[Row]:
        """Return the rows from a place up to another."""
        places = self.positions[start:stop].tolist()
        sets = self.sets[start:stop].tolist()
        return [self._row(at, number) for at, number in zip(places, sets, strict=True)]

    def every(self) -> Iterator[Row]:
        """Yield all rows, some at a time."""
        for start in range(0, len(self), BLOCK):
            yield from self.rows(start, start + BLOCK)

    def _row(self, at: int, number: int) -> Row:
        firsts, customers = self.facts.firsts, self.facts.customers
        month, joined = int(firsts["month_number"][at]), int(customers.joined[at])
        later = joined - int(customers.first[at])  # months from the first purchase to joining
        return Row(
            number=number or None, side="other" if joined == NEVER else "member",
            customer=int(firsts["customer_id"][at]), first_month=_month(month),
            basket=int(firsts["basket"][at]), country=str(firsts["country"][at]),
            channel=str(firsts["channel"][at]),
            joined_month=None if joined == NEVER else _month(month + later),
        )  # fmt: skip


def asked_filter(asked: Mapping[str, str]) -> Filter:
    """Return the filter that a query string tells; the matched unless told.

    Raises:
        InvalidInputError: A word that no filter knows.
    """
    group, measure = asked.get("group") or GROUPS[0], asked.get("measure") or None
    for name, word, known in (("group", group, GROUPS), ("measure", measure, MEASURES)):
        if word is not None and word not in known:
            raise InvalidInputError(
                _("%(name)s: use one of %(known)s.", name=name, known=", ".join(known))
            )
    return Filter(group=group, measure=measure if group == "matched" else None)


def people(copy: engine.Copy, period: Period, currency: str, wanted: Filter) -> People:
    """Return the people behind a count of `members.report`.

    Args:
        copy: From `engine.fresh`.
        period: Whole months, as of the report.
        currency: As of the report.
        wanted: Which count.
    """
    facts = members.read(copy, period, currency)
    if wanted.group in ("members", "others"):
        is_wanted = facts.is_member if wanted.group == "members" else ~facts.is_member
        return _apart(facts, np.flatnonzero(is_wanted).astype(np.int64))
    chosen, cells = members.compared(facts)
    if wanted.group == "comparable":
        return _apart(facts, chosen)
    if wanted.measure:
        cells = members.counted(facts, cells, wanted.measure)
    return _in_sets(facts, cells)


def report(copy: engine.Copy, period: Period, currency: str, found: People) -> Report:
    """Return a list as a report, for a workbook.

    Raises:
        InvalidInputError: More people than a workbook holds well.
    """
    if len(found) > MOST_XLSX:
        raise InvalidInputError(_("These are too many rows for a workbook; take the CSV file."))
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(members.NAME), text=TEXT,
        columns=COLUMNS, rows=list(found.every()), totals=Totals(people=len(found)),
        total_columns=TOTALS,
    )  # fmt: skip


def _apart(facts: members.Facts, positions: Ints) -> People:
    return People(facts, positions, np.zeros(len(positions), dtype=np.int64))


def _in_sets(facts: members.Facts, cells: list[Cell]) -> People:
    """Return the people of cells, members first within each."""
    nobody = np.zeros(0, dtype=np.int64)
    parts = [np.concatenate([one.members, one.others]) for one in cells]
    sizes = [len(part) for part in parts]
    numbers = np.repeat(np.arange(1, len(cells) + 1), sizes)
    return People(facts, np.concatenate([nobody, *parts]), numbers.astype(np.int64))


def _month(number: int) -> str:
    return f"{number // 12:04d}-{number % 12 + 1:02d}"
