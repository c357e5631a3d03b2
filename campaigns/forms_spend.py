"""The form of one line of spend."""

from __future__ import annotations

import secrets

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from campaigns.models import SpendKind

KIND_NAMES = {
    SpendKind.MEDIA: _l("Media"),
    SpendKind.PEOPLE: _l("People"),
    SpendKind.TOOLS: _l("Tools"),
    SpendKind.EVENTS: _l("Events"),
    SpendKind.BOXES: _l("Boxes"),
    SpendKind.PERKS: _l("Perks"),
    SpendKind.OTHER: _l("Other"),
}
_NEEDED = DataRequired(_l("This field is needed."))


class SpendForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What was spent on a channel on a day."""

    channel = StringField(
        _l("Channel"),
        [_NEEDED, Length(max=60)],
        description=_l("Such as paid_social, paid_search or community."),
    )
    on = DateField(_l("Day"), [_NEEDED])
    amount = StringField(
        _l("Amount"),
        [_NEEDED, Length(max=30)],
        description=_l("With a minus sign to correct an earlier line."),
    )
    currency = StringField(_l("Currency"), [_NEEDED, Length(min=3, max=3)])
    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(kind.value, name) for kind, name in KIND_NAMES.items()]
    )
    note = StringField(_l("Note"), [Optional(), Length(max=200)])
    token = HiddenField(default=lambda: secrets.token_hex(8))  # sending twice records once
