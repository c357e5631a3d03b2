"""Forms of the portal and of what the team answers to it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, TextAreaField
from wtforms.validators import InputRequired, Length

from rewards.questions import LONGEST_ANSWER


class AnswerForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """The answer to an ambassador's question."""

    answer = TextAreaField(
        _l("Your answer"),
        [InputRequired(_l("Write an answer.")), Length(max=LONGEST_ANSWER)],
        description=_l("They read it in their portal and by e-mail. Do not say who bought."),
        render_kw={"rows": 5},
    )
    gives_credit = BooleanField(
        _l("Give them the credit of this purchase"),
        description=_l("The answer is kept as the reason; the ledger follows at once."),
    )
