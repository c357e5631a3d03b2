"""Read a workbook back, cell by cell, as a spreadsheet would."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from xml.etree import ElementTree

_NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def rows(data: bytes, sheet: int = 1) -> list[dict[str, str]]:
    """Return the rows of a sheet by their headings: text, and numbers as they were written."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        found = list(_rows(book, sheet))
    heads = found[0]
    return [{head: row.get(at, "") for at, head in heads.items()} for row in found[1:]]


def _rows(book: zipfile.ZipFile, sheet: int) -> Iterator[dict[str, str]]:
    tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314  # our own
    texts = _shared(book)
    for row in tree.iterfind(".//m:row", _NAMES):
        cells = {}
        for cell in row.iterfind("m:c", _NAMES):
            assert cell.find("m:f", _NAMES) is None  # nothing is a formula
            cells[re.sub(r"\d", "", cell.attrib["r"])] = _told(cell, texts)
        yield cells


def _told(cell: ElementTree.Element, texts: list[str]) -> str:
    kind = cell.attrib.get("t")
    if kind == "inlineStr":
        return cell.findtext("m:is/m:t", "", _NAMES)
    value = cell.findtext("m:v", "", _NAMES)
    return texts[int(value)] if kind == "s" else value


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    tree = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314
    return ["".join(one.itertext()) for one in tree.iterfind("m:si", _NAMES)]


def same(one: str, other: str) -> bool:
    """Tell whether two cells say the same: as text, or as the number they are."""
    try:
        return one == other or Decimal(one) == Decimal(other)
    except ArithmeticError:
        return False
