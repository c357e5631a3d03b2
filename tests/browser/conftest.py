"""A real browser on the real application: served in a thread, with the clock stopped.

The browser is the system's Chromium, or the one that Playwright installs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from werkzeug.serving import make_server

from core.db import db
from tests.browser.site import Site, Visitor

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
PATIENCE = 10_000  # milliseconds until something that is expected has to be there

expect.set_options(timeout=PATIENCE)

Opener = Callable[..., Visitor]


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], playwright: Playwright
) -> dict[str, Any]:
    """Name the browser to start; without one the tests are skipped."""
    own = playwright.chromium.executable_path
    found = next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
    if found is None:
        pytest.skip("no Chromium: apt install chromium, or .venv/bin/playwright install chromium")
    return browser_type_launch_args | {"executable_path": found, "args": ARGUMENTS}


@pytest.fixture
def site(app: Flask) -> Iterator[Site]:
    """The application behind a port, with its protections on; mails lead to that port."""
    server = make_server("127.0.0.1", 0, _in_one_piece(app), threaded=True)
    settings = app.extensions["settings"]
    url = f"http://127.0.0.1:{server.port}"
    app.extensions["settings"] = dataclasses.replace(settings, base_url=url)
    app.config["WTF_CSRF_ENABLED"] = True
    db.session.remove()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(app, url)
    server.shutdown()
    thread.join()
    server.server_close()
    app.config["WTF_CSRF_ENABLED"] = False
    app.extensions["settings"] = settings
    shutil.rmtree(Path(app.instance_path) / "mailbox", ignore_errors=True)


def _in_one_piece(app: Flask) -> Callable[[Any, Any], list[bytes]]:
    """Return the application with each answer read and closed before it is sent.

    The test server forgets to close a file when a browser hangs up in the middle of it.
    """

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with contextlib.closing(cast(Any, app(environ, start_response))) as body:
            return [b"".join(body)]

    return answer


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Opener]:
    """Return an opener of browsers, each with its own cookies; none may complain at the end."""
    opened: list[tuple[BrowserContext, list[str]]] = []

    def open_browser(language: str = "en", **options: Any) -> Visitor:
        context = browser.new_context(
            locale={"en": "en-GB", "fr": "fr-FR"}[language],
            base_url=site.url,
            reduced_motion="reduce",  # colours are looked at, not the way to them
            **options,
        )
        context.set_default_timeout(PATIENCE)
        page, complaints = context.new_page(), list[str]()
        _listen(page, complaints)
        opened.append((context, complaints))
        return Visitor(site, page, language)

    yield open_browser
    for context, _complaints in opened:
        context.close()
    assert [words for _context, complaints in opened for words in complaints] == []


def _listen(page: Page, complaints: list[str]) -> None:
    """Note what the browser complains of: scripts, refused content, files that are not there."""

    def note(message: Any) -> None:
        is_of_page = message.location["url"] == page.url  # a page that answers 404, 410 or 422
        if message.type in {"error", "warning"} and not is_of_page:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
