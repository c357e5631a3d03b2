"""Files for a spreadsheet: CSV in UTF-8 with its mark, and XLSX; no cell runs as a formula.

Both have the same rows.  A number stays a number, with the decimals it came with; an instant is
told in UTC, as text in CSV and as a date in a workbook.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from flask import Response
from flask_babel import gettext as _

ENDING = "<any(csv, xlsx):ending>"  # of an address that gives a file either way
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: its heading, and what it holds; both may be lazy texts."""

    head: Any
    definition: Any


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet runs as a formula; numbers stay numbers.

    Source: OWASP, CSV injection.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def lines(heads: Iterable[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Return a CSV file piece by piece, for an answer that streams."""
    yield "\ufeff" + _line(tuple(heads))
    for cells in rows:
        yield _line(cells)


def download(name: str, heads: Iterable[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return an answer that saves rows as a file of that name; `.xlsx` makes a workbook.

    Args:
        name: With its ending.
        heads: Names of the columns; a workbook needs them with what each column holds.
        rows: As `workbook` takes them.
    """
    if name.endswith(".xlsx"):
        if not isinstance(heads, Mapping):
            raise TypeError("a workbook says what each column holds")
        return attached(Response(_book(heads, rows), mimetype=XLSX), name)
    return attached(Response(lines(heads, rows), mimetype="text/csv"), name)


def save(path: Path, heads: Mapping[str, object], rows: Iterable[Sequence[object]]) -> None:
    """Write rows to a file; `.xlsx` makes a workbook.

    Raises:
        OSError: It cannot be written.
    """
    if path.suffix == ".xlsx":
        path.write_bytes(_book(heads, rows))
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines(heads, rows))


def attached(answer: Response, name: str) -> Response:
    """Return an answer that is saved as a file of that name."""
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def workbook(name: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a list as a workbook: its rows, and a sheet with the definition of each column.

    Args:
        name: Of the first sheet, at most 31 characters.
        columns: One for each cell of a row.
        rows: Texts, days, aware instants, whole numbers, and amounts as decimals in major units.
    """
    file = io.BytesIO()
    safely = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, safely) as book:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 16)
        for at, column in enumerate(columns):
            sheet.write_string(0, at, str(column.head), bold)
        writer = _Writer(book, sheet)
        for line, cells in enumerate(rows, start=1):
            for at, cell in enumerate(cells):
                writer.write(line, at, cell)
        about = book.add_worksheet(_("Definitions")[:31])
        about.set_column(1, 1, 100)
        for line, column in enumerate(columns):
            about.write_string(line, 0, str(column.head), bold)
            about.write_string(line, 1, str(column.definition))
    return file.getvalue()


def _book(heads: Mapping[str, object], rows: Iterable[Sequence[object]]) -> bytes:
    return workbook(_("Rows"), [Column(*item) for item in heads.items()], rows)


class _Writer:
    """Writes cells of a sheet, each as what it is."""

    def __init__(self, book: Any, sheet: Any) -> None:
        self.book, self.sheet = book, sheet
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.money: dict[int, Any] = {}  # by decimal places

    def write(self, line: int, at: int, cell: object) -> None:
        if cell is None or cell == "":
            return
        if isinstance(cell, Decimal):
            self.sheet.write_number(line, at, cell, self._money(-int(cell.as_tuple().exponent)))
        elif isinstance(cell, int):
            self.sheet.write_number(line, at, cell)
        elif isinstance(cell, datetime):
            told = cell.astimezone(UTC).replace(tzinfo=None)  # a workbook knows no time zone
            self.sheet.write_datetime(line, at, told, self.instant)
        elif isinstance(cell, date):
            self.sheet.write_datetime(line, at, cell, self.day)
        else:
            self.sheet.write_string(line, at, str(safe(str(cell))))

    def _money(self, places: int) -> Any:
        if places not in self.money:
            pattern = "#,##0" + ("." + "0" * places if places else "")
            self.money[places] = self.book.add_format({"num_format": pattern})
        return self.money[places]


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_told(cell) for cell in cells])
    return out.getvalue()


def _told(cell: object) -> object:
    return cell.astimezone(UTC).isoformat() if isinstance(cell, datetime) else safe(cell)
