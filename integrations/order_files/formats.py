"""Recognising a file of orders: its format, its columns, how it writes figures and dates.

Everything found out here can be shown to a person before anything is written, and every
part can be said instead of recognised.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from flask_babel import gettext as _

from core.errors import DomainError, InvalidInputError
from integrations import cells
from integrations.order_files import cercle, shopify, stripe, woocommerce
from integrations.order_files.shapes import AMOUNTS, FIELDS, REQUIRED, Format, Layout
from integrations.tables import Row, Table

FORMATS = {
    format_.name: format_
    for format_ in (shopify.FORMAT, woocommerce.FORMAT, stripe.FORMAT, cercle.FORMAT)
}
AUTO = "auto"
_SAMPLE = 2_000  # rows that decide how figures are written


class UnknownFormatError(DomainError):
    """The header is none of the exports we know; columns have to be named."""

    code = "unknown_format"


class UnclearFileError(DomainError):
    """Figures or dates could be read in two ways; a person has to say which."""

    code = "unclear_file"


def detect(header: tuple[str, ...]) -> Format | None:
    """Return the format that a header gives away, or None."""
    names = {_folded(name) for name in header}
    for format_ in FORMATS.values():
        if any(proof <= names for proof in format_.proofs):
            return format_
    return None


def recognise(
    table: Table,
    *,
    timezone: str,
    currency: str,
    name: str = AUTO,
    source: str | None = None,
    mapping: Mapping[str, Sequence[str]] | None = None,
    decimal: str | None = None,
    dates: str | None = None,
) -> Layout:
    """Return how a file is to be read; `missing` and `questions` say what is still open.

    Args:
        table: The file.
        timezone: IANA; of instants without an offset, where the format has no rule of its own.
        currency: ISO 4217; of orders that do not name theirs.
        name: A format, or `auto`.
        source: The shop's name in our books; the format's name by default.
        mapping: Field to header names, over what the format says; none at all unmaps it.
        decimal: The decimal sign, a point or a comma; None to recognise it.
        dates: `dmy` or `mdy`; None to recognise it.

    Raises:
        InvalidInputError: An unknown format, field or column.
    """
    format_ = detect(table.header) if name == AUTO else FORMATS.get(name)
    if format_ is None and name != AUTO:
        raise InvalidInputError(
            _("“%(name)s” is not a format: use %(known)s.", name=name, known=", ".join(FORMATS))
        )
    format_ = format_ or cercle.FORMAT
    columns = _columns(format_, table.header, mapping or {})
    found_decimal, is_decimal_open = (decimal, False) if decimal else _decimal(table, columns)
    found_dates, is_date_open = (dates, False) if dates else _dates(table, columns)
    is_ours = format_ is cercle.FORMAT
    return Layout(
        format=format_,
        columns=columns,
        header=table.header,
        notation=cells.Notation(
            found_decimal or ".", found_dates or cells.DAY_FIRST, format_.timezone or timezone
        ),
        source=source or ("import" if is_ours else format_.name),
        is_source_fixed=bool(source),
        currency=currency,
        missing=tuple(field for field in REQUIRED if field not in columns),
        twice=_twice(table.header, columns),
        questions=("decimal",) * (is_decimal_open and is_ours) + ("dates",) * is_date_open,
    )


def require_clear(layout: Layout) -> None:
    """Refuse a layout that leaves something open.

    Raises:
        UnknownFormatError: Required columns are not there.
        UnclearFileError: Figures, dates or columns could be read in two ways.
    """
    if layout.missing:
        raise UnknownFormatError(_unknown(layout))
    if layout.twice:
        raise UnclearFileError(
            _(
                "The file has the column “%(name)s” twice. Rename or remove one of them.",
                name=layout.twice[0],
            )
        )
    if "dates" in layout.questions:
        raise UnclearFileError(
            _("The dates could be day/month or month/day. Say which: dmy or mdy.")
        )
    if "decimal" in layout.questions:
        raise UnclearFileError(
            _("An amount such as 1,234 could be read in two ways. Name the decimal sign.")
        )


def _unknown(layout: Layout) -> str:
    names = " ".join(_folded(name) for name in layout.header)
    if "available on (utc)" in names:
        return str(_("This is Stripe's balance export. Export the payments and import that file."))
    if re.search(r"amount spent|montant dépensé|cost\b.*\bimpr", names):
        return str(_("This is an advertising report: import it as spend."))
    return str(
        _(
            "No column was found for %(missing)s. The file has: %(columns)s. "
            "Name the columns yourself, such as external_id=Order.",
            missing=", ".join(layout.missing), columns=", ".join(layout.header[:40]),
        )
    )  # fmt: skip


def _columns(
    format_: Format, header: tuple[str, ...], mapping: Mapping[str, Sequence[str]]
) -> dict[str, tuple[int, ...]]:
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        places.setdefault(_folded(name), place)
    columns = {}
    for field, names in format_.columns.items():
        found = tuple(places[_folded(name)] for name in names if _folded(name) in places)
        if found:
            columns[field] = found
    for field, chosen in mapping.items():
        if field not in FIELDS:
            raise InvalidInputError(
                _(
                    "“%(field)s” is not a field: use %(known)s.",
                    field=field,
                    known=", ".join(FIELDS),
                )
            )
        unknown = next((name for name in chosen if _folded(name) not in places), None)
        if unknown is not None:
            raise InvalidInputError(_("The file has no column “%(name)s”.", name=unknown))
        columns[field] = tuple(places[_folded(name)] for name in chosen)
    return {field: found for field, found in columns.items() if found}


def _twice(header: tuple[str, ...], columns: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Return the names of columns in use that another column of the file has too."""
    names = Counter(map(_folded, header))
    used = dict.fromkeys(header[place] for places in columns.values() for place in places)
    return tuple(name for name in used if names[_folded(name)] > 1)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _decimal(table: Table, columns: Mapping[str, tuple[int, ...]]) -> tuple[str | None, bool]:
    places = [place for field in AMOUNTS for place in columns.get(field, ())]
    rows = (row for row in islice(_sound(table), _SAMPLE))
    return cells.decimal_sign(row.cells[place] for row in rows for place in places)


def _dates(table: Table, columns: Mapping[str, tuple[int, ...]]) -> tuple[str | None, bool]:
    places = columns.get("occurred_at", ())[:1]
    first = [row.cells[place] for row in islice(_sound(table), _SAMPLE) for place in places]
    found = cells.date_order(first)
    if found[1] and len(first) == _SAMPLE:  # nothing tells so far: ask the rest of the file
        found = cells.date_order(row.cells[place] for row in _sound(table) for place in places)
    return found


def _sound(table: Table) -> Iterator[Row]:
    return (row for row in table if not row.problem)
