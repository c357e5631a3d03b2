"""SQLite and PostgreSQL behave alike: locks, times, protected tables, migrations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade

from accounts import audit
from ambassadors.models import Member
from core import db as database
from core.db import Model, db, is_sqlite
from rewards import intake
from tests.conftest import _empty
from tests.factories import make_code, make_member, purchase_fact


def begun(app: Flask) -> list[str]:
    """Return the list to which each BEGIN on a connection is added from now on."""
    said: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        if statement.startswith("BEGIN"):
            said.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    return said


def test_what_may_write_takes_the_lock_at_once_and_what_reads_does_not(app: Flask) -> None:
    if not is_sqlite():
        pytest.skip("PostgreSQL locks rows, not the database")
    said = begun(app)
    db.session.execute(sa.text("SELECT 1"))
    db.session.rollback()
    with database.reading():
        db.session.execute(sa.text("SELECT 1"))
        with database.writing():
            db.session.execute(sa.text("SELECT 1"))
        db.session.rollback()
        db.session.execute(sa.text("SELECT 1"))
    db.session.rollback()
    assert said == ["BEGIN IMMEDIATE", "BEGIN", "BEGIN IMMEDIATE", "BEGIN"]


def test_times_are_aware_and_utc_on_the_way_in_and_out(app: Flask) -> None:
    east = datetime(2026, 3, 1, 2, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=9)))
    member = make_member(created_at=east)
    db.session.commit()
    db.session.expire_all()
    assert member.created_at == east
    assert member.created_at.tzinfo is UTC
    with pytest.raises(sa.exc.StatementError, match="naive"):
        db.session.execute(
            sa.select(Member.id).where(Member.created_at == east.replace(tzinfo=None))
        )
    db.session.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        *(f"{act} {table}" for table in (
            "ledger_entry", "ledger_posting", "audit_line", "reward_rule")
          for act in ("DELETE FROM", "UPDATE")),
        "DELETE FROM commission", "DELETE FROM code",
        *(f"UPDATE commission SET {column} = {column}" for column in (
            "purchase_id", "ambassador_id", "rule_id", "kind", "rate", "fixed", "base", "currency",
            "amount", "earned_at")),
        *(f"UPDATE code SET {column} = {column}" for column in (
            "key", "campaign_id", "ambassador_id")),
    ],
)  # fmt: skip
def test_the_database_refuses_to_change_history(app: Flask, statement: str) -> None:
    make_code("ZOE10")
    intake.take_purchases([purchase_fact(codes=("ZOE10",))])
    audit.record("code.create", "code", "ZOE10", {})
    db.session.commit()
    if statement.startswith("UPDATE") and "SET" not in statement:
        statement += " SET id = id"
    with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
        db.session.execute(sa.text(statement))
    db.session.rollback()


def test_models_say_what_the_migrations_made(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_migrations_go_down_to_nothing_and_up_again(app: Flask) -> None:
    db.session.remove()
    before = sorted(sa.inspect(db.engine).get_table_names())
    downgrade(revision="base")
    assert sa.inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade()
    assert sorted(sa.inspect(db.engine).get_table_names()) == before
    _empty(app)
