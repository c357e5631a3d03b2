"""What we measure ourselves against: the same rows, written by the bare driver."""

from __future__ import annotations

import csv
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

Row = tuple[Any, ...]
_COLUMNS = "source, external_id, occurred_at, currency, total, email, country, code"
_MARKS = {"sqlite": ",".join("?" * 8), "postgresql": ",".join(["%s"] * 8)}


class Raw:
    """A table without indexes beside its key, written durably by plain statements."""

    def __init__(self, folder: Path) -> None:
        url = os.environ["DATABASE_URL"]
        self.is_sqlite = url.startswith("sqlite")
        self._url = str(folder / "raw.db") if self.is_sqlite else url
        self._ours = str(folder / "cercle.db") if self.is_sqlite else url
        kind = "INTEGER PRIMARY KEY" if self.is_sqlite else "BIGSERIAL PRIMARY KEY"
        names = _COLUMNS.replace(",", " TEXT,")
        self.run(f"CREATE TABLE IF NOT EXISTS raw (id {kind}, {names} TEXT)")

    def connect(self, *, ours: bool = False) -> Any:
        """Return a connection that commits each statement, durably, to the raw tables or ours."""
        url = self._ours if ours else self._url
        if not self.is_sqlite:
            return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection = sqlite3.connect(url, isolation_level=None, timeout=30, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def run(self, statement: str) -> None:
        """Run one statement."""
        connection = self.connect()
        connection.execute(statement)
        connection.close()

    def singles(self, rows: Sequence[Row], *, clients: int) -> float:
        """Return rows a second, one durable transaction each, from so many clients."""
        return self._spread(rows, clients, self._one_by_one)

    def batches(self, rows: Sequence[Row], *, size: int, clients: int) -> float:
        """Return rows a second, in durable transactions of so many rows."""

        def write(connection: Any, part: Sequence[Row]) -> None:
            for start in range(0, len(part), size):
                self._together(connection, part[start : start + size])

        return self._spread(rows, clients, write)

    def codes(self, rows: Sequence[Row], *, table: str) -> float:
        """Return rows a second of codes in one transaction of the bare driver.

        executemany on SQLite, COPY on PostgreSQL.

        Args:
            rows: Codes in the order of their keys.
            table: `code`, with all that ours promises, or `raw_code`, with its unique key only.
        """
        if table == "raw_code":
            self._make_raw_code()
        connection, begun = self.connect(ours=table == "code"), time.perf_counter()
        into = f"{table} (key, text, campaign_id, status, status_since, used, batch_id, created_at)"
        if self.is_sqlite:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO {into} VALUES ({','.join('?' * 8)})", rows)
            connection.execute("COMMIT")
        else:
            with (
                connection.transaction(),
                connection.cursor() as cursor,
                cursor.copy(f"COPY {into} FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        took = time.perf_counter() - begun
        connection.close()
        return len(rows) / took

    def _make_raw_code(self) -> None:
        key = "INTEGER PRIMARY KEY" if self.is_sqlite else "BIGSERIAL PRIMARY KEY"
        self.run("DROP TABLE IF EXISTS raw_code")
        self.run(
            f"CREATE TABLE raw_code (id {key}, key TEXT NOT NULL UNIQUE, text TEXT NOT NULL, "
            "campaign_id BIGINT NOT NULL, status TEXT NOT NULL, status_since TEXT NOT NULL, "
            "used INTEGER NOT NULL, batch_id BIGINT, created_at TEXT NOT NULL)"
        )

    def file(self, path: Path) -> float:
        """Return lines a second of a CSV file read into one table, as databases do."""
        self.run("DROP TABLE IF EXISTS raw_file")
        with path.open(newline="") as lines:
            names = next(csv.reader(lines))
        self.run(f"CREATE TABLE raw_file ({', '.join(f'{name} TEXT' for name in names)})")
        connection, begun = self.connect(), time.perf_counter()
        if self.is_sqlite:
            count = self._file_sqlite(connection, path, len(names))
        else:
            count = self._file_postgresql(connection, path)
        took = time.perf_counter() - begun
        connection.close()
        return count / took

    def _file_sqlite(self, connection: Any, path: Path, columns: int) -> int:
        with path.open(newline="") as lines:
            reader = csv.reader(lines)
            next(reader)
            connection.execute("BEGIN")
            marks = ",".join("?" * columns)
            done = connection.executemany(f"INSERT INTO raw_file VALUES ({marks})", reader)
            connection.execute("COMMIT")
        return int(done.rowcount)

    def _file_postgresql(self, connection: Any, path: Path) -> int:
        with connection.cursor() as cursor:
            with cursor.copy("COPY raw_file FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(path.read_bytes())
            return int(cursor.rowcount)

    def _insert(self) -> str:
        kind = "sqlite" if self.is_sqlite else "postgresql"
        return f"INSERT INTO raw ({_COLUMNS}) VALUES ({_MARKS[kind]})"

    def _one_by_one(self, connection: Any, rows: Sequence[Row]) -> None:
        statement = self._insert()
        for row in rows:
            if self.is_sqlite:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(statement, row)
                connection.execute("COMMIT")
            else:
                connection.execute(statement, row)

    def _together(self, connection: Any, rows: Sequence[Row]) -> None:
        if self.is_sqlite:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self._insert(), rows)
            connection.execute("COMMIT")
            return
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(self._insert(), rows)

    def _spread(
        self, rows: Sequence[Row], clients: int, write: Callable[[Any, Sequence[Row]], None]
    ) -> float:
        connections = [self.connect() for _ in range(clients)]
        parts = [rows[n::clients] for n in range(clients)]
        begun = time.perf_counter()
        with ThreadPoolExecutor(clients) as threads:
            list(threads.map(write, connections, parts))
        took = time.perf_counter() - begun
        for connection in connections:
            connection.close()
        return len(rows) / took
