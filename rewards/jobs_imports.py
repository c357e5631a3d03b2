"""Running an import: one commit a batch, for the operator's command and for jobs.

A job is run by whoever is there: the worker, or a thread of the process that took the file
in.  The claim of `core/jobs.py` lets one of them run it at a time and another go on after a
crash, at the batch that was not committed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy.exc
import structlog
from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from core import db as database
from core import jobs
from core.db import db
from core.errors import DomainError
from core.jobs import Job, JobState
from integrations.order_files import formats, reading
from integrations.order_files.shapes import Found, Layout
from integrations.rejected import RejectedFile
from integrations.tables import Table
from rewards import imports, uploads
from rewards.imports import Counts

log = structlog.get_logger()

KIND = "import.purchases"
_WAITS = (1, 2, 4, 8, 15, 15)  # seconds between attempts while the database is busy


class StoppedError(Exception):
    """Somebody asked the run to stop; what was committed stays."""


@dataclass(slots=True)
class Run:
    """An import on its way."""

    rejected: RejectedFile
    counts: Counts = field(default_factory=Counts)
    take: Callable[[list[Found], Counts], imports.Taken] = imports.take
    is_dry: bool = False
    on_batch: Callable[[Run], None] = lambda run: None  # in the transaction of the batch
    on_commit: Callable[[Run], None] = lambda run: None  # may raise StoppedError

    def go(self, found: Iterable[Found]) -> Counts:
        """Record every batch and commit it; return what became of all.

        Raises:
            StoppedError: `on_commit` said so.
            OperationalError: The database stayed busy or away.
        """
        for batch in imports.batches(found):
            self._take(batch)
            db.session.expunge_all()  # memory stays flat
            self.on_commit(self)
        return self.counts

    def _take(self, batch: list[Found]) -> None:
        mark = self.rejected.flush()
        for wait in (*_WAITS, None):
            try:
                self._attempt(batch)
            except sqlalchemy.exc.DBAPIError as error:
                db.session.rollback()
                self.rejected.rewind(mark)
                if wait is None or not database.will_pass(error):
                    raise
                time.sleep(wait)
            except BaseException:
                db.session.rollback()
                self.rejected.rewind(mark)
                raise
            else:
                return

    def _attempt(self, batch: list[Found]) -> None:
        with database.writing():
            taken = self.take(batch, self.counts)
            before, self.counts = self.counts, taken.counts
            try:
                for row in taken.refused:
                    self.rejected.add(row)
                self.on_batch(self)
                _end_transaction(is_dry=self.is_dry)
            except BaseException:
                self.counts = before
                raise


def _end_transaction(*, is_dry: bool) -> None:
    if is_dry:
        db.session.rollback()
    else:
        db.session.commit()


def layout_of(table: Table, payload: dict[str, Any]) -> Layout:
    """Return the layout that a person saw and accepted."""
    rules = program.current()
    return formats.recognise(
        table, timezone=rules.timezone, currency=rules.currency, name=payload["format"],
        source=payload["source"] or None, mapping=payload["mapping"],
        decimal=payload["decimal"] or None, dates=payload["dates"] or None,
    )  # fmt: skip


def start_thread(job_id: int) -> None:
    """Run a job in the background of this process."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_in_thread, args=(app, job_id), daemon=True).start()


def run_due(stop: Callable[[], bool] = lambda: False) -> int:
    """Run every import that waits or was left behind; return how many.  For the worker."""
    with database.reading():
        ids = jobs.due(KIND)
        db.session.rollback()
    for job_id in ids:
        run_job(job_id, stop=stop)
    return len(ids)


def run_job(job_id: int, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Run one job to its end, unless another runner has it."""
    with database.writing():
        job = jobs.claim(job_id)
        db.session.commit()
    if job is None:
        return
    runner = _Runner(job, stop)
    with force_locale(job.payload["language"]):
        runner.run()


class _Runner:
    """One claim of one job."""

    def __init__(self, job: Job, stop: Callable[[], bool]) -> None:
        self.id, self.payload, self.stop = job.id, dict(job.payload), stop
        self.seen_at: datetime = job.seen_at  # type: ignore[assignment]  # the claim set it
        self.result: dict[str, Any] = dict(job.result)
        self.path = Path(self.payload["path"])
        self.table: Table | None = None
        self.run_: Run | None = None
        self.position = int(self.result.get("position", 0))  # orders committed so far

    def run(self) -> None:
        try:
            self._import()
        except StoppedError:
            self._stopped()
        except DomainError as error:
            self._end(JobState.FAILED, problem=imports.reason(error))
        except Exception:
            log.exception("import.failed", job=self.id)
            problem = _(
                "The import stopped on an error of ours. What was recorded before it stays; "
                "the same file can be imported again."
            )
            self._end(JobState.FAILED, problem=problem)
        finally:
            if self.run_ is not None:
                self.run_.rejected.close()

    def _import(self) -> None:
        with database.reading():  # no lock is held while the file is looked through
            self.table = Table(self.path)
            layout = layout_of(self.table, self.payload)
            formats.require_clear(layout)
            db.session.rollback()
        rejected = RejectedFile(
            rejected_path(self.path),
            self.table,
            resume_at=int(self.result.get("rejected_bytes", 0)),
        )
        counts = Counts(**self.result.get("counts", {}))
        self.run_ = Run(rejected, counts, on_batch=self._beat, on_commit=self._look_up)
        self.run_.go(islice(reading.read(self.table, layout), self.position, None))
        self._end(JobState.DONE)

    def _beat(self, run: Run) -> None:
        """Write down progress with the batch it belongs to."""
        assert self.table is not None  # noqa: S101  set before the run began
        self.position = run.counts.all
        self.result |= {
            "counts": run.counts.as_dict(), "position": self.position,
            "rejected_bytes": run.rejected.flush(),
        }  # fmt: skip
        seen_at = jobs.beat(
            self.id, self.seen_at, done=self.table.position, result=dict(self.result)
        )
        if seen_at is None:
            raise StoppedError
        self.seen_at = seen_at

    def _look_up(self, run: Run) -> None:
        if self.stop():
            raise StoppedError

    def _end(self, state: JobState, **more: Any) -> None:
        """Write down how the import ended, with its refused lines ready to be fetched."""
        db.session.rollback()
        with database.writing():
            self.result |= {"has_rejected": self._has_rejected(), **more}
            if jobs.end(self.id, self.seen_at, state, dict(self.result)):
                counts = self.result.get("counts", {})
                details = {"file": self.payload["name"], "state": state.value, **counts}
                audit.record("purchases.import", "job", self.id, details)
            db.session.commit()
        uploads.forget(self.path)

    def _stopped(self) -> None:
        """Leave a job that another runner goes on with, or tidy one that was cancelled."""
        db.session.rollback()
        with database.writing():
            job = db.session.get(Job, self.id)
            if job is None or job.state is not JobState.CANCELLED:
                return
            job.result = {**job.result, "has_rejected": self._has_rejected()}
            db.session.commit()
        uploads.forget(self.path)

    def _has_rejected(self) -> bool:
        return self.run_ is not None and self.run_.rejected.finish() is not None


def rejected_path(path: Path) -> Path:
    """Return where the refused lines of a file go: beside it."""
    return path.with_name(f"{path.name}.rejected.csv")


def _in_thread(app: Flask, job_id: int) -> None:
    with app.app_context():
        try:
            run_job(job_id)
        except Exception:
            log.exception("import.thread", job=job_id)
        finally:
            db.session.remove()
