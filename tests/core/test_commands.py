"""An operator reads a sentence, never a traceback, when the database cannot serve."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from app import create_app
from core import config

COMMANDS = [
    ("apikey", "list"), ("campaign", "list"), ("codes", "list"), ("demo", "load"),
    ("import", "purchases", "FILE"), ("import", "spend", "FILE"), ("inbox", "list"),
    ("ledger", "verify"), ("outbox", "list"), ("privacy", "sweep"), ("program", "show"),
    ("program", "set", "hold_days=1"), ("report", "cac"),
    ("user", "create", "a@example.com", "--role", "admin"),
]  # fmt: skip


def told(database: str, words: tuple[str, ...], folder: Path) -> str:
    """Return what a command that fails says."""
    file = folder / "orders.csv"
    file.write_text("external_id,occurred_at,total\n1,2026-01-31,5.00\n")
    app = create_app(
        dataclasses.replace(
            config.load(), mode="test", database_url=database, instance=folder,
            lake=folder / "lake", redis_url=None, now=None,
        )
    )  # fmt: skip
    args = [str(file) if word == "FILE" else word for word in words]
    done = app.test_cli_runner().invoke(args=args)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    return done.output


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_without_tables_is_told_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = told(f"sqlite:///{tmp_path / 'new.db'}", words, tmp_path)
    assert "run `flask db upgrade`" in said


def test_a_database_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    away = "postgresql+psycopg://postgres@127.0.0.1:1/cercle"
    assert "busy or away" in told(away, ("program", "show"), tmp_path)
