"""People come in: with a password, with a link; and stay out when they should."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts import jobs, sessions, throttle, users
from accounts.models import AuditLine, FailedSignIn, RoleName, SignIn
from core import clock
from core.db import db
from core.errors import ConflictError
from core.outbox import OutboxMessage
from tests.factories import PASSWORD, make_user, must, sign_in

SECRET_PAGE = "/account/password"  # open to whoever is signed in


def is_in(client: FlaskClient) -> bool:
    return client.get(SECRET_PAGE).status_code == 200


def give_password(
    client: FlaskClient, email: str, password: str = PASSWORD, **more: str
) -> TestResponse:
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def last_mail() -> dict[str, str]:
    return must(
        db.session.scalars(
            sa.select(OutboxMessage.payload).order_by(OutboxMessage.id.desc())
        ).first()
    )


def link_in(mail: dict[str, str]) -> str:
    return must(re.search(r"https?://[^/\s]+(/\S+)", mail["text"])).group(1)


def test_a_password_signs_in_and_sign_out_ends_the_session(app: Flask, client: FlaskClient) -> None:
    user = make_user("marketer")
    answer = give_password(client, user.email.upper())
    assert answer.status_code == 303
    assert is_in(client)
    stolen = must(client.get_cookie("cercle")).value
    client.post("/sign-out")
    assert not is_in(client)
    client.set_cookie("cercle", stolen)
    assert not is_in(client), "the session is over on our side, not only in the browser"


def test_the_cookie_is_for_us_alone_and_not_for_scripts(app: Flask, client: FlaskClient) -> None:
    answer = give_password(client, make_user().email)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("cercle="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires" not in cookie, "a staff session ends with the browser"
    assert answer.headers["Cache-Control"] == "no-store"


def test_signing_in_gives_a_new_token_and_ends_the_old_session(
    app: Flask, client: FlaskClient
) -> None:
    user = sign_in(client, make_user())
    before = must(client.get_cookie("cercle")).value
    client.post("/account/confirm", data={"password": PASSWORD})
    assert is_in(client)
    client.set_cookie("cercle", before)
    assert not is_in(client)
    assert len(db.session.scalars(sa.select(SignIn).where(SignIn.user_id == user.id)).all()) == 2


def test_unknown_wrong_suspended_and_passwordless_get_one_answer(
    app: Flask, client: FlaskClient
) -> None:
    known, suspended, bare = make_user(), make_user(), make_user(password=None)
    users.suspend(suspended)
    answers = [
        give_password(client, "nobody@example.com"),
        give_password(client, known.email, "wrong"),
        give_password(client, suspended.email),
        give_password(client, bare.email, ""),
        give_password(client, bare.email, "anything at all"),
    ]
    pages = {re.sub(r'(value|nonce)="[^"]*"', "", a.text) for i, a in enumerate(answers) if i != 3}
    assert len(pages) == 1
    assert {a.status_code for a in answers} == {422}
    assert not is_in(client)


def test_wrong_passwords_wait_longer_each_time_but_never_for_ever(
    app: Flask, client: FlaskClient
) -> None:
    email = make_user().email
    for _n in range(5):
        assert give_password(client, email, "wrong").status_code == 422
    waits = []
    for _n in range(7):
        early = give_password(client, email)
        assert early.status_code == 429, "even the right password waits"
        waits.append(int(early.headers["Retry-After"]))
        clock.set_now(clock.now() + timedelta(seconds=waits[-1]))
        assert give_password(client, email, "wrong").status_code == 422
    assert waits == [30, 60, 120, 240, 480, 900, 900]
    clock.set_now(clock.now() + timedelta(minutes=15))
    assert give_password(client, email).status_code == 303
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FailedSignIn)) == 0


def test_failures_for_an_unknown_address_wait_alike(app: Flask, client: FlaskClient) -> None:
    for _n in range(5):
        give_password(client, "nobody@example.com", "wrong")
    answer = give_password(client, "nobody@example.com", "wrong")
    assert answer.status_code == 429
    assert "30" in answer.text
    machine = client.post(
        "/sign-in", data={"email": "nobody@example.com", "password": "x"},
        headers={"Accept": "application/json"},
    )  # fmt: skip
    assert machine.mimetype == "application/problem+json"
    assert machine.headers["Retry-After"] == "30"


def test_five_failures_spread_over_an_hour_cost_nothing(app: Flask, client: FlaskClient) -> None:
    email = make_user().email
    for _n in range(8):
        assert give_password(client, email, "wrong").status_code == 422
        clock.set_now(clock.now() + timedelta(minutes=16))


def test_a_link_is_used_up_by_its_button_and_not_by_a_scanner(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user()
    client.post("/sign-in/link", data={"email": user.email, "next": "/account/password"})
    mail = last_mail()
    assert mail["to"] == user.email
    assert set(mail) == {"to", "subject", "text", "html"}
    link = link_in(mail)
    assert client.get(link).status_code == 200
    assert client.get(link).status_code == 200, "a GET uses nothing up"
    assert not is_in(client)
    answer = client.post(link)
    assert answer.status_code == 303
    assert answer.location == "/account/password"
    assert is_in(client)
    other = app.test_client()
    assert other.post(link).status_code == 410
    assert not is_in(other)


def test_a_link_ends_after_a_quarter_of_an_hour_or_with_a_newer_one(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user()
    client.post("/sign-in/link", data={"email": user.email})
    first = link_in(last_mail())
    clock.set_now(clock.now() + timedelta(minutes=1))
    client.post("/sign-in/link", data={"email": user.email})
    second = link_in(last_mail())
    assert client.post(first).status_code == 410
    clock.set_now(clock.now() + timedelta(minutes=16))
    assert client.get(second).status_code == 410
    assert client.post(second).status_code == 410


def test_asking_for_a_link_answers_alike_for_nobody_and_mails_nobody(
    app: Flask, client: FlaskClient
) -> None:
    known = client.post("/sign-in/link", data={"email": make_user().email})
    before = db.session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage))
    unknown = client.post("/sign-in/link", data={"email": "nobody@example.com"})
    assert known.status_code == unknown.status_code == 200
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) == before
    for _n in range(2):
        client.post("/sign-in/link", data={"email": "nobody@example.com"})
    assert client.post("/sign-in/link", data={"email": "nobody@example.com"}).status_code == 429


def test_a_mail_is_in_the_language_of_its_reader(app: Flask, client: FlaskClient) -> None:
    user = make_user(locale="fr")
    client.post("/sign-in/link", data={"email": user.email}, headers={"Accept-Language": "en"})
    assert 'lang="fr"' in last_mail()["html"]


def test_a_forgotten_password_is_set_anew_and_every_session_ends(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user()
    elsewhere = app.test_client()
    sign_in(elsewhere, user)
    client.post("/password/forgot", data={"email": user.email})
    link = link_in(last_mail())
    new = {"password": "another good one", "again": "another good one"}
    assert client.post(link, data={**new, "again": "different"}).status_code == 422
    assert client.post(link, data={"password": "short", "again": "short"}).status_code == 422
    assert client.post(link, data=new).status_code == 303
    assert is_in(client)
    assert not is_in(elsewhere)
    assert client.post(link, data=new).status_code == 410
    assert "changed" in last_mail()["subject"]
    fresh = app.test_client()
    assert give_password(fresh, user.email).status_code == 422
    assert give_password(fresh, user.email, "another good one").status_code == 303


def test_changing_the_password_asks_the_present_one(app: Flask, client: FlaskClient) -> None:
    user = sign_in(client, make_user())
    elsewhere = app.test_client()
    sign_in(elsewhere, user)
    new = {"password": "another good one", "again": "another good one"}
    assert client.post(SECRET_PAGE, data=new | {"present": "wrong"}).status_code == 422
    assert client.post(SECRET_PAGE, data=new | {"present": PASSWORD}).status_code == 303
    assert is_in(client)
    assert not is_in(elsewhere)
    line = must(db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id.desc())).first())
    assert (line.act, line.actor) == ("user.password", f"user:{user.id}")


@pytest.mark.parametrize(
    ("role", "idle", "still_in"),
    [
        ("admin", timedelta(minutes=29), True),
        ("admin", timedelta(minutes=31), False),
        ("finance", timedelta(minutes=31), False),
        ("ambassador", timedelta(days=29), True),
        ("ambassador", timedelta(days=31), False),
    ],
)
def test_an_idle_session_ends(
    app: Flask, client: FlaskClient, role: str, idle: timedelta, *, still_in: bool
) -> None:
    sign_in(client, make_user(role))
    clock.set_now(clock.now() + idle)
    assert is_in(client) is still_in


def test_a_staff_session_ends_after_twelve_hours_however_busy(
    app: Flask, client: FlaskClient
) -> None:
    sign_in(client, make_user())
    begun = clock.now()
    while clock.now() - begun <= timedelta(hours=11, minutes=40):
        assert is_in(client), f"busy, signed out after {clock.now() - begun}"
        clock.set_now(clock.now() + timedelta(minutes=20))
    clock.set_now(clock.now() + timedelta(minutes=1))
    assert not is_in(client)


def test_a_session_is_touched_once_a_minute(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    row = db.session.scalars(sa.select(SignIn)).one()
    begun = row.seen_at
    clock.set_now(begun + timedelta(seconds=59))
    assert is_in(client)
    db.session.refresh(row)
    assert row.seen_at == begun
    clock.set_now(begun + timedelta(seconds=60))
    assert is_in(client)
    db.session.refresh(row)
    assert row.seen_at == begun + timedelta(seconds=60)


def test_other_roles_and_suspension_end_the_sessions(app: Flask, client: FlaskClient) -> None:
    user = sign_in(client, make_user("marketer"))
    users.set_roles(user, {RoleName.FINANCE})
    assert not is_in(client)
    sign_in(client, user)
    users.suspend(user)
    assert not is_in(client)
    users.restore(user)
    assert not is_in(client), "the old session does not come back"


def test_next_never_leads_to_another_site(app: Flask, client: FlaskClient) -> None:
    user = make_user()
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "/%09/x\t"):
        answer = give_password(client, user.email, next=target)
        assert "evil" not in answer.location
        client.post("/sign-out")
    assert (
        give_password(client, user.email, next="/console/keys?a=1").location == "/console/keys?a=1"
    )


def test_a_page_for_the_signed_in_sends_strangers_to_the_door(
    app: Flask, client: FlaskClient
) -> None:
    answer = client.get(SECRET_PAGE)
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/account/password"


def test_a_form_without_its_token_is_refused(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        user = make_user()
        stale = give_password(client, user.email)
        assert stale.status_code == 400
        assert "load it again" in stale.text
        page = client.get("/sign-in").text
        token = must(re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)).group(1)
        assert give_password(client, user.email, csrf_token=token).status_code == 303
        assert client.post("/sign-out").status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_pages_for_strangers_are_whole(app: Flask, client: FlaskClient) -> None:
    for path in ("/sign-in", "/sign-in/link", "/password/forgot"):
        for language in ("en", "fr"):
            page = client.get(f"{path}?lang={language}")
            assert page.status_code == 200
            assert f'<html lang="{language}"' in page.text
            assert page.text.count("<h1") == 1


def test_guesses_at_the_same_moment_are_all_counted(app: Flask) -> None:
    for _n in range(5):
        throttle.attempt("a@example.com")
    with pytest.raises(Exception, match="Too many"):
        throttle.attempt("a@example.com")


def test_old_sessions_are_swept(app: Flask) -> None:
    user = make_user()
    sessions.begin(user.id)
    clock.set_now(clock.now() + timedelta(days=31))
    sessions.begin(user.id)
    assert sessions.sweep() == 1


def test_a_password_set_by_a_link_is_recorded_as_its_owners_act(
    app: Flask, client: FlaskClient
) -> None:
    user = make_user()
    client.post("/password/forgot", data={"email": user.email})
    new = {"password": "another good one", "again": "another good one"}
    client.post(link_in(last_mail()), data=new)
    line = must(db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id.desc())).first())
    assert (line.act, line.actor) == ("user.password", f"user:{user.id}")


def test_the_sweep_leaves_what_is_still_good(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    throttle.attempt("a@example.com")
    db.session.commit()
    assert jobs.sweep() == 0
    assert is_in(client)
    clock.set_now(clock.now() + timedelta(days=31))
    assert jobs.sweep() == 2


def test_an_ambassador_stays_signed_in_when_the_browser_closes(
    app: Flask, client: FlaskClient
) -> None:
    answer = give_password(client, make_user("ambassador").email)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("cercle="))
    assert "Expires" in cookie


def test_whoever_is_signed_in_needs_no_sign_in_page(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    assert client.get("/sign-in?next=/account/password").location == "/account/password"


def test_a_wrong_password_does_not_confirm(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user())
    assert client.post("/account/confirm", data={"password": "wrong"}).status_code == 422


def test_whoever_has_no_password_confirms_by_a_link(app: Flask, client: FlaskClient) -> None:
    user = sign_in(client, make_user("admin", password=None))
    page = client.get("/account/confirm?next=/console/keys/new")
    assert f'value="{user.email}"' in page.text
    client.post("/sign-in/link", data={"email": user.email, "next": "/console/keys/new"})
    assert client.post(link_in(last_mail())).location == "/console/keys/new"


def test_two_invitations_of_one_address_make_one_person(app: Flask) -> None:
    make_user(email="a@example.com")
    with pytest.raises(ConflictError):
        users.create("A@Example.com", roles={RoleName.FINANCE})
