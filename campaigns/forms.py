"""The wizard's form: everything that a person decides of a campaign, as they write it.

What it says is read by `campaigns/forms_reading.py`, step by step by `forms_wizard.py`.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)  # fmt: skip
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from ambassadors.models import AmbassadorKind
from campaigns.briefs import LONGEST
from campaigns.forms_mentions import FORMATS
from campaigns.models import Format, Period, RewardKind
from campaigns.terms import MOST_CASES, Buyer
from campaigns.wording import OBJECTIVES

KINDS = {
    AmbassadorKind.CUSTOMER: _l("Customers"),
    AmbassadorKind.MICRO_CREATOR: _l("Micro-creators"),
    AmbassadorKind.EMPLOYEE: _l("Employees"),
    AmbassadorKind.PARTNER: _l("Partners"),
}
BUYERS = {"": _l("anyone"), Buyer.NEW.value: _l("new"), Buyer.EXISTING.value: _l("returning")}
PERIODS = [
    SelectChoice(Period.MONTH.value, _l("a calendar month")),
    SelectChoice(Period.QUARTER.value, _l("a quarter of the year")),
    SelectChoice(Period.YEAR.value, _l("a calendar year")),
]
ROWS = range(1, MOST_CASES + 1)  # of cases, and of tiers
CASE = (
    "case_pays", "case_perk", "case_products", "case_countries", "case_buyer", "case_circle",
)  # fmt: skip
TIER = ("tier_start", "tier_pays", "tier_perk")
NO_PERK = SelectChoice("", _l("none"))
NO_CIRCLE = SelectChoice("", _l("any or none"))
_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
_WHOLE = {"inputmode": "numeric", "autocomplete": "off"}


class WizardForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Everything a person decides of a campaign, its audience, its code and its brief."""

    name = StringField(_l("Name"), [InputRequired(_l("This field is needed.")), Length(max=120)])
    objective = RadioField(
        _l("What is it for?"),
        choices=[SelectChoice(word.value, text) for word, text in OBJECTIVES.items()],
    )
    kinds = SelectMultipleField(
        _l("Which ambassadors?"),
        choices=[SelectChoice(kind.value, text) for kind, text in KINDS.items()],
        description=_l("None chosen: all of them."),
    )
    circle_ids = SelectMultipleField(_l("Circles"), choices=[])
    segment_ids = SelectMultipleField(_l("Segments"), choices=[])
    audience_countries = StringField(
        _l("Who live in"), description=_l("Two letters each, such as CH, FR. Empty: everywhere.")
    )
    languages = SelectMultipleField(
        _l("Who read"),
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "Français")],
        description=_l("None chosen: any language."),
    )
    percent = StringField(_l("Percent off"), render_kw=_DECIMAL)
    amount = StringField(_l("Amount off"), render_kw=_DECIMAL)
    free_shipping = BooleanField(_l("Free delivery"))
    free_product = StringField(
        _l("Free product"), [Length(max=100)], description=_l("Its number in your shop.")
    )
    countries = StringField(
        _l("Countries"), description=_l("Two letters each, such as CH, FR. Empty: everywhere.")
    )
    currencies = StringField(
        _l("Currencies"), description=_l("Three letters each, such as CHF, EUR. Empty: any.")
    )
    products = StringField(
        _l("Products"), description=_l("Their numbers in your shop. Empty: all of them.")
    )
    minimum_basket = StringField(_l("Smallest basket"), render_kw=_DECIMAL)
    new_customers_only = BooleanField(_l("The codes are for new customers only"))
    reward_kind = RadioField(
        _l("For each purchase, the ambassador gets"),
        choices=[
            SelectChoice(RewardKind.PERCENT.value, _l("a share of the purchase")),
            SelectChoice(RewardKind.FIXED.value, _l("a fixed amount")),
            SelectChoice(RewardKind.POINTS.value, _l("points")),
            SelectChoice(RewardKind.PERK.value, _l("a perk")),
        ],
        default=RewardKind.PERCENT.value,
    )
    rate = StringField(_l("Share of the purchase"), render_kw=_DECIMAL)
    fixed = StringField(_l("Fixed amount"), render_kw=_DECIMAL)
    points = StringField(_l("Points"), render_kw=_WHOLE)
    perk = SelectField(_l("Perk"), choices=[NO_PERK], default="")
    points_months = StringField(
        _l("Months after which its points expire"),
        render_kw=_WHOLE,
        description=_l("Empty: as the program says. 0: never."),
    )
    months = SelectField(
        _l("The purchases of one customer earn"),
        choices=[
            SelectChoice("", _l("for life")),
            SelectChoice("0", _l("the first time only")),
            *(SelectChoice(str(n), _l("for %(n)s months", n=n)) for n in (3, 6, 12, 24)),
        ],
        default="",
    )
    reward_new_only = BooleanField(_l("Only purchases by new customers earn"))
    hold_days = StringField(
        _l("Days before it is given"),
        render_kw=_WHOLE,
        description=_l("Usually the time in which a purchase can be returned."),
    )
    maximum = StringField(
        _l("At most for one purchase"),
        render_kw=_DECIMAL,
        description=_l("Leave empty for no limit."),
    )
    ambassador_maximum = StringField(_l("At most for one ambassador in all"), render_kw=_DECIMAL)
    ambassador_period_maximum = StringField(
        _l("At most for one ambassador in each period"), render_kw=_DECIMAL
    )
    ambassador_period = SelectField(
        _l("Period for one ambassador"), choices=PERIODS, default=Period.MONTH.value
    )
    campaign_period_maximum = StringField(
        _l("At most for all ambassadors together in each period"), render_kw=_DECIMAL
    )
    campaign_period = SelectField(
        _l("Period for all ambassadors"), choices=PERIODS, default=Period.MONTH.value
    )
    effective_on = DateField(
        _l("A changed reward counts from"),
        [Optional()],
        description=_l("Empty: from now on. Earlier purchases keep the reward of their day."),
    )
    budget = StringField(
        _l("Budget"), render_kw=_DECIMAL, description=_l("Commissions in all, at most.")
    )
    rewarded_limit = StringField(
        _l("Rewarded purchases"), render_kw=_WHOLE, description=_l("In all, at most.")
    )
    starts_on = DateField(_l("First day"), [Optional()])
    ends_on = DateField(_l("Last day"), [Optional()])
    goal = StringField(
        _l("Purchases to reach"),
        render_kw=_WHOLE,
        description=_l("With a last day this is a sprint, with a counter."),
    )
    uses_per_code = StringField(_l("Uses of each code"), render_kw=_WHOLE)
    uses_per_customer = StringField(_l("Uses by each customer"), render_kw=_WHOLE)
    refund_frees_use = BooleanField(_l("A refunded order gives its use back"))
    code = StringField(
        _l("Code"),
        [Length(max=60)],
        description=_l("One code for all readers, such as READERS25. Empty: codes come later."),
    )
    owner = SelectField(_l("Whose code"), choices=[SelectChoice("", _l("nobody’s"))], default="")
    landing_url = StringField(
        _l("Landing page"),
        [Length(max=500)],
        description=_l("Where links lead. Empty: the shop's first page."),
    )
    format = SelectField(
        _l("How it is shared"),
        choices=[SelectChoice(kind.value, text) for kind, text in FORMATS.items()],
        default=Format.COMMISSION.value,
        description=_l("The law asks for a mention by it."),
    )
    text_en = TextAreaField(
        _l("Words to share, in English"), [Length(max=LONGEST)],
        description=_l("{code} and {link} become each ambassador’s own."),
    )  # fmt: skip
    text_fr = TextAreaField(_l("Words to share, in French"), [Length(max=LONGEST)])

    def rows(self, parts: tuple[str, ...]) -> list[int]:
        """Return the rows of cases or tiers to show: those in use and one more, three at least."""
        used = [
            row
            for row in ROWS
            if any(self[f"{part}{row}"].data or self[f"{part}{row}"].errors for part in parts)
        ]
        return list(ROWS[: max(3, max(used, default=0) + 1)])


for _row in ROWS:
    setattr(WizardForm, f"case_pays{_row}", StringField(_l("Gives"), render_kw=_DECIMAL))
    setattr(WizardForm, f"case_products{_row}", StringField(_l("For products")))
    setattr(WizardForm, f"case_countries{_row}", StringField(_l("In countries")))
    setattr(
        WizardForm, f"case_buyer{_row}",
        SelectField(
            _l("For customers who are"), choices=[SelectChoice(w, t) for w, t in BUYERS.items()],
            default="",
        ),
    )  # fmt: skip
    setattr(
        WizardForm, f"case_circle{_row}",
        SelectField(_l("For ambassadors in the circle"), choices=[NO_CIRCLE], default=""),
    )  # fmt: skip
    setattr(
        WizardForm, f"tier_start{_row}", StringField(_l("From purchase number"), render_kw=_WHOLE)
    )
    setattr(WizardForm, f"tier_pays{_row}", StringField(_l("Gives"), render_kw=_DECIMAL))
    for _part in ("case_perk", "tier_perk"):
        setattr(
            WizardForm, f"{_part}{_row}",
            SelectField(_l("Perk"), choices=[NO_PERK], default=""),
        )  # fmt: skip
