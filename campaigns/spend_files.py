"""Spend in files: our own CSV, and the exports of Meta, Google and TikTok Ads.

Each line of our own file is a line of spend.  Of an advertising export, the rows
of a day and a campaign are added up to one line, of kind media; its rows of totals
are left out.  Figures and dates that could be read in two ways are asked about.
Read again, the same file gives the same keys, so nothing is recorded twice; a day
that an export now tells with another amount is refused, as only a person can say
which of the two holds.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from flask_babel import gettext as _

from campaigns import spend
from campaigns.models import SpendKind
from core.errors import DomainError, InvalidInputError
from integrations import cells
from integrations.order_files.formats import UnclearFileError
from integrations.tables import Row, Table, UnreadableFileError

LONGEST_PREAMBLE = 20  # rows of titles that may stand above the header
_CURRENCY = re.compile(r"\(([A-Za-z]{3})\)$")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


class Found(NamedTuple):
    """A line of spend with the rows of the file that it comes from, or why there is none."""

    rows: list[Row]
    line: spend.Line | None


@dataclass(frozen=True, slots=True)
class Format:
    """Who writes such files, and how their columns are called."""

    name: str
    channel: str
    days: tuple[str, ...]
    amounts: tuple[str, ...]  # without a currency in brackets
    campaigns: tuple[str, ...]
    currencies: tuple[str, ...] = ()
    spans: tuple[tuple[str, str], ...] = ()  # first and last day of a row, where there is no day


META = Format(
    "Meta Ads", "paid_social", ("day", "jour", "reporting starts", "début des rapports"),
    ("amount spent", "montant dépensé"), ("campaign name", "nom de la campagne"),
    spans=(("reporting starts", "reporting ends"), ("début des rapports", "fin des rapports")),
)  # fmt: skip
TIKTOK = Format(
    "TikTok Ads", "paid_social", ("by day", "par jour"), ("cost", "coût"),
    ("campaign name", "nom de la campagne"), ("currency", "devise"),
)  # fmt: skip
GOOGLE = Format(
    "Google Ads", "paid_search", ("day", "jour"), ("cost", "coût"), ("campaign", "campagne"),
    ("currency code", "code de devise", "devise"),
)  # fmt: skip
ADS = (META, TIKTOK, GOOGLE)
OWN = ("channel", "on", "amount", "currency", "kind")


@dataclass(frozen=True, slots=True)
class Layout:
    """What was understood of a file."""

    name: str
    header: tuple[str, ...]  # lower case
    skip: int  # the number of the header's line
    has_titles: bool  # above the header
    columns: dict[str, int]  # on, amount, and where known until, channel, currency, kind, campaign
    notation: cells.Notation
    channel: str  # where no column tells it
    currency: str  # where no column tells it


def recognise(
    table: Table,
    *,
    currency: str,
    timezone: str,
    channel: str | None = None,
    decimal: str | None = None,
    dates: str | None = None,
) -> Layout:
    """Return how a file is written.

    Args:
        table: The file.
        currency: ISO 4217, for a file that names none.
        timezone: The program's.
        channel: Instead of the usual one of an advertising export.
        decimal: The decimal sign, a point or a comma; None to recognise it.
        dates: `dmy` or `mdy`; None to recognise it.

    Raises:
        InvalidInputError: A currency or channel that cannot be.
        UnclearFileError: Figures or dates could be read in two ways.
        UnreadableFileError: No header that we know.
    """
    _require(currency, channel)
    for line, header in _headers(table):
        known = _own(header) or _ads(header)
        if known is None:
            continue
        name, usual, columns = known
        named = _CURRENCY.search(header[columns["amount"]])
        rows = [row.cells for row in table if row.line > line and len(row.cells) == len(header)]
        return Layout(
            name, header, line, line != table.shape.header_line, columns,
            _notation(rows, columns, cells.Notation(decimal or "", dates or "", timezone)),
            channel or usual, named[1].upper() if named else currency,
        )  # fmt: skip
    raise UnreadableFileError(
        _(
            "No column names that we know. Use channel,on,amount,currency,kind, or an export of "
            "Meta, Google or TikTok Ads by day."
        )
    )


def _require(currency: str, channel: str | None) -> None:
    """Refuse at once what would have every line refused."""
    try:
        cells.currency(currency)
    except cells.CellError as error:
        raise InvalidInputError(str(error)) from None
    if channel:
        spend.channel_name(channel)


def read(table: Table, layout: Layout) -> Iterator[Found]:
    """Yield every line of spend of a file."""
    rows = (_as_wide(row, layout) for row in table if row.line > layout.skip)
    return _read_own(rows, layout) if "kind" in layout.columns else _read_ads(rows, layout)


def _as_wide(row: Row, layout: Layout) -> Row:
    """Judge the width by our header where titles stood in its place."""
    if not layout.has_titles:
        return row
    if len(row.cells) == len(layout.header):
        return row._replace(problem=None)
    return row._replace(problem=row.problem or _("The line has another number of cells."))


def _headers(table: Table) -> Iterator[tuple[int, tuple[str, ...]]]:
    yield table.shape.header_line, _lowered(table.header)
    for _count, row in zip(range(LONGEST_PREAMBLE), table, strict=False):
        yield row.line, _lowered(row.cells)


def _lowered(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in names)


def _own(header: tuple[str, ...]) -> tuple[str, str, dict[str, int]] | None:
    if not set(OWN) <= set(header):
        return None
    names = [*OWN, *(name for name in ("note", "key") if name in header)]
    return "Cercle", "", {name: header.index(name) for name in names}


def _ads(header: tuple[str, ...]) -> tuple[str, str, dict[str, int]] | None:
    bare = [_CURRENCY.sub("", name).strip() for name in header]
    for known in ADS:
        columns = {
            field: next((bare.index(name) for name in names if name in bare), None)
            for field, names in (
                ("on", known.days), ("amount", known.amounts), ("campaign", known.campaigns),
                ("currency", known.currencies),
            )
        }  # fmt: skip
        found = {field: place for field, place in columns.items() if place is not None}
        if {"on", "amount", "campaign"} <= set(found):
            last = dict(known.spans).get(bare[found["on"]])
            if last in bare:
                found["until"] = bare.index(last)
            return known.name, known.channel, found
    return None


def _notation(
    rows: Sequence[Sequence[str]], columns: dict[str, int], said: cells.Notation
) -> cells.Notation:
    """Return how figures and dates are written, as said or else as the rows tell.

    Raises:
        UnclearFileError: They could be read in two ways.
    """
    decimal, is_open = cells.decimal_sign(row[columns["amount"]] for row in rows)
    decimal = said.decimal or decimal
    if is_open and not decimal:
        raise UnclearFileError(
            _("An amount such as 1,234 could be read in two ways. Name the decimal sign.")
        )
    dates, is_open = cells.date_order(row[columns["on"]] for row in rows)
    dates = said.dates or dates or (cells.DAY_FIRST if decimal == "," else None)
    if is_open and not dates:  # who writes a decimal comma writes the day first
        raise UnclearFileError(
            _("The dates could be day/month or month/day. Say which: dmy or mdy.")
        )
    return cells.Notation(decimal or ".", dates or cells.DAY_FIRST, said.timezone)


def _read_own(rows: Iterator[Row], layout: Layout) -> Iterator[Found]:
    seen: Counter[str] = Counter()
    for row in rows:
        if row.problem:
            yield Found([row], None)
            continue
        told = {name: row.cells[place].strip() for name, place in layout.columns.items()}
        text = "\x1f".join(told[name] for name in OWN)
        seen[text] += 1  # two equal lines of one file are two lines of spend
        digest = hashlib.sha256(f"{text}\x1f{seen[text]}".encode()).hexdigest()
        yield _one([row], layout, told, f"csv:{told.get('key') or digest}")


def _read_ads(rows: Iterator[Row], layout: Layout) -> Iterator[Found]:
    together: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        told = row.cells
        if len(told) == len(layout.header) and _is_total(told, layout):
            continue
        problem = row.problem or _whole(told, layout)
        if problem:
            yield Found([row._replace(problem=problem)], None)
            continue
        name = tuple(
            told[layout.columns[field]].strip() if field in layout.columns else ""
            for field in ("on", "campaign", "currency")
        )
        together.setdefault((name[0], name[1], name[2]), []).append(row)
    for (on, campaign, currency), group in together.items():
        text = "\x1f".join((layout.name, layout.channel, on, campaign, currency))
        told_once = {
            "channel": layout.channel, "on": on, "currency": currency or layout.currency,
            "kind": SpendKind.MEDIA.value, "note": campaign[: spend.LONGEST_NOTE],
        }  # fmt: skip
        yield _one(group, layout, told_once, f"ads:{hashlib.sha256(text.encode()).hexdigest()}")


def _is_total(told: Sequence[str], layout: Layout) -> bool:
    return not any(ch.isdigit() for ch in told[layout.columns["on"]])


def _whole(told: Sequence[str], layout: Layout) -> str | None:
    """Return what is wrong with a row that is not the spend of one campaign on one day."""
    if not told[layout.columns["campaign"]].strip():
        return str(_("The line names no campaign; is it a total?"))
    until = layout.columns.get("until")
    if until is not None and told[until].strip() != told[layout.columns["on"]].strip():
        return str(_("The line is about several days; export the report by day."))
    return None


def _one(rows: list[Row], layout: Layout, told: dict[str, str], key: str) -> Found:
    """Return the line that rows make together, or the rows with what is wrong."""
    try:
        currency = cells.currency(told["currency"] or layout.currency)
        amount = sum(
            cells.amount(row.cells[layout.columns["amount"]], currency, layout.notation.decimal)
            for row in rows
        )
        line = spend.line(
            channel=told["channel"], on=_day(told["on"], layout.notation), amount=amount,
            currency=currency, kind=_kind(told["kind"]), key=key, note=told.get("note", ""),
        )  # fmt: skip
    except (cells.CellError, DomainError) as error:
        return Found([row._replace(problem=str(error)) for row in rows], None)
    return Found(rows, line)


def _day(text: str, notation: cells.Notation) -> date:
    if _ISO.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise cells.CellError(_("The date “%(text)s” does not exist.", text=text)) from None
    return cells.instant(text, cells.Notation(dates=notation.dates)).date()


def _kind(text: str) -> SpendKind:
    try:
        return SpendKind(text.casefold())
    except ValueError:
        kinds = ", ".join(SpendKind)
        raise InvalidInputError(
            _("“%(text)s” is not a kind of spend; one of %(kinds)s.", text=text[:40], kinds=kinds)
        ) from None
