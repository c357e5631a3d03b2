"""Files for a spreadsheet: CSV in UTF-8 with its mark, or a workbook; no cell runs as a formula.

Both have the same rows.  A number stays a number, with the decimals it came with; an instant is
told in UTC, as text in CSV and as a date in a workbook.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter
from flask import Response
from flask_babel import gettext as _

ENDING = "<any(csv, xlsx):ending>"  # of an address that gives a file either way
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE, _NARROW = 28, 16  # letters that a column shows


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
        heads: Names of the columns; where they map to what each holds, a workbook tells it too.
        rows: Text, numbers, and aware instants.
    """
    if not name.endswith(".xlsx"):
        return attachment(Response(lines(heads, rows), mimetype="text/csv"), name)
    book = io.BytesIO()
    workbook(book, heads, rows)
    return attachment(Response(book.getvalue(), mimetype=XLSX), name)


def save(path: Path, heads: Iterable[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows to a file; `.xlsx` makes a workbook.

    Raises:
        OSError: It cannot be written.
    """
    if path.suffix == ".xlsx":
        with path.open("wb") as book:
            workbook(book, heads, rows)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines(heads, rows))


def attachment(answer: Response, name: str) -> Response:
    """Return an answer that a browser saves under a name."""
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def workbook(target: BinaryIO, heads: Iterable[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as a workbook: typed cells, and a sheet of what each column holds."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet, styles = book.add_worksheet(_("Rows")), _Styles(book)
        sheet.freeze_panes(1, 1)
        for at, head in enumerate(heads):
            sheet.set_column(at, at, _NARROW)
            sheet.write_string(0, at, head, styles.of("bold"))
        for number, cells in enumerate(rows, start=1):
            for at, cell in enumerate(cells):
                _write(sheet, (number, at), cell, styles)
        if isinstance(heads, Mapping):
            _define(book.add_worksheet(_("Definitions")[:31]), heads, styles)


class _Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book, self._made = book, dict[str, Any]()

    def of(self, pattern: str) -> Any:
        """Return the format of a pattern of figures, or bold."""
        if pattern not in self._made:
            told = {"bold": True} if pattern == "bold" else {"num_format": pattern}
            self._made[pattern] = self._book.add_format(told)
        return self._made[pattern]


def _define(sheet: Any, heads: Mapping[str, object], styles: _Styles) -> None:
    sheet.set_column(0, 0, _WIDE)
    sheet.set_column(1, 1, 4 * _WIDE)
    for number, (head, words) in enumerate(heads.items()):
        sheet.write_string(number, 0, head, styles.of("bold"))
        sheet.write_string(number, 1, str(words))


def _write(sheet: Any, at: tuple[int, int], cell: object, styles: _Styles) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, datetime):
        told = cell.astimezone(UTC).replace(tzinfo=None)
        sheet.write_datetime(*at, told, styles.of("yyyy-mm-dd hh:mm:ss"))
    elif isinstance(cell, Decimal):
        places = max(0, -int(cell.as_tuple().exponent))
        pattern = f"#,##0.{'0' * places}" if places else "#,##0"
        sheet.write_number(*at, cell, styles.of(pattern))
    elif isinstance(cell, int):
        sheet.write_number(*at, cell)
    else:
        sheet.write_string(*at, str(safe(str(cell))))


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_told(cell) for cell in cells])
    return out.getvalue()


def _told(cell: object) -> object:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    return safe(cell)
