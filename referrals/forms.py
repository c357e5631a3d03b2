"""Forms of the referrals room."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange


class NewCodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A code, a link or both for one ambassador in one campaign."""

    ambassador = StringField(
        _l("Ambassador"),
        [InputRequired(_l("This field is needed.")), Length(max=254)],
        description=_l("Their e-mail address, your own id, or their number here."),
    )
    campaign = SelectField(_l("Campaign"), choices=[])
    code = StringField(
        _l("Code"),
        [Length(max=60)],
        description=_l("3 to 50 letters and digits, such as ZOE15. It stays for ever."),
    )
    slug = StringField(
        _l("End of the link"),
        [Length(max=60)],
        description=_l("Small letters, digits and dashes, such as zoe. Empty: no link."),
    )


class FreezeForm(FlaskForm):  # type: ignore[misc]
    """Why a code is frozen, and what replaces it."""

    reason = TextAreaField(
        _l("Why"),
        [InputRequired(_l("Say why: the reason is kept in the audit log.")), Length(max=500)],
    )
    replacement = StringField(
        _l("New code for the same person"),
        [Length(max=60)],
        description=_l("Empty: the code is frozen and not replaced."),
    )


class BulkForm(FlaskForm):  # type: ignore[misc]
    """Codes to make at random."""

    campaign = SelectField(_l("Campaign"), choices=[])
    count = IntegerField(
        _l("How many"),
        [
            InputRequired(_l("This field is needed.")),
            NumberRange(1, 1_000_000, _l("From 1 to 1,000,000.")),
        ],
    )
    pattern = StringField(
        _l("Pattern"),
        [InputRequired(_l("This field is needed.")), Length(max=60)],
        description=_l(
            "Each # becomes a random letter or digit, such as SUMMER-####-####. "
            "Codes that carry value want 12 of them."
        ),
    )


class WishForm(FlaskForm):  # type: ignore[misc]
    """A code that an ambassador wishes for."""

    campaign = SelectField(_l("Campaign"), choices=[])
    code = StringField(
        _l("The code you would like"),
        [InputRequired(_l("This field is needed.")), Length(max=60)],
        description=_l("3 to 50 letters and digits, such as ZOE15. It stays for ever."),
    )
