"""The forms of joining: who asks for a link with a code, and what an invitation's reader says."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, StringField
from wtforms.validators import InputRequired, Length

from ambassadors.forms_applications import require_email
from core import i18n
from rewards.joining import Said

_NEEDED = _l("This field is needed.")


class AcceptForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A name, and the charter where there is one to accept."""

    name = StringField(
        _l("Name"), [InputRequired(_NEEDED), Length(max=200)], render_kw={"autocomplete": "name"}
    )
    charter = BooleanField(
        _l("I have read the charter and accept it"),
        [InputRequired(_l("Please read the charter and accept it: without it we cannot start."))],
    )
    version = HiddenField()

    def said(self) -> Said:
        """Return what the person says."""
        return Said(
            name=self.name.data or "", locale=i18n.language(),
            charter_version=self.charter_version(),
        )  # fmt: skip

    def charter_version(self) -> int | None:
        """Return the charter that the page showed."""
        shown = self.version.data or ""
        return int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else None


class AskForm(AcceptForm):
    """Who would like to join with the code that was checked."""

    email = EmailField(
        _l("E-mail"),
        [InputRequired(_NEEDED), Length(max=254), require_email],
        render_kw={"autocomplete": "email"},
    )
    token = HiddenField()


def for_charter(form: Any, version: int | None) -> Any:
    """Return a form that asks for this version of the charter, or for none."""
    if version is None:
        del form.charter
    if not form.is_submitted():
        form.version.data = str(version or "")
    return form
