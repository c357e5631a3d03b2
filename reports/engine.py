"""Run a report's SQL on the columnar copy, with DuckDB in this process or with Spark.

A report is one file in `reports/sql/`, in DuckDB's dialect, with named
parameters.  It sees the fact tables as views over exactly the Parquet files that
the manifest names for the months asked for, `months`, the months themselves,
`answer_channels`, the channel of each folded answer to the survey that has one, and
`friendly_answers`, those that name the community.  `REPORT_ENGINE` says what runs it.
"""

from __future__ import annotations

import functools
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import current_app

from campaigns.spend import COMMUNITY
from core.config import Settings
from referrals import survey
from reports import lake, sources
from reports.engine_duckdb import DuckDB
from reports.engine_spark import Spark
from reports.models import Period
from reports.question import Engine, Found, Question, UnreadableError

FOLDER = Path(__file__).parent / "sql"
MOST_ROWS = 300_000  # a page refreshes so many rows by itself, in about a second
KNOWN_ANSWERS = 64
LONGEST_KNOWN = 2_000  # rows; a longer answer is not worth the memory of every process
EMBEDDED = DuckDB()
ATTEMPTS = 3  # files may be replaced while they are opened; the next manifest has the new ones
_PARAMETER = re.compile(r"\$([a-z_]+)")
_WORD = re.compile(r"\w+")

Told = TypeVar("Told")
_answers: OrderedDict[Any, Any] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Copy:
    """The state of the columnar copy that one report is read from."""

    folder: Path
    manifest: lake.Manifest
    answers: tuple[tuple[str, str], ...] = ()  # folded answers of the survey and their channels
    engine: Engine = EMBEDDED


def fresh(*, most_rows: int | None = None) -> Copy:
    """Return the columnar copy, brought up to date first.

    Args:
        most_rows: See `lake.refresh`; pages pass `MOST_ROWS`.
    """
    settings: Settings = current_app.extensions["settings"]
    manifest = lake.refresh(settings.lake, most_rows=most_rows)
    answers = tuple(sorted(survey.channels().items()))
    return Copy(settings.lake, manifest, answers, _chosen(settings))


def _chosen(settings: Settings) -> Engine:
    if settings.report_engine == "spark":
        return Spark(
            settings.spark_master, settings.spark_lake or f"file://{settings.lake.resolve()}"
        )
    return EMBEDDED


@functools.lru_cache(maxsize=32)
def definition(name: str) -> str:
    """Return the SQL text of a report."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def run(
    copy: Copy, name: str, period: Period, parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of a report.

    The same question of the same copy is answered from memory.

    Args:
        copy: From `fresh`.
        name: A file in `reports/sql/` without its ending.
        period: Which months the views hold; also `$from` and `$to`.
        parameters: The other named parameters.
    """
    given = _given(name, period, parameters)
    key = (
        str(copy.folder), copy.manifest.stamp, copy.answers, copy.engine, name, period,
        tuple(sorted(given.items(), key=str)),
    )  # fmt: skip
    with _guard:
        if key in _answers:
            _answers.move_to_end(key)
            return cast(list[dict[str, Any]], _answers[key])
    with _opened(copy, name, period, given) as found:
        rows = _named(found, found.rows())
    with _guard:
        if len(rows) <= LONGEST_KNOWN:
            _answers[key] = rows
        while len(_answers) > KNOWN_ANSWERS:
            _answers.popitem(last=False)
    return rows


def stream(
    copy: Copy, name: str, period: Period, parameters: Mapping[str, Any], *, block: int
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a report in blocks, from one run of its SQL; nothing is remembered."""
    given = _given(name, period, parameters)
    with _opened(copy, name, period, given) as found:
        while rows := found.rows(block):
            yield _named(found, rows)


def remembered(question: Any, answer: Callable[[], Told]) -> Told:
    """Return an answer from memory, else make it and remember it.

    Args:
        question: All that the answer depends on, such as the files it is read from.
        answer: Makes it.
    """
    with _guard:
        if question in _answers:
            _answers.move_to_end(question)
            return cast(Told, _answers[question])
    made = answer()
    with _guard:
        _answers[question] = made
    return made


def arrays(copy: Copy, name: str, period: Period, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a report as NumPy arrays, for figures on very many rows."""
    given = _given(name, period, parameters)
    with _opened(copy, name, period, given) as found:
        return found.arrays()


def _given(name: str, period: Period, parameters: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"from": period.first, "to": period.last, **parameters}
    return {key: asked[key] for key in _PARAMETER.findall(_without_comments(definition(name)))}


def _named(found: Found, rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [dict(zip(found.names, row, strict=True)) for row in rows]


@contextmanager
def _opened(copy: Copy, name: str, period: Period, given: Mapping[str, Any]) -> Iterator[Found]:
    """Ask the copy, or the next one where its files are replaced, gone or damaged."""
    with ExitStack() as stack:
        for attempt in range(ATTEMPTS):
            try:
                asked = question(copy, name, period, given)
                found = stack.enter_context(copy.engine.opened(asked))
                break
            except UnreadableError:
                if attempt == ATTEMPTS - 1:
                    raise
                copy = _next(copy)
        yield found


def _next(copy: Copy) -> Copy:
    """Return the copy that follows one whose files cannot be read."""
    lake.discard(copy.folder, copy.manifest.stamp)
    return replace(copy, manifest=lake.refresh(copy.folder))


def question(copy: Copy, name: str, period: Period, given: Mapping[str, Any]) -> Question:
    """Return what an engine is asked for a report.

    Args:
        copy: From `fresh`; the files of one manifest, so never a mixture of two states.
        name: A file in `reports/sql/` without its ending.
        period: Which months the views hold.
        given: All named parameters of the definition.
    """
    text = definition(name)
    named = set(_WORD.findall(_without_comments(text)))  # what it does not read is not opened
    paths = {fact: copy.manifest.paths(fact, period.months) for fact in sources.SOURCES}
    files = {fact: found for fact, found in paths.items() if found and fact in named}
    tables = {fact: _empty(sources.SOURCES[fact]) for fact, found in paths.items() if not found}
    tables |= {
        "months": _values(("month",), [(month,) for month in period.months]),
        "answer_channels": _values(("answer", "channel"), copy.answers),
        "friendly_answers": _values(
            ("answer",), [(said,) for said, channel in copy.answers if channel == COMMUNITY]
        ),
    }
    tables = {table: select for table, select in tables.items() if table in named}
    return Question(text, given, tables, files, copy.folder)


def _values(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a SELECT of rows of texts; without rows, of the columns only."""
    named = ", ".join(columns)
    listed = ", ".join(f"({', '.join(map(_text, row))})" for row in rows)
    nothing = f"({', '.join('NULL' for _ in columns)})"
    return (
        f"SELECT * FROM (VALUES {listed or nothing}) AS t({named}) WHERE {columns[0]} IS NOT NULL"  # noqa: S608  quoted
    )


def _empty(source: sources.Source) -> str:
    columns = (f"CAST(NULL AS {kind}) AS {name}" for name, kind in source.columns.items())
    return f"SELECT {', '.join(columns)} WHERE false"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def other_currencies(copy: Copy, period: Period, currency: str) -> list[str]:
    """Return the other currencies in which something was bought or spent."""
    found = run(copy, "currencies", period, {})
    return [row["currency"] for row in found if row["currency"] != currency]
