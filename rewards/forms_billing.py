"""The forms of self-billing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

_NEEDED = InputRequired(_l("This field is needed."))


class TermsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Whether invoices are written, to whom, and the words of the mandate."""

    is_on = BooleanField(_l("Write the invoices of ambassadors who ask for it"))
    customer = TextAreaField(
        _l("The brand, as it stands on invoices"), [_NEEDED, Length(max=500)],
        description=_l("Name, address, SIREN and VAT number, a line each."),
        render_kw={"rows": 4},
    )  # fmt: skip
    text_en = TextAreaField(_l("Mandate in English"), [_NEEDED], render_kw={"rows": 10})
    text_fr = TextAreaField(_l("Mandate in French"), [_NEEDED], render_kw={"rows": 10})


class MandateForm(FlaskForm):  # type: ignore[misc]
    """What stands on an ambassador's invoices."""

    version = HiddenField(validators=[InputRequired(), Length(max=9)])
    name = StringField(_l("First and last name, or firm"), [_NEEDED, Length(max=200)])
    address = TextAreaField(_l("Address"), [_NEEDED, Length(max=500)], render_kw={"rows": 3})
    tax_id = StringField(
        _l("Number of your business"), [Length(max=40)], description=_l("Such as SIRET, if any.")
    )  # fmt: skip


class VatForm(FlaskForm):  # type: ignore[misc]
    """Whether VAT is charged, from a day on."""

    effective_from = DateField(_l("From"), [_NEEDED])
    rate = StringField(
        _l("VAT rate"), [_NEEDED, Length(max=6)],
        description=_l("Such as 20; 0 if you are exempt (franchise en base)."),
    )  # fmt: skip
    vat_number = StringField(_l("VAT number"), [Length(max=30)])
