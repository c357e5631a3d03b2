"""Run a report's SQL on the columnar copy, with DuckDB inside this process.

A report is one file in `reports/sql/`, in DuckDB's dialect, with named
parameters.  It sees the fact tables as views over exactly the Parquet files that
the manifest names for the months asked for, `months`, the months themselves,
`answer_channels`, the channel of each folded answer to the survey that has one, and
`friendly_answers`, those that name the community.
"""

from __future__ import annotations

import functools
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import duckdb
from flask import current_app

from campaigns.spend import COMMUNITY
from core.config import Settings
from referrals import survey
from reports import lake, sources
from reports.models import Period

FOLDER = Path(__file__).parent / "sql"
MOST_ROWS = 300_000  # a page refreshes so many rows by itself, in about a second
KNOWN_ANSWERS = 64
LONGEST_KNOWN = 2_000  # rows; a longer answer is not worth the memory of every process
ATTEMPTS = 3  # files may be replaced while they are opened; the next manifest has the new ones
_UNREADABLE = (duckdb.IOException, duckdb.InvalidInputException)  # missing; not whole
_PARAMETER = re.compile(r"\$([a-z_]+)")

Told = TypeVar("Told")
_answers: OrderedDict[Any, Any] = OrderedDict()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Copy:
    """The state of the columnar copy that one report is read from."""

    folder: Path
    manifest: lake.Manifest
    answers: tuple[tuple[str, str], ...] = ()  # folded answers of the survey and their channels


def fresh(*, most_rows: int | None = None) -> Copy:
    """Return the columnar copy, brought up to date first.

    Args:
        most_rows: See `lake.refresh`; pages pass `MOST_ROWS`.
    """
    settings: Settings = current_app.extensions["settings"]
    manifest = lake.refresh(settings.lake, most_rows=most_rows)
    return Copy(settings.lake, manifest, tuple(sorted(survey.channels().items())))


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
    question = (
        str(copy.folder), copy.manifest.stamp, copy.answers, name, period,
        tuple(sorted(given.items(), key=str)),
    )  # fmt: skip
    with _guard:
        if question in _answers:
            _answers.move_to_end(question)
            return cast(list[dict[str, Any]], _answers[question])
    with _opened(copy, definition(name), period, given) as found:
        rows = _named(found, found.fetchall())
    with _guard:
        if len(rows) <= LONGEST_KNOWN:
            _answers[question] = rows
        while len(_answers) > KNOWN_ANSWERS:
            _answers.popitem(last=False)
    return rows


def stream(
    copy: Copy, name: str, period: Period, parameters: Mapping[str, Any], *, block: int
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a report in blocks, from one run of its SQL; nothing is remembered."""
    given = _given(name, period, parameters)
    with _opened(copy, definition(name), period, given) as found:
        while rows := found.fetchmany(block):
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
    with _opened(copy, definition(name), period, given) as found:
        columns: dict[str, Any] = found.fetchnumpy()
    return columns


def _given(name: str, period: Period, parameters: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"from": period.first, "to": period.last, **parameters}
    return {key: asked[key] for key in _PARAMETER.findall(_without_comments(definition(name)))}


def _named(found: Any, rows: Sequence[Any]) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


@contextmanager
def _opened(copy: Copy, sql: str, period: Period, parameters: dict[str, Any]) -> Iterator[Any]:
    """Run SQL on the copy, or on the next one where its files are replaced, gone or damaged."""
    with duckdb.connect() as engine:
        for attempt in range(ATTEMPTS):
            try:
                _open_views(engine, copy, period.months)
                found = engine.execute(sql, parameters)
                break
            except _UNREADABLE:
                if attempt == ATTEMPTS - 1:
                    raise
                copy = _next(copy)
        yield found


def _next(copy: Copy) -> Copy:
    """Return the copy that follows one whose files cannot be read."""
    lake.discard(copy.folder, copy.manifest.stamp)
    return replace(copy, manifest=lake.refresh(copy.folder))


def _open_views(engine: Any, copy: Copy, months: Sequence[str]) -> None:
    engine.execute("SET autoinstall_known_extensions = false")
    named = ", ".join(f"('{month}')" for month in months)
    months_view = f"SELECT * FROM (VALUES {named}) AS t(month)"  # noqa: S608  months are checked
    engine.execute(f"CREATE OR REPLACE VIEW months AS {months_view}")
    given = ", ".join(f"({_text(said)}, {_text(name)})" for said, name in copy.answers)
    channels = f"SELECT * FROM (VALUES {given or '(NULL, NULL)'}) AS t(answer, channel)"  # noqa: S608  quoted
    engine.execute(f"CREATE OR REPLACE VIEW answer_channels AS {channels}")
    engine.execute(
        "CREATE OR REPLACE VIEW friendly_answers AS "  # noqa: S608  our own word
        f"SELECT answer FROM answer_channels WHERE channel = {_text(COMMUNITY)}"
    )
    for source in sources.SOURCES.values():
        paths = copy.manifest.paths(source.name, months)
        engine.execute(
            f"CREATE OR REPLACE VIEW {source.name} AS {_select(source, copy.folder, paths)}"
        )


def _select(source: sources.Source, folder: Path, paths: Sequence[str]) -> str:
    if not paths:
        empty = ", ".join(
            f"CAST(NULL AS {kind}) AS {name}" for name, kind in source.columns.items()
        )
        return f"SELECT {empty} WHERE false"
    files = ", ".join("'" + str(folder / path).replace("'", "''") + "'" for path in paths)
    return f"SELECT * FROM read_parquet([{files}])"  # noqa: S608  names of our own, quoted


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)


def other_currencies(copy: Copy, period: Period, currency: str) -> list[str]:
    """Return the other currencies in which something was bought or spent."""
    found = run(copy, "currencies", period, {})
    return [row["currency"] for row in found if row["currency"] != currency]
