"""The clock runs what is due, and one failing job harms no other."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flask import Flask

from core import config, outbox, worker
from core.db import db
from tests.conftest import NOW


def test_every_job_runs_though_one_fails(app: Flask) -> None:
    done: list[str] = []

    def fail() -> int:
        raise RuntimeError("no")

    jobs = [
        worker.Job("first", 60, lambda: done.append("first")),
        worker.Job("broken", 60, fail),
        worker.Job("last", 60, lambda: 3),
    ]
    ran = list(worker.run_once(app, jobs))
    assert [(one.name, one.done, one.error) for one in ran] == [
        ("first", 0, None), ("broken", 0, "RuntimeError: no"), ("last", 3, None)
    ]  # fmt: skip
    assert done == ["first"]


def test_once_does_what_is_due_says_so_and_stops(app: Flask) -> None:
    outbox.enqueue("email", {"to": "ana@example.com", "subject": "Hi", "text": "."}, key="hi:1")
    db.session.commit()
    runner = app.test_cli_runner()
    first, second = (runner.invoke(args=["worker", "--once"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert "send messages: 1" in first.output
    assert "send messages: 0" in second.output
    for name in ("apply webhooks", "release holds", "expire reservations", "run imports"):
        assert f"{name}: 0" in first.output


def test_a_job_comes_round_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [1000.0, 1005.0, 1058.0, 1060.0, 1065.0, 1120.0]
    told_times = iter(moments)
    monkeypatch.setattr(time, "monotonic", lambda: next(told_times))
    due = worker._Due(60)
    told = [due(NOW) for _ in moments]
    assert told == [True, False, False, True, False, True]


@pytest.mark.parametrize(
    ("database_url", "name"),
    [
        ("sqlite:///x.db", "SqliteStorage"),
        ("postgresql+psycopg://postgres@127.0.0.1/x", "PostgresStorage"),
    ],
)
def test_the_storage_follows_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, name: str
) -> None:
    from huey.storage import PostgresStorage

    monkeypatch.setattr(PostgresStorage, "initialize_schema", lambda self: None)
    settings = dataclasses.replace(
        config.load(), database_url=database_url, instance=tmp_path, redis_url=None
    )
    queue = worker.storage(settings)
    assert type(queue.storage).__name__ == name
    queue.storage.close()


def test_the_worker_runs_and_stops_at_a_sigterm(app: Flask, tmp_path: Path) -> None:
    settings = app.extensions["settings"]
    outbox.enqueue("email", {"to": "ana@example.com", "subject": "Hi", "text": "."}, key="hi:1")
    db.session.commit()
    env = os.environ | {
        "CERCLE_ENV": "development", "DATABASE_URL": settings.database_url,
        "CERCLE_INSTANCE": str(tmp_path), "FLASK_APP": "app", "REDIS_URL": "",
        "CERCLE_NOW": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "worker"]
    with subprocess.Popen(  # noqa: S603  our own command
        command, cwd=config.ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        until = time.monotonic() + 90
        while outbox.counts()["sent"] == 0 and time.monotonic() < until:
            db.session.rollback()
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert b"The worker has stopped." in said
    db.session.rollback()
    assert outbox.counts()["sent"] == 1
    assert len(list((tmp_path / "mailbox").glob("*.json"))) == 1
