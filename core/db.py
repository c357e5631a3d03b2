"""The database session, the base class of every table, and the column words.

SQLite and PostgreSQL behave alike through the hooks below.  On SQLite a unit
of work that may write opens with BEGIN IMMEDIATE, because a transaction that
reads first and writes later fails at once when somebody else wrote between
(`busy_timeout` does not help it); pure reads open with a plain BEGIN.
"""

from __future__ import annotations

import functools
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column

from core import turns

BATCH_ROWS = 500  # at most so many rows in one write transaction

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])

_may_write: ContextVar[bool] = ContextVar("may_write", default=True)


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A timezone-aware UTC datetime on every database, SQLite included."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime reached the database")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DecimalText(sa.TypeDecorator[Decimal]):
    """A decimal, kept as text: exact on every database, where SQLite would make it a float."""

    impl = sa.String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else f"{value:f}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def choice(kind: type[StrEnum]) -> sa.Enum:
    """Return the column type of a StrEnum: its value as text, checked on the way in."""
    return sa.Enum(
        kind, native_enum=False, create_constraint=False, length=32,
        values_callable=lambda words: [word.value for word in words],
    )  # fmt: skip


PrimaryKey = Annotated[
    int, mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
]
BigId = Annotated[int, mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"))]
MinorUnits = Annotated[int, mapped_column(sa.BigInteger)]  # cents, pence, yen
BasisPoints = Annotated[int, mapped_column(sa.Integer)]  # 10 % is 1000
CurrencyCode = Annotated[str, mapped_column(sa.String(3))]  # ISO 4217, upper case
CountryCode = Annotated[str, mapped_column(sa.String(2))]  # ISO 3166-1 alpha-2, upper case
UtcTime = Annotated[datetime, mapped_column(UtcDateTime)]
LocalDay = Annotated[date, mapped_column(sa.Date)]  # in the program's time zone
ExactDecimal = Annotated[Decimal, mapped_column(DecimalText)]
Digest = Annotated[str, mapped_column(sa.String(64))]  # SHA-256, hexadecimal
Words = Annotated[list[str], mapped_column(sa.JSON)]
Facts = Annotated[dict[str, Any], mapped_column(sa.JSON)]


class Model(DeclarativeBase):
    """Base class of every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(metadata=Model.metadata)


@contextmanager
def reading() -> Iterator[None]:
    """Say that transactions begun in this block only read."""
    token = _may_write.set(False)
    try:
        yield
    finally:
        _may_write.reset(token)


@contextmanager
def writing() -> Iterator[None]:
    """Say that transactions begun in this block may write; ends any open one first."""
    db.session.rollback()
    token = _may_write.set(True)
    try:
        yield
    finally:
        _may_write.reset(token)


def set_may_write(may_write: bool) -> None:  # the one switch, set by the web door
    """Set what transactions begun from here on in this context may do."""
    _may_write.set(may_write)


RETRIES = 5  # attempts at one unit of work that others got in the way of
_CROSSED = frozenset({"40001", "40P01", "23505", "23503"})  # PostgreSQL's words for it


def has_crossed(error: sa.exc.DBAPIError) -> bool:
    """Tell whether somebody else's work at the same moment made a unit of work fail.

    A deadlock or a serialisation failure; or a row that came or went between
    reading and writing, which the next attempt will see.

    Source: PostgreSQL, appendix A (40001, 40P01, 23505, 23503).
    """
    return getattr(error.orig, "sqlstate", None) in _CROSSED


def will_pass(error: sa.exc.DBAPIError) -> bool:
    """Tell whether the same work may succeed in a moment: others crossed it, or a busy database."""
    return has_crossed(error) or isinstance(error, sa.exc.OperationalError)


def retrying(work: Callable[[], T]) -> T:
    """Do a whole unit of work, which commits at its end; again if others got in the way.

    Args:
        work: Everything from the first read to the commit; has no effect beside the database.
    """
    for attempt in range(1, RETRIES):
        try:
            return work()
        except sa.exc.DBAPIError as error:
            db.session.rollback()
            if not has_crossed(error):
                raise
            time.sleep(secrets.randbelow(20 * attempt) / 1000)  # not in step again
    return work()


def retried(view: View) -> View:
    """Make a door's view a unit of work that is done again if others got in the way."""

    @functools.wraps(view)
    def again(*args: Any, **values: Any) -> Any:
        return retrying(lambda: view(*args, **values))

    return cast(View, again)


def is_sqlite() -> bool:
    """Tell whether the session speaks to SQLite."""
    return db.engine.dialect.name == "sqlite"


def upsert_dialect() -> Any:
    """Return the dialect's module whose `insert` knows ON CONFLICT."""
    if is_sqlite():
        from sqlalchemy.dialects import sqlite

        return sqlite
    from sqlalchemy.dialects import postgresql

    return postgresql


def many(name: str = "ids") -> sa.BindParameter[Any]:
    """Return a parameter that stands for a list, for statements that are built once.

    On hot roads building a statement costs more than running it.
    """
    return sa.bindparam(name, expanding=True)


def run(
    statement: Any, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> sa.CursorResult[Any]:
    """Run a statement about columns in this transaction, past the objects of the session.

    For hot roads: the session looks at each row as if it could become an object, which takes
    longer than most statements.  What the session holds is written first, as it would be there.

    Args:
        statement: Built once, at the top of its module.
        values: Of its parameters; a list writes so many rows.
    """
    db.session.flush()
    return db.session.connection().execute(statement, values)


def affected(result: sa.Result[Any]) -> int:
    """Return how many rows an UPDATE or DELETE changed."""
    return int(result.rowcount)  # type: ignore[attr-defined]  # a cursor's result counts rows


def hook(engine: sa.Engine, *, journal_mode: str = "WAL", statement_timeout_ms: int = 5000) -> None:
    """Install the connection and transaction hooks of one engine.

    Args:
        engine: A new engine, before its first connection.
        journal_mode: SQLite's; `TRUNCATE` where WAL is not safe.
        statement_timeout_ms: PostgreSQL's limit for one statement.
    """
    if engine.dialect.name == "sqlite":
        _hook_sqlite(engine, journal_mode)
    else:
        _hook_postgresql(engine, statement_timeout_ms)


def _hook_sqlite(engine: sa.Engine, journal_mode: str) -> None:
    def connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # we emit BEGIN ourselves
        for pragma in (
            "busy_timeout=1000",  # after the wait for our turn: for others than us
            f"journal_mode={journal_mode}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # else INSERT OR REPLACE deletes rows past their triggers
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: sa.Connection) -> None:
        if _may_write.get() and path:
            turns.take(connection)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _may_write.get() else "BEGIN")

    path = None if engine.url.database == ":memory:" else engine.url.database
    if path:
        turns.keep(engine, f"{path}.turn")
    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", begin)


def _hook_postgresql(engine: sa.Engine, statement_timeout_ms: int) -> None:
    def connect(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {statement_timeout_ms}")
            cursor.execute("SET lock_timeout = 2000")
            cursor.execute("SET timezone = 'UTC'")
        connection.commit()

    sa.event.listen(engine, "connect", connect)


def has_wal_bug(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite can lose a commit when its write-ahead log is reset.

    Source: sqlite.org/wal.html, "The WAL-Reset Bug": 3.7.0 to 3.51.2, but not
    3.50.7 nor 3.44.6, where it was mended too.
    """
    is_mended = (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    return (3, 7, 0) <= version <= (3, 51, 2) and not is_mended


def safe_journal_mode(*, is_production: bool) -> str:
    """Return SQLite's journal mode: production takes no write-ahead log that can lose a commit."""
    return "TRUNCATE" if is_production and has_wal_bug(sqlite3.sqlite_version_info) else "WAL"


def init_app(app: Flask, *, journal_mode: str, statement_timeout_ms: int) -> None:
    """Bind the database to the application and hook its engine."""
    db.init_app(app)
    with app.app_context():
        hook(db.engine, journal_mode=journal_mode, statement_timeout_ms=statement_timeout_ms)
