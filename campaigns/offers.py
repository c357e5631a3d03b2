"""The friend's offer as the friend reads it, in any of our languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_babel import force_locale
from flask_babel import gettext as _

from campaigns import wording
from campaigns.models import BenefitKind
from campaigns.terms import Terms
from core import countries, i18n

ICONS = {
    BenefitKind.PERCENT: "percent",
    BenefitKind.AMOUNT: "percent",
    BenefitKind.FREE_SHIPPING: "truck",
    BenefitKind.FREE_PRODUCT: "gift",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a friend reads."""

    language: str
    headline: str
    benefits: tuple[tuple[str, str], ...]  # words and icon
    scope: tuple[str, ...]
    note: str


def read(terms: Terms, currency: str, language: str, *, has_code: bool = True) -> Offer:
    """Return the offer of a campaign's codes in a language.

    Args:
        terms: Of the campaign.
        currency: Of their amounts.
        language: Of the words.
        has_code: Whether the friend gets a code; without one nothing is promised.
    """
    with force_locale(language):
        benefits = terms.benefits if has_code else ()
        gets = tuple((wording.benefit(one, currency), ICONS[one.kind]) for one in benefits)
        headline = ", ".join(words for words, _icon in gets) or str(_("A recommendation"))
        note = _("The person who invites you receives a reward if you order.")
        scope = tuple(_scope(terms, currency)) if has_code else ()
        return Offer(language, headline, gets, scope, str(note))


def _scope(terms: Terms, currency: str) -> list[str]:
    told = [countries.name(code) for code in terms.countries]
    if terms.new_customers_only:
        told.append(str(_("First order")))
    if terms.minimum_basket is not None:
        least = i18n.money(terms.minimum_basket, currency)
        told.append(str(_("From %(amount)s", amount=least)))
    if terms.ends_at:
        last = i18n.day(terms.ends_at - timedelta(microseconds=1))
        told.append(str(_("Until %(day)s", day=last)))
    return told
