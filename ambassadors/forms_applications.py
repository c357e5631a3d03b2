"""Forms of recruiting: the application as its page asks it, the page's setup, the decisions."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    URLField,
    ValidationError,
)
from wtforms.fields import Field, FieldList, FormField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from ambassadors import applications
from ambassadors.applications import Question, Sent, Setup
from ambassadors.models import AmbassadorKind
from ambassadors.models_recruiting import ApplicationPage, QuestionKind
from core import emails, redirects
from core.errors import Fault, InvalidInputError

QUESTIONS = 5  # at most on one page
_NEEDED = _l("This field is needed.")
_KINDS = {
    QuestionKind.SHORT: _l("A line"),
    QuestionKind.LONG: _l("A few sentences"),
    QuestionKind.CHOICE: _l("A choice"),
    QuestionKind.LINK: _l("A link"),
}


def _require_address(_form: object, field: Field) -> None:
    if redirects.host_of(str(field.data)) is None:
        raise ValidationError(_("Write a whole address, such as https://example.com/zoe"))


def require_email(_form: object, field: Field) -> None:
    """Refuse what is no whole e-mail address."""
    if emails.normalise(field.data) is None:
        raise ValidationError(_("Write an e-mail address such as zoe@example.com."))
    if not applications.has_full_domain(str(field.data)):
        raise ValidationError(_("The end of the address is missing, such as “.com”."))


class ApplyForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """What every application asks; `application_form` adds the page's own questions."""

    name = StringField(
        _l("Name"), [InputRequired(_NEEDED), Length(max=200)], render_kw={"autocomplete": "name"}
    )
    email = EmailField(
        _l("E-mail"),
        [InputRequired(_NEEDED), Length(max=254), require_email],
        render_kw={"autocomplete": "email"},
    )
    kind = RadioField(
        _l("You are"),
        [InputRequired(_l("Choose one of these."))],
        choices=[
            SelectChoice(AmbassadorKind.CUSTOMER.value, _l("A customer: I buy here")),
            SelectChoice(AmbassadorKind.MICRO_CREATOR.value, _l("A creator: I publish")),
        ],
        default=AmbassadorKind.CUSTOMER.value,
    )
    profile = URLField(
        _l("A public page of yours, if you publish"),
        [Optional(), Length(max=500), _require_address],
        description=_l("A whole address, such as https://example.com/zoe"),
    )
    charter = BooleanField(
        _l("I have read the charter and accept it"),
        [InputRequired(_l("Please read the charter and accept it: without it we cannot start."))],
    )
    wants_messages = BooleanField(_l("Write to me about missions (optional)"))
    version = HiddenField()

    def sent(self, questions: list[Question], locale: str) -> Sent:
        """Return what the person says."""
        answers = [
            (question.label(locale), str(self[f"answer_{n}"].data or "").strip())
            for n, question in enumerate(questions)
        ]
        version = self.version.data or ""
        return Sent(
            name=self.name.data or "", email=self.email.data or "", locale=locale,
            kind=AmbassadorKind(self.kind.data),
            answers=tuple(pair for pair in answers if pair[1]),
            charter_version=int(version) if version.isascii() and version.isdigit() else 0,
            wants_messages=bool(self.wants_messages.data),
            profile=(self.profile.data or "").strip() or None,
        )  # fmt: skip


def application_form(questions: list[Question], locale: str, version: int) -> ApplyForm:
    """Return the form of a page in a language, with a field for each of its questions."""
    fields = {f"answer_{n}": _asked(question, locale) for n, question in enumerate(questions)}
    form: ApplyForm = type("AskedForm", (ApplyForm,), fields)()
    if not form.is_submitted():
        form.version.data = str(version)
    return form


class QuestionForm(Form):  # type: ignore[misc]  # WTForms is untyped
    """One question of a page, left out when it has no words."""

    label_en = StringField(_l("Question in English"), [Length(max=200)])
    label_fr = StringField(_l("Question in French"), [Length(max=200)])
    kind = SelectField(
        _l("Answered by"),
        choices=[SelectChoice(kind.value, words) for kind, words in _KINDS.items()],
    )
    choices_en = TextAreaField(
        _l("Answers to choose from, in English"),
        [Length(max=1000)],
        description=_l("One a line; only for a choice."),
        render_kw={"rows": 2},
    )
    choices_fr = TextAreaField(
        _l("Answers to choose from, in French"),
        [Length(max=1000)],
        description=_l("One a line; only for a choice."),
        render_kw={"rows": 2},
    )
    is_required = BooleanField(_l("An answer is needed"))


class PageForm(FlaskForm):  # type: ignore[misc]
    """The application page of a campaign."""

    is_open = BooleanField(_l("The page is open: people can apply"))
    title_en = StringField(_l("Heading in English"), [InputRequired(_NEEDED), Length(max=150)])
    title_fr = StringField(_l("Heading in French"), [InputRequired(_NEEDED), Length(max=150)])
    intro_en = TextAreaField(_l("A few words in English"), [Length(max=1000)])
    intro_fr = TextAreaField(_l("A few words in French"), [Length(max=1000)])
    capacity = StringField(
        _l("Seats"),
        [Optional()],
        description=_l("Approvals stop there, exactly. Leave empty for no limit."),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    questions = FieldList(FormField(QuestionForm), min_entries=QUESTIONS, max_entries=QUESTIONS)

    def setup(self) -> Setup:
        """Return what the form decides.

        Raises:
            InvalidInputError: The seats are no number.
        """
        asked = [_question(entry.form) for entry in self.questions]
        return Setup(
            is_open=self.is_open.data, title_en=_clean(self.title_en), capacity=self._capacity(),
            title_fr=_clean(self.title_fr), intro_en=_clean(self.intro_en),
            intro_fr=_clean(self.intro_fr),
            questions=tuple(one for one in asked if one.label_en or one.label_fr),
        )  # fmt: skip

    def _capacity(self) -> int | None:
        text = _clean(self.capacity)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or int(text) > 1_000_000:
            detail = _("Write 1 or more, or leave it empty.")
            raise InvalidInputError(detail, faults=[Fault("/capacity", detail)])
        return int(text)


def of_page(page: ApplicationPage | None, questions: list[Question]) -> dict[str, Any]:
    """Return the fields of a page's form as they are known."""
    if page is None:
        return {}
    asked: list[dict[str, Any]] = [
        {
            "label_en": one.label_en, "label_fr": one.label_fr, "kind": one.kind.value,
            "choices_en": "\n".join(one.choices_en), "choices_fr": "\n".join(one.choices_fr),
            "is_required": one.is_required,
        }
        for one in questions
    ]  # fmt: skip
    return {
        "is_open": page.is_open, "title_en": page.title_en, "title_fr": page.title_fr,
        "intro_en": page.intro_en, "intro_fr": page.intro_fr,
        "capacity": "" if page.capacity is None else str(page.capacity),
        "questions": asked + [{}] * (QUESTIONS - len(asked)),
    }  # fmt: skip


class DeclineForm(FlaskForm):  # type: ignore[misc]
    """A reason that the person reads."""

    reason = TextAreaField(
        _l("Why"),
        [InputRequired(_NEEDED), Length(max=500)],
        description=_l("The person reads it, in the language you write. Be kind and exact."),
        render_kw={"rows": 3},
    )


class CharterForm(FlaskForm):  # type: ignore[misc]
    """The charter in both languages."""

    text_en = TextAreaField(
        _l("Charter in English"), [InputRequired(_NEEDED)], render_kw={"rows": 12}
    )
    text_fr = TextAreaField(
        _l("Charter in French"), [InputRequired(_NEEDED)], render_kw={"rows": 12}
    )


def _asked(question: Question, locale: str) -> Field:
    label, rules = question.label(locale), [InputRequired(_NEEDED)]
    if not question.is_required:
        rules = [Optional()]
    if question.kind is QuestionKind.SHORT:
        return StringField(label, [*rules, Length(max=200)])
    if question.kind is QuestionKind.LONG:
        return TextAreaField(label, [*rules, Length(max=2000)], render_kw={"rows": 3})
    if question.kind is QuestionKind.LINK:
        told = _l("A whole address, such as https://example.com/zoe")
        return URLField(label, [*rules, Length(max=500), _require_address], description=told)
    chosen = [SelectChoice(words, words) for words in question.choices(locale)]
    return RadioField(label, rules, choices=chosen, validate_choice=True)


def _question(form: Any) -> Question:
    kind = QuestionKind(form.kind.data)
    return Question(
        kind=kind, label_en=_clean(form.label_en), label_fr=_clean(form.label_fr),
        is_required=bool(form.is_required.data),
        choices_en=_lines(form.choices_en) if kind is QuestionKind.CHOICE else (),
        choices_fr=_lines(form.choices_fr) if kind is QuestionKind.CHOICE else (),
    )  # fmt: skip


def _lines(field: Any) -> tuple[str, ...]:
    lines = (" ".join(line.split()) for line in str(field.data or "").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def _clean(field: Any) -> str:
    return str(field.data or "").replace("\0", "").strip()
