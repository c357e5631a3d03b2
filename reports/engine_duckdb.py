"""DuckDB inside this process, the engine that needs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from reports.question import Found, Question, UnreadableError

_UNREADABLE = (duckdb.IOException, duckdb.InvalidInputException)  # missing; not whole


@dataclass(frozen=True, slots=True)
class DuckDB:
    """A new engine for each question, without any state between two."""

    @contextmanager
    def opened(self, question: Question) -> Iterator[Found]:
        with duckdb.connect() as connection:
            try:
                open_views(connection, question)
                found = connection.execute(question.sql, dict(question.parameters))
            except _UNREADABLE as error:
                raise UnreadableError(str(error)) from error
            yield _Found(found)


class _Found:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.names = [column[0] for column in cursor.description]

    def rows(self, most: int | None = None) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = (
            self._cursor.fetchall() if most is None else self._cursor.fetchmany(most)
        )
        return found

    def arrays(self) -> dict[str, Any]:
        columns: dict[str, Any] = self._cursor.fetchnumpy()
        return columns


def open_views(connection: Any, question: Question) -> None:
    """Make a question's tables known to a connection."""
    connection.execute("SET autoinstall_known_extensions = false")
    for name, select in question.tables.items():
        connection.execute(f"CREATE VIEW {name} AS {select}")
    for name, paths in question.files.items():
        connection.execute(f"CREATE VIEW {name} AS {_select(question.folder, paths)}")


def _select(folder: Path, paths: Sequence[str]) -> str:
    files = ", ".join("'" + str(folder / path).replace("'", "''") + "'" for path in paths)
    return f"SELECT * FROM read_parquet([{files}])"  # noqa: S608  names of our own, quoted
