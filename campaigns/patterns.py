"""Templates for common campaigns: answers to begin a draft with, all of them open to change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_babel import LazyString, force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from campaigns.drafts import Answers
from core import clock

_SPRINT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of campaign that brands often run."""

    name: LazyString
    about: LazyString
    answers: Answers


PATTERNS = {
    "member": Pattern(
        _l("Member brings member"),
        _l("A discount on the friend’s first order, and a share of it for the ambassador."),
        {
            "objective": ["acquisition"], "kinds": ["customer"], "percent": ["15"],
            "new_customers_only": ["y"], "reward_kind": ["percent"], "rate": ["10"],
            "months": ["0"], "uses_per_customer": ["1"], "format": ["commission"],
        },
    ),
    "creators": Pattern(
        _l("Launch with micro-creators"),
        _l("A code for each creator, who earns for 12 months and more from the tenth purchase."),
        {
            "objective": ["acquisition"], "kinds": ["micro_creator"], "percent": ["10"],
            "reward_kind": ["percent"], "rate": ["12"], "months": ["12"],
            "tier_start1": ["10"], "tier_pays1": ["15"], "format": ["commission"],
        },
    ),
    "partner": Pattern(
        _l("Partner code"),
        _l("One code for all readers of a partner: a quarter off, free delivery, two countries."),
        {
            "objective": ["acquisition"], "kinds": ["partner"], "percent": ["25"],
            "free_shipping": ["y"], "countries": ["US, GB"], "reward_kind": ["percent"],
            "rate": ["10"], "uses_per_customer": ["1"], "format": ["commission"],
        },
    ),
    "sprint": Pattern(
        _l("Mobilisation sprint"),
        _l("A goal and a last day, two weeks from now, with a counter to follow."),
        {
            "objective": ["acquisition"], "percent": ["10"], "reward_kind": ["fixed"],
            "fixed": ["5"], "goal": ["100"], "format": ["commission"],
        },
    ),
}  # fmt: skip


def answers(name: str, *, timezone: str, hold_days: int) -> Answers:
    """Return the answers that a template gives; an unknown name gives an empty draft.

    Args:
        name: Of `PATTERNS`.
        timezone: Of the days of a sprint.
        hold_days: The program's hold period.
    """
    begun: Answers = {"hold_days": [str(hold_days)], "reward_kind": ["percent"]}
    pattern = PATTERNS.get(name)
    if pattern is None:
        return begun
    begun |= {field: list(texts) for field, texts in pattern.answers.items()}
    if name == "sprint":
        last = clock.local_day(clock.now(), timezone) + timedelta(days=_SPRINT_DAYS)
        begun["ends_on"] = [last.isoformat()]
    for language in ("en", "fr"):
        with force_locale(language):
            begun[f"text_{language}"] = [_("I like it, and with my code you pay less.")]
    return begun
