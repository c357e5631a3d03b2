"""Forms of the rewards room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length


class OverrideForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Who gets the credit of a purchase, decided by a person."""

    ambassador = StringField(
        _l("Who gets the credit"),
        [Length(max=254)],
        description=_l("A code, an e-mail address or your own id. Empty: nobody."),
    )
    reason = TextAreaField(
        _l("Why"),
        [InputRequired(_l("Say why: the reason is kept with the decision.")), Length(max=500)],
        description=_l("Kept in the audit log. No health or family."),
    )
