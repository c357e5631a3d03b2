"""The forms of payouts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length


class PrepareForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A batch to be drafted."""

    token = HiddenField(validators=[InputRequired(), Length(max=80)])  # a repeat is the same batch
    currency = HiddenField(validators=[InputRequired(), Length(min=3, max=3)])
    by_hand = BooleanField(
        _l("Include those who have not said where to pay"),
        description=_l("You pay them yourself, and note the reference here."),
    )


class ReferenceForm(FlaskForm):  # type: ignore[misc]
    """Proof that money arrived."""

    reference = StringField(
        _l("Reference"), [Length(max=100)], description=_l("Such as the number on the statement.")
    )


class ReturnForm(FlaskForm):  # type: ignore[misc]
    """Why money did not arrive."""

    reason = StringField(
        _l("What happened"), [InputRequired(_l("This field is needed.")), Length(max=300)]
    )
