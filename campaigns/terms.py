"""The terms of a campaign: what the friend gets, what the ambassador earns, where and how long.

Plain values that the form, the command and the API all make, checked in one
place.  Ratios are basis points, amounts minor units of the campaign's currency.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _

from campaigns.models import (
    Benefit,
    BenefitKind,
    Campaign,
    Objective,
    Period,
    RewardKind,
    RewardRule,
)  # fmt: skip
from core import clock, countries, money, redirects
from core.errors import Fault, InvalidInputError

LONGEST_HOLD = 365  # days
MOST_POINTS = 1_000_000  # for one purchase
MOST_CASES = 20  # of a reward, and as many tiers


@dataclass(frozen=True, slots=True, kw_only=True)
class FriendGets:
    """One benefit of a campaign's codes."""

    kind: BenefitKind
    percent: int | None = None  # basis points
    amount: int | None = None  # minor units
    product: str | None = None  # SKU


class Buyer(StrEnum):
    """Whose purchases a case is about."""

    NEW = "new"
    EXISTING = "existing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Another reward where all that it names is true; the first case that fits pays.

    Products are asked of each line of a purchase, country and buyer of the whole; the circle
    of the ambassador as it was at the instant of the purchase.
    """

    rate: int | None = None  # basis points
    amount: int | None = None  # minor units where the reward is a fixed amount, or points
    perk_id: int | None = None
    products: tuple[str, ...] = ()  # SKUs; empty: any
    countries: tuple[str, ...] = ()  # empty: anywhere
    buyer: Buyer | None = None  # None: anyone
    circle_id: int | None = None  # that the ambassador is in; None: any ambassador


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Another reward from an ambassador's nth purchase in the campaign on."""

    start: int  # the number of the first purchase of the tier, from 2
    rate: int | None = None
    amount: int | None = None
    perk_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbassadorEarns:
    """What a purchase earns: a share of its base, a fixed amount, points or a perk."""

    kind: RewardKind = RewardKind.PERCENT
    rate: int | None = None  # basis points
    amount: int | None = None  # minor units, or points
    perk_id: int | None = None
    maximum: int | None = None  # per purchase
    hold_days: int = 30
    new_customers_only: bool = False
    include_tax: bool = False
    include_shipping: bool = False
    before_discount: bool = False
    cases: tuple[Case, ...] = ()
    tiers: tuple[Tier, ...] = ()
    months: int | None = None  # a customer's purchases earn; 0: the first alone; None: for life
    ambassador_maximum: int | None = None  # for one ambassador, minor units
    ambassador_period: Period | None = None  # in which one ambassador gets at most ...
    ambassador_period_maximum: int | None = None  # ... this, minor units
    campaign_period: Period | None = None  # in which all of them together get at most ...
    campaign_period_maximum: int | None = None  # ... this


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Everything of a campaign that a person decides."""

    name: str
    objective: Objective = Objective.ACQUISITION
    starts_at: datetime | None = None
    ends_at: datetime | None = None  # the first instant after
    benefits: tuple[FriendGets, ...] = ()
    reward: AmbassadorEarns = field(default_factory=lambda: AmbassadorEarns(rate=0))
    countries: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    minimum_basket: int | None = None
    new_customers_only: bool = False
    uses_per_code: int | None = None
    uses_per_customer: int | None = None
    refund_frees_use: bool = False
    budget: int | None = None
    rewarded_limit: int | None = None  # purchases that earn something, at most
    points_months: int | None = None  # its points last so long; 0: for ever; None: the program's
    landing_url: str | None = None


def of(campaign: Campaign) -> Terms:
    """Return the terms of a campaign as it stands."""
    return Terms(
        name=campaign.name, objective=campaign.objective,
        starts_at=campaign.starts_at, ends_at=campaign.ends_at,
        benefits=tuple(_friend_gets(benefit) for benefit in campaign.benefits),
        reward=reward_of(campaign.rules[-1]),
        countries=tuple(campaign.countries), currencies=tuple(campaign.currencies),
        products=tuple(campaign.products), minimum_basket=campaign.minimum_basket,
        new_customers_only=campaign.new_customers_only,
        uses_per_code=campaign.uses_per_code, uses_per_customer=campaign.uses_per_customer,
        refund_frees_use=campaign.refund_frees_use, budget=campaign.budget,
        rewarded_limit=campaign.rewarded_limit, points_months=campaign.points_months,
        landing_url=campaign.landing_url,
    )  # fmt: skip


def in_force(campaign: Campaign) -> Terms:
    """Return the terms that hold now: a reward that counts from a later day is not in them."""
    return replace(of(campaign), reward=reward_of(rule_in_force(campaign)))


def rule_in_force(campaign: Campaign) -> RewardRule:
    """Return the newest version of the reward that counts now."""
    now = clock.now()
    began = [
        rule for rule in campaign.rules if rule.effective_from is None or rule.effective_from <= now
    ]
    return (began or campaign.rules)[-1]


def digest(terms: Terms) -> str:
    """Return a mark of terms, by which a form knows whether they changed since it was opened."""
    return hashlib.sha256(repr(terms).encode()).hexdigest()[:16]


def reward_of(rule: RewardRule) -> AmbassadorEarns:
    """Return what a version of a campaign's rule pays."""
    return AmbassadorEarns(
        kind=rule.kind, rate=rule.rate, amount=rule.amount, perk_id=rule.perk_id,
        maximum=rule.maximum, hold_days=rule.hold_days, new_customers_only=rule.new_customers_only,
        include_tax=rule.include_tax, include_shipping=rule.include_shipping,
        before_discount=rule.before_discount, months=rule.months,
        cases=tuple(_case(one) for one in rule.cases or ()),
        tiers=tuple(Tier(**one) for one in rule.tiers or ()),
        ambassador_maximum=rule.ambassador_maximum,
        ambassador_period=rule.ambassador_period,
        ambassador_period_maximum=rule.ambassador_period_maximum,
        campaign_period=rule.campaign_period,
        campaign_period_maximum=rule.campaign_period_maximum,
    )  # fmt: skip


def _case(told: dict[str, Any]) -> Case:
    return Case(
        rate=told["rate"], amount=told["amount"], perk_id=told.get("perk_id"),
        products=tuple(told["products"]), countries=tuple(told["countries"]),
        buyer=Buyer(told["buyer"]) if told["buyer"] else None, circle_id=told.get("circle_id"),
    )  # fmt: skip


def _friend_gets(benefit: Benefit) -> FriendGets:
    return FriendGets(
        kind=benefit.kind, percent=benefit.percent, amount=benefit.amount, product=benefit.product
    )


def benefit(text: str, currency: str) -> FriendGets:
    """Read a benefit: `25%`, `5.00`, `free_shipping` or `free_product:SKU`.

    Raises:
        InvalidInputError: None of these.
    """
    word, _sep, product = text.strip().partition(":")
    if word == BenefitKind.FREE_SHIPPING and not product:
        return FriendGets(kind=BenefitKind.FREE_SHIPPING)
    if word == BenefitKind.FREE_PRODUCT and product.strip():
        return FriendGets(kind=BenefitKind.FREE_PRODUCT, product=product.strip())
    if word.endswith("%"):
        return FriendGets(kind=BenefitKind.PERCENT, percent=basis_points(word, "/benefits"))
    return FriendGets(kind=BenefitKind.AMOUNT, amount=minor(word, currency, "/benefits"))


def basis_points(text: str, pointer: str) -> int:
    """Read a percentage such as `12.5` or `12,5 %` as basis points.

    Raises:
        InvalidInputError: Not a percentage from 0 to 100 with two decimals at most.
    """
    bare = text.strip().removesuffix("%").strip().replace(",", ".")
    try:
        value = Decimal(bare) * 100
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= money.BASIS_POINTS or value != int(value):
        raise _wrong(pointer, _("Write a percentage from 0 to 100, such as 12.5."))
    return int(value)


def minor(text: str, currency: str, pointer: str) -> int:
    """Read an amount in major units such as `12.50` or `12,50` as minor units.

    Raises:
        InvalidInputError: Not an amount of zero or more that the currency has.
    """
    try:
        value = money.to_minor(text.strip().replace(",", "."), currency)
    except money.MoneyError:
        value = -1
    if value < 0:
        raise _wrong(pointer, _("Write an amount such as 12.50."))
    return value


def window(
    starts_on: date | None, ends_on: date | None, timezone: str
) -> tuple[datetime | None, datetime | None]:
    """Return the instants of a window given by its first and its last day, both included.

    Raises:
        InvalidInputError: The first day is one that UTC does not have.
    """
    zone = clock.zone(timezone)
    try:
        starts_at = datetime.combine(starts_on, time(), zone).astimezone(UTC) if starts_on else None
    except OverflowError:  # 1 January of year 1, east of Greenwich
        detail = _("“%(text)s” is not a date of our time.", text=starts_on)
        raise _wrong("/starts_on", detail) from None
    after = ends_on + timedelta(days=1) if ends_on and ends_on < date.max else None
    ends_at = datetime.combine(after, time(), zone).astimezone(UTC) if after else None
    return starts_at, ends_at


def days(
    starts_at: datetime | None, ends_at: datetime | None, timezone: str
) -> tuple[date | None, date | None]:
    """Return the first and the last day of a window, as `window` reads them."""
    starts_on = clock.local_day(starts_at, timezone) if starts_at else None
    last = ends_at - timedelta(microseconds=1) if ends_at else None
    return starts_on, clock.local_day(last, timezone) if last else None


def require(terms: Terms) -> None:
    """Check terms that a person decided.

    Raises:
        InvalidInputError: Something cannot be; all faults at once.
    """
    faults = [
        Fault(pointer, detail())
        for pointer, is_wrong, detail in _RULES
        if is_wrong(terms)
    ]  # fmt: skip
    if faults:
        raise InvalidInputError(_("Some terms need a correction."), faults=faults)


def _bad_name(terms: Terms) -> bool:
    return not 1 <= len(terms.name.strip()) <= 120 or not terms.name.isprintable()


def _bad_window(terms: Terms) -> bool:
    return bool(terms.starts_at and terms.ends_at and terms.ends_at <= terms.starts_at)


def _two_discounts(terms: Terms) -> bool:
    return sum(b.kind in {BenefitKind.PERCENT, BenefitKind.AMOUNT} for b in terms.benefits) > 1


def _bad_benefit(terms: Terms) -> bool:
    return any(_is_empty(benefit) for benefit in terms.benefits) or len(terms.benefits) > 10


def _is_empty(benefit: FriendGets) -> bool:
    if benefit.kind is BenefitKind.PERCENT:
        return not 0 < (benefit.percent or 0) <= money.BASIS_POINTS
    if benefit.kind is BenefitKind.AMOUNT:
        return (benefit.amount or 0) <= 0
    if benefit.kind is BenefitKind.FREE_PRODUCT:
        return not 0 < len(benefit.product or "") <= 100
    return False


def _bad_reward(terms: Terms) -> bool:
    reward = terms.reward
    if reward.kind is RewardKind.PERK and reward.perk_id is None:  # only in some cases
        return not (reward.cases or reward.tiers) or (reward.rate, reward.amount) != (None, None)
    return not _pays(reward, reward)


def _limits_money(terms: Terms) -> bool:
    reward = terms.reward
    limits = (
        terms.budget, reward.maximum, reward.ambassador_maximum,
        reward.ambassador_period_maximum, reward.campaign_period_maximum,
    )  # fmt: skip
    return not reward.kind.is_money and any(limit is not None for limit in limits)


def _half_a_cap(period: Period | None, maximum: int | None) -> bool:
    return (period is None) != (maximum is None) or _below_one(maximum)


def _bad_case(terms: Terms) -> bool:
    cases = terms.reward.cases
    return len(cases) > MOST_CASES or any(
        not _pays(terms.reward, case) or not _is_about(case)
        or not all(map(_is_product, case.products))
        or any(not _reads(countries.require, code) for code in case.countries)
        for case in cases
    )  # fmt: skip


def _is_about(case: Case) -> bool:
    return bool(case.products or case.countries or case.buyer or case.circle_id)


def _bad_tier(terms: Terms) -> bool:
    tiers = terms.reward.tiers
    starts = [tier.start for tier in tiers]
    return (
        len(tiers) > MOST_CASES
        or any(not _pays(terms.reward, tier) or not 2 <= tier.start <= 10**6 for tier in tiers)
        or starts != sorted(set(starts))
    )


def _pays(reward: AmbassadorEarns, other: AmbassadorEarns | Case | Tier) -> bool:
    """Tell whether a reward, case or tier says what it gives, and nothing of another kind."""
    told = {
        name: value
        for name in ("rate", "amount", "perk_id")
        if (value := getattr(other, name)) is not None
    }
    name, most = _GIVES[reward.kind]
    return set(told) == {name} and 0 <= told[name] <= most


def _is_product(sku: str) -> bool:
    return 0 < len(sku) <= 100 and sku.isprintable()


def _bad_currencies(terms: Terms) -> bool:
    return any(not _reads(money.require_currency, code) for code in terms.currencies)


def _bad_landing(terms: Terms) -> bool:
    if terms.landing_url is None:
        return False
    host = redirects.host_of(terms.landing_url)
    return host is None or len(terms.landing_url) > 500


def _reads(reader: Callable[[str], str], text: str) -> bool:
    try:
        return reader(text) == text
    except ValueError:
        return False


def _below_one(number: int | None) -> bool:
    return number is not None and not 1 <= number <= 10**9


_GIVES = {  # in which field, and how much at most
    RewardKind.PERCENT: ("rate", money.BASIS_POINTS),
    RewardKind.FIXED: ("amount", money.LARGEST),
    RewardKind.POINTS: ("amount", MOST_POINTS),
    RewardKind.PERK: ("perk_id", 2**63 - 1),
}


def _wrong(pointer: str, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, faults=[Fault(pointer, detail)])


_RULES: tuple[tuple[str, Callable[[Terms], bool], Callable[[], str]], ...] = (
    ("/name", _bad_name, lambda: _("Write a name of 1 to 120 characters.")),
    ("/ends_on", _bad_window, lambda: _("The end comes before the start.")),
    ("/benefits", _two_discounts, lambda: _("Choose a percentage or an amount off, not both.")),
    ("/benefits", _bad_benefit, lambda: _("A benefit needs its percentage, amount or product.")),
    ("/rate", _bad_reward, lambda: _("Write what the ambassador earns, zero or more.")),
    ("/budget", _limits_money,
     lambda: _("Limits in money are for commissions; limit the number of rewarded purchases.")),
    ("/cases", _bad_case,
     lambda: _("Each case needs what it is about and what the ambassador earns then.")),
    ("/tiers", _bad_tier,
     lambda: _("Write tiers in rising order, each from a number of purchases above 1.")),
    ("/months", lambda t: t.reward.months is not None and not 0 <= t.reward.months <= 600,
     lambda: _("Write a number of months from 0 to 600.")),
    ("/ambassador_maximum", lambda t: _below_one(t.reward.ambassador_maximum),
     lambda: _("Write an amount above zero, or nothing.")),
    ("/ambassador_period_maximum",
     lambda t: _half_a_cap(t.reward.ambassador_period, t.reward.ambassador_period_maximum),
     lambda: _("Write an amount above zero and its period, or nothing.")),
    ("/campaign_period_maximum",
     lambda t: _half_a_cap(t.reward.campaign_period, t.reward.campaign_period_maximum),
     lambda: _("Write an amount above zero and its period, or nothing.")),
    ("/hold_days", lambda t: not 0 <= t.reward.hold_days <= LONGEST_HOLD,
     lambda: _("Write a number of days from 0 to 365.")),
    ("/maximum", lambda t: _below_one(t.reward.maximum),
     lambda: _("Write an amount above zero, or nothing.")),
    ("/countries", lambda t: not all(_reads(countries.require, code) for code in t.countries),
     lambda: _("Write country codes of two letters such as CH, FR.")),
    ("/currencies", _bad_currencies, lambda: _("Write currency codes such as CHF, EUR.")),
    ("/products", lambda t: not all(map(_is_product, t.products)),
     lambda: _("Write product numbers of at most 100 characters.")),
    ("/minimum_basket", lambda t: _below_one(t.minimum_basket),
     lambda: _("Write an amount above zero, or nothing.")),
    ("/uses_per_code", lambda t: _below_one(t.uses_per_code),
     lambda: _("Write a number above zero, or nothing.")),
    ("/uses_per_customer", lambda t: _below_one(t.uses_per_customer),
     lambda: _("Write a number above zero, or nothing.")),
    ("/budget", lambda t: t.budget is not None and not 0 < t.budget <= money.LARGEST,
     lambda: _("Write an amount above zero, or nothing.")),
    ("/rewarded_limit", lambda t: _below_one(t.rewarded_limit),
     lambda: _("Write a number above zero, or nothing.")),
    ("/points_months", lambda t: t.points_months is not None and not 0 <= t.points_months <= 120,
     lambda: _("Write a number of months from 0 to 120.")),
    ("/landing_url", _bad_landing, lambda: _("Write an https address.")),
)  # fmt: skip
