"""Flask-Security as our engine: people, roles, password hashes, who is signed in.

Its own pages and routes stay out (`register_blueprint=False`); ours stand in
`accounts/public.py` at the endpoint names it expects (`security.login`, ...).
A session is ours as well: `accounts/sessions.py`.
"""

from __future__ import annotations

import secrets

from flask import Flask, Request, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user
from flask_security import Security, SQLAlchemyUserDatastore
from flask_wtf.csrf import CSRFError

from accounts import sessions
from accounts.models import Role, RoleName, User
from accounts.sessions import Session
from core.db import db, writing
from core.errors import DomainError

TOKEN = "token"  # noqa: S105  the name of the cookie's entry

datastore = SQLAlchemyUserDatastore(db, User, Role)


def init_app(app: Flask) -> None:
    """Install Flask-Security, our session check, and the cookie's length."""
    app.config.update(
        SECURITY_PASSWORD_SALT=app.config["SECRET_KEY"],  # asked for, not used: see the next line
        SECURITY_PASSWORD_SINGLE_HASH={"argon2", "plaintext"},  # a new SECRET_KEY keeps passwords
        SECURITY_PASSWORD_HASH="argon2" if not app.testing else "plaintext",
        SECURITY_PASSWORD_LENGTH_MIN=12,
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_CLI_USERS_NAME=None,  # `flask user` leaves audit lines, theirs would not
        SECURITY_CLI_ROLES_NAME=None,
        SESSION_PROTECTION=None,  # the token decides, not the browser's address
        PERMANENT_SESSION_LIFETIME=sessions.AMBASSADOR_LENGTH,
    )
    engine = Security(app, datastore, register_blueprint=False)
    _take_out_hooks(app, engine)
    app.session_interface = _Sessions()
    app.login_manager.user_loader(_load)  # type: ignore[attr-defined]
    app.login_manager.request_loader(lambda request: None)  # type: ignore[attr-defined]
    app.before_request(_keep_alive)
    app.register_error_handler(CSRFError, _stale_page)


class _Sessions(SecureCookieSessionInterface):
    """The signed cookie; a machine's call, which has none, pays nothing for it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "Cookie" not in request.headers:
            return self.session_class()
        return super().open_session(app, request)


def _take_out_hooks(app: Flask, engine: Security) -> None:
    """Remove what the engine does at every request and we never use.

    Its own permissions ask for a person each time, ours where a route needs one;
    its long-lived cookie is not ours (`accounts/sessions.py`).
    """
    app.before_request_funcs[None].remove(engine.principal._on_before_request)
    app.after_request_funcs[None].remove(app.login_manager._update_remember_cookie)  # type: ignore[attr-defined]


class StalePageError(DomainError):
    """A form came without the token of this browser's session."""

    status = 400
    code = "stale_page"


def sign_in(user: User) -> None:
    """Begin a new session for a person in this browser; whatever it held before ends."""
    sign_out()
    session[TOKEN] = sessions.begin(user.id)
    session.permanent = all(role.name == RoleName.AMBASSADOR for role in user.roles)
    g.pop("sign_in", None)
    g.pop("caller", None)
    login_user(user)


def sign_out() -> None:
    """End this browser's session."""
    token = session.get(TOKEN)
    if token:
        sessions.end(token)
    session.clear()
    for name in ("sign_in", "caller", "csrf_token", "_login_user"):
        g.pop(name, None)


def current_session() -> Session | None:
    """Return the open session of this request, read once."""
    if "sign_in" not in g:
        token = session.get(TOKEN)
        g.sign_in = sessions.find(token) if token else None
    known: Session | None = g.sign_in
    return known


def is_fresh() -> bool:
    """Tell whether this person signed in a moment ago, as dangerous acts ask."""
    known = current_session()
    return known is not None and known.is_fresh


def preferred_language() -> str | None:
    """Return the language of the signed-in person, if they chose one."""
    return current_user.locale if current_user.is_authenticated else None


def _load(user_id: str) -> User | None:
    """Return the person of this request's session, for Flask-Login."""
    known = current_session()
    user = db.session.get(User, known.user_id) if known else None
    if user is None or not secrets.compare_digest(user.fs_uniquifier, user_id):
        return None
    return user


def _stale_page(error: CSRFError) -> ResponseReturnValue:
    detail = _("This page was open for too long. Go back, load it again and repeat what you did.")
    return current_app.handle_user_exception(StalePageError(detail))


def _keep_alive() -> None:
    """Note once a minute that a session is in use, in a transaction before the view's own."""
    if "Cookie" not in request.headers:
        return
    if (request.endpoint or "static").endswith("static"):
        return  # no person is asked for there, so no query either
    known = current_session()
    if known is not None and known.is_to_touch:
        with writing():
            sessions.touch(known.id)
            db.session.commit()
