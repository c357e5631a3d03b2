"""Doors for anyone: signing in and out, and light or dark for their own browser.

One answer is given whether an account exists or not.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import (
    identities,
    links,
    mails,
    navigation,
    passkeys,
    permissions,
    security,
    throttle,
    users,
)
from accounts.forms import (
    AddressForm,
    ButtonForm,
    ChangePasswordForm,
    ConfirmForm,
    NewPasswordForm,
    SignInForm,
)
from accounts.models import LinkPurpose, User
from core import limits, pages
from core.db import db
from core.errors import Fault, InvalidInputError, NotFoundError, TooManyError
from core.web import is_local_path, wants_json

log = structlog.get_logger()

door = permissions.guard(Blueprint("preferences", __name__), permissions.PUBLIC)


@door.get("/")
def show_front() -> ResponseReturnValue:
    """Lead everyone to their own first page."""
    home = navigation.home_url()
    if home is None and current_user.is_authenticated:
        raise NotFoundError(_("There is no page for your role yet."))
    return redirect(home or url_for("security.login"))


@door.post("/theme")
def choose_theme() -> ResponseReturnValue:
    """Remember the theme in a cookie and go back to the page."""
    chosen = request.form.get("theme", "")
    if chosen not in pages.THEMES:
        raise InvalidInputError(
            _("Choose the light, dark or automatic theme."),
            faults=[Fault("/theme", _("light, dark or auto"))],
        )
    back = request.form.get("next", "/")
    answer = redirect(back if is_local_path(back) else "/", code=303)
    answer.set_cookie(
        pages.THEME_COOKIE, chosen, max_age=pages.YEAR, samesite="Lax", httponly=True,
        secure=request.is_secure,
    )  # fmt: skip
    return answer


# Sign-in.  The endpoint names are those that Flask-Security looks for.
sign_in_door = permissions.guard(Blueprint("security", __name__), permissions.PUBLIC)


@sign_in_door.route("/sign-in", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in with e-mail and password."""
    if current_user.is_authenticated:
        return redirect(_after_sign_in())
    form = SignInForm()
    if not form.validate_on_submit():
        return _sign_in_page(form), 200 if request.method == "GET" else 422
    try:
        user = _known_person(form.email.data, form.password.data)
    except TooManyError as error:
        if wants_json():
            raise
        db.session.rollback()
        form.password.errors = [error.detail]
        return _sign_in_page(form), error.status, {"Retry-After": str(error.retry_after)}
    if user is None:
        form.password.errors = [
            _("E-mail and password do not go together. Try again, or ask for a link.")
        ]
        return _sign_in_page(form), 422
    security.sign_in(user)
    db.session.commit()
    return redirect(_after_sign_in(), code=303)


@sign_in_door.post("/sign-out")
def logout() -> ResponseReturnValue:
    """End this browser's session."""
    security.sign_out()
    db.session.commit()
    flash(_("You are signed out."))
    return redirect(url_for("security.login"), code=303)


@sign_in_door.route("/sign-in/link", methods=["GET", "POST"])
def ask_link() -> ResponseReturnValue:
    """Ask for a link by mail that signs in without a password."""
    form = AddressForm()
    if not form.validate_on_submit():
        page = render_template("accounts/public/ask-link.html", form=form, next=_next())
        return page, 200 if request.method == "GET" else 422
    _limit_mails(form.email.data)
    _mail_link(form.email.data, LinkPurpose.SIGN_IN, next_path=_next())
    db.session.commit()
    return render_template("accounts/public/mail-sent.html", email=form.email.data.strip())


@sign_in_door.route("/sign-in/link/<token>", methods=["GET", "POST"])
def use_link(token: str) -> ResponseReturnValue:
    """Show a button (GET), because scanners follow links; sign in (POST)."""
    form = ButtonForm()
    if form.validate_on_submit():
        user = links.consume(token, LinkPurpose.SIGN_IN)
        if user is not None:
            security.sign_in(user)
            db.session.commit()
            return redirect(_after_sign_in(), code=303)
    elif links.owner(token, LinkPurpose.SIGN_IN) is not None:
        return render_template("accounts/public/use-link.html", form=form, next=_next())
    return render_template("accounts/public/link-over.html", form=AddressForm()), 410


@sign_in_door.route("/password/forgot", methods=["GET", "POST"])
def forgot_password() -> ResponseReturnValue:
    """Ask for a link by mail that sets a new password."""
    form = AddressForm()
    if not form.validate_on_submit():
        page = render_template("accounts/public/forgot-password.html", form=form)
        return page, 200 if request.method == "GET" else 422
    _limit_mails(form.email.data)
    _mail_link(form.email.data, LinkPurpose.SET_PASSWORD)
    db.session.commit()
    return render_template("accounts/public/mail-sent.html", email=form.email.data.strip())


@sign_in_door.route("/password/<token>", methods=["GET", "POST"])
def reset_password(token: str) -> ResponseReturnValue:
    """Set a password with a link from a mail or an invitation, and sign in."""
    form = NewPasswordForm()
    user = links.owner(token, LinkPurpose.SET_PASSWORD)
    if user is None:
        return render_template("accounts/public/link-over.html", form=AddressForm()), 410
    identities.act_as(user.id)
    if form.validate_on_submit() and _set_password(user, form):
        mails.password_changed(user)
        security.sign_in(user)
        db.session.commit()
        flash(_("Your password is set."))
        return redirect(_after_sign_in(), code=303)
    page = render_template("accounts/public/set-password.html", form=form, email=user.email)
    return page, 200 if request.method == "GET" else 422


@sign_in_door.route("/account/password", methods=["GET", "POST"])
@permissions.allow(permissions.SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Choose another password; every other session ends."""
    user = users.load(current_user.id)
    form = ChangePasswordForm()
    asks_present = bool(user.password)
    if not asks_present and not security.is_fresh():
        return permissions.ask_to_confirm()
    if form.validate_on_submit() and _may_change(user, form) and _set_password(user, form):
        mails.password_changed(user)
        security.sign_in(user)
        db.session.commit()
        flash(_("Your password is changed. You are signed out everywhere else."))
        return redirect(_after_sign_in(), code=303)
    page = render_template(
        "accounts/public/change-password.html", form=form, asks_present=asks_present
    )
    return page, 200 if request.method == "GET" else 422


@sign_in_door.route("/account/confirm", methods=["GET", "POST"])
@permissions.allow(permissions.SIGNED_IN)
def verify() -> ResponseReturnValue:
    """Ask for the password once more before something dangerous."""
    user = users.load(current_user.id)
    form = ConfirmForm()
    status = 200
    if request.method == "POST":
        status = 422
    if form.validate_on_submit():
        known = _known_person(user.email, form.password.data)
        if known is not None:
            security.sign_in(known)
            db.session.commit()
            return redirect(_after_sign_in(), code=303)
        form.password.errors = [_("This is not your password.")]
    page = render_template(
        "accounts/public/confirm.html", form=form, next=_next(), email=user.email,
        has_password=bool(user.password),
    )  # fmt: skip
    return page, status


def _known_person(email: str, password: str) -> User | None:
    """Return the person whose password this is; counts the guess first.  Commits."""
    limits.hit("sign_in", limits.network(request.remote_addr), limit=100, per=timedelta(minutes=15))
    throttle.attempt(email)
    db.session.commit()  # counted before it is heard
    user = users.find(email)
    db.session.rollback()  # hashing takes its time; no lock is held meanwhile
    if not users.has_password(user, password):
        return None
    throttle.succeed(email)
    return user


def _limit_mails(email: str) -> None:
    """Refuse who asks for too many mails.

    Raises:
        TooManyError: More than 3 to an address, or 20 from an address, in 15 minutes.
    """
    quarter = timedelta(minutes=15)
    limits.hit("mail_from", limits.network(request.remote_addr), limit=20, per=quarter)
    limits.hit("mail_to", email.strip().lower(), limit=3, per=quarter)


def _mail_link(email: str, purpose: LinkPurpose, *, next_path: str = "") -> None:
    """Mail a link to whoever has this address; nothing tells whether anybody does."""
    user = users.find(email)
    if user is None or not user.active:
        log.info("link.nobody", purpose=purpose.value)
        return
    if purpose is LinkPurpose.SIGN_IN:
        mails.sign_in_link(user, next_path=next_path)
    else:
        mails.password_link(user)


def _may_change(user: User, form: ChangePasswordForm) -> bool:
    if not user.password or _known_person(user.email, form.present.data or "") is not None:
        return True
    form.present.errors = [_("This is not your present password.")]
    return False


def _set_password(user: User, form: NewPasswordForm) -> bool:
    try:
        users.set_password(user, form.password.data)
    except InvalidInputError as error:
        form.password.errors = [error.detail]
        return False
    return True


def _next() -> str:
    asked = request.values.get("next", "")
    return asked if is_local_path(asked) else ""


def _after_sign_in() -> str:
    """Return where a signed-in person lands: where they were going, or their home."""
    return _next() or navigation.home_url() or "/"


def _sign_in_page(form: SignInForm) -> str:
    return render_template(
        "accounts/public/sign-in.html", form=form, next=_next(),
        has_passkeys=passkeys.is_possible(),
    )  # fmt: skip
