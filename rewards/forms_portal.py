"""Forms of the portal and of what the team answers to it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from referrals.content_links import LONGEST
from rewards.models import PayoutMethod
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


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """How we call an ambassador, and in which language."""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Write your name.")), Length(max=200)],
        render_kw={"autocomplete": "name"},
    )
    locale = SelectField(
        _l("Language"),
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "Français")],
        description=_l("Of these pages and of our e-mails."),
    )
    shows_name = BooleanField(
        _l("My friends may read my first name beside my offer"),
        description=_l("Otherwise the page says “a friend”."),
    )


class PayoutForm(FlaskForm):  # type: ignore[misc]
    """Where an ambassador's money goes."""

    method = RadioField(
        _l("How you wish to be paid"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice(PayoutMethod.BANK.value, _l("By bank transfer")),
            SelectChoice(
                PayoutMethod.STORE_CREDIT.value, _l("As store credit, a code of the shop")
            ),
        ],
    )

    def offer(self, *, has_stripe: bool) -> None:
        """Offer Stripe too, where the program pays by it."""
        if has_stripe:
            stripe = SelectChoice(PayoutMethod.STRIPE.value, _l("By Stripe, to your account"))
            self.method.choices = [stripe, *self.method.choices]

    holder = StringField(
        _l("Account holder"),
        [Length(max=70)],
        description=_l("For a bank transfer: the name on the account."),
        render_kw={"autocomplete": "name"},
    )
    iban = StringField(
        "IBAN",
        [Length(max=60)],
        description=_l("For a bank transfer. Pages show its last 4 characters only."),
        render_kw={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"},
    )


class ContentForm(FlaskForm):  # type: ignore[misc]
    """What an ambassador published, and for which campaign."""

    url = StringField(
        _l("Address of what you published"),
        [InputRequired(_l("Write the address.")), Length(max=LONGEST)],
        description=_l("A post, a video, an article; it starts with https://"),
        render_kw={"inputmode": "url", "autocomplete": "off", "autocapitalize": "none"},
    )
    campaign = SelectField(_l("For the campaign"), coerce=int)


class EraseForm(FlaskForm):  # type: ignore[misc]
    """The question before an erasure."""

    is_sure = BooleanField(
        _l("I understand that this cannot be undone"),
        [InputRequired(_l("Tick this if you are sure."))],
    )
