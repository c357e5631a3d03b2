"""A commission explained in words: short for ambassadors, and pieces for the staff's page."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from flask_babel import gettext as _

from campaigns import terms
from campaigns import wording as campaign_wording
from campaigns.models import Period, RewardKind, RewardRule
from campaigns.terms import Case, Tier
from core import i18n, money
from rewards import wording
from rewards.explanations import Explained, Part
from rewards.models_periods import PeriodTake
from rewards.period_caps import ALL

_SHOWN = Context(prec=15, rounding=ROUND_HALF_UP)


def exact(amount: Fraction, currency: str) -> str:
    """Return an amount before rounding, in major units: `9.2435`."""
    value = _SHOWN.divide(Decimal(amount.numerator), Decimal(amount.denominator))
    return i18n.figure(value.scaleb(-money.exponent(currency)))


def condition(one: Case | Tier | None) -> str:
    """Return why a part is paid as it is."""
    if one is None:
        return str(_("the usual reward"))
    if isinstance(one, Tier):
        return str(_("the reward from purchase %(number)s on", number=one.start))
    return campaign_wording.about_case(one) or str(_("another reward"))


def rate(explained: Explained) -> str:
    """Return the frozen rate of currency: `1 EUR = 1.0823 USD`."""
    one = explained.conversion
    return f"1 {one.base} = {i18n.figure(one.value)} {one.quote}" if one else ""


def rule(explained: Explained) -> str:
    """Return the version of the rule in sentences."""
    reward = terms.reward_of(explained.rule)
    return campaign_wording.reward(reward, explained.campaign_currency)


def of_thing(rule: RewardRule, currency: str, *, is_own: bool = False) -> str:
    """Return the rule of points or a perk in sentences; `is_own` speaks to the ambassador."""
    return campaign_wording.reward(terms.reward_of(rule), currency, is_own=is_own)


def base(explained: Explained) -> str:
    """Return what the base is made of: `the amount after discount, before tax and shipping`."""
    return campaign_wording.base_of(terms.reward_of(explained.rule))


def simple(explained: Explained) -> str:
    """Return how the amount came about, in the ambassador's words."""
    commission = explained.commission
    told = [_part(part, explained) for part in explained.parts]
    if conversion := explained.conversion:
        told.append(
            _("One %(base)s was worth %(value)s %(quote)s on %(day)s (%(source)s).",
              base=conversion.base, value=i18n.figure(conversion.value), quote=conversion.quote,
              day=i18n.day(conversion.rate_on), source=wording.rate_source(conversion.source))
        )  # fmt: skip
    if explained.within_most < explained.rounded:
        most = i18n.money(explained.within_most, commission.currency)
        told.append(_("One purchase earns %(amount)s at most.", amount=most))
    if explained.reached:
        told.append(reached(explained))
    elif explained.is_cut and not commission.amount:
        told.append(_("The campaign had given all that it may."))
    elif explained.is_cut:
        left = i18n.money(commission.amount, commission.currency)
        told.append(_("Of what the campaign pays in all, %(amount)s were left.", amount=left))
    return " ".join(str(sentence) for sentence in told)


def period(take: PeriodTake, currency: str) -> str:
    """Return of which cap something was left: `Left of CHF 13.20 for one in March 2026`."""
    told = {"cap": i18n.money(take.maximum, currency), "period": span(take)}
    if take.count.ambassador_id == ALL:
        return str(_("Left of %(cap)s for all ambassadors in %(period)s", **told))
    return str(_("Left of %(cap)s for one ambassador in %(period)s", **told))


def span(take: PeriodTake) -> str:
    """Return the month, quarter or year of a cap: `March 2026`, `Q1 2026`, `2026`."""
    first = take.count.starts_on
    if take.count.period is Period.MONTH:
        return i18n.month(f"{first:%Y-%m}")
    if take.count.period is Period.QUARTER:
        quarter = (first.month + 2) // 3
        return str(_("quarter %(number)s of %(year)s", number=quarter, year=str(first.year)))
    return str(first.year)


def reached(explained: Explained) -> str:
    """Return which period's cap left how much of a commission, nothing if none did."""
    take = explained.reached
    if take is None:
        return ""
    told = {
        "paid": i18n.money(explained.commission.amount, explained.commission.currency),
        "amount": i18n.money(explained.within_most, explained.commission.currency),
        "period": span(take),
        "cap": i18n.money(take.maximum, explained.campaign_currency),
    }
    if take.count.ambassador_id == ALL:
        return str(_("Earned %(paid)s of %(amount)s: what the campaign gives in %(period)s, "
                     "%(cap)s, was reached.", **told))  # fmt: skip
    return str(_("Earned %(paid)s of %(amount)s: the most that one ambassador earns in %(period)s, "
                 "%(cap)s, was reached.", **told))  # fmt: skip


def _part(part: Part, explained: Explained) -> str:
    currency = explained.commission.currency
    if explained.commission.kind is RewardKind.FIXED or part.rate is None:
        amount = i18n.money(part.base, explained.campaign_currency)
        if explained.conversion is None and part.condition is None:
            return str(_("The reward is %(amount)s for a purchase.", amount=amount))
        if explained.conversion is None:
            why = condition(part.condition)
            return str(_("The reward is %(amount)s (%(why)s).", amount=amount, why=why))
        return str(
            _("The reward is %(amount)s for a purchase, that is %(there)s.", amount=amount,
              there=i18n.money(explained.rounded, currency))
        )  # fmt: skip
    made = money.divide_half_up(part.exact.numerator, part.exact.denominator)
    told = {
        "share": campaign_wording.percent(part.rate), "base": i18n.money(part.base, currency),
        "amount": i18n.money(made, currency),
    }  # fmt: skip
    if part.condition is None:
        return str(_("%(share)s of %(base)s are %(amount)s.", **told))
    why = condition(part.condition)
    return str(_("%(share)s of %(base)s are %(amount)s (%(why)s).", **told, why=why))
