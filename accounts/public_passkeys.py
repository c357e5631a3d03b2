"""Doors of passkeys: anyone signs in with one, a signed-in person keeps theirs in order."""

from __future__ import annotations

from datetime import timedelta

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import navigation, passkeys, permissions, security, users
from core import limits
from core.db import db
from core.errors import ConflictError, NotFoundError
from core.web import is_local_path

door = permissions.guard(Blueprint("passkeys", __name__), permissions.SIGNED_IN)
sign_in_door = permissions.guard(Blueprint("passkey_sign_in", __name__), permissions.PUBLIC)


@sign_in_door.post("/sign-in/passkey/options")
def sign_in_options() -> ResponseReturnValue:
    """Begin to sign in with a passkey."""
    _require()
    quarter = timedelta(minutes=15)
    limits.hit("sign_in", limits.network(request.remote_addr), limit=100, per=quarter)
    return _json(passkeys.options_to_sign_in(session))


@sign_in_door.post("/sign-in/passkey")
def sign_in() -> ResponseReturnValue:
    """Sign in with a passkey; answers where to go."""
    _require()
    told = request.get_json(silent=True)
    try:
        user = passkeys.verify(session, told)
    except passkeys.PasskeyError as error:
        db.session.rollback()
        return {"detail": error.detail}, error.status
    security.sign_in(user)
    db.session.commit()
    asked = request.args.get("next", "")
    return {"to": asked if is_local_path(asked) else navigation.home_url() or "/"}


@door.get("/account/passkeys")
@permissions.fresh
def everything() -> ResponseReturnValue:
    """Show my passkeys."""
    _require()
    return render_template(
        "accounts/public/passkeys.html", passkeys=passkeys.of(current_user.id), most=passkeys.MOST
    )


@door.post("/account/passkeys/options")
@permissions.fresh
def options() -> ResponseReturnValue:
    """Begin to make a passkey."""
    _require()
    brand = current_app.jinja_env.globals["brand_name"]()  # type: ignore[operator]
    told = passkeys.options_to_add(users.load(current_user.id), session, brand=str(brand))
    db.session.commit()
    return _json(told)


@door.post("/account/passkeys")
@permissions.fresh
def add() -> ResponseReturnValue:
    """Keep a passkey that this browser made."""
    _require()
    told = request.get_json(silent=True)
    sent = told if isinstance(told, dict) else {}
    try:
        user = users.load(current_user.id)
        passkeys.add(user, session, sent.get("credential"), str(sent.get("name") or ""))
    except (passkeys.PasskeyError, ConflictError) as error:
        db.session.rollback()
        return {"detail": error.detail}, error.status
    db.session.commit()
    flash(_("Your passkey is kept. Next time, sign in with it."))
    return {"to": url_for(".everything")}


@door.post("/account/passkeys/<int:passkey_id>/remove")
@permissions.fresh
def remove(passkey_id: int) -> ResponseReturnValue:
    """Forget one of my passkeys."""
    passkeys.remove(users.load(current_user.id), passkey_id)
    db.session.commit()
    flash(_("The passkey is removed. Delete it on your device too."))
    return redirect(url_for(".everything"), code=303)


def _require() -> None:
    """Close these doors where browsers would make no passkey."""
    if not passkeys.is_possible():
        raise NotFoundError(_("Passkeys need an address with a name; this one is of numbers."))


def _json(text: str) -> Response:
    return Response(text, mimetype="application/json")
