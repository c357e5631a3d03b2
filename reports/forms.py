"""The form of what is expected of the program or a campaign."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from core import money
from core.errors import InvalidInputError
from reports import expectations
from reports.models_kept import Measure

MEASURE_WORDS = {
    Measure.NEW_CUSTOMERS: _l("New customers"),
    Measure.CAC: _l("CAC"),
    Measure.SHARE: _l("Share of acquisition"),
}
_MONTH = {"type": "month", "placeholder": "2026-03", "pattern": "[0-9]{4}-[0-9]{2}"}


class ExpectationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A range that is expected after so many months."""

    scope = SelectField(_l("Of"))
    measure = SelectField(
        _l("Measure"),
        choices=[SelectChoice(one.value, words) for one, words in MEASURE_WORDS.items()],
        description=_l("The share of acquisition is of the whole program alone."),
    )
    after_months = SelectField(
        _l("After"),
        coerce=int,
        choices=[
            SelectChoice(3, _l("3 months")),
            SelectChoice(6, _l("6 months")),
            SelectChoice(12, _l("12 months")),
        ],
    )
    low = StringField(_l("At least"), [DataRequired(), Length(max=20)])
    high = StringField(
        _l("At most"),
        [DataRequired(), Length(max=20)],
        description=_l("A count, an amount, or a percentage such as 25."),
    )
    launched = StringField(
        _l("Month of the launch"),
        [Optional(), Length(max=7)],
        render_kw=_MONTH,
        description=_l("Of the whole program; a campaign has its own."),
    )

    def range(self, currency: str) -> tuple[int, int]:
        """Return the range: a count, minor units or millionths.

        Raises:
            InvalidInputError: A figure that cannot be read.
        """
        measure = Measure(self.measure.data)
        return (
            _figure(str(self.low.data), measure, currency),
            _figure(str(self.high.data), measure, currency),
        )


def _figure(text: str, measure: Measure, currency: str) -> int:
    scale = expectations.MILLION // 100 if measure is Measure.SHARE else 1
    try:
        value = Decimal(text.strip().rstrip("%").strip().replace(",", "."))
        if measure is Measure.CAC:
            return money.to_minor(value, currency)
        is_known = value.is_finite() and abs(value) <= money.LARGEST and value * scale % 1 == 0
    except (InvalidOperation, money.MoneyError):
        is_known = False
    if not is_known:
        raise InvalidInputError(_("“%(text)s” is not a figure of this measure.", text=text[:40]))
    return int(value * scale)
