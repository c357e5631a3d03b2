"""The survey's one question, with the answers it offers."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from referrals import survey

OTHER = "other"
WORDS = {
    "friend or family": _l("A friend, or somebody of my family"),
    "ambassador": _l("An ambassador of the brand"),
    "social network": _l("A social network"),
    "search engine": _l("A search engine"),
    "advertisement": _l("An advertisement"),
    "press or blog": _l("The press or a blog"),
    "shop or event": _l("A shop or an event"),
}


class HeardForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """How somebody heard about the brand."""

    class Meta:
        """Outside a session."""

        csrf = False  # no session and no cookie: the signed link is the proof

    answer = RadioField(
        _l("Your answer"),
        [InputRequired()],
        choices=[
            *(SelectChoice(name, WORDS[name]) for name in survey.CHOICES),
            SelectChoice(OTHER, _l("Something else")),
        ],
    )
    words = StringField(
        _l("In your words"),
        [Optional(), Length(max=survey.LONGEST)],
        description=_l("If it was something else."),
    )

    def told(self) -> str:
        """Return the answer as it is kept."""
        if self.answer.data == OTHER:
            return str(self.words.data or "").strip() or OTHER
        return str(self.answer.data)

    @classmethod
    def of(cls, answer: str | None) -> HeardForm:
        """Return the form as it was answered before."""
        if answer is None or answer in survey.CHOICES or answer == OTHER:
            return cls(data={"answer": answer})
        return cls(data={"answer": OTHER, "words": answer})
