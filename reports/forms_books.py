"""The form of account codes: a code and a label for each account of money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length, Regexp

from reports.wording_books import ACCOUNTS
from rewards.models import Account
from rewards.models_books import AccountCode


class CodesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """One pair of fields an account; built from the list of accounts."""

    @classmethod
    def of(cls, known: Mapping[Account, AccountCode]) -> Self:
        """Return the form, filled with what is known unless it was sent."""
        data = {}
        for account, one in known.items():
            data[f"code_{account.value}"] = one.code
            data[f"label_{account.value}"] = one.label
        form: Self = cls(data=data)
        return form

    def told(self) -> dict[Account, tuple[str, str]]:
        """Return code and label by account."""
        return {
            account: (
                (self[f"code_{account.value}"].data or "").strip(),
                (self[f"label_{account.value}"].data or "").strip(),
            )
            for account in ACCOUNTS
        }


_PLAIN = Regexp(r"[0-9A-Za-z._-]*$", message=_l("Letters, digits and . _ - only."))
for _account in ACCOUNTS:
    setattr(CodesForm, f"code_{_account.value}", StringField(_l("Code"), [Length(max=20), _PLAIN]))
    setattr(CodesForm, f"label_{_account.value}", StringField(_l("Label"), [Length(max=100)]))
