"""Forms of the ambassadors room.  What a value may be is the verbs' business, not the forms'."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, EmailField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from ambassadors.members import Person
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus

KINDS = {
    AmbassadorKind.CUSTOMER: lazy_pgettext("ambassador", "Customer"),
    AmbassadorKind.MICRO_CREATOR: _l("Micro-creator"),
    AmbassadorKind.EMPLOYEE: _l("Employee"),
    AmbassadorKind.PARTNER: _l("Partner"),
}
STATUSES = {
    AmbassadorStatus.ACTIVE: _l("Active"),
    AmbassadorStatus.INVITED: _l("Invited"),
    AmbassadorStatus.SUSPENDED: _l("Suspended"),
    AmbassadorStatus.LEFT: _l("Has left"),
}
_OWN_LANGUAGES = [SelectChoice("en", "English"), SelectChoice("fr", "Français")]
_LANGUAGES = [SelectChoice("", _l("As their browser asks")), *_OWN_LANGUAGES]
_NEEDED = InputRequired(_l("This field is needed."))


class AmbassadorForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """An ambassador, new or known."""

    name = StringField(_l("Name"), [_NEEDED, Length(max=200)])
    email = EmailField(_l("E-mail"), [Length(max=254)], render_kw={"autocomplete": "off"})
    kind = SelectField(
        _l("Kind"), choices=[SelectChoice(kind.value, word) for kind, word in KINDS.items()]
    )
    external_id = StringField(
        _l("Your own id"),
        [Length(max=100)],
        description=_l("As your shop or customer file knows them."),
    )
    country = StringField(
        _l("Country"), [Length(max=2)], description=_l("Two letters, such as CH.")
    )
    locale = SelectField(_l("Language"), choices=_LANGUAGES, default="")
    joined_on = DateField(_l("Member since"), [Optional()])

    def person(self) -> Person:
        """Return what the form says of the member."""
        return Person(
            name=self.name.data or "", email=self.email.data, external_id=self.external_id.data,
            country=self.country.data, locale=self.locale.data or None,
            joined_on=self.joined_on.data,
        )  # fmt: skip


class NewAmbassadorForm(AmbassadorForm):
    """An ambassador to enrol."""

    has_access = BooleanField(
        _l("Give access to the portal"),
        description=_l("We mail them a link to set a password and see their codes."),
    )


class StatusForm(FlaskForm):  # type: ignore[misc]
    """What to do with an ambassador, and why."""

    act = SelectField(
        _l("What to do"),
        choices=[
            SelectChoice("suspend", _l("Suspend: codes earn nothing until you end it")),
            SelectChoice("reactivate", _l("Activate: codes earn from now on")),
            SelectChoice("leave", _l("Has left: keeps what is earned, earns no more")),
        ],
    )
    reason = TextAreaField(
        _l("Why"), [Length(max=500)], description=_l("Kept in the audit log. No health or family.")
    )


class ProgramForm(FlaskForm):  # type: ignore[misc]
    """The program's rules."""

    name = StringField(_l("Name of the program"), [_NEEDED])
    currency = StringField(_l("Currency"), [_NEEDED], description=_l("Three letters, such as CHF."))
    timezone = StringField(
        _l("Time zone"),
        [_NEEDED],
        description=_l("Days and months are counted there, such as Europe/Zurich."),
    )
    locale = SelectField(_l("Language of the program"), choices=_OWN_LANGUAGES)
    shop_url = StringField(
        _l("Address of the shop"),
        [_NEEDED],
        description=_l("Where links lead unless a campaign says otherwise."),
    )
    allowed_hosts = StringField(
        _l("Other hosts that links may lead to"),
        description=_l("Such as blog.example, separated by spaces."),
    )
    attribution_days = StringField(
        _l("Days in which a click earns"), [_NEEDED], render_kw={"inputmode": "numeric"}
    )
    attribution_touch = SelectField(
        _l("Of several clicks"),
        choices=[
            SelectChoice("last", _l("the last one earns")),
            SelectChoice("first", _l("the first one earns")),
        ],
    )
    lifetime_binding = SelectField(
        _l("A customer stays with who brought them"),
        choices=[SelectChoice("no", _l("No")), SelectChoice("yes", _l("Yes"))],
    )
    hold_days = StringField(
        _l("Days before a commission is payable"),
        [_NEEDED],
        description=_l("Usually the time in which a purchase can be returned."),
        render_kw={"inputmode": "numeric"},
    )
    minimum_payout = StringField(
        _l("Smallest payout"), [_NEEDED], render_kw={"inputmode": "decimal"}
    )
    payout_approval_above = StringField(
        _l("Payouts that need a second person"),
        [_NEEDED],
        description=_l(
            "A batch of more than this is approved by somebody other than its maker; in another "
            "currency, of more than what the rate of the day makes of it."
        ),
        render_kw={"inputmode": "decimal"},
    )
    asks_per_week = StringField(
        _l("Messages a member may get in a week"),
        [_NEEDED],
        render_kw={"inputmode": "numeric"},
    )
    rate_days = StringField(
        _l("Days for which a rate of currency holds"),
        [_NEEDED],
        description=_l("Central banks publish none on days off. An older rate counts as missing."),
        render_kw={"inputmode": "numeric"},
    )
    velocity_orders = StringField(
        _l("Purchases of one ambassador within an hour that are too many"),
        [_NEEDED],
        description=_l("From so many on, their commissions wait for a decision; 0 for never."),
        render_kw={"inputmode": "numeric"},
    )
    shared_ip_customers = StringField(
        _l("Customers of one ambassador behind one internet address that are too many"),
        [_NEEDED],
        description=_l("From so many on, their commissions wait for a decision; 0 for never."),
        render_kw={"inputmode": "numeric"},
    )
    disposable_domains = StringField(
        _l("Other providers of throw-away e-mail"),
        description=_l("Such as trash.example, separated by spaces; the known ones are listed."),
    )
    asks_per_give = StringField(
        _l("Asks before the next give"),
        [_NEEDED],
        description=_l("Over 90 days. 0 does not count them."),
        render_kw={"inputmode": "numeric"},
    )
    quiet_from = StringField(
        _l("Quiet from (hour)"),
        [_NEEDED],
        description=_l("From 0 to 23, in the program's time zone."),
        render_kw={"inputmode": "numeric"},
    )
    quiet_until = StringField(
        _l("Quiet until (hour)"),
        [_NEEDED],
        description=_l("The same hour twice: no quiet hours."),
        render_kw={"inputmode": "numeric"},
    )
    quiet_days = StringField(
        _l("Quiet days"), description=_l("Such as sat sun. On these days no message goes out.")
    )
    invitations_per_month = StringField(
        _l("Invitations of an ambassador in a month"),
        [_NEEDED],
        description=_l("To people they know, who become ambassadors. 0: none."),
        render_kw={"inputmode": "numeric"},
    )
    points_months = StringField(
        _l("Months after which points expire"),
        [_NEEDED],
        description=_l("For points given from now on. 0: never. A campaign may say otherwise."),
        render_kw={"inputmode": "numeric"},
    )
    sepa_name = StringField(
        _l("Account holder for payouts"),
        description=_l("Whose account pays SEPA transfers, as the bank knows them."),
    )
    sepa_iban = StringField(
        _l("IBAN for payouts"), render_kw={"spellcheck": "false", "autocapitalize": "characters"}
    )
    sepa_bic = StringField(_l("BIC for payouts"), description=_l("Only if the bank asks for it."))


def of_ambassador(ambassador: Ambassador) -> dict[str, Any]:
    """Return the fields of an ambassador's form as they are known."""
    member = ambassador.member
    return {
        "name": member.name, "email": member.email, "kind": ambassador.kind.value,
        "external_id": member.external_id, "country": member.country,
        "locale": member.locale or "", "joined_on": member.joined_on,
    }  # fmt: skip
