"""The forms of thresholds and contracts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from rewards.wording_contracts import THRESHOLDS

_NEEDED = InputRequired(_l("This field is needed."))


class ThresholdForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What counts from a day on, and who says so."""

    kind = SelectField(
        _l("What it decides"),
        choices=[SelectChoice(kind.value, text) for kind, text in THRESHOLDS.items()],
    )
    effective_from = DateField(_l("From"), [_NEEDED])
    amount = StringField(
        _l("Amount"), [Length(max=30)],
        description=_l("Such as 1000. Empty: from that day on there is no threshold."),
    )  # fmt: skip
    currency = StringField(_l("Currency"), [_NEEDED, Length(min=3, max=3)])
    source = StringField(
        _l("Source"), [_NEEDED, Length(max=300)], description=_l("The law, and its article.")
    )


class TemplateForm(FlaskForm):  # type: ignore[misc]
    """The words of a contract in both languages."""

    text_en = TextAreaField(_l("Contract in English"), [_NEEDED], render_kw={"rows": 18})
    text_fr = TextAreaField(_l("Contract in French"), [_NEEDED], render_kw={"rows": 18})


class PrepareContractForm(FlaskForm):  # type: ignore[misc]
    """With whom, on what and for which year a contract is written."""

    ambassador_id = HiddenField(validators=[InputRequired()])
    objective = HiddenField(validators=[InputRequired()])
    year = HiddenField(validators=[InputRequired()])


class SignForm(FlaskForm):  # type: ignore[misc]
    """A name that is typed under a text."""

    seen = HiddenField(validators=[InputRequired(), Length(max=64)])
    name = StringField(
        _l("First and last name"), [_NEEDED, Length(max=200)],
        description=_l("Typed here, your name is your signature."),
        render_kw={"autocomplete": "name"},
    )  # fmt: skip


class TaxForm(FlaskForm):  # type: ignore[misc]
    """What a declaration says of a person."""

    name = StringField(_l("First and last name, or firm"), [_NEEDED, Length(max=200)])
    is_business = BooleanField(_l("I act as a business"))
    siret = StringField(
        "SIRET", [Length(max=20)], description=_l("14 digits, for a business in France.")
    )
    profession = StringField(
        _l("What you do"), [_NEEDED, Length(max=100)], description=_l("Such as creator or teacher.")
    )
    street = StringField(_l("Number and street"), [_NEEDED, Length(max=200)])
    postal_code = StringField(_l("Postal code"), [_NEEDED, Length(max=20)])
    city = StringField(_l("City"), [_NEEDED, Length(max=100)])
    country = StringField(
        _l("Country"), [_NEEDED, Length(max=2)], description=_l("Two letters, such as FR or US.")
    )
    tin = StringField(
        _l("Tax number (SSN, ITIN or EIN)"), [Length(max=20)],
        description=_l("In the United States only. Pages show its last 4 digits only."),
    )  # fmt: skip
