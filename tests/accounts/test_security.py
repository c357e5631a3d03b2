"""The edges of a deployment: hosts, proxies, cookies, headers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask, request

from accounts import permissions
from app import create_app
from core import clock
from core.db import db

MakeShop = Callable[..., Flask]


@pytest.fixture
def deploy(app: Flask) -> Iterator[MakeShop]:
    """Return a maker of the application as production has it, on the test's database."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Flask:
            now = clock.now()
            wanted = {
                "mode": "production", "base_url": "https://cercle.example", "secret_key": "s" * 40,
            }  # fmt: skip
            made = create_app(dataclasses.replace(app.extensions["settings"], **wanted | settings))
            clock.set_now(now)

            @permissions.allow(permissions.PUBLIC)
            def who() -> str:
                return f"{request.remote_addr} {request.scheme}"

            made.add_url_rule("/who", view_func=who)
            stack.enter_context(made.app_context())
            stack.callback(_close)
            return made

        yield make


def _close() -> None:
    db.session.remove()
    db.engine.dispose()


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_production_answers_to_its_own_host_only(deploy: MakeShop) -> None:
    client = deploy().test_client()
    assert client.get("/sign-in", base_url="https://cercle.example").status_code == 200
    assert client.get("/sign-in", base_url="http://127.0.0.1:8000").status_code == 200
    evil = client.get("/sign-in", base_url="https://evil.example")
    assert evil.status_code == 400


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_the_cookie_of_an_https_site_is_bound_to_it(deploy: MakeShop) -> None:
    answer = deploy().test_client().get("/sign-in", base_url="https://cercle.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-cercle=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("proxies", "seen"),
    [(0, "127.0.0.1 http"), (1, "203.0.113.9 https"), (2, "198.51.100.1 https")],
)
def test_a_forwarded_address_counts_only_through_our_own_proxies(
    deploy: MakeShop, proxies: int, seen: str
) -> None:
    told = {
        "X-Forwarded-For": "6.6.6.6, 198.51.100.1, 203.0.113.9",
        "X-Forwarded-Proto": "https, https, https",
    }
    answer = deploy(proxies=proxies).test_client().get(
        "/who", base_url="http://127.0.0.1", headers=told
    )  # fmt: skip
    assert answer.text == seen
