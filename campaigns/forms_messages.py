"""The form of a message: its texts in both languages, and its audience."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from ambassadors import audiences
from ambassadors.forms_lists import AudienceForm, of_audience
from campaigns.messages import Draft
from campaigns.models import Message

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

    def draft(self) -> Draft:
        """Return what the form says."""
        return Draft(
            name=self.name.data or "", subject_fr=self.subject_fr.data or "",
            body_fr=self.body_fr.data or "", subject_en=self.subject_en.data or "",
            body_en=self.body_en.data or "", audience=self.audience(),
        )  # fmt: skip


def of_message(message: Message) -> dict[str, Any]:
    """Return the fields of a message's form as they are known."""
    texts = ("name", "subject_fr", "body_fr", "subject_en", "body_en")
    known = {name: getattr(message, name) for name in texts}
    return known | of_audience(audiences.read(message.audience))
