"""Tables in text files: CSV of any size, origin and encoding, read as a stream.

A file is never held in memory and never trusted.  Encoding and delimiter are recognised,
not assumed; a line that cannot be read becomes a row with a `problem`, and reading goes
on with the next line.  Gzip is recognised by its first bytes.

A file that we wrote ourselves with the lines of an earlier one that were refused starts
with two columns of ours; they are taken off again, so that a mended copy reads like the
original.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from flask_babel import gettext as _

from core.errors import DomainError

REJECTED_COLUMNS = ("rejected_line", "rejected_reason")
LONGEST_RECORD = 1_000_000  # characters
LONGEST_CELL = 32_767  # characters, as in a spreadsheet
MOST_COLUMNS = 2_000
MOST_LINES = 200  # that one quoted record may span
DELIMITERS = (",", ";", "\t", "|")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_NO_TABLES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF", b"\xd0\xcf\x11\xe0")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 20  # bytes
_BOMB = 100 << 20  # bytes from which a file that was compressed beyond reason is refused
_BOMB_RATIO = 200  # a table shrinks to a tenth, seldom to a fiftieth
_UNKNOWN = re.compile("[\ud800-\udfff]")  # a byte that the encoding does not know
_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # would harm a page or a terminal


class UnreadableFileError(DomainError):
    """A file that is no table, or not all there."""

    code = "unreadable_file"


class Row(NamedTuple):
    """One row: the number of its first line in the file, its cells, and what is wrong with it."""

    line: int  # the header is usually line 1
    cells: list[str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written."""

    encoding: str  # utf-8, utf-8-sig, utf-16 or cp1252
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    is_rejected_file: bool  # our own file of refused lines


class Table:
    """A file of rows.  Iterating reads it from the start, each time anew.

    Args:
        path: The file; plain or gzip.

    Raises:
        UnreadableFileError: Not a file, no text, no header, or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = _size(path)  # bytes on disk
        self.position = 0  # bytes of them read so far
        self.shape = self._recognise()

    @property
    def header(self) -> tuple[str, ...]:
        return self.shape.header

    def __iter__(self) -> Iterator[Row]:
        """Return every row after the header; blank lines are left out."""
        shape = self.shape
        skip = len(REJECTED_COLUMNS) if shape.is_rejected_file else 0
        for row in self._rows(shape.encoding, shape.delimiter, len(shape.header) + skip):
            if row.line <= shape.header_line:
                continue
            if skip:
                row = Row(row.line, [_unguarded(cell) for cell in row.cells[skip:]], row.problem)
            yield row

    def _recognise(self) -> Shape:
        encoding = _encoding(self.path)
        head = self._head(encoding)
        line, text = next(((n, t) for n, t in head if not _is_preamble(t)), (0, ""))
        if not line:
            raise UnreadableFileError(_("The file is empty."))
        texts = [t for n, t in head if n >= line]
        delimiter = _delimiter(texts)
        cells = _parse(text, delimiter)
        names = tuple(cell.strip() for cell in cells or ())
        if not 0 < len(names) <= MOST_COLUMNS or any(map(_NO_NAME.search, names)):
            raise UnreadableFileError(_("The first line is not a row of column names."))
        is_rejected = names[:2] == REJECTED_COLUMNS
        return Shape(encoding, delimiter, names[2:] if is_rejected else names, line, is_rejected)

    def _head(self, encoding: str) -> list[tuple[int, str]]:
        lines = _lines(self._open(encoding))
        return [(n, text) for n, (text, whole) in zip(range(1, 61), lines, strict=False) if whole]

    def _open(self, encoding: str) -> io.TextIOWrapper:
        raw = _raw(self.path)
        counted = io.BufferedReader(_Counted(raw, self), _BLOCK)
        return io.TextIOWrapper(counted, encoding, errors="surrogateescape", newline="")

    def _rows(self, encoding: str, delimiter: str, width: int) -> Iterator[Row]:
        with self._open(encoding) as text:
            lines = _Lines(text)
            for number, line, is_whole in lines:
                if is_whole and '"' not in line and "\0" not in line and line.isascii():
                    cells = line.rstrip("\r\n").split(delimiter)
                    if len(cells) == width and len(line) < LONGEST_CELL:
                        if any(cells):
                            yield Row(number, cells)
                        continue
                    row = _checked(number, cells, width)
                else:
                    row = _careful(lines, number, line, is_whole, delimiter, width)
                if row.problem:
                    yield row._replace(cells=list(map(_shown, row.cells)))
                elif any(row.cells):
                    yield row


class _Counted(io.RawIOBase):
    """Bytes of a file, plain or gzip, that tell their table how far they are."""

    def __init__(self, raw: BinaryIO, table: Table) -> None:
        self._raw, self._table = raw, table
        is_gzip = raw.read(2) == _GZIP
        raw.seek(0)
        self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if is_gzip else raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        try:
            data = self._stream.read(len(view))
        except (EOFError, OSError, zlib.error):
            raise UnreadableFileError(_cut_message()) from None
        view[: len(data)] = data
        self._table.position = self._raw.tell()
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines:
    """Lines with their numbers; some can be put back to be read again."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._fresh = _lines(text)
        self._back: deque[tuple[int, str, bool]] = deque()
        self._number = 0

    def __iter__(self) -> Iterator[tuple[int, str, bool]]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> tuple[int, str, bool] | None:
        if self._back:
            return self._back.popleft()
        found = next(self._fresh, None)
        if found is None:
            return None
        self._number += 1
        return self._number, *found

    def put_back(self, lines: list[tuple[int, str, bool]]) -> None:
        self._back.extendleft(reversed(lines))


def _lines(text: io.TextIOWrapper) -> Iterator[tuple[str, bool]]:
    """Return each line and whether it is whole; the rest of an over-long one is thrown away."""
    while line := text.readline(LONGEST_RECORD):
        if line[-1] in "\r\n" or len(line) < LONGEST_RECORD:
            yield line, True
            continue
        while (rest := text.readline(LONGEST_RECORD)) and rest[-1] not in "\r\n":
            pass
        yield line[:200], False


def _careful(
    lines: _Lines, number: int, line: str, is_whole: bool, delimiter: str, width: int
) -> Row:
    """Read a record that has quotes, unusual characters, or too much of them."""
    if not is_whole:
        return Row(number, [line], _("The line is longer than a million characters."))
    cells = _parse(line, delimiter) if '"' in line else line.rstrip("\r\n").split(delimiter)
    if cells is None:
        cells = _joined(lines, line, delimiter, width)
    if cells is None:
        return Row(number, [line.rstrip("\r\n")], _("A quotation mark is not closed."))
    return _checked(number, cells, width)


def _joined(lines: _Lines, line: str, delimiter: str, width: int) -> list[str] | None:
    """Read a record whose quoted cells hold line breaks.

    Takes lines until the record parses with the right number of cells.  If it never does,
    one stray quotation mark must not swallow its neighbours: they are put back.
    """
    taken: list[tuple[int, str, bool]] = []
    text, quotes = line, line.count('"')
    while len(taken) < MOST_LINES and len(text) < LONGEST_RECORD:
        following = lines.next()
        if following is None:
            break
        taken.append(following)
        text += following[1]
        quotes += following[1].count('"')
        if quotes % 2 == 0 and '"' in following[1]:
            cells = _parse(text, delimiter)
            if cells is not None and len(cells) == width:
                return cells
    lines.put_back(taken)
    return None


def _parse(text: str, delimiter: str) -> list[str] | None:
    """Return the cells of one complete record, or None if its quotes do not match."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else []


def _checked(number: int, cells: list[str], width: int) -> Row:
    """Return the row, with a problem if its cells cannot be what the header promises."""
    if len(cells) > width and not any(cells[width:]):
        cells = cells[:width]  # some programs end each line with delimiters
    if not any(cells):
        return Row(number, [])
    problem = None
    if any("\0" in cell for cell in cells):
        problem = _("The line holds a NUL byte.")
    elif any(len(cell) > LONGEST_CELL for cell in cells):
        problem = _("A cell is longer than %(limit)s characters.", limit=LONGEST_CELL)
    elif any(not cell.isascii() and _UNKNOWN.search(cell) for cell in cells):
        problem = _("The line holds bytes that are no text.")
    elif len(cells) != width:
        problem = _(
            "The line has %(found)s cells where the header has %(expected)s.",
            found=len(cells), expected=width,
        )  # fmt: skip
    return Row(number, cells, problem)


def _delimiter(texts: list[str]) -> str:
    """Return the delimiter that cuts the first lines into most columns, evenly."""
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        widths = [len(_parse(text, delimiter) or []) for text in texts]
        fit = (widths[0], sum(width == widths[0] for width in widths))
        if widths[0] > 1 and fit > most:
            best, most = delimiter, fit
    return best


def _is_preamble(text: str) -> bool:
    """Tell whether a line stands before the header: blank, or Excel's `sep=;`."""
    return not text.strip("\ufeff \t\r\n") or bool(re.fullmatch(r"sep=.\s*", text))


def _encoding(path: Path) -> str:
    """Return the file's encoding, from its mark or from all of its bytes."""
    with _raw(path) as raw:
        stream = gzip.GzipFile(fileobj=raw) if raw.read(2) == _GZIP else raw
        raw.seek(0)
        try:
            return _by_bytes(cast(BinaryIO, stream), max(_BOMB, _BOMB_RATIO * _size(path)))
        except (EOFError, OSError, zlib.error):
            raise UnreadableFileError(_cut_message()) from None


def _by_bytes(stream: BinaryIO, most: int) -> str:
    block = stream.read(_BLOCK)
    if block.startswith(_ZIP):
        raise UnreadableFileError(
            _("This is a workbook or a zip archive. Save it as CSV and import that file.")
        )
    if block.startswith(_NO_TABLES):
        raise UnreadableFileError(
            _("This is a picture or a document, not a table. Save the table as CSV first.")
        )
    marked = next((name for mark, name in _BOMS if block.startswith(mark)), None)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    while block:  # to the end, so that a cut gzip is found before anything is written
        if is_utf8:
            is_utf8 = _decodes(decoder, block)
        most -= len(block)
        if most < 0:
            raise UnreadableFileError(_("The file was compressed beyond reason; nothing was read."))
        block = stream.read(_BLOCK)
    if marked:
        return marked
    return "utf-8" if is_utf8 and _decodes(decoder, b"", final=True) else "cp1252"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _raw(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFileError(
            _("%(path)s cannot be read: %(why)s.", path=path, why=error.strerror)
        ) from None


def _size(path: Path) -> int:
    with _raw(path) as raw:
        return raw.seek(0, io.SEEK_END)


def _cut_message() -> str:
    return str(_("The file is cut short or damaged. Fetch it again; nothing more was read."))


def _shown(cell: str) -> str:
    """Return a cell with the bytes that are no text spelt out, so that it can be shown."""
    return cell.encode(errors="backslashreplace").decode()


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:2] in FORMULA else cell
