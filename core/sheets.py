"""CSV files for a spreadsheet: UTF-8 with its mark, and no cell runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from flask import Response

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet runs as a formula; numbers stay numbers.

    Source: OWASP, CSV injection.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def lines(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Return a CSV file piece by piece, for an answer that streams."""
    yield "\ufeff" + _line(heads)
    for cells in rows:
        yield _line(cells)


def download(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return an answer that saves rows as a file of that name."""
    answer = Response(lines(heads, rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe(cell) for cell in cells])
    return out.getvalue()
