"""What every template may call: addresses of static files, the present address, the theme.

A static file's address carries a stamp of its content, so browsers keep it for a
year and still see the next version at once.  Templates are strict: a name that
nobody passed is an error, not an empty string.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, Response, current_app, request, url_for
from jinja2 import StrictUndefined

THEMES = ("light", "dark", "auto")
THEME_COOKIE = "theme"
YEAR = 31536000  # seconds


def init_app(app: Flask) -> None:
    """Make the templates strict and give them these functions."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=asset, url_with=url_with, theme=theme)
    app.after_request(_keep_static)


def asset(filename: str, *, endpoint: str = "static") -> str:
    """Return the address of a static file, stamped with its content.

    Args:
        filename: Path inside the static folder.
        endpoint: Whose static folder; `bootstrap.static` for Bootstrap's.
    """
    return url_for(endpoint, filename=filename, v=_stamp(_folder(endpoint), filename))


def url_with(**changes: Any) -> str:
    """Return this page's address with some query arguments changed.

    Args:
        **changes: New values; None takes an argument away.
    """
    asked: dict[str, Any] = request.args.to_dict(flat=False)
    asked.update(changes)
    asked = {name: value for name, value in asked.items() if value is not None}
    path = "/" + quote(request.script_root + request.path).lstrip("/")  # never another host
    query = urlencode(asked, doseq=True)
    return f"{path}?{query}" if query else path


def theme() -> str:
    """Return `light`, `dark`, or `auto`, which follows the system."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def _folder(endpoint: str) -> str:
    owner = current_app.blueprints[endpoint.rpartition(".")[0]] if "." in endpoint else current_app
    return str(owner.static_folder)


def _stamp(folder: str, filename: str) -> str | None:
    path = Path(folder) / filename
    return _digest(path, path.stat().st_mtime_ns) if path.is_file() else None


@functools.lru_cache(maxsize=256)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _keep_static(answer: Response) -> Response:
    is_static = (request.endpoint or "").endswith("static")
    if is_static and "v" in request.args and answer.status_code == 200:
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return answer
