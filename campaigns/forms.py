"""The form of a campaign: terms as a person writes them, read by `campaigns.terms`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from campaigns import terms as campaign_terms
from campaigns.models import BenefitKind, Campaign, Objective, RewardKind
from campaigns.terms import AmbassadorEarns, FriendGets, Terms
from campaigns.wording import OBJECTIVES
from core import money
from core.errors import Fault, InvalidInputError
from core.forms import words

_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
_WHOLE = {"inputmode": "numeric", "autocomplete": "off"}


class CampaignForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF is untyped
    """Everything a person decides of a campaign."""

    name = StringField(_l("Name"), [InputRequired(_l("This field is needed.")), Length(max=120)])
    objective = SelectField(
        _l("Objective"),
        choices=[SelectChoice(word.value, text) for word, text in OBJECTIVES.items()],
    )
    starts_on = DateField(_l("First day"), [Optional()])
    ends_on = DateField(_l("Last day"), [Optional()])
    percent = StringField(_l("Percent off"), render_kw=_DECIMAL)
    amount = StringField(_l("Amount off"), render_kw=_DECIMAL)
    free_shipping = BooleanField(_l("Free delivery"))
    free_product = StringField(
        _l("Free product"), [Length(max=100)], description=_l("Its number in your shop.")
    )
    reward_kind = RadioField(
        _l("The ambassador earns"),
        choices=[
            SelectChoice(RewardKind.PERCENT.value, _l("a share of the purchase")),
            SelectChoice(RewardKind.FIXED.value, _l("a fixed amount for each purchase")),
        ],
        default=RewardKind.PERCENT.value,
    )
    rate = StringField(_l("Share of the purchase"), render_kw=_DECIMAL)
    fixed = StringField(_l("Fixed amount"), render_kw=_DECIMAL)
    maximum = StringField(
        _l("At most for one purchase"),
        render_kw=_DECIMAL,
        description=_l("Leave empty for no limit."),
    )
    hold_days = StringField(
        _l("Days before it is payable"),
        render_kw=_WHOLE,
        description=_l("Usually the time in which a purchase can be returned."),
    )
    reward_new_only = BooleanField(_l("Only purchases by new customers earn"))
    new_customers_only = BooleanField(_l("The codes are for new customers only"))
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
    uses_per_code = StringField(_l("Uses of each code"), render_kw=_WHOLE)
    uses_per_customer = StringField(_l("Uses by each customer"), render_kw=_WHOLE)
    refund_frees_use = BooleanField(_l("A refunded order gives its use back"))
    budget = StringField(
        _l("Budget"), render_kw=_DECIMAL, description=_l("Commissions in all, at most.")
    )
    landing_url = StringField(
        _l("Landing page"),
        [Length(max=500)],
        description=_l("Where links lead. Empty: the shop's first page."),
    )


class ChangeForm(CampaignForm):
    """Other terms, with a mark of those that the person saw."""

    seen = HiddenField(validators=[Length(max=16)])


class NewCampaignForm(CampaignForm):
    """A campaign to set up."""

    slug = StringField(
        _l("Name in addresses"),
        [InputRequired(_l("This field is needed.")), Length(max=60)],
        description=_l("Small letters, digits and dashes, such as winter-2026. It stays."),
    )


def terms_of(form: CampaignForm, *, currency: str, timezone: str, before: Terms | None) -> Terms:
    """Return the terms that a form says.

    Args:
        form: As it was sent.
        currency: Of its amounts.
        timezone: Of its days.
        before: The terms it changes; what the form does not show stays.

    Raises:
        InvalidInputError: A text cannot be read; every fault at its field.
    """
    reader = _Reader(form, currency)
    starts_at, ends_at = campaign_terms.window(form.starts_on.data, form.ends_on.data, timezone)
    found = Terms(
        name=(form.name.data or "").strip(), objective=Objective(form.objective.data),
        starts_at=starts_at, ends_at=ends_at, benefits=reader.benefits(),
        reward=reader.reward(before.reward if before else AmbassadorEarns()),
        countries=tuple(word.upper() for word in words(form.countries.data)),
        currencies=tuple(word.upper() for word in words(form.currencies.data)),
        products=words(form.products.data), minimum_basket=reader.amount("minimum_basket"),
        new_customers_only=bool(form.new_customers_only.data),
        uses_per_code=reader.whole("uses_per_code"),
        uses_per_customer=reader.whole("uses_per_customer"),
        refund_frees_use=bool(form.refund_frees_use.data), budget=reader.amount("budget"),
        landing_url=(form.landing_url.data or "").strip() or None,
    )  # fmt: skip
    if reader.faults:
        raise InvalidInputError(str(_l("Some terms need a correction.")), faults=reader.faults)
    return found


class _Reader:
    """Reads the texts of a form and gathers what is wrong."""

    def __init__(self, form: CampaignForm, currency: str) -> None:
        self._form = form
        self._currency = currency
        self.faults: list[Fault] = []

    def amount(self, name: str) -> int | None:
        return self._read(name, lambda text: campaign_terms.minor(text, self._currency, name))

    def share(self, name: str) -> int | None:
        return self._read(name, lambda text: campaign_terms.basis_points(text, name))

    def whole(self, name: str) -> int | None:
        return self._read(name, _whole)

    def benefits(self) -> tuple[FriendGets, ...]:
        percent, amount = self.share("percent"), self.amount("amount")
        product = (self._form.free_product.data or "").strip()
        found = [
            percent and FriendGets(kind=BenefitKind.PERCENT, percent=percent),
            amount and FriendGets(kind=BenefitKind.AMOUNT, amount=amount),
            self._form.free_shipping.data and FriendGets(kind=BenefitKind.FREE_SHIPPING),
            product and FriendGets(kind=BenefitKind.FREE_PRODUCT, product=product),
        ]
        if percent and amount:
            both = str(_l("Choose a percentage or an amount off, not both."))
            self.faults.append(Fault("/amount", both))
            found.pop(1)
        return tuple(one for one in found if isinstance(one, FriendGets))

    def reward(self, before: AmbassadorEarns) -> AmbassadorEarns:
        is_fixed = self._form.reward_kind.data == RewardKind.FIXED.value
        days = self.whole("hold_days")
        return AmbassadorEarns(
            kind=RewardKind.FIXED if is_fixed else RewardKind.PERCENT,
            rate=None if is_fixed else self._needed("rate", self.share("rate")),
            amount=self._needed("fixed", self.amount("fixed")) if is_fixed else None,
            maximum=self.amount("maximum"),
            hold_days=before.hold_days if days is None else days,
            new_customers_only=bool(self._form.reward_new_only.data),
            include_tax=before.include_tax, include_shipping=before.include_shipping,
            before_discount=before.before_discount, cases=before.cases, tiers=before.tiers,
            months=before.months, ambassador_maximum=before.ambassador_maximum,
        )  # fmt: skip

    def _needed(self, name: str, value: int | None) -> int:
        """Return what the ambassador earns; to leave it out would pay nothing by mistake."""
        if value is None and not any(fault.pointer == f"/{name}" for fault in self.faults):
            detail = str(_l("Write what the ambassador earns; 0 for nothing."))
            self.faults.append(Fault(f"/{name}", detail))
        return value or 0

    def _read(self, name: str, read: Any) -> int | None:
        text = (self._form[name].data or "").strip()
        if not text:
            return None
        try:
            return int(read(text))
        except InvalidInputError as error:
            self.faults.append(Fault(f"/{name}", error.detail))
            return None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInputError(str(_l("Write a whole number.")))
    return int(text)


def of_campaign(campaign: Campaign, timezone: str) -> dict[str, Any]:
    """Return the fields of a campaign's form as it stands."""
    told = campaign_terms.of(campaign)
    starts_on, ends_on = campaign_terms.days(told.starts_at, told.ends_at, timezone)
    gets = {one.kind: one for one in told.benefits}
    percent, amount = gets.get(BenefitKind.PERCENT), gets.get(BenefitKind.AMOUNT)
    product = gets.get(BenefitKind.FREE_PRODUCT)

    def major(minor: int | None) -> str:
        return "" if minor is None else str(money.to_major(minor, campaign.currency))

    return {
        "seen": campaign_terms.digest(told),
        "name": told.name, "objective": told.objective.value,
        "starts_on": starts_on, "ends_on": ends_on,
        "percent": _percent(percent.percent if percent else None),
        "amount": major(amount.amount if amount else None),
        "free_shipping": BenefitKind.FREE_SHIPPING in gets,
        "free_product": product.product if product else "",
        "reward_kind": told.reward.kind.value, "rate": _percent(told.reward.rate),
        "fixed": major(told.reward.amount), "maximum": major(told.reward.maximum),
        "hold_days": str(told.reward.hold_days),
        "reward_new_only": told.reward.new_customers_only,
        "new_customers_only": told.new_customers_only,
        "countries": ", ".join(told.countries), "currencies": ", ".join(told.currencies),
        "products": ", ".join(told.products), "minimum_basket": major(told.minimum_basket),
        "uses_per_code": _text(told.uses_per_code),
        "uses_per_customer": _text(told.uses_per_customer),
        "refund_frees_use": told.refund_frees_use, "budget": major(told.budget),
        "landing_url": told.landing_url or "",
    }  # fmt: skip


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else f"{(Decimal(basis_points) / 100).normalize():f}"


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
