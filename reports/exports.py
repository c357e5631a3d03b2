"""Reports as files: CSV and XLSX with headings in the reader's language, and JSON.

Text that a spreadsheet could run as a formula gets a leading apostrophe; a
number stays a number.  Files hold amounts in major units (12.50), JSON holds
minor units (1250).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import xlsxwriter
from flask_babel import gettext as _

from core import sheets
from core.money import exponent, to_major
from reports.models import Column, Kind, Report

_json = msgspec.json.Encoder(decimal_format="number")


def filename(report: Report, ending: str) -> str:
    """Return a name that says what the file holds."""
    name = f"{report.name}-by-{report.by}" if report.by else report.name
    return f"{name}-{report.period.first}-{report.period.last}-{report.currency}.{ending}"


def to_json(report: Report) -> bytes:
    """Return the report as the API gives it: minor units, shares with six places."""
    body: dict[str, Any] = {
        "definition": {
            "text": str(report.text),
            "columns": {
                column.name: str(column.definition)
                for column in (*report.columns, *report.total_columns)
            },
            "sql": report.sql,
        },
        "name": report.name,
        "from": report.period.first,
        "to": report.period.last,
        "timezone": report.timezone,
        "as_of": report.as_of,
        "currency": report.currency,
        "other_currencies": list(report.other_currencies),
        "rows": [_ordered(row, report.columns) for row in report.rows],
        "totals": _ordered(report.totals, report.total_columns),
    }
    if report.by_month:
        body["months"] = [
            {"month": one.month, **_ordered(one, report.total_columns)} for one in report.by_month
        ]
    return _json.encode(body)


def heads(columns: Sequence[Column]) -> list[str]:
    """Return the headings of a CSV file; the currency has a column of its own."""
    return [str(column.label) for column in columns] + (
        [_("Currency")] if _has_money(columns) else []
    )


def cells(columns: Sequence[Column], rows: Iterable[Any], currency: str) -> Iterator[list[Any]]:
    """Yield the rows of a CSV file: texts, and numbers in major units."""
    last = [currency] if _has_money(columns) else []
    for row in rows:
        yield [
            _cell(getattr(row, column.name), kind_in(row, column), currency) for column in columns
        ] + last


def kind_in(row: Any, column: Column) -> Kind:
    """Return what a column holds in a row."""
    kind: Kind = row.kind if column.kind is Kind.MEASURE else column.kind
    return kind


def to_csv(report: Report) -> str:
    """Return the rows as CSV, for a pipe or a file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(sheets.safe, heads(report.columns)))
    for row in cells(report.columns, report.rows, report.currency):
        writer.writerow(map(sheets.safe, row))
    return out.getvalue()


def to_xlsx(report: Report, target: BinaryIO | Path) -> None:
    """Write the report as a workbook: the rows with their total, and the definitions."""
    file: Any = str(target) if isinstance(target, Path) else target
    book = xlsxwriter.Workbook(
        file,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    book.set_properties({"title": str(report.text)[:200]})
    try:
        _write_rows(book, report)
        _write_definitions(book, report)
    finally:
        book.close()


def _write_rows(book: Any, report: Report) -> None:
    sheet = book.add_worksheet(report.name[:31])
    formats = _formats(book, report.currency, is_bold=False)
    bold = _formats(book, report.currency, is_bold=True)
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(report.columns):
        sheet.set_column(at, at, 12 if column.kind is Kind.COUNT else 16)
    for at, column in enumerate(report.columns):
        sheet.write_string(0, at, _heading(column, report.currency), bold[Kind.TEXT])
    for line, row in enumerate(report.rows, start=1):
        for at, column in enumerate(report.columns):
            value, kind = getattr(row, column.name), kind_in(row, column)
            _write(sheet, (line, at), value, kind, formats, report.currency)
    last = len(report.rows) + 1
    sheet.write_string(last, 0, _("Total"), bold[Kind.TEXT])
    summed = {column.name for column in report.total_columns}
    for at, column in enumerate(report.columns[1:], start=1):
        if column.name in summed:
            value = getattr(report.totals, column.name)
            _write(sheet, (last, at), value, column.kind, bold, report.currency)


def _write_definitions(book: Any, report: Report) -> None:
    sheet = book.add_worksheet(_("Definitions")[:31])
    bold = book.add_format({"bold": True})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 100)
    totals = _formats(book, report.currency, is_bold=False)
    told = [
        (_("Report"), str(report.text)),
        (_("Period"), f"{report.period.first} – {report.period.last}"),
        (_("Currency"), report.currency),
        (_("Time zone"), report.timezone),
        (_("As of"), report.as_of.isoformat(timespec="seconds")),
    ]
    line = 0
    for name, text in told:
        sheet.write_string(line, 0, name, bold)
        sheet.write_string(line, 1, text, wrap)
        line += 1
    for column in dict.fromkeys((*report.columns, *report.total_columns)):
        sheet.write_string(line, 0, _heading(column, report.currency), bold)
        sheet.write_string(line, 1, str(column.definition), wrap)
        if column in report.total_columns:
            value = getattr(report.totals, column.name)
            _write(sheet, (line, 2), value, column.kind, totals, report.currency)
        line += 1
    for text in report.sql.splitlines():
        sheet.write_string(line, 1, text)
        line += 1


def _write(
    sheet: Any, cell: tuple[int, int], value: Any, kind: Kind, formats: dict[Kind, Any],
    currency: str,
) -> None:  # fmt: skip
    style = formats[kind]
    if value is None:
        sheet.write_blank(*cell, None, style)
    elif kind is Kind.MONTH:
        sheet.write_datetime(*cell, date.fromisoformat(f"{value}-01"), style)
    elif kind is Kind.TEXT:
        sheet.write_string(*cell, str(sheets.safe(str(value))), style)
    elif kind is Kind.MONEY:
        sheet.write_number(*cell, to_major(value, currency), style)
    else:
        sheet.write_number(*cell, value, style)


def _formats(book: Any, currency: str, *, is_bold: bool) -> dict[Kind, Any]:
    places = exponent(currency)
    patterns = {
        Kind.MONTH: "yyyy-mm",
        Kind.TEXT: "@",
        Kind.COUNT: "#,##0",
        Kind.MONEY: "#,##0" + ("." + "0" * places if places else ""),
        Kind.SHARE: "0.0000%",
        Kind.RATIO: "#,##0.00",
    }
    return {
        kind: book.add_format({"num_format": pattern, "bold": is_bold})
        for kind, pattern in patterns.items()
    }


def _heading(column: Column, currency: str) -> str:
    return f"{column.label} ({currency})" if column.kind is Kind.MONEY else str(column.label)


def _has_money(columns: Sequence[Column]) -> bool:
    return any(column.kind in {Kind.MONEY, Kind.MEASURE} for column in columns)


def _cell(value: Any, kind: Kind, currency: str) -> Any:
    if value is None:
        return ""
    return to_major(value, currency) if kind is Kind.MONEY else value


def _ordered(row: Any, columns: Sequence[Column]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in columns:
        within = found.setdefault(column.group, {}) if column.group else found
        within[column.name] = getattr(row, column.name)
    return found
