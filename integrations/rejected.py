"""The lines of a file that were refused, written so that they can be mended and read again."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import BinaryIO, cast

from flask_babel import gettext as _

from integrations.tables import FORMULA, REJECTED_COLUMNS, Row, Table, UnreadableFileError

_NUMBER = re.compile(r"[+-]?[\d\s.,'’\u00a0\u202f]*\d[\d\s.,'’\u00a0\u202f]*%?")


class RejectedFile:
    """The lines that were refused, as a file to mend and read again.

    Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers stay
    numbers.  The file appears under its name when it is finished, and only if it has lines.

    Args:
        path: Where it will stand.
        table: The file whose lines they are.
        resume_at: Bytes already written by a run that was interrupted.
    """

    def __init__(self, path: Path, table: Table, *, resume_at: int = 0) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._table = table
        self._raw: BinaryIO | None = None
        self._file: io.TextIOWrapper | None = None
        self._resume_at = resume_at
        if resume_at and self._part.exists():
            self._open()

    def add(self, row: Row) -> None:
        """Write one refused row with its reason."""
        if self._file is None:
            self._open()
        self._write([str(row.line), row.problem or "", *row.cells])

    def flush(self) -> int:
        """Write down what there is and return how many bytes that makes."""
        if self._file is None or self._raw is None:
            return self._resume_at
        self._file.flush()
        return self._raw.tell()

    def rewind(self, size: int) -> None:
        """Forget what was written after the file had so many bytes."""
        if self._file is None or self._raw is None:
            return
        self._file.flush()
        self._raw.seek(size)
        self._raw.truncate()
        if not size:
            self._file.close()
            self._file = None

    def finish(self) -> Path | None:
        """Give the file its name and return it; None if no line was refused."""
        if self._file is None:
            self._part.unlink(missing_ok=True)  # of a run that was killed
            return None
        self._file.close()
        self._part.replace(self.path)
        return self.path

    def close(self) -> None:
        """Stop writing; another run may go on where this one was."""
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
            self._part.unlink()

    def _open(self) -> None:
        is_new = not (self._resume_at and self._part.exists())
        try:
            raw = self._part.open("wb" if is_new else "r+b")
        except OSError as error:
            raise UnreadableFileError(
                _("%(path)s cannot be written: %(why)s.", path=self._part, why=error.strerror)
            ) from None
        if not is_new:
            raw.truncate(self._resume_at)
            raw.seek(0, io.SEEK_END)
        self._raw = raw
        self._file = io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", newline="")
        if is_new:
            self._write([*REJECTED_COLUMNS, *self._table.header])

    def _write(self, cells: list[str]) -> None:
        writer = csv.writer(
            cast(io.TextIOWrapper, self._file), delimiter=self._table.shape.delimiter
        )
        writer.writerow([guarded(cell.replace("\0", "\N{SYMBOL FOR NULL}")) for cell in cells])


def guarded(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; numbers stay numbers."""
    if cell.startswith(FORMULA) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell
