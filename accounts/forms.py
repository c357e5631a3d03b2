"""Forms of the accounts room."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length

from accounts.models import RoleName, Scope
from accounts.navigation import ROLE_NAMES
from accounts.users import LONGEST_PASSWORD, SHORTEST_PASSWORD, STAFF_ROLES

LANGUAGE_NAMES = [
    SelectChoice("", lazy_gettext("As their browser asks")),
    SelectChoice("en", "English"),
    SelectChoice("fr", "Français"),
]
SCOPE_NAMES = {
    Scope.READ: lazy_gettext("Read everything the API shows"),
    Scope.CODES: lazy_gettext("Check, create and redeem codes"),
    Scope.PURCHASES: lazy_gettext("Report purchases and refunds"),
    Scope.COMMUNITY: lazy_gettext("Report members and activity"),
    Scope.SPEND: lazy_gettext("Report spend"),
}


def _required() -> InputRequired:
    return InputRequired(lazy_gettext("This field is needed."))


def _email(**more: Any) -> EmailField:
    rules = [_required(), Length(max=254, message=lazy_gettext("This address is too long."))]
    return EmailField(lazy_gettext("E-mail"), rules, **more)


def _new_password() -> PasswordField:
    return PasswordField(
        lazy_gettext("New password"),
        [
            _required(),
            Length(
                min=SHORTEST_PASSWORD, max=LONGEST_PASSWORD,
                message=lazy_gettext("Use at least %(n)s characters.", n=SHORTEST_PASSWORD),
            ),
        ],
        description=lazy_gettext(
            "At least %(n)s characters. A few words are easy to keep.", n=SHORTEST_PASSWORD
        ),
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """E-mail and password."""

    email = _email(render_kw={"autocomplete": "username"})
    password = PasswordField(
        lazy_gettext("Password"),
        [_required(), Length(max=LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Only an e-mail address: for a link, or a new password."""

    email = _email(render_kw={"autocomplete": "username"})


class ButtonForm(FlaskForm):  # type: ignore[misc]
    """A button: nothing but the token against forged requests."""


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    """The password once more, before something dangerous."""

    password = PasswordField(
        lazy_gettext("Password"),
        [_required(), Length(max=LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, twice."""

    password = _new_password()
    again = PasswordField(
        lazy_gettext("New password again"),
        [
            _required(),
            EqualTo("password", lazy_gettext("The two passwords are not the same.")),
        ],
        render_kw={"autocomplete": "new-password"},
    )


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one."""

    present = PasswordField(
        lazy_gettext("Present password"),
        [Length(max=LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )


class InviteForm(FlaskForm):  # type: ignore[misc]
    """A new colleague."""

    email = _email(render_kw={"autocomplete": "off"})
    name = StringField(lazy_gettext("Name"), [Length(max=200)])
    roles = SelectMultipleField(
        lazy_gettext("Roles"),
        [InputRequired(lazy_gettext("Choose at least one role."))],
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in STAFF_ROLES],
    )
    locale = SelectField(lazy_gettext("Language"), choices=LANGUAGE_NAMES, default="")


class RolesForm(FlaskForm):  # type: ignore[misc]
    """The roles of a person."""

    roles = SelectMultipleField(
        lazy_gettext("Roles"),
        [InputRequired(lazy_gettext("Choose at least one role."))],
        choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in RoleName],
    )


class KeyForm(FlaskForm):  # type: ignore[misc]
    """A new API key."""

    name = StringField(
        lazy_gettext("Name"),
        [_required(), Length(max=100, message=lazy_gettext("Use at most 100 characters."))],
        description=lazy_gettext("Who uses it: the shop's checkout, a nightly script."),
    )
    scopes = SelectMultipleField(
        lazy_gettext("What it may do"),
        [InputRequired(lazy_gettext("Choose at least one thing the key may do."))],
        choices=[SelectChoice(scope.value, name) for scope, name in SCOPE_NAMES.items()],
    )
