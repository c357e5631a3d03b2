"""The look holds: no inline style, words translated, doors that open, errors told kindly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy.exc
from flask import Flask, render_template, render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts import navigation
from accounts.models import RoleName
from core import clock, config, i18n, pages
from core.db import db
from tests.conftest import NOW, MakeApp
from tests.factories import make_user, sign_in
from tests.template_texts import untranslated

TEMPLATES = sorted((config.ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "emails" not in path.parts]  # e-mails need inline style
HTML = {"Accept": "text/html"}


@pytest.fixture
def house(make_app: MakeApp) -> Iterator[Flask]:
    """The application on SQLite: a page's look does not depend on the database."""
    app = make_app("sqlite")
    with clock.frozen(NOW), app.app_context():
        yield app
        db.session.rollback()
        db.session.remove()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(config.ROOT)))
def test_no_template_carries_style_or_script_of_its_own(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']", source)
    assert all("nonce=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert "|safe" not in source.replace(" ", "")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(config.ROOT)))
def test_every_word_of_a_template_can_be_translated(house: Flask, path: Path) -> None:
    assert untranslated(house.jinja_env, path) == []


def test_the_finder_of_bare_words_finds_them(house: Flask, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<p title="Bare title">{{ _("fine") }} Bare text</p>{{ tile("Bare sentence") }}'
        "{% trans %}fine too{% endtrans %}"
    )
    found = untranslated(house.jinja_env, page)
    assert found[0] == "Bare title"
    assert "Bare text" in found[1]
    assert found[-1] == "Bare sentence"
    assert "fine" not in " ".join(found)


@pytest.mark.parametrize("shell", ["portal", "public"])
def test_shells_open_for_strangers_too(house: Flask, shell: str) -> None:
    source = (
        f'{{% extends "shells/{shell}.html" %}}{{% block main %}}<h1>Hello</h1>{{% endblock %}}'
    )
    with house.test_request_context("/"):
        html = render_template_string(source)
    assert '<a class="skip" href="#main">' in html
    assert 'id="main"' in html
    assert 'lang="en" aria-current="true"' in html


def test_the_console_shows_only_doors_that_exist_and_are_open(house: Flask) -> None:
    seen = {}
    for role in (RoleName.ADMIN, RoleName.MARKETER, RoleName.FINANCE):
        client = house.test_client()
        sign_in(client, make_user(role))
        with client:
            client.get("/", headers=HTML)
            source = (
                '{% extends "shells/console.html" %}{% block main %}<h1>Hello</h1>{% endblock %}'
            )
            seen[role] = render_template_string(source)
            assert navigation.page_url("/console/nowhere") is None  # not built: no dead link
    assert "/console/audit" in seen[RoleName.ADMIN]
    assert "/console/audit" not in seen[RoleName.MARKETER]
    assert "/console/customers" in seen[RoleName.MARKETER]
    assert "/console/customers" not in seen[RoleName.FINANCE]
    assert 'action="/sign-out"' in seen[RoleName.MARKETER]


def test_every_script_of_a_page_carries_the_nonce_of_its_policy(house: Flask) -> None:
    answer = house.test_client().get("/sign-in", headers=HTML)
    nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
    assert nonce
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert scripts
    assert all(f'nonce="{nonce.group(1)}"' in tag for tag in scripts)


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 500, 502, 503]
)
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_error_page_has_kind_words_for_every_status(
    house: Flask, status: int, lang: str
) -> None:
    with house.app_context(), house.test_request_context(f"/?lang={lang}"):
        html = render_template("errors/error.html", status=status, detail="Do this.", faults=[])
    assert "<h1" in html
    assert "Do this." in html


def lost(client: FlaskClient) -> TestResponse:
    return client.get("/no/such/page", headers=HTML)


def test_a_page_that_is_not_there_says_so_in_our_words(house: Flask) -> None:
    answer = lost(house.test_client())
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert "requested URL" not in answer.text


def test_the_error_page_stands_when_the_database_does_not(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str | None:
        raise sqlalchemy.exc.OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr(i18n, "_prefers", broken)
    answer = lost(house.test_client())
    assert answer.status_code == 404
    assert "<h1>404</h1>" in answer.text


def test_the_theme_is_remembered_and_leads_back(house: Flask) -> None:
    client = house.test_client()
    answer = client.post("/theme", data={"theme": "dark", "next": "/sign-in?next=/x"}, headers=HTML)
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/x"
    assert 'data-bs-theme="dark"' in client.get("/sign-in", headers=HTML).text
    client.post("/theme", data={"theme": "auto"}, headers=HTML)
    assert "data-bs-theme" not in client.get("/sign-in", headers=HTML).text


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", ""]
)
def test_the_theme_never_leads_to_another_site(house: Flask, target: str) -> None:
    answer = house.test_client().post(
        "/theme", data={"theme": "dark", "next": target}, headers=HTML
    )
    assert answer.location == "/"


def test_a_theme_that_does_not_exist_is_refused(house: Flask) -> None:
    answer = house.test_client().post("/theme", data={"theme": "pink"}, headers=HTML)
    assert answer.status_code == 422
    assert "Set-Cookie" not in answer.headers or "theme=" not in answer.headers["Set-Cookie"]


def test_the_theme_form_is_safe_from_strangers_pages(house: Flask) -> None:
    house.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = house.test_client().post("/theme", data={"theme": "dark"}, headers=HTML)
    finally:
        house.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 400
    assert "theme=" not in answer.headers.get("Set-Cookie", "")


def test_stamped_files_are_kept_for_a_year_and_others_are_asked_again(house: Flask) -> None:
    client = house.test_client()
    page = client.get("/sign-in", headers=HTML).text
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert [sheet.split("?")[0] for sheet in sheets] == [
        "/bootstrap/static/css/bootstrap.min.css", "/static/cercle.css",
    ]  # fmt: skip
    for sheet in sheets:
        with client.get(sheet) as answer:
            assert "immutable" in answer.headers["Cache-Control"]
    with client.get("/static/cercle.css") as plain:
        assert "immutable" not in plain.headers["Cache-Control"]


def test_the_stylesheet_loads_nothing_from_elsewhere() -> None:
    sheet = (config.ROOT / "static" / "cercle.css").read_text(encoding="utf-8")
    assert "url(" not in sheet
    assert "@import" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_every_icon_that_templates_ask_for_is_drawn() -> None:
    sprite = (config.ROOT / "static" / "icons.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    asked = set()
    for path in TEMPLATES:
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\bicon\("([a-z-]+)"', source))
        asked |= set(re.findall(r'icon_name="([a-z-]+)"', source))
    assert asked <= known
    menu = (config.ROOT / "accounts" / "navigation.py").read_text(encoding="utf-8")
    assert set(re.findall(r'\), "([a-z]+)"\)', menu)) <= known


@pytest.mark.parametrize("path", ["/sign-in?next=/x", "//evil.example/x", "/no page"])
def test_a_changed_address_stays_here_and_keeps_the_rest(house: Flask, path: str) -> None:
    with house.test_request_context(path):
        address = pages.url_with(lang="fr")
    assert address.startswith("/")
    assert not address.startswith("//")
    assert "lang=fr" in address
    assert ("next=" in address) == ("next=" in path)
