"""What every answer carries: request id, security headers, and errors told well.

A page gets a page; a machine (a path under /api or /webhooks, or a caller that
asks for JSON) gets `application/problem+json` (RFC 9457).  A transaction begun
by a GET only reads; any other method may write.
"""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy.exc
import structlog
from flask import (
    Flask,
    Response,
    g,
    has_request_context,
    jsonify,
    make_response,
    render_template,
    request,
)
from flask_babel import gettext as _
from markupsafe import escape
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.routing import IntegerConverter

from core import pages
from core.db import db, set_may_write
from core.errors import (
    ConflictError,
    DomainError,
    Fault,
    InvalidInputError,
    TooManyError,
    UnavailableError,
)

log = structlog.get_logger()

MACHINE_PATHS = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MONTH = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])")


def init_app(app: Flask) -> None:
    """Install the hooks and error handlers."""
    app.before_request(_open_request)
    app.after_request(_close_request)
    app.teardown_request(_end_request)
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    pages.init_app(app)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.url_map.converters["int"] = _RowNumber
    app.register_error_handler(sqlalchemy.exc.OperationalError, _database_busy)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, _database_busy)
    app.register_error_handler(sqlalchemy.exc.IntegrityError, _contradiction)
    app.register_error_handler(sqlalchemy.exc.DataError, _cannot_be_stored)
    app.register_error_handler(Exception, _unexpected)


def csp_nonce() -> str:
    """Return this request's nonce for our own scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def wants_json() -> bool:
    """Tell whether the caller is a machine."""
    if not has_request_context():
        return True
    if request.path.startswith(MACHINE_PATHS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    code: str = "about:blank",
    faults: list[Fault] | None = None,
) -> Response:
    """Return a problem document (RFC 9457).

    Args:
        status: HTTP status.
        title: The kind of problem, the same each time.
        detail: What happened here, and what to do.
        code: A stable word for programs; becomes `type`.
        faults: The fields that are wrong.
    """
    body: dict[str, Any] = {
        "type": code if ":" in code else f"urn:cercle:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if faults:
        body["errors"] = [fault._asdict() for fault in faults]
    answer = jsonify(body)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    if status in {429, 503}:
        answer.headers.setdefault("Retry-After", "5")
    return answer


def _open_request() -> None:
    set_may_write(request.method not in SAFE_METHODS)
    g.request_id = secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        request_id=g.request_id, method=request.method, endpoint=request.endpoint
    )


def _end_request(error: BaseException | None) -> None:
    set_may_write(True)


def _close_request(answer: Response) -> Response:
    headers = answer.headers
    headers.add("X-Request-Id", g.get("request_id", ""))
    headers.extend(_SAFE)
    headers.add("Content-Security-Policy", _policy(answer))
    if request.is_secure:
        headers.add("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint != "static" and "Cache-Control" not in headers:
        headers.add("Cache-Control", "no-store")
    log.info("request", status=answer.status_code)
    return answer


_SAFE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


def _policy(answer: Response) -> str:
    """Return the content policy: what is no page loads and runs nothing at all."""
    if answer.mimetype != "text/html":
        return "default-src 'none'; frame-ancestors 'none'"
    nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""  # where the page asked for one
    return (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'; script-src 'self'{nonce}"
    )


def _domain_error(error: DomainError) -> Response:
    db.session.rollback()
    answer = make_response(
        _answer(error.status, type(error).__name__, error.detail, error.code, error.faults)
    )
    if isinstance(error, TooManyError):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if error.response is not None:
        return error
    db.session.rollback()
    answer = _answer(error.code, error.name, error.description or error.name, "about:blank", [])
    if isinstance(answer, Response):
        for name, value in error.get_headers():
            if name.lower() in {"allow", "retry-after"}:
                answer.headers[name] = value
    return answer


class _RowNumber(IntegerConverter):
    """A number in an address: one that a database can have, or it is not found."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": 2**63 - 1, **options})


def row_asked(name: str) -> int | None:
    """Return the row that a parameter of the address names; None for what no database can have."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number < 2**63 else None


def month_asked(name: str) -> str | None:
    """Return the month `YYYY-MM` that a parameter of the address names; None where it is empty.

    Raises:
        InvalidInputError: Not a month.
    """
    text = request.args.get(name)
    if text and not _MONTH.fullmatch(text):
        raise InvalidInputError(_("Write a month such as 2026-03."))
    return text or None


def _contradiction(error: sqlalchemy.exc.IntegrityError) -> Any:
    log.warning("database.contradiction", error=type(error.orig).__name__)
    detail = _("Somebody else wrote the same at this moment; please look and try again.")
    return _domain_error(ConflictError(detail))


def _cannot_be_stored(error: sqlalchemy.exc.DataError) -> Any:
    log.warning("database.cannot_be_stored", error=type(error.orig).__name__)
    return _domain_error(InvalidInputError(_("Something in this request cannot be stored.")))


def _database_busy(error: sqlalchemy.exc.SQLAlchemyError) -> Any:
    log.warning("database.busy", error=type(getattr(error, "orig", error)).__name__)
    db.session.rollback()
    return _domain_error(UnavailableError(_("The database is busy; please try again in a moment.")))


def _unexpected(error: Exception) -> Any:
    log.exception("unexpected")
    db.session.rollback()
    return _answer(500, "Internal error", _("Something went wrong on our side."), "internal", [])


def _answer(status: int, title: str, detail: str, code: str, faults: list[Fault]) -> Any:
    if wants_json():
        return problem(status, title, detail, code=code, faults=faults)
    page = _error_page(status, detail, faults)
    return page, status, {"Retry-After": "5"} if status in {429, 503} else {}


def _error_page(status: int, detail: str, faults: list[Fault]) -> str:
    if detail == getattr(default_exceptions.get(status), "description", None):
        detail = ""  # the framework's English; the page says it in the reader's language
    try:
        return render_template("errors/error.html", status=status, detail=detail, faults=faults)
    except Exception:  # the database that failed may also hold the reader's language
        log.exception("error_page")
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><title>Cercle</title>"
            f"<h1>{status}</h1><p>{escape(detail)}</p><p><a href=/>Cercle</a></p></html>"
        )


def is_local_path(target: str) -> bool:
    """Tell whether a `next` parameter stays on this site.

    Refuses backslashes and control characters, which browsers read as slashes.
    """
    if not target.startswith("/") or target.startswith("//"):
        return False
    if any(ord(ch) < 33 or ch == "\\" for ch in target):
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc
