"""Spark on the same files, for a lake that one machine has outgrown.

Nothing is written twice: sqlglot turns a definition from DuckDB's dialect into
Spark's.  Where both have a function of one name that does not do the same, the
translation spells out what DuckDB's does (`_spelled`).

PySpark is an extra, imported at the first question.  It starts one JVM per process
then; each question has a session of its own in it, so their views do not meet.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any
from unicodedata import category

import numpy as np
import sqlglot
import structlog
from flask_babel import gettext as _
from sqlglot import exp

from core.errors import UnavailableError
from reports import sources
from reports.question import Found, Question, UnreadableError

log = structlog.get_logger()

CONFIGURATION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a sum that does not fit is an error, as in DuckDB
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
_BLANKS = "".join(letter for letter in map(chr, range(0x3001)) if category(letter) == "Zs")
_NUMBERS = {"bigint": np.int64, "int": np.int32, "double": np.float64}
_LONGEST_LOG = 1_000  # characters of an error, whose traces are long
_starting = threading.Lock()
_running: dict[str, Any] = {}  # the session of this process, by its master


@dataclass(frozen=True, slots=True)
class Spark:
    """A cluster, and the address under which it finds the lake."""

    master: str
    lake: str  # such as file:///srv/lake or s3a://bucket/lake

    @contextmanager
    def opened(self, question: Question) -> Iterator[Found]:
        from py4j.protocol import Py4JError
        from pyspark.errors import AnalysisException, PySparkRuntimeError

        try:
            session = _session(self.master).newSession()
            self._open_views(session, question)
            found = _Found(session.sql(translated(question.sql), dict(question.parameters)))
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise  # a definition that Spark does not understand is a fault of ours
            raise self._unseen(question, str(error)) from error
        except (Py4JError, PySparkRuntimeError, OSError) as error:
            raise self._failed(question, str(error)) from error
        yield found

    def _open_views(self, session: Any, question: Question) -> None:
        for name, select in question.tables.items():
            session.sql(translated(select)).createOrReplaceTempView(name)
        for name, paths in question.files.items():
            files = [f"{self.lake}/{path}" for path in paths]
            session.read.schema(schema(name)).parquet(*files).createOrReplaceTempView(name)

    def _failed(self, question: Question, said: str) -> Exception:
        """Return what an error of Spark's means to a report."""
        if "FAILED_READ_FILE.FILE_NOT_EXIST" in said:
            return self._unseen(question, said)
        if "FAILED_READ_FILE" in said:
            return UnreadableError(said)
        log.error("spark.does_not_answer", master=self.master, error=said[:_LONGEST_LOG])
        return _unavailable()

    def _unseen(self, question: Question, said: str) -> Exception:
        """Tell a lake that has moved on from one that Spark looks for in the wrong place."""
        if not question.is_whole():
            return UnreadableError(said)
        log.error("spark.does_not_see_the_lake", lake=self.lake, error=said[:_LONGEST_LOG])
        return _unavailable()


class _Found:
    """Rows as they come; the first is fetched at once, so what cannot be read is known then."""

    def __init__(self, frame: Any) -> None:
        self._kinds = dict(frame.dtypes)
        self.names = list(self._kinds)
        rows = frame.toLocalIterator(prefetchPartitions=True)
        self._first = list(islice(rows, 1))
        self._rest = rows

    def rows(self, most: int | None = None) -> list[tuple[Any, ...]]:
        first, self._first = self._first, []
        left = None if most is None else most - len(first)
        return [tuple(row) for row in (*first, *islice(self._rest, left))]

    def arrays(self) -> dict[str, Any]:
        rows = self.rows()
        return {
            name: np.array([row[place] for row in rows], dtype=_NUMBERS.get(kind, object))
            for place, (name, kind) in enumerate(self._kinds.items())
        }


@functools.lru_cache(maxsize=128)
def translated(sql: str) -> str:
    """Return SQL of DuckDB's dialect in Spark's."""
    return sqlglot.parse_one(sql, read="duckdb").transform(_spelled).sql("spark", comments=False)


def schema(fact: str) -> str:
    """Return the columns of a fact in Spark's words, so that it opens no file to learn them."""
    types = {
        name: exp.DataType.build(kind, dialect="duckdb").sql("spark")
        for name, kind in sources.SOURCES[fact].columns.items()
    }
    return ", ".join(f"{name} {kind}" for name, kind in types.items())


def _spelled(node: exp.Expr) -> exp.Expr:
    """Spell out what DuckDB means where Spark's function of that name does otherwise.

    trim: DuckDB's takes every blank of Unicode away, such as the narrow one of French; Spark's
    only the plain one.  lower: DuckDB's goes letter by letter; Spark's knows a final sigma
    and keeps the dot of a Turkish capital I apart.
    """
    if isinstance(node, exp.Trim) and not node.expression:
        node.set("expression", exp.Literal.string(_BLANKS))
    if isinstance(node, exp.Lower):
        letters = (exp.Literal.string("İΣ"), exp.Literal.string("iσ"))
        node.set("this", exp.func("TRANSLATE", node.this, *letters))
    return node


def _session(master: str) -> Any:
    """Return this process's session, started at the first question or where the last one ended."""
    from pyspark.sql import SparkSession

    with _starting:
        session = _running.get(master)
        if session is not None and not _is_alive(session):
            log.warning("spark.starts_again", master=master)
            _end(_running.pop(master))
            session = None
        if session is None:
            builder = SparkSession.builder.master(master).appName("cercle-reports")
            session = _running[master] = builder.config(map=CONFIGURATION).getOrCreate()
        return session


def _is_alive(session: Any) -> bool:
    """Tell whether the JVM answers and has not lost its cluster."""
    from py4j.protocol import Py4JError

    try:
        return not session.sparkContext._jsc.sc().isStopped()
    except (Py4JError, OSError):
        return False


def _end(session: Any) -> None:
    """Forget a session; PySpark has no other way to let go of a JVM that died."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    gateway = SparkContext._gateway
    for _attempt in range(2):  # the first fails at a dead JVM, the second then tidies up
        with suppress(Exception):
            session.sparkContext.stop()
    with suppress(OSError):
        gateway.proc.stdin.close()  # a JVM that lives ends with it
    SparkContext._gateway = SparkContext._jvm = SparkSession._instantiatedSession = None


def _unavailable() -> UnavailableError:
    return UnavailableError(_("The figures cannot be computed now; please try again later."))
