"""A campaign's terms in plain sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from campaigns import circle_names, perk_names
from campaigns import terms as campaign_terms
from campaigns.models import (
    BenefitKind,
    Campaign,
    CampaignStatus,
    Format,
    Objective,
    Period,
    RewardKind,
)  # fmt: skip
from campaigns.terms import AmbassadorEarns, Buyer, Case, FriendGets, Terms, Tier
from core import countries, i18n, money
from core.money import POINTS

OBJECTIVES = {
    Objective.ACQUISITION: lazy_gettext("Win new customers"),
    Objective.LOYALTY: lazy_gettext("Keep customers"),
    Objective.CO_CREATION: lazy_gettext("Create together"),
    Objective.CONTENT: lazy_gettext("Gather content"),
    Objective.EVENTS: lazy_gettext("Fill events"),
}
STATUSES = {
    CampaignStatus.DRAFT: lazy_gettext("Draft"),
    CampaignStatus.RUNNING: lazy_gettext("Running"),
    CampaignStatus.PAUSED: lazy_gettext("Paused"),
    CampaignStatus.ENDED: lazy_gettext("Ended"),
}
CHANNELS = {
    "advertising": lazy_gettext("Advertising"),
    "community": lazy_gettext("Community"),
    "direct": lazy_gettext("Direct"),
    "email": lazy_gettext("E-mail"),
    "organic": lazy_gettext("Organic"),
    "organic_search": lazy_gettext("Organic search"),
    "organic_social": lazy_gettext("Organic social"),
    "paid_search": lazy_gettext("Paid search"),
    "paid_social": lazy_gettext("Paid social"),
    "press": lazy_gettext("Press"),
    "shop": lazy_gettext("Shop and events"),
    "unattributed": lazy_gettext("Unattributed"),
}


def channel(name: str) -> str:
    """Return a channel in words: `paid_social` gives `Paid social`."""
    return str(CHANNELS.get(name) or name.replace("_", " ").capitalize())


def percent(basis_points: int) -> str:
    """Return basis points as a percentage with as many decimals as it needs."""
    places = 0 if basis_points % 100 == 0 else 1 if basis_points % 10 == 0 else 2
    return i18n.percent(Decimal(basis_points) / money.BASIS_POINTS, places)


def benefit(benefit: FriendGets, currency: str) -> str:
    """Return a benefit in some words: `15 % off`."""
    if benefit.kind is BenefitKind.PERCENT:
        return str(_("%(share)s off", share=percent(benefit.percent or 0)))
    if benefit.kind is BenefitKind.AMOUNT:
        return str(_("%(amount)s off", amount=i18n.money(benefit.amount, currency)))
    if benefit.kind is BenefitKind.FREE_SHIPPING:
        return str(_("Free delivery"))
    return str(_("%(product)s as a gift", product=benefit.product))


def benefits(given: Iterable[FriendGets], currency: str) -> str:
    """Return benefits as they stand inside a sentence: `15 % off, free delivery`."""
    return ", ".join(
        str(_("free delivery")) if one.kind is BenefitKind.FREE_SHIPPING else benefit(one, currency)
        for one in given
    )


def reward(reward: AmbassadorEarns, currency: str, *, is_own: bool = False) -> str:
    """Return what the ambassador earns, in sentences.

    Args:
        reward: The terms.
        currency: Of their amounts.
        is_own: Whether the ambassador reads it.
    """
    if reward.kind is RewardKind.PERCENT and not (reward.rate or reward.cases or reward.tiers):
        if is_own:
            return str(_("You earn no commission with this one."))
        return str(_("The ambassador earns no commission."))
    more = [_earns(reward, currency, is_own=is_own)]
    if not reward.kind.is_money:
        return " ".join([*more, *_conditions(reward, currency), given(reward.hold_days)])
    if reward.maximum is not None:
        cap = i18n.money(reward.maximum, currency)
        more.append(str(_("At most %(amount)s for one purchase.", amount=cap)))
    more += _conditions(reward, currency)
    more.append(hold(reward.hold_days))
    return " ".join(more)


def _conditions(reward: AmbassadorEarns, currency: str) -> list[str]:
    """Return what changes the usual reward, and what ends it, a sentence each."""
    told = [_("Only purchases by new customers earn.")] if reward.new_customers_only else []
    unit = POINTS if reward.kind is RewardKind.POINTS else currency
    told += [
        _("%(pays)s instead, %(condition)s.", pays=_pays(case, unit), condition=about_case(case))
        for case in reward.cases
    ]
    told += [
        _("%(pays)s from purchase %(number)s on.", pays=_pays(tier, unit), number=tier.start)
        for tier in reward.tiers
    ]
    if reward.months == 0:
        told.append(_("Only the first purchase of each customer earns."))
    elif reward.months is not None:
        told.append(
            ngettext(
                "The purchases of a customer earn for %(num)s month.",
                "The purchases of a customer earn for %(num)s months.",
                reward.months,
            )
        )
    if reward.ambassador_maximum is not None:
        cap = i18n.money(reward.ambassador_maximum, currency)
        told.append(_("At most %(amount)s for one ambassador in all.", amount=cap))
    told += _period_caps(reward, currency)
    return [str(sentence) for sentence in told]


_MOST_OF_ONE = {
    Period.MONTH: lazy_gettext("At most %(amount)s for one ambassador in a calendar month."),
    Period.QUARTER: lazy_gettext("At most %(amount)s for one ambassador in a quarter."),
    Period.YEAR: lazy_gettext("At most %(amount)s for one ambassador in a calendar year."),
}
_MOST_OF_ALL = {
    Period.MONTH: lazy_gettext("At most %(amount)s for all ambassadors in a calendar month."),
    Period.QUARTER: lazy_gettext("At most %(amount)s for all ambassadors in a quarter."),
    Period.YEAR: lazy_gettext("At most %(amount)s for all ambassadors in a calendar year."),
}


def _period_caps(reward: AmbassadorEarns, currency: str) -> list[str]:
    caps = (
        (_MOST_OF_ONE, reward.ambassador_period, reward.ambassador_period_maximum),
        (_MOST_OF_ALL, reward.campaign_period, reward.campaign_period_maximum),
    )
    return [
        str(words[period]) % {"amount": i18n.money(maximum, currency)}
        for words, period, maximum in caps
        if period is not None
    ]


def _pays(other: Case | Tier, unit: str) -> str:
    if other.perk_id is not None:
        return str(_("“%(perk)s”", perk=perk_names.name(other.perk_id)))
    if other.rate is not None:
        return percent(other.rate)
    return points(other.amount or 0) if unit == POINTS else i18n.money(other.amount, unit)


def points(count: int) -> str:
    """Return points in words: `250 points`."""
    return str(ngettext("%(count)s point", "%(count)s points", count, count=i18n.number(count)))


def about_case(case: Case) -> str:
    """Return of which purchases a case speaks: `in Canada, for new customers`."""
    parts = []
    if case.products:
        parts.append(_("for %(products)s", products=", ".join(case.products)))
    if case.countries:
        named = ", ".join(countries.name(code) for code in case.countries)
        parts.append(_("in %(countries)s", countries=named))
    if case.buyer is Buyer.NEW:
        parts.append(_("for new customers"))
    if case.buyer is Buyer.EXISTING:
        parts.append(_("for returning customers"))
    if case.circle_id is not None:
        name = circle_names.name(case.circle_id)
        parts.append(_("for ambassadors in the circle “%(circle)s”", circle=name))
    return ", ".join(str(part) for part in parts)


def _earns(reward: AmbassadorEarns, currency: str, *, is_own: bool) -> str:
    if reward.kind is RewardKind.FIXED:
        amount = i18n.money(reward.amount, currency)
        if is_own:
            return str(_("You earn %(amount)s for each purchase.", amount=amount))
        return str(_("The ambassador earns %(amount)s for each purchase.", amount=amount))
    if not reward.kind.is_money:
        return _gets(reward, is_own=is_own)
    share, base = percent(reward.rate or 0), base_of(reward)
    if is_own:
        return str(_("You earn %(share)s of %(base)s.", share=share, base=base))
    return str(_("The ambassador earns %(share)s of %(base)s.", share=share, base=base))


def _gets(reward: AmbassadorEarns, *, is_own: bool) -> str:
    if reward.kind is RewardKind.PERK and reward.perk_id is None:
        if is_own:
            return str(_("You get a perk for some purchases."))
        return str(_("The ambassador gets a perk for some purchases."))
    things = points(reward.amount or 0)
    if reward.kind is RewardKind.PERK:
        things = str(_("“%(perk)s”", perk=perk_names.name(reward.perk_id)))
    if is_own:
        return str(_("You get %(things)s for each purchase.", things=things))
    return str(_("The ambassador gets %(things)s for each purchase.", things=things))


def given(days: int) -> str:
    """Return when points or a perk are given, a sentence."""
    if days == 0:
        return str(_("It is given at once."))
    return str(
        ngettext(
            "It is given %(num)s day after the purchase.",
            "It is given %(num)s days after the purchase.",
            days,
        )
    )


def hold(days: int) -> str:
    """Return when a commission becomes payable, a sentence."""
    if days == 0:
        return str(_("It is payable at once."))
    return str(
        ngettext(
            "It becomes payable %(num)s day after the purchase.",
            "It becomes payable %(num)s days after the purchase.",
            days,
        )
    )


def sentences(terms: Terms, currency: str) -> list[str]:
    """Return the terms of a campaign, a sentence each."""
    gets = benefits(terms.benefits, currency)
    told = [
        str(_("The friend gets: %(benefits)s.", benefits=gets))
        if gets
        else str(_("The friend gets no discount.")),
        reward(terms.reward, currency),
        _window(terms),
        *_scope(terms, currency),
        *_limits(terms),
    ]
    if terms.budget is not None:
        limit = i18n.money(terms.budget, currency)
        told.append(str(_("Commissions are %(amount)s in all, at most.", amount=limit)))
    if terms.rewarded_limit is not None:
        told.append(
            ngettext(
                "%(count)s purchase is rewarded, at most.",
                "%(count)s purchases are rewarded, at most.",
                terms.rewarded_limit, count=i18n.number(terms.rewarded_limit),
            )
        )  # fmt: skip
    if terms.points_months:
        told.append(
            ngettext(
                "Its points last %(count)s month.", "Its points last %(count)s months.",
                terms.points_months, count=i18n.number(terms.points_months),
            )
        )  # fmt: skip
    return told


def of_campaign(campaign: Campaign) -> list[str]:
    """Return the terms of a campaign as it stands, a sentence each."""
    return sentences(campaign_terms.in_force(campaign), campaign.currency)


def asks(kind: Format, brand: str) -> list[str]:
    """Return what a campaign asks of its ambassadors, a sentence each, by how it is shared."""
    first = {
        Format.COMMISSION: _(
            "Recommend %(brand)s to people who may like it, when you feel like it.", brand=brand
        ),
        Format.PAID: _("Publish what we agreed on, in your own words."),
        Format.GIFTED: _("Try what you received, and say what you think of it, good or bad."),
    }[kind]
    more = _("Say that you are rewarded for it: the mention does it.")
    return [str(first), str(more)]


def base_of(reward: AmbassadorEarns) -> str:
    """Return the commission's base in words (rule 14)."""
    discount = (
        _("the amount before discount")
        if reward.before_discount
        else _("the amount after discount")
    )
    if reward.include_tax and reward.include_shipping:
        return str(_("%(amount)s, with tax and shipping", amount=discount))
    if reward.include_tax:
        return str(_("%(amount)s, with tax, before shipping", amount=discount))
    if reward.include_shipping:
        return str(_("%(amount)s, with shipping, before tax", amount=discount))
    return str(_("%(amount)s, before tax and shipping", amount=discount))


def _window(terms: Terms) -> str:

    first = i18n.day(terms.starts_at)
    last = i18n.day(terms.ends_at - timedelta(microseconds=1)) if terms.ends_at else None
    if terms.starts_at and last:
        return str(_("It runs from %(first)s to %(last)s.", first=first, last=last))
    if terms.starts_at:
        return str(_("It runs from %(first)s, without an end.", first=first))
    if last:
        return str(_("It runs until %(last)s.", last=last))
    return str(_("It has no start and no end."))


def _scope(terms: Terms, currency: str) -> list[str]:
    told = []
    if terms.countries:
        named = ", ".join(countries.name(code) for code in terms.countries)
        told.append(_("Only in: %(countries)s.", countries=named))
    if terms.currencies:
        told.append(_("Only in: %(currencies)s.", currencies=", ".join(terms.currencies)))
    if terms.products:
        told.append(_("Only for: %(products)s.", products=", ".join(terms.products)))
    if terms.minimum_basket is not None:
        least = i18n.money(terms.minimum_basket, currency)
        told.append(_("From a basket of %(amount)s.", amount=least))
    if terms.new_customers_only:
        told.append(_("The codes are for new customers only."))
    return [str(sentence) for sentence in told]


def _limits(terms: Terms) -> list[str]:
    told = []
    if terms.uses_per_code is not None:
        told.append(
            ngettext(
                "Each code can be used %(num)s time.",
                "Each code can be used %(num)s times.",
                terms.uses_per_code,
            )
        )
    if terms.uses_per_customer is not None:
        told.append(
            ngettext(
                "Each customer can use a code %(num)s time.",
                "Each customer can use a code %(num)s times.",
                terms.uses_per_customer,
            )
        )
    if terms.refund_frees_use:
        told.append(_("A refunded order gives its use back."))
    return [str(sentence) for sentence in told]
