"""The operator's commands for people and keys."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

from accounts import keys, users
from accounts.models import AuditLine, RoleName, Scope
from core.db import db
from tests.factories import make_user, must


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=words)


def test_a_user_is_created_with_a_link_that_works_once(app: Flask) -> None:
    said = run(app, "user", "create", "finn@example.com", "--role", "finance", "--name", "Finn")
    assert said.exit_code == 0, said.output
    link = must(re.search(r"/password/[\w-]+", said.output)).group()
    user = must(users.find("finn@example.com"))
    assert users.roles_of(user) == {RoleName.FINANCE}
    line = must(db.session.scalars(sa.select(AuditLine)).first())
    assert (line.act, line.actor) == ("user.create", "operator")
    client = app.test_client()
    new = {"password": "a few good words", "again": "a few good words"}
    assert client.post(link, data=new).status_code == 303
    assert app.test_client().post(link, data=new).status_code == 410


@pytest.mark.parametrize(
    "words",
    [
        ("user", "create", "nobody", "--role", "finance"),
        ("user", "create", "a@example.com", "--role", "king"),
        ("user", "create", "a@example.com", "--role", "ambassador"),
        ("user", "create", "a@example.com"),
        ("apikey", "create", "x", "--scope", "everything"),
        ("apikey", "create", " ", "--scope", "read"),
        ("apikey", "revoke", "999"),
    ],
)
def test_a_wrong_command_fails_and_changes_nothing(app: Flask, words: tuple[str, ...]) -> None:
    said = run(app, *words)
    assert said.exit_code != 0
    assert "Traceback" not in said.output
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditLine)) == 0


def test_the_same_address_twice_fails(app: Flask) -> None:
    user = make_user()
    db.session.commit()
    said = run(app, "user", "create", user.email, "--role", "admin")
    assert said.exit_code == 1
    assert "already" in said.output


def test_users_and_keys_are_listed(app: Flask) -> None:
    assert "Nobody yet" in run(app, "user", "list").output
    assert "No key yet" in run(app, "apikey", "list").output
    make_user("admin", email="ada@example.com")
    made = run(app, "apikey", "create", "Shop", "--scope", "codes", "--scope", "purchases")
    secret = made.stdout.strip()
    assert must(keys.find(secret)).scopes == {Scope.CODES, Scope.PURCHASES}
    assert "ada@" in run(app, "user", "list").output
    listed = run(app, "apikey", "list").output
    assert secret[:12] in listed
    assert secret not in listed


def test_a_revoked_key_is_refused(app: Flask) -> None:
    secret = run(app, "apikey", "create", "Shop", "--scope", "read").stdout.strip()
    assert run(app, "apikey", "revoke", str(must(keys.find(secret)).id)).exit_code == 0
    assert keys.find(secret) is None
    acts = db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id)).all()
    assert acts == ["key.create", "key.revoke"]


def test_no_command_changes_people_beside_the_audit_log(app: Flask) -> None:
    assert {"user", "apikey"} <= set(app.cli.commands)
    assert not {"users", "roles"} & set(app.cli.commands)
