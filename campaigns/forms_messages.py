"""The forms of a message: its texts, its audience, who is left out by lot, and what that tells."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from ambassadors import audiences, holdout_size, holdouts
from ambassadors.forms_lists import AudienceForm, of_audience
from ambassadors.models_holdouts import Holdout
from campaigns import campaigns, message_holdouts
from campaigns import terms as campaign_terms
from campaigns.message_holdouts import Lot
from campaigns.messages import Draft
from campaigns.models import Message
from core import i18n
from core.errors import Fault, InvalidInputError
from core.money import BASIS_POINTS

_NEEDED = InputRequired(_l("This field is needed."))


class MessageForm(AudienceForm):
    """A message, new or a draft."""

    name = StringField(
        _l("Name"), [_NEEDED, Length(max=120)], description=_l("For the team; nobody else sees it.")
    )
    subject_fr = StringField(_l("Subject in French"), [_NEEDED, Length(max=200)])
    body_fr = TextAreaField(_l("Text in French"), [_NEEDED], render_kw={"rows": 9, "lang": "fr"})
    subject_en = StringField(_l("Subject in English"), [_NEEDED, Length(max=200)])
    body_en = TextAreaField(_l("Text in English"), [_NEEDED], render_kw={"rows": 9, "lang": "en"})

    share = StringField(
        _l("Leave out"), default="0",
        description=_l("From 0 to 50. With 0 everybody of the audience gets the message."),
    )  # fmt: skip
    holdout_id = SelectField(
        _l("Holdout"),
        coerce=int,
        default=0,
        description=_l(
            "Whoever one that runs already has left out stays left out, at its own share."
        ),
    )
    campaign_id = SelectField(_l("About the campaign"), coerce=int, default=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holdout_id.choices = [
            SelectChoice(0, _("A new one, named as this message")),
            *(SelectChoice(one.id, _running(one)) for one in holdouts.everything()),
        ]
        self.campaign_id.choices = [
            SelectChoice(0, _("None")),
            *(SelectChoice(one.id, one.name) for one in campaigns.newest(limit=200)),
        ]

    def lot(self) -> Lot:
        """Return what the form leaves to the lot.

        Raises:
            InvalidInputError: A share that is no percentage.
        """
        chosen = self.holdout_id.data or None
        share = 0 if chosen else campaign_terms.basis_points(self.share.data or "0", "share")
        return Lot(share=share, holdout_id=chosen, campaign_id=self.campaign_id.data or None)

    def draft(self) -> Draft:
        """Return what the form says.

        Raises:
            InvalidInputError: As for `lot`.
        """
        return Draft(
            name=self.name.data or "", subject_fr=self.subject_fr.data or "",
            body_fr=self.body_fr.data or "", subject_en=self.subject_en.data or "",
            body_en=self.body_en.data or "", audience=self.audience(), lot=self.lot(),
        )  # fmt: skip


class SizeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What one wants to see, to be told how many people that takes."""

    base = StringField(_l("Would buy anyhow"), default="20")
    rise = StringField(_l("Rise that you want to see"), default="5")

    def __init__(self, asked: Any) -> None:
        super().__init__(asked, meta={"csrf": False})  # it changes nothing

    def size(self, withheld: int) -> tuple[int, int]:
        """Return the share who would buy anyhow, basis points, and how many people to draw.

        Args:
            withheld: The share left out, basis points.

        Raises:
            InvalidInputError: Percentages that cannot be.
        """
        base, rise = (
            campaign_terms.basis_points(one.data or "", one.name) for one in (self.base, self.rise)
        )
        if not (base and rise and base + rise < BASIS_POINTS):
            detail = _("Use percentages above 0 that stay below 100 together.")
            raise InvalidInputError(detail, faults=[Fault("/rise", detail)])
        return base, holdout_size.to_draw(base, rise, withheld)


def of_message(message: Message) -> dict[str, Any]:
    """Return the fields of a message's form as they are known."""
    texts = ("name", "subject_fr", "body_fr", "subject_en", "body_en")
    known = {name: getattr(message, name) for name in texts}
    return known | _of_lot(message.id) | of_audience(audiences.read(message.audience))


def _of_lot(message_id: int) -> dict[str, Any]:
    mine = message_holdouts.kept(message_id)
    if mine is None:
        return {}
    own = 0 if mine.holdout_id else mine.withheld_share
    return {
        "share": f"{own / 100:g}", "holdout_id": mine.holdout_id or 0,
        "campaign_id": mine.campaign_id or 0,
    }  # fmt: skip


def _running(holdout: Holdout) -> str:
    share = i18n.percent(holdout.withheld_share / BASIS_POINTS)
    return f"{holdout.name} ({share})"
