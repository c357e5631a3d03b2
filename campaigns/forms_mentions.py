"""The form of a mention that the law asks."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from campaigns.models import Format

FORMATS = {
    Format.COMMISSION: _l("The ambassador earns by what friends buy"),
    Format.PAID: _l("The ambassador is paid for the content"),
    Format.GIFTED: _l("The ambassador got the product for free"),
}
_NEEDED = InputRequired(_l("This field is needed."))


class MentionForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What to say, from which day, and who says so."""

    format = SelectField(
        _l("How it is shared"),
        choices=[SelectChoice(kind.value, text) for kind, text in FORMATS.items()],
    )
    effective_on = DateField(_l("From"), [_NEEDED])
    text_fr = StringField(_l("Mention in French"), [_NEEDED, Length(max=200)])
    text_en = StringField(_l("Mention in English"), [_NEEDED, Length(max=200)])
    source = StringField(
        _l("Source"), [_NEEDED, Length(max=300)], description=_l("The law, and its article.")
    )
