"""The wizard's steps: which fields each asks, and the form as a draft's answers fill it.

The answers of a draft are texts, so a form is always built from texts, and what
cannot be read is shown again as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice

from campaigns.drafts import Answers
from campaigns.forms import CASE, NO_CIRCLE, NO_PERK, ROWS, TIER, WizardForm
from core.errors import Fault

STEPS: dict[str, tuple[str, ...]] = {
    "goal": ("objective", "name"),
    "audience": ("kinds", "circle_ids", "segment_ids", "audience_countries", "languages"),
    "benefit": (
        "percent", "free_shipping", "amount", "free_product", "countries", "currencies",
        "products", "minimum_basket", "new_customers_only",
    ),
    "reward": (
        "reward_kind", "rate", "fixed", "points", "points_months", "perk", "months",
        "reward_new_only", "hold_days", "maximum", "ambassador_maximum",
        "ambassador_period_maximum", "ambassador_period", "campaign_period_maximum",
        "campaign_period", "effective_on",
        *(f"{part}{row}" for row in ROWS for part in (*CASE, *TIER)),
    ),
    "budget": (
        "budget", "rewarded_limit", "starts_on", "ends_on", "goal", "uses_per_code",
        "uses_per_customer", "refund_frees_use",
    ),
    "brief": ("code", "owner", "landing_url", "text_en", "text_fr", "format"),
    "review": (),
}  # fmt: skip
TITLES = {
    "goal": _l("Goal"),
    "audience": _l("Audience"),
    "benefit": _l("Friend’s benefit"),
    "reward": _l("Reward"),
    "budget": _l("Budget and window"),
    "brief": _l("Code and brief"),
    "review": _l("Review"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Menus:
    """What may be chosen, as value and name."""

    owners: Sequence[tuple[str, str]] = ()  # ambassadors who may have the code
    perks: Sequence[tuple[str, str]] = ()
    circles: Sequence[tuple[str, str]] = ()
    segments: Sequence[tuple[str, str]] = ()


def field_of(fault: Fault) -> str:
    """Return the field that a fault is shown at."""
    name = fault.pointer.strip("/").split("/")[0]
    return {"benefits": "percent", "cases": "case_pays1", "tiers": "tier_start1"}.get(name, name)


def of_step(faults: Sequence[Fault], step: str) -> list[Fault]:
    """Return the faults of a step's fields."""
    return [fault for fault in faults if field_of(fault) in STEPS[step]]


def form_of(answers: Answers, menus: Menus) -> WizardForm:
    """Return the form as a draft's answers fill it."""
    told: MultiDict[str, str] = MultiDict(
        [(name, text) for name, texts in answers.items() for text in texts]
    )
    form = WizardForm(formdata=told, meta={"csrf": False})  # the door checks the token
    form.owner.choices = [*form.owner.choices, *_choices(menus.owners)]
    form.circle_ids.choices = _choices(menus.circles)
    form.segment_ids.choices = _choices(menus.segments)
    for name in ("perk", *(f"{part}{row}" for row in ROWS for part in ("case_perk", "tier_perk"))):
        form[name].choices = [NO_PERK, *_choices(menus.perks)]
    for row in ROWS:
        form[f"case_circle{row}"].choices = [NO_CIRCLE, *_choices(menus.circles)]
    return form


def _choices(named: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, name) for value, name in named]
