"""Rates of currency in files: those of the European Central Bank, and a simple one of our own.

The bank's have a day and a column for each currency: what one euro was worth.  Ours has
the columns date, currency and rate: what one unit of the program's currency was worth, or
the other way round where a person says so; a column `base` names another currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from flask_babel import gettext as _

from core import money
from core.errors import DomainError, InvalidInputError
from integrations import cells
from integrations.order_files.formats import UnclearFileError
from integrations.tables import Row, Table, UnreadableFileError
from rewards import rates
from rewards.rates import Told

OWN = "own"  # the source of rates whose file does not say where they come from
_NONE = frozenset({"", "N/A"})  # a currency that was not quoted on that day
_CODE = re.compile("[A-Z]{3}")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9 ._-]{0,39}")
_LONG_DAY = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August",
           "September", "October", "November", "December")  # fmt: skip


class Found(NamedTuple):
    """A line with its rates, or with what is wrong with it."""

    row: Row
    rates: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What was understood of a file."""

    is_ecb: bool
    source: str
    base: str  # of a line that names none
    is_turned: bool  # one unit of the line's currency is worth so much of the base
    decimal: str
    day: int  # column
    quotes: dict[str, int]  # the column of each currency, of the bank's files
    columns: dict[str, int]  # currency, rate, and base where it is there, of our own
    left_out: tuple[str, ...]  # currencies of columns that exist no longer


def recognise(
    table: Table,
    *,
    currency: str,
    source: str | None = None,
    decimal: str | None = None,
    is_turned: bool = False,
) -> Layout:
    """Return how a file is written.

    Args:
        table: The file.
        currency: The program's.
        source: How the rates' source is called, of our own files.
        decimal: The decimal sign, a point or a comma; None to recognise it.
        is_turned: A line tells what one unit of its own currency is worth.

    Raises:
        InvalidInputError: A source that cannot be.
        UnclearFileError: Figures could be read in two ways.
        UnreadableFileError: No header that we know.
    """
    names = [name.strip() for name in table.header]
    lowered = [name.casefold() for name in names]
    if {"date", "currency", "rate"} <= set(lowered):
        columns: dict[str, int] = {
            name: lowered.index(name) for name in ("currency", "rate", "base") if name in lowered
        }
        return Layout(
            False, _source(source), currency, is_turned,
            decimal or _sign(table, columns["rate"]), lowered.index("date"), {}, columns, (),
        )  # fmt: skip
    codes = {name: place for place, name in enumerate(names) if _CODE.fullmatch(name)}
    if lowered[0] != "date" or not codes or len(codes) < sum(map(bool, names)) - 1:
        raise UnreadableFileError(
            _(
                "No column names that we know. Use date,currency,rate, or the file of the"
                " European Central Bank."
            )
        )
    known = {code: place for code, place in codes.items() if _is_currency(code)}
    left_out = tuple(sorted(codes.keys() - known.keys()))
    return Layout(True, rates.ECB, "EUR", False, ".", 0, known, {}, left_out)


def _source(text: str | None) -> str:
    word = (text or OWN).strip().casefold()
    if not _SOURCE.fullmatch(word):
        raise InvalidInputError(_("Name the source in 1 to 40 plain letters and digits."))
    if word == rates.ECB:
        raise InvalidInputError(_("Rates of the European Central Bank come from its own file."))
    return word


def _sign(table: Table, place: int) -> str:
    texts = [row.cells[place] for row in table if not row.problem]
    sign, is_open = cells.decimal_sign(texts)
    if sign is None and is_open:
        raise UnclearFileError(
            _("A rate such as 1,234 could be read in two ways. Name the decimal sign.")
        )
    return sign or "."


def _is_currency(code: str) -> bool:
    try:
        return bool(money.require_currency(code))
    except money.MoneyError:
        return False


def read(table: Table, layout: Layout) -> Iterator[Found]:
    """Yield every line of a file; one that cannot be read says why."""
    for row in table:
        if row.problem:
            yield Found(row, ())
            continue
        try:
            told = _bank(row, layout) if layout.is_ecb else (_own(row, layout),)
        except (cells.CellError, DomainError) as error:
            yield Found(row._replace(problem=str(error)), ())
        else:
            yield Found(row, told)


def _bank(row: Row, layout: Layout) -> tuple[Told, ...]:
    on = _day(row.cells[layout.day])
    return tuple(
        _told(on, layout.base, quote, row.cells[place], layout)
        for quote, place in layout.quotes.items()
        if row.cells[place].strip() not in _NONE and quote != layout.base
    )


def _own(row: Row, layout: Layout) -> Told:
    told = {name: row.cells[place].strip() for name, place in layout.columns.items()}
    pair = told.get("base") or layout.base, told["currency"]
    base, quote = pair[::-1] if layout.is_turned else pair
    return _told(_day(row.cells[layout.day]), base, quote, told["rate"], layout)


def _told(on: date, base: str, quote: str, text: str, layout: Layout) -> Told:
    try:
        value = cells.figure(text.strip(), layout.decimal)
    except cells.CellError as error:
        raise cells.CellError(f"{quote}: {error}") from None
    return rates.told(on=on, base=base, quote=quote, value=value, source=layout.source)


def _day(text: str) -> date:
    """Return a day that is written as 2026-03-02, or as the bank's daily file: 02 March 2026."""
    bare = text.strip()
    try:
        if (found := _LONG_DAY.fullmatch(bare)) and found[2] in _MONTHS:
            return date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", bare):
            return date.fromisoformat(bare)
    except ValueError:
        raise cells.CellError(_("The date “%(text)s” does not exist.", text=bare)) from None
    raise cells.CellError(_("“%(text)s” is not a day such as 2026-03-02.", text=bare[:40]))
