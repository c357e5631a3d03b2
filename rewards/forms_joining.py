"""The forms of joining: who invites whom to what, who asks for a link, what its reader says."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from ambassadors import circles
from ambassadors.forms import KINDS
from ambassadors.forms_applications import require_email
from ambassadors.models import AmbassadorKind
from campaigns import campaigns
from campaigns.models import CampaignStatus
from core import i18n
from referrals.invitations import Manner
from referrals.invitees import Target
from rewards.joining import Said

_NEEDED = _l("This field is needed.")


class AcceptForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """A name, and the charter where there is one to accept."""

    name = StringField(
        _l("Name"), [InputRequired(_NEEDED), Length(max=200)], render_kw={"autocomplete": "name"}
    )
    charter = BooleanField(
        _l("I have read the charter and accept it"),
        [InputRequired(_l("Please read the charter and accept it: without it we cannot start."))],
    )
    version = HiddenField()

    def said(self) -> Said:
        """Return what the person says."""
        return Said(
            name=self.name.data or "", locale=i18n.language(),
            charter_version=self.charter_version(),
        )  # fmt: skip

    def charter_version(self) -> int | None:
        """Return the charter that the page showed."""
        shown = self.version.data or ""
        return int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else None


class AskForm(AcceptForm):
    """Who would like to join with the code that was checked."""

    email = EmailField(
        _l("E-mail"),
        [InputRequired(_NEEDED), Length(max=254), require_email],
        render_kw={"autocomplete": "email"},
    )
    token = HiddenField()


def for_charter(form: Any, version: int | None) -> Any:
    """Return a form that asks for this version of the charter, or for none."""
    if version is None:
        del form.charter
    if not form.is_submitted():
        form.version.data = str(version or "")
    return form


class _Manner(FlaskForm):  # type: ignore[misc]
    """To what, as what and in which language people are invited."""

    target = SelectField(_l("To what"))
    kind = SelectField(
        _l("As"), choices=[SelectChoice(word.value, text) for word, text in KINDS.items()]
    )
    locale = SelectField(
        _l("Language"), choices=[SelectChoice("fr", "Français"), SelectChoice("en", "English")]
    )

    def manner(self, brand: str) -> Manner:
        """Return how they are invited."""
        return Manner(
            locale=str(self.locale.data), kind=AmbassadorKind(self.kind.data), brand=brand
        )


class InviteForm(_Manner):
    """Whom the team invites."""

    addresses = TextAreaField(
        _l("E-mail addresses"),
        [InputRequired(_NEEDED), Length(max=100_000)],
        description=_l(
            "One a line, with the name beside it if you like. A column of a file can be pasted."
        ),
        render_kw={"rows": 8, "spellcheck": "false"},
    )


class SuggestForm(_Manner):
    """Which customers and members are looked for."""

    orders = StringField(_l("Orders at least"), render_kw={"inputmode": "numeric"})
    value = StringField(_l("Bought for at least"), render_kw={"inputmode": "decimal"})
    days = StringField(_l("In the last days"), render_kw={"inputmode": "numeric"})
    score = StringField(_l("NPS at least"), render_kw={"inputmode": "numeric", "placeholder": "9"})
    segment = SelectField(_l("Members"))

    def offer(self, known: dict[int, str]) -> None:
        """Fill the choice of segments."""
        self.segment.choices = [SelectChoice("", _("The active ones"))]
        self.segment.choices += [SelectChoice(str(one), name) for one, name in known.items()]


class InvitationCodeForm(FlaskForm):  # type: ignore[misc]
    """A code with places that leads in."""

    target = SelectField(_l("To what"))
    text = StringField(
        _l("Code"), [Length(max=60)], description=_l("Empty: made at random."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )  # fmt: skip
    places = StringField(
        _l("Places"), [InputRequired(_NEEDED)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )  # fmt: skip
    ends_on = DateField(_l("Last day"), [InputRequired(_NEEDED)])


class PeerForm(FlaskForm):  # type: ignore[misc]
    """For whom an ambassador makes an invitation, in words of their own."""

    note = StringField(
        _l("For whom"), [Length(max=60)],
        description=_l("A word for yourself, such as a first name. Only you read it."),
        render_kw={"autocomplete": "off"},
    )  # fmt: skip


def offer_targets(form: Any) -> None:
    """Fill the choice of what one can be invited to."""
    running = [one for one in campaigns.newest(limit=200) if one.status is not CampaignStatus.ENDED]
    form.target.choices = [
        SelectChoice("program", _("The program")),
        *(
            SelectChoice(f"campaign:{one.id}", _("Campaign: %(name)s", name=one.name))
            for one in running
        ),
        *(
            SelectChoice(f"circle:{circle_id}", _("Circle: %(name)s", name=name))
            for circle_id, name in circles.names().items()
        ),
    ]


def target_of(form: Any) -> Target:
    """Return what a form chose."""
    kind, _colon, number = str(form.target.data).partition(":")
    return Target(
        campaign_id=int(number) if kind == "campaign" else None,
        circle_id=int(number) if kind == "circle" else None,
    )
