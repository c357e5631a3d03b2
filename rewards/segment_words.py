"""A segment's rule in sentences, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from ambassadors import circles, program
from ambassadors.forms import KINDS, STATUSES
from ambassadors.models import AmbassadorKind, AmbassadorStatus
from ambassadors.segments import Rule
from core import i18n

_LANGUAGES = {"fr": "français", "en": "English"}


def of_rule(rule: Rule) -> list[str]:
    """Return a sentence for each thing that a rule asks; none asks nothing."""
    return [*_of_person(rule), *_of_belonging(rule), *_of_facts(rule)] or [_("Everybody.")]


def _of_person(rule: Rule) -> list[str]:
    found = []
    if rule.kinds:
        kinds = [KINDS[AmbassadorKind(kind)] for kind in rule.kinds]
        found.append(_("Kind: %(words)s.", words=_list(kinds)))
    if rule.statuses:
        states = [STATUSES[AmbassadorStatus(status)] for status in rule.statuses]
        found.append(_("Status: %(words)s.", words=_list(states)))
    if rule.countries:
        found.append(_("Country: %(words)s.", words=_list(rule.countries)))
    if rule.languages:
        spoken = [_LANGUAGES.get(one, one) for one in rule.languages]
        found.append(_("Language: %(words)s.", words=_list(spoken)))
    return found


def _of_belonging(rule: Rule) -> list[str]:
    found = []
    if rule.joined_from:
        day = i18n.day(date.fromisoformat(rule.joined_from))
        found.append(_("Member since %(day)s or later.", day=day))
    if rule.joined_until:
        day = i18n.day(date.fromisoformat(rule.joined_until))
        found.append(_("Member since %(day)s or earlier.", day=day))
    if rule.circles:
        known = circles.names()
        found.append(_("In: %(words)s.", words=_list([known.get(n, "–") for n in rule.circles])))
    if rule.tags:
        found.append(_("Tag: %(words)s.", words=_list(rule.tags)))
    return found


def _of_facts(rule: Rule) -> list[str]:
    found = []
    if rule.brought_at_least is not None:
        found.append(
            ngettext(
                "Brought at least %(count)s purchase in the last %(days)s days.",
                "Brought at least %(count)s purchases in the last %(days)s days.",
                rule.brought_at_least,
                count=i18n.number(rule.brought_at_least),
                days=i18n.number(rule.brought_days),
            )
        )
    if rule.earned_at_least is not None:
        amount = i18n.money(rule.earned_at_least, program.current().currency)
        found.append(_("Earned at least %(amount)s in all.", amount=amount))
    if rule.silent_days is not None:
        days = i18n.number(rule.silent_days)
        found.append(_("Ambassadors who brought no purchase for %(days)s days.", days=days))
    return found


def _list(words: Iterable[object]) -> str:
    return ", ".join(str(word) for word in words)
