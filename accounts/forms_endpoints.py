"""Forms of outgoing webhooks."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from accounts import endpoints

EVENT_NAMES = {
    "ambassador.approved": _l("An ambassador was approved"),
    "application.received": _l("Somebody applied"),
    "application.declined": _l("An application was declined"),
    "code.frozen": _l("A code was frozen"),
    "purchase.attributed": _l("A purchase was credited, or to somebody else than before"),
    "commission.created": _l("A commission was earned"),
    "commission.reversed": _l("A commission was taken back, in full or in part"),
    "commission.reinstated": _l("A commission that was taken back was given again"),
    "payout.paid": _l("A payout arrived"),
    endpoints.TEST: _l("A test"),
}


class EndpointForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """An address, and what it is told."""

    url = StringField(
        _l("Address"),
        [InputRequired(_l("This field is needed.")), Length(max=2000)],
        description=_l("It begins with https:// and takes a POST."),
        render_kw={"type": "url", "inputmode": "url", "autocomplete": "off"},
    )
    events = SelectMultipleField(
        _l("Events"),
        [InputRequired(_l("Choose at least one event."))],
        choices=[SelectChoice(name, EVENT_NAMES[name]) for name in endpoints.EVENTS],
    )
