"""The forms of recurring costs, of the rate for an hour, and of hours."""

from __future__ import annotations

import secrets

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from campaigns.forms_spend import KIND_NAMES

_MONTH = {"type": "month", "placeholder": "2026-03", "pattern": "[0-9]{4}-[0-9]{2}"}


class RecurringForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A cost that comes back each month."""

    note = StringField(_l("What it is"), [DataRequired(), Length(max=150)])
    channel = StringField(
        _l("Channel"),
        [DataRequired(), Length(max=60)],
        description=_l("Such as paid_social, paid_search or community."),
    )
    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(kind.value, name) for kind, name in KIND_NAMES.items()]
    )
    amount = StringField(_l("Amount a month"), [DataRequired(), Length(max=30)])
    currency = StringField(_l("Currency"), [DataRequired(), Length(min=3, max=3)])
    first_month = StringField(_l("First month"), [DataRequired(), Length(max=7)], render_kw=_MONTH)
    last_month = StringField(
        _l("Last month"),
        [Optional(), Length(max=7)],
        render_kw=_MONTH,
        description=_l("Leave it empty while the cost goes on."),
    )
    token = HiddenField(default=lambda: secrets.token_hex(8))  # sending twice records once


class RateForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What an hour of the team costs from a day on."""

    effective_on = DateField(_l("From"), [DataRequired()])
    amount = StringField(_l("Rate for an hour"), [DataRequired(), Length(max=30)])
    currency = StringField(_l("Currency"), [DataRequired(), Length(min=3, max=3)])


class HoursForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Hours of the team in a month."""

    month = StringField(_l("Month"), [DataRequired(), Length(max=7)], render_kw=_MONTH)
    channel = StringField(_l("Channel"), [DataRequired(), Length(max=60)])
    activity = StringField(
        _l("Activity"),
        [DataRequired(), Length(max=150)],
        description=_l("Such as answering ambassadors, or packing boxes."),
    )
    hours = StringField(
        _l("Hours"),
        [DataRequired(), Length(max=12)],
        description=_l("Such as 12.5; with a minus sign to correct an earlier entry."),
    )
    token = HiddenField(default=lambda: secrets.token_hex(8))  # sending twice records once
