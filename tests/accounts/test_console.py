"""The administrator's pages: people, keys, and what was done."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts import audit, console, keys, users
from accounts.models import ApiKey, AuditLine, RoleName, Scope, User
from core import clock
from core.db import db
from tests.factories import PASSWORD, make_key, make_user, must, sign_in


@pytest.fixture
def admin(client: FlaskClient) -> User:
    """An administrator, signed in a moment ago."""
    return sign_in(client, make_user("admin", name="Ada"))


def last_line() -> AuditLine:
    return must(db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id.desc())).first())


def test_an_invited_colleague_sets_a_password_with_the_link(
    client: FlaskClient, admin: User, app: Flask
) -> None:
    data = {"email": "Ines@Example.com", "name": "Inès", "roles": ["marketer"], "locale": "fr"}
    page = client.post("/console/users/new", data=data)
    assert page.status_code == 200
    link = must(re.search(r"https?://[^/\s]+(/password/[\w-]+)", page.text)).group(1)
    line = last_line()
    assert (line.act, line.actor) == ("user.create", f"user:{admin.id}")
    assert line.details == {"roles": ["marketer"]}
    other = app.test_client()
    assert other.get(link).status_code == 200
    new = {"password": "quatre mots bien choisis", "again": "quatre mots bien choisis"}
    assert other.post(link, data=new).status_code == 303
    user = must(users.find("ines@example.com"))
    assert (user.name, user.locale) == ("Inès", "fr")
    assert users.roles_of(user) == {RoleName.MARKETER}


@pytest.mark.parametrize(
    "wrong",
    [{"email": "nobody"}, {"email": ""}, {"roles": []}, {"roles": ["king"]}, {"locale": "xx"}],
)
def test_a_wrong_invitation_says_what_to_mend(
    client: FlaskClient, admin: User, wrong: dict[str, object]
) -> None:
    data = {"email": "a@example.com", "roles": ["finance"], "locale": ""} | wrong
    page = client.post("/console/users/new", data=data)
    assert page.status_code == 422
    assert "invalid-feedback" in page.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_an_address_signs_in_one_person_only(client: FlaskClient, admin: User) -> None:
    data = {"email": admin.email.upper(), "roles": ["finance"], "locale": ""}
    page = client.post("/console/users/new", data=data)
    assert page.status_code == 422
    assert "already" in page.text


def test_a_change_of_roles_is_recorded_and_ends_the_sessions(
    client: FlaskClient, admin: User, app: Flask
) -> None:
    user, other = make_user("marketer"), app.test_client()
    sign_in(other, user)
    client.post(f"/console/users/{user.id}/roles", data={"roles": ["finance"]})
    line = last_line()
    assert (line.act, line.object_id) == ("user.roles", str(user.id))
    assert line.details == {"before": ["marketer"], "after": ["finance"]}
    assert other.get("/account/password").status_code == 302


def test_the_last_administrator_stays(client: FlaskClient, admin: User) -> None:
    page = client.post(f"/console/users/{admin.id}/roles", data={"roles": ["finance"]})
    assert page.status_code == 409
    assert client.post(f"/console/users/{admin.id}/suspend").status_code == 409
    assert users.roles_of(users.load(admin.id)) == {RoleName.ADMIN}


def test_a_suspended_colleague_is_out_until_let_in_again(
    client: FlaskClient, admin: User, app: Flask
) -> None:
    user, other = make_user("finance"), app.test_client()
    sign_in(other, user)
    client.post(f"/console/users/{user.id}/suspend")
    assert last_line().act == "user.suspend"
    assert other.get("/account/password").status_code == 302
    data = {"email": user.email, "password": PASSWORD}
    assert other.post("/sign-in", data=data).status_code == 422
    client.post(f"/console/users/{user.id}/restore")
    assert last_line().act == "user.restore"
    assert other.post("/sign-in", data=data).status_code == 303


def test_an_administrator_ends_somebodys_sessions(
    client: FlaskClient, admin: User, app: Flask
) -> None:
    user, other = make_user("finance"), app.test_client()
    sign_in(other, user)
    client.post(f"/console/users/{user.id}/end-sessions")
    assert (last_line().act, last_line().details) == ("user.end_sessions", {"sessions": 1})
    assert other.get("/account/password").status_code == 302


def test_a_person_who_does_not_exist_is_not_found(client: FlaskClient, admin: User) -> None:
    assert client.get("/console/users/999999").status_code == 404
    assert client.post("/console/users/999999/suspend").status_code == 404
    assert client.post("/console/keys/999999/revoke").status_code == 404


def test_a_key_is_shown_once_and_works_until_it_is_revoked(
    client: FlaskClient, admin: User
) -> None:
    data = {"name": "Checkout", "scopes": ["codes", "read"]}
    page = client.post("/console/keys/new", data=data)
    secret = must(re.search(r"ck_[\w-]{43}", page.text)).group()
    assert (last_line().act, last_line().details["scopes"]) == ("key.create", ["codes", "read"])
    assert secret not in client.get("/console/keys").text
    assert must(keys.find(secret)).scopes == {Scope.READ, Scope.CODES}
    row = db.session.scalars(sa.select(ApiKey)).one()
    assert secret not in (row.key_hash, row.prefix)
    client.post(f"/console/keys/{row.id}/revoke")
    assert (last_line().act, last_line().object_id) == ("key.revoke", str(row.id))
    assert keys.find(secret) is None
    assert client.post(f"/console/keys/{row.id}/revoke").status_code == 404


def test_a_key_asks_for_a_fresh_sign_in(client: FlaskClient, admin: User) -> None:
    clock.set_now(clock.now() + timedelta(minutes=16))
    page = client.get("/console/keys/new")
    assert page.location == "/account/confirm?next=/console/keys/new"
    data = {"name": "Checkout", "scopes": ["codes"]}
    assert client.post("/console/keys/new", data=data).status_code == 303
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ApiKey)) == 0
    confirmed = client.post(
        "/account/confirm", data={"password": PASSWORD, "next": "/console/keys/new"}
    )
    assert confirmed.location == "/console/keys/new"
    assert client.post("/console/keys/new", data=data).status_code == 200


def test_half_a_key_and_strange_keys_open_nothing(app: Flask) -> None:
    secret = make_key("read")["Authorization"].removeprefix("Bearer ")
    assert keys.find(secret) is not None
    for wrong in (secret[:-1], secret[:12], secret + "x", "", "ck_", "clé", "ck_\udce9"):
        assert keys.find(wrong) is None


def test_the_audit_log_is_filtered_and_paged_by_key(client: FlaskClient, admin: User) -> None:
    for n in range(120):
        audit.record("code.freeze" if n % 2 else "code.create", "code", n, {"n": n})
    page = client.get("/console/audit?act=code.freeze")
    assert page.text.count("<tr>") == audit.PAGE + 1
    assert "code 119" in page.text
    assert "code.create</code></td>" not in page.text
    assert client.get("/console/audit?act=code").text.count("code.create</code></td>") == 25
    following = (
        must(re.search(r'rel="next" href="([^"]+)"', page.text)).group(1).replace("&amp;", "&")
    )
    second = client.get(following)
    assert second.text.count("<tr>") == 10 + 1
    assert "code 1<" in second.text
    assert client.get("/console/audit?object_kind=code&object_id=7").text.count("<tr>") == 2
    assert "No line fits" in client.get("/console/audit?actor=nobody").text
    assert client.get("/console/audit?before=x").status_code == 422
    assert client.get("/console/audit?before=9999999999999999999999").status_code == 422


def test_the_audit_log_is_saved_without_formulas_and_says_so(
    client: FlaskClient, admin: User
) -> None:
    audit.record("code.create", "code", "=1+1", {"text": "x"})
    saved = client.post("/console/audit.csv", data={"act": "code"})
    assert saved.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(saved.data.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert rows[1][4] == "'=1+1"
    assert (last_line().act, last_line().details) == ("audit.export", {"lines": 1})


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_the_administrator_is_whole(
    client: FlaskClient, admin: User, language: str
) -> None:
    make_key("read")
    for path in (
        "/console/users", "/console/users?role=ambassador", "/console/users/new",
        f"/console/users/{admin.id}", "/console/keys", "/console/keys/new", "/console/audit",
    ):  # fmt: skip
        page = client.get(path, query_string={"lang": language} if "?" not in path else None)
        assert page.status_code == 200, path
        assert page.text.count("<h1") == 1, path
        assert "style=" not in page.text, path
        assert not re.search(r"<script(?![^>]*nonce)", page.text), path


def test_an_empty_list_says_why(client: FlaskClient, admin: User) -> None:
    page = client.get("/console/keys").text
    assert "No key yet" in page
    assert page.count('href="/console/keys/new"') == 1
    assert "Nobody has this role" in client.get("/console/users?role=ambassador").text


def test_the_ambassador_of_an_address_gets_one_access(app: Flask) -> None:
    first = users.link_ambassador_user("Zoe@example.com", name="Zoé", locale="fr")
    assert users.link_ambassador_user("zoe@EXAMPLE.com").id == first.id
    staff = make_user("marketer")
    linked = users.link_ambassador_user(staff.email)
    assert linked.id == staff.id
    assert users.roles_of(linked) == {RoleName.MARKETER, RoleName.AMBASSADOR}


def test_the_audit_log_shows_no_brackets_of_a_machine() -> None:
    line = AuditLine(details={"filters": {"from": "2026-01"}, "codes": ["A", "B"], "after": None})
    assert console._facts(line) == "filters: from 2026-01, codes: A B, after: –"
