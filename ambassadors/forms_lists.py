"""Forms of circles, segments, notes, and of whom something is for."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from ambassadors import circles, segments, tags
from ambassadors.audiences import Audience
from ambassadors.bulk import Act
from ambassadors.forms import KINDS, STATUSES
from ambassadors.models import AmbassadorKind, Circle
from ambassadors.segments import Rule
from core import money
from core.errors import Fault, InvalidInputError
from core.forms import words

_OWN_LANGUAGES = [SelectChoice("fr", "Français"), SelectChoice("en", "English")]
_DIGITS = {"inputmode": "numeric", "autocomplete": "off"}
ACTS = {
    Act.TAG: _l("Put a tag on them"),
    Act.UNTAG: _l("Take a tag off them"),
    Act.SEAT: _l("Put them into a circle"),
    Act.UNSEAT: _l("Take them out of a circle"),
    Act.GIVE: _l("Write down what you did for them"),
}


class CircleForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A circle."""

    name = StringField(_l("Name"), [InputRequired(_l("This field is needed.")), Length(max=100)])
    purpose = TextAreaField(
        _l("Purpose"),
        [Length(max=500)],
        description=_l("What its members come together for."),
        render_kw={"rows": 3},
    )
    capacity = StringField(
        _l("Seats"),
        description=_l("Nothing: as many as come. Who comes later waits in line."),
        render_kw=_DIGITS,
    )


class SegmentForm(FlaskForm):  # type: ignore[misc]
    """A segment: a name, and what has to hold for its members."""

    name = StringField(_l("Name"), [InputRequired(_l("This field is needed.")), Length(max=100)])
    kinds = SelectMultipleField(
        _l("Kind"), choices=[SelectChoice(kind.value, word) for kind, word in KINDS.items()]
    )
    statuses = SelectMultipleField(
        _l("Status"), choices=[SelectChoice(one.value, word) for one, word in STATUSES.items()]
    )
    languages = SelectMultipleField(_l("Language"), choices=_OWN_LANGUAGES)
    countries = StringField(_l("Countries"), description=_l("Codes of two letters, such as CH FR."))
    joined_from = DateField(_l("Member since, from"), [Optional()])
    joined_until = DateField(_l("Member since, until"), [Optional()])
    circles = SelectMultipleField(_l("In one of these circles"), coerce=int, choices=[])
    tags = StringField(_l("With one of these tags"), description=_l("Separated by commas."))
    brought_at_least = StringField(_l("Brought purchases, at least"), render_kw=_DIGITS)
    brought_days = StringField(_l("in so many days until now"), render_kw=_DIGITS)
    earned_at_least = StringField(
        _l("Earned in all, at least"), render_kw={"inputmode": "decimal", "autocomplete": "off"}
    )
    silent_days = StringField(_l("Brought no purchase for so many days"), render_kw=_DIGITS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.circles.choices = [SelectChoice(n, name) for n, name in circles.names().items()]

    def rule(self, currency: str) -> Rule:
        """Return the rule that the form says.

        Raises:
            InvalidInputError: A number or an amount that is none.
        """
        since, until = self.joined_from.data, self.joined_until.data
        return Rule(
            kinds=tuple(self.kinds.data or ()), statuses=tuple(self.statuses.data or ()),
            countries=words(self.countries.data), languages=tuple(self.languages.data or ()),
            joined_from=since.isoformat() if since else None,
            joined_until=until.isoformat() if until else None,
            circles=tuple(self.circles.data or ()),
            tags=tuple(tags.key(one) for one in (self.tags.data or "").split(",") if one.strip()),
            brought_at_least=number(self.brought_at_least),
            brought_days=number(self.brought_days) or 90,
            earned_at_least=_amount(self.earned_at_least, currency),
            silent_days=number(self.silent_days),
        )  # fmt: skip


class ActForm(FlaskForm):  # type: ignore[misc]
    """What to do with everyone in a list."""

    act = SelectField(
        _l("What to do"), choices=[SelectChoice(act.value, word) for act, word in ACTS.items()]
    )
    word = StringField(
        _l("Tag, or what you did"),
        [Length(max=60)],
        description=_l("Such as tasting panel, or a thank-you box."),
    )
    circle = SelectField(
        _l("Circle"), coerce=int, choices=[], default=0, validate_choice=False
    )  # the verb says which there are
    key = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [SelectChoice(number, name) for number, name in circles.names().items()]
        self.circle.choices = [SelectChoice(0, _l("None")), *known]

    def target(self) -> str:
        """Return what the act is about: the circle's id or the word."""
        if self.act.data in {Act.SEAT, Act.UNSEAT}:
            return str(self.circle.data or "")
        return " ".join((self.word.data or "").split())


class AudienceForm(FlaskForm):  # type: ignore[misc]
    """Whom something is for; to be put beside the fields of what it is."""

    kinds = SelectMultipleField(
        _l("Kinds"), choices=[SelectChoice(kind.value, word) for kind, word in KINDS.items()]
    )
    languages = SelectMultipleField(_l("Languages"), choices=_OWN_LANGUAGES)
    countries = StringField(_l("Countries"), description=_l("Codes of two letters, such as CH FR."))
    circle_ids = SelectMultipleField(_l("Circles"), coerce=int, choices=[])
    segment_ids = SelectMultipleField(_l("Segments"), coerce=int, choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.circle_ids.choices = [SelectChoice(n, name) for n, name in circles.names().items()]
        known = segments.names().items()
        self.segment_ids.choices = [SelectChoice(n, name) for n, name in known]

    def audience(self) -> Audience:
        """Return the audience that the form says."""
        return Audience(
            kinds=tuple(AmbassadorKind(kind) for kind in self.kinds.data or ()),
            countries=words(self.countries.data),
            languages=tuple(self.languages.data or ()),
            circle_ids=tuple(self.circle_ids.data or ()),
            segment_ids=tuple(self.segment_ids.data or ()),
        )


def of_audience(audience: Audience) -> dict[str, Any]:
    """Return the fields of an audience as they are known."""
    return {
        "kinds": [kind.value for kind in audience.kinds],
        "countries": " ".join(audience.countries),
        "languages": list(audience.languages),
        "circle_ids": list(audience.circle_ids),
        "segment_ids": list(audience.segment_ids),
    }


def of_circle(circle: Circle) -> dict[str, Any]:
    """Return the fields of a circle's form as they are known."""
    seats = "" if circle.capacity is None else str(circle.capacity)
    return {"name": circle.name, "purpose": circle.purpose, "capacity": seats}


def of_segment(name: str, rule: Rule, currency: str) -> dict[str, Any]:
    """Return the fields of a segment's form as they are known."""

    def day(text: str | None) -> date | None:
        return date.fromisoformat(text) if text else None

    earned = rule.earned_at_least
    return {
        "name": name, "kinds": list(rule.kinds), "statuses": list(rule.statuses),
        "languages": list(rule.languages), "countries": " ".join(rule.countries),
        "joined_from": day(rule.joined_from), "joined_until": day(rule.joined_until),
        "circles": list(rule.circles), "tags": ", ".join(rule.tags),
        "brought_at_least": _figure(rule.brought_at_least),
        "brought_days": _figure(rule.brought_days), "silent_days": _figure(rule.silent_days),
        "earned_at_least": "" if earned is None else str(money.to_major(earned, currency)),
    }  # fmt: skip


def number(field: Any) -> int | None:
    """Return the whole number in a field, or None if it is empty.

    Raises:
        InvalidInputError: It holds something else.
    """
    text = (field.data or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        detail = _("Write a whole number.")
        raise InvalidInputError(detail, faults=[Fault(f"/{field.name}", detail)])
    return int(text)


def _amount(field: Any, currency: str) -> int | None:
    text = (field.data or "").strip()
    if not text:
        return None
    try:
        return money.to_minor(text.replace(",", "."), currency)
    except ValueError:
        detail = _("Write an amount such as 50.00.")
        raise InvalidInputError(detail, faults=[Fault(f"/{field.name}", detail)]) from None


def _figure(value: int | None) -> str:
    return "" if value is None else str(value)
