"""Who watches the process learns whether it lives, serves and keeps up."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from core import clock, migrations, outbox, spark
from core.db import db
from integrations import jobs
from tests.factories import make_user, sign_in


def test_anyone_may_ask_whether_it_lives(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_it_is_ready_with_its_database_migrated(client: FlaskClient) -> None:
    outbox.enqueue("email", {}, key="a", due_at=clock.now() - timedelta(minutes=2))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ready", "database": True, "migrations": True, "outbox_oldest_seconds": 120},
    )


def test_it_is_not_ready_before_the_migrations(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "head", lambda: "9999_newer")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["migrations"] is False
    assert answer.headers["Retry-After"]


def test_it_is_not_ready_without_its_database(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> str:
        raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(migrations, "at", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["database"] is False


def test_counts_come_in_prometheus_format_and_name_nobody(client: FlaskClient) -> None:
    outbox.enqueue("email", {"to": "ana@example.com"}, key="a")
    text = client.get("/metrics").text
    assert 'cercle_outbox_messages{state="waiting"} 1.0' in text
    assert 'cercle_inbox_deliveries{state="failed"} 0.0' in text
    assert "ana@" not in text


def test_the_doctor_finds_a_healthy_house_and_says_what_to_do(app: Flask) -> None:
    told = app.test_cli_runner().invoke(args=["doctor"])
    assert told.exit_code == 0, told.output
    for line in ("migrations: At ", "Stripe webhooks: Switched on.", "outbox: Nothing is late."):
        assert line in told.output


def test_the_doctor_names_a_late_worker_and_missing_migrations(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.enqueue("email", {}, key="a", due_at=clock.now() - timedelta(hours=2))
    db.session.commit()
    assert "is `flask worker` running" in app.test_cli_runner().invoke(args=["doctor"]).output
    monkeypatch.setattr(migrations, "head", lambda: "9999_newer")
    told = app.test_cli_runner().invoke(args=["doctor"])
    assert told.exit_code == 1
    assert "flask db upgrade" in told.output


def test_the_doctor_says_what_runs_the_reports_and_what_it_lacks(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = app.test_cli_runner().invoke
    assert "reports: DuckDB" in ask(args=["doctor"]).output
    chosen = dataclasses.replace(app.extensions["settings"], report_engine="spark")
    monkeypatch.setitem(app.extensions, "settings", chosen)
    monkeypatch.setattr(spark, "lacking", lambda **_: [])
    assert "reports: Spark at local[*], reading " in ask(args=["doctor"]).output
    monkeypatch.setattr(spark, "lacking", lambda **_: ["PySpark is not here."])
    told = ask(args=["doctor"])
    assert told.exit_code == 1
    assert "reports: PySpark is not here." in told.output


def test_the_mailbox_shows_what_a_demo_would_have_sent(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = dataclasses.replace(app.extensions["settings"], instance=tmp_path)
    monkeypatch.setitem(app.extensions, "settings", settings)
    assert client.get("/console/mailbox").status_code == 302
    sign_in(client, make_user("admin"))
    assert "Nothing was sent yet" in client.get("/console/mailbox?lang=en").text
    text = "Hello <script>alert(1)</script> https://example.com/x"
    outbox.enqueue(
        "email", {"to": "ana@example.com", "subject": "Bienvenue", "text": text}, key="a"
    )
    db.session.commit()
    assert jobs.send_messages() == 1
    page = client.get("/console/mailbox").text
    assert "Bienvenue" in page
    assert "<script>alert" not in page
    assert 'href="https://example.com/x"' in page
    real = dataclasses.replace(settings, mode="production")
    monkeypatch.setitem(app.extensions, "settings", real)
    assert client.get("/console/mailbox").status_code == 404
