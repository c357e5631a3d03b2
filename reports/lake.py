"""The columnar copy that reports are read from: Parquet files, a folder per fact and month.

A refresh takes one snapshot of the database, rewrites only the months that were
marked as changed (`core/changes.py`) to files with new names, swaps the manifest
in one step, and only then removes the marks it had read.  A reader sees the old
copy or the new one, never a mixture; a kill at any point leaves the old manifest
or the new one, and at worst a month that is rewritten once more.

The manifest carries the program's `lake_id`.  Another database, or another time
zone, has another one: then the whole copy is made anew.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec
import sqlalchemy as sa
import structlog
from flask_babel import gettext as _

from ambassadors.models import Program
from core import clock
from core.changes import FactChange
from core.db import BATCH_ROWS, db, is_sqlite, reading, writing
from core.errors import UnavailableError
from reports import sources
from reports.models import following, intervals

log = structlog.get_logger()

LAYOUT = 3  # of the files; another number: the copy is made anew
KEEP = timedelta(minutes=10)  # a replaced file stays for readers of the old manifest
WAIT = 10.0  # seconds for another refresh to end
STATEMENT_SECONDS = 600  # PostgreSQL's limit for one month of one fact


class File(msgspec.Struct, frozen=True):
    """One month of one fact."""

    path: str  # inside the lake
    rows: int


class Retired(msgspec.Struct, frozen=True):
    """A file that a later one replaced."""

    path: str
    at: datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Which files are the copy."""

    layout: int
    lake_id: str
    timezone: str
    stamp: str  # new with every change of the content
    as_of: datetime
    facts: dict[str, dict[str, File]]  # fact: month: file
    retired: list[Retired]

    def paths(self, fact: str, months: Sequence[str]) -> list[str]:
        """Return the files of a fact for those months that have any row."""
        known = self.facts.get(fact, {})
        return [known[month].path for month in months if month in known]


class Mark(NamedTuple):
    """A month of a fact that changed."""

    id: int
    fact: str
    month: str


class _Owner(NamedTuple):
    lake_id: str
    timezone: str


def read(folder: Path) -> Manifest | None:
    """Return the present manifest, or None where there is no copy that can be read."""
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def months_waiting() -> int:
    """Return how many months of facts changed since the last refresh."""
    return len(_state()[1])


def refresh(folder: Path, *, most_rows: int | None = None, wait: float = WAIT) -> Manifest:
    """Bring the copy up to what is committed, and return its manifest.

    Ends the session's open transaction if there is work to do: ask for reports
    before writing anything.

    Args:
        folder: Where the copy lives.
        most_rows: Leave larger refreshes to the worker and return the copy as it
            is, with its older `as_of`.
        wait: Seconds to wait while another process refreshes.

    Raises:
        UnavailableError: Another process is making the first copy, or it cannot be written.
    """
    owner, marks = _state()
    manifest = read(folder)
    if not marks and manifest and _belongs(manifest, owner):
        return msgspec.structs.replace(manifest, as_of=clock.now())
    if manifest and most_rows is not None and _is_large(manifest, owner, marks, most_rows):
        return manifest
    db.session.rollback()  # its lock would stand in the way of removing the marks
    try:
        with _lock(folder, wait) as is_ours:
            if is_ours:
                return _refresh(folder)
    except (OSError, duckdb.IOException):  # a full disk: what is there stays good, only older
        log.exception("lake.cannot_be_written")
    manifest = read(folder)
    if manifest and _belongs(manifest, owner):
        return manifest
    raise UnavailableError(_("The figures are being prepared; please try again in a moment."))


def discard(folder: Path, stamp: str) -> None:
    """Forget a copy whose files are missing or damaged, so that the next refresh makes it anew.

    Args:
        folder: Where the copy lives.
        stamp: Of the manifest that could not be read; a later one stays.
    """
    with _lock(folder, WAIT) as is_ours:
        manifest = read(folder)
        if is_ours and manifest and manifest.stamp == stamp:
            log.warning("lake.discarded", stamp=stamp)
            (folder / "manifest.json").unlink(missing_ok=True)


def _state() -> tuple[_Owner, set[tuple[str, str]]]:
    """Return whose copy it should be, and which months are marked."""
    owner = db.session.execute(sa.select(Program.lake_id, Program.timezone)).one()
    marked = sa.select(FactChange.fact, FactChange.month).distinct()
    return _Owner(*owner), {(row.fact, row.month) for row in db.session.execute(marked)}


def _belongs(manifest: Manifest, owner: _Owner) -> bool:
    return (manifest.layout, manifest.lake_id, manifest.timezone) == (LAYOUT, *owner)


def _is_large(
    manifest: Manifest, owner: _Owner, marks: set[tuple[str, str]], most_rows: int
) -> bool:
    """Tell whether a refresh would write more rows; False where the copy must not be used."""
    if not _belongs(manifest, owner):
        return False
    left = most_rows
    for fact, month in marks:
        known = manifest.facts.get(fact, {}).get(month)
        source = sources.SOURCES[fact]
        left -= (
            known.rows
            if known
            else sources.count(source, month, owner.timezone, most=max(left, 0) + 1)
        )
        if left < 0:
            return True
    return False


@contextmanager
def _lock(folder: Path, wait: float) -> Iterator[bool]:
    """Hold the lake's lock; gives False if another process kept it all that time."""
    until = time.monotonic() + wait
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(0.05)
            else:
                yield True  # closing the file lets go of the lock
                return


def _refresh(folder: Path) -> Manifest:
    before = read(folder)
    with _snapshot() as connection:
        owner = _Owner(*connection.execute(sa.select(Program.lake_id, Program.timezone)).one())
        read_marks = sa.select(FactChange.id, FactChange.fact, FactChange.month)
        marks = [Mark(*row) for row in connection.execute(read_marks)]
        as_of = clock.now()
        if before and not _belongs(before, owner):
            before = None
        stamp = secrets.token_hex(8)
        facts = {name: dict(files) for name, files in before.facts.items()} if before else {}
        for source in sources.SOURCES.values():
            months = _months_to_write(connection, source, owner, marks, is_first=before is None)
            known = facts.setdefault(source.name, {})
            known.update(_written(connection, source, months, owner, folder / source.name, stamp))
            facts[source.name] = {
                month: known[month] for month in sorted(known) if known[month].rows
            }
    manifest = Manifest(
        layout=LAYOUT, **owner._asdict(), stamp=stamp, as_of=as_of, facts=facts,
        retired=_retired(before, facts),
    )  # fmt: skip
    _swap(folder, manifest)
    _remove_orphans(
        folder, before, facts
    )  # after the swap: a kill never leaves names without files
    _remove_marks(marks)
    log.info("lake.refresh", marks=len(marks), rebuilt=before is None)
    return manifest


@contextmanager
def _snapshot() -> Iterator[sa.Connection]:
    """Open a transaction that only reads, and sees one state of the database throughout."""
    with reading(), db.engine.connect() as connection:
        if not is_sqlite():
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        yield connection


def _months_to_write(
    connection: sa.Connection, source: sources.Source, owner: _Owner, marks: Sequence[Mark], *,
    is_first: bool,
) -> list[str]:  # fmt: skip
    if not is_first:
        return sorted({mark.month for mark in marks if mark.fact == source.name})
    months: list[str] = []
    bound = datetime(1, 1, 2, tzinfo=UTC)
    while (found := sources.first_after(connection, source, bound)) is not None:
        month = f"{found:%Y-%m}" if source.is_daily else clock.local_month(found, owner.timezone)
        months.append(month)
        after = following(month)
        bound = (
            datetime(int(after[:4]), int(after[5:]), 1, tzinfo=UTC)
            if source.is_daily
            else max(end for _, end in intervals(month, owner.timezone))
        )
    return sorted(set(months))


def _written(
    connection: sa.Connection, source: sources.Source, months: Sequence[str], owner: _Owner,
    folder: Path, stamp: str,
) -> dict[str, File]:  # fmt: skip
    """Write the months to files with new names and return them."""
    files = {}
    for month in months:
        target = folder / month / f"{stamp}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            text = Path(scratch) / "rows.csv"
            sources.write_csv(connection, source, month, owner.timezone, text)
            rows = _to_parquet(source, text, target)
        files[month] = File(f"{source.name}/{month}/{target.name}", rows)
    return files


def _to_parquet(source: sources.Source, text: Path, target: Path) -> int:
    if not text.stat().st_size:
        return 0
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in source.columns.items())
    options = (
        "auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', "
        "new_line = '\\n', nullstr = '', parallel = false"
    )
    rows = f"SELECT * FROM read_csv({_quoted(text)}, columns = {{{columns}}}, {options})"  # noqa: S608  our own names
    with duckdb.connect() as engine:
        done = engine.execute(
            f"COPY ({rows}) TO {_quoted(target)} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    _to_disk(target)
    return int(done[0]) if done else 0


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _retired(before: Manifest | None, facts: dict[str, dict[str, File]]) -> list[Retired]:
    """Return the files that readers of an older manifest may still open."""
    if before is None:
        return []
    kept = {file.path for files in facts.values() for file in files.values()}
    now = clock.now()
    fresh = [
        Retired(file.path, now)
        for files in before.facts.values()
        for file in files.values()
        if file.path not in kept
    ]
    return [old for old in before.retired if abs(now - old.at) < KEEP] + fresh


def _remove_orphans(
    folder: Path, before: Manifest | None, facts: dict[str, dict[str, File]]
) -> None:
    """Remove what no manifest names any more, such as what a killed refresh left behind."""
    kept = {file.path for files in facts.values() for file in files.values()}
    if before:
        kept |= {file.path for files in before.facts.values() for file in files.values()}
        kept |= {old.path for old in before.retired if abs(clock.now() - old.at) < KEEP}
    for found in folder.glob("*/*"):
        if found.name.startswith("tmp"):
            shutil.rmtree(found, ignore_errors=True)
    for found in folder.glob("*/*/*.parquet"):
        if found.relative_to(folder).as_posix() not in kept:
            found.unlink(missing_ok=True)


def _swap(folder: Path, manifest: Manifest) -> None:
    fresh = folder / "manifest.new"
    fresh.write_bytes(msgspec.json.encode(manifest))
    _to_disk(fresh)
    fresh.replace(folder / "manifest.json")
    _to_disk(folder)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_marks(marks: Sequence[Mark]) -> None:
    """Remove exactly the marks that were read; those added since stay for the next time.

    A database that somebody else holds leaves marks behind: their months are written once more.
    """
    for start in range(0, len(marks), BATCH_ROWS):
        ids = [mark.id for mark in marks[start : start + BATCH_ROWS]]
        try:
            with writing(), db.engine.begin() as connection:
                connection.execute(sa.delete(FactChange).where(FactChange.id.in_(ids)))
        except sa.exc.OperationalError as error:
            log.warning("lake.marks_stay", error=type(error.orig).__name__)
            return
