"""The seam between reports and what runs them: a question, its answer, an engine.

An engine has one method.  It is given the text of a definition, as it stands in
`reports/sql/`, and the files to read, and gives rows back.  `engine_duckdb.py` and
`engine_spark.py` are the two there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class UnreadableError(Exception):
    """A file of the lake is gone or damaged; the next manifest names others."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an engine is asked.  All SQL is in DuckDB's dialect."""

    sql: str
    parameters: Mapping[str, Any]
    tables: Mapping[str, str]  # small ones: a name and its SELECT
    files: Mapping[str, Sequence[str]]  # a fact and its Parquet files, inside the folder
    folder: Path

    def is_whole(self) -> bool:
        """Tell whether every file is there."""
        return all((self.folder / path).exists() for paths in self.files.values() for path in paths)


class Found(Protocol):
    """The rows of an answer, read once: all of them, block by block, or as columns."""

    names: list[str]

    def rows(self, most: int | None = None) -> list[tuple[Any, ...]]:
        """Return the next rows, or all that are left; none at the end."""

    def arrays(self) -> dict[str, Any]:
        """Return the columns as NumPy arrays; a column of numbers holds no null."""


class Engine(Protocol):
    """What runs SQL on the files of the lake."""

    def opened(self, question: Question) -> AbstractContextManager[Found]:
        """Give the rows that answer a question.

        Raises:
            UnreadableError: A file cannot be read.
            UnavailableError: The engine does not answer.
        """
