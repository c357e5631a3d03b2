"""The wizard's form: everything of a campaign, asked in seven steps.

The answers of a draft are texts, so a form is always built from texts, and what
cannot be read is shown again as it was written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from ambassadors.audiences import Audience
from ambassadors.models import AmbassadorKind
from campaigns import briefs, forms
from campaigns import terms as campaign_terms
from campaigns.briefs import LONGEST, Told
from campaigns.drafts import Answers
from campaigns.forms import CampaignForm
from campaigns.forms_mentions import FORMATS
from campaigns.models import Campaign, Format, Objective, RewardKind
from campaigns.terms import Buyer, Case, Terms, Tier
from campaigns.wording import OBJECTIVES
from core import countries, money
from core.errors import DomainError, Fault, InvalidInputError
from core.forms import words

CASES = TIERS = 3  # rows on the page
KINDS = {
    AmbassadorKind.CUSTOMER: _l("Customers"),
    AmbassadorKind.MICRO_CREATOR: _l("Micro-creators"),
    AmbassadorKind.EMPLOYEE: _l("Employees"),
    AmbassadorKind.PARTNER: _l("Partners"),
}
BUYERS = {"": _l("anyone"), Buyer.NEW.value: _l("new"), Buyer.EXISTING.value: _l("returning")}
STEPS: dict[str, tuple[str, ...]] = {
    "goal": ("objective", "name"),
    "audience": ("kinds", "audience_countries", "languages"),
    "benefit": (
        "percent", "free_shipping", "amount", "free_product", "countries", "minimum_basket",
        "new_customers_only",
    ),
    "reward": (
        "reward_kind", "rate", "fixed", "months", "reward_new_only", "hold_days", "maximum",
        "ambassador_maximum",
        *(f"{part}{row}" for row in range(1, CASES + 1)
          for part in ("case_pays", "case_products", "case_countries", "case_buyer")),
        *(f"{part}{row}" for row in range(1, TIERS + 1) for part in ("tier_start", "tier_pays")),
    ),
    "budget": (
        "budget", "starts_on", "ends_on", "goal", "uses_per_code", "uses_per_customer",
        "refund_frees_use",
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
_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}
_WHOLE = {"inputmode": "numeric", "autocomplete": "off"}


class WizardForm(CampaignForm):
    """Everything a person decides of a campaign, its audience, its code and its brief."""

    objective = RadioField(
        _l("What is it for?"),
        choices=[SelectChoice(word.value, text) for word, text in OBJECTIVES.items()],
    )
    kinds = SelectMultipleField(
        _l("Which ambassadors?"),
        choices=[SelectChoice(kind.value, text) for kind, text in KINDS.items()],
        description=_l("None chosen: all of them."),
    )
    audience_countries = StringField(
        _l("Who live in"), description=_l("Two letters each, such as CH, FR. Empty: everywhere.")
    )
    languages = SelectMultipleField(
        _l("Who read"),
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "Français")],
        description=_l("None chosen: any language."),
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
    ambassador_maximum = StringField(_l("At most for one ambassador in all"), render_kw=_DECIMAL)
    goal = StringField(
        _l("Purchases to reach"),
        render_kw=_WHOLE,
        description=_l("With a last day this is a sprint, with a counter."),
    )
    code = StringField(
        _l("Code"),
        [Length(max=60)],
        description=_l("One code for all readers, such as READERS25. Empty: codes come later."),
    )
    owner = SelectField(_l("Whose code"), choices=[SelectChoice("", _l("nobody’s"))], default="")
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


for _row in range(1, CASES + 1):
    setattr(WizardForm, f"case_pays{_row}", StringField(_l("Earns"), render_kw=_DECIMAL))
    setattr(WizardForm, f"case_products{_row}", StringField(_l("For products")))
    setattr(WizardForm, f"case_countries{_row}", StringField(_l("In countries")))
    setattr(
        WizardForm, f"case_buyer{_row}",
        SelectField(
            _l("For customers who are"), choices=[SelectChoice(w, t) for w, t in BUYERS.items()],
            default="",
        ),
    )  # fmt: skip
for _row in range(1, TIERS + 1):
    setattr(
        WizardForm, f"tier_start{_row}", StringField(_l("From purchase number"), render_kw=_WHOLE)
    )
    setattr(WizardForm, f"tier_pays{_row}", StringField(_l("Earns"), render_kw=_DECIMAL))


@dataclasses.dataclass(slots=True)
class Read:
    """What the answers of a draft say, and what is wrong with them."""

    terms: Terms | None
    brief: Told | None
    faults: list[Fault]

    def of_step(self, step: str) -> list[Fault]:
        """Return the faults of a step's fields."""
        return [fault for fault in self.faults if field_of(fault) in STEPS[step]]


def field_of(fault: Fault) -> str:
    """Return the field that a fault is shown at."""
    name = fault.pointer.strip("/").split("/")[0]
    return {"benefits": "percent", "cases": "case_pays1", "tiers": "tier_start1"}.get(name, name)


def form_of(answers: Answers, owners: Sequence[tuple[str, str]] = ()) -> WizardForm:
    """Return the form as a draft's answers fill it.

    Args:
        answers: Texts by field.
        owners: Ambassadors who may have the code: value and name.
    """
    told = MultiDict([(name, text) for name, texts in answers.items() for text in texts])
    form = WizardForm(formdata=told, meta={"csrf": False})  # the door checks the token
    form.owner.choices = [*form.owner.choices, *(SelectChoice(*one) for one in owners)]
    return form


def read(form: WizardForm, *, currency: str, timezone: str) -> Read:
    """Return what a form says: terms and brief, or every fault."""
    form.validate()
    faults = [
        Fault(f"/{field.name}", str(_flat(field.errors))) for field in form if field.errors
    ]  # fmt: skip
    if form.objective.data not in set(Objective):
        faults = [fault for fault in faults if fault.pointer != "/objective"]
        faults.append(Fault("/objective", str(_l("Choose what the campaign is for."))))
        form.objective.data = Objective.ACQUISITION.value  # only to read the rest
    terms: Terms | None = None
    try:
        terms = _terms(form, currency=currency, timezone=timezone)
        campaign_terms.require(terms)
    except DomainError as error:
        known = {fault.pointer for fault in faults}
        faults += [fault for fault in error.faults if fault.pointer not in known]
    brief = _brief(form, faults)
    return Read(terms, brief, faults) if not faults else Read(None, brief, faults)


def _terms(form: WizardForm, *, currency: str, timezone: str) -> Terms:
    faults: list[Fault] = []
    terms: Terms | None = None
    try:
        terms = forms.terms_of(form, currency=currency, timezone=timezone, before=None)
    except InvalidInputError as error:
        faults += error.faults
    more = _Extra(form, currency)
    extra = more.reward()
    faults += more.faults
    if faults or terms is None:
        raise InvalidInputError(str(_l("Some terms need a correction.")), faults=faults)
    return dataclasses.replace(terms, reward=dataclasses.replace(terms.reward, **extra))


class _Extra(forms._Reader):
    """Reads what the wizard asks beyond the plain form."""

    def reward(self) -> dict[str, Any]:  # type: ignore[override]
        return {
            "months": self.whole("months"),
            "ambassador_maximum": self.amount("ambassador_maximum"),
            "cases": tuple(one for n in range(1, CASES + 1) if (one := self._case(n))),
            "tiers": tuple(tier for n in range(1, TIERS + 1) if (tier := self._tier(n))),
        }

    def _case(self, row: int) -> Case | None:
        said = [str(self._form[f"case_{name}{row}"].data or "").strip()
                for name in ("pays", "products", "countries", "buyer")]  # fmt: skip
        if not any(said):
            return None
        _, products, places, buyer = said
        return Case(
            **self._pays(f"case_pays{row}"), products=words(products),
            countries=tuple(word.upper() for word in words(places)),
            buyer=Buyer(buyer) if buyer else None,
        )  # fmt: skip

    def _tier(self, row: int) -> Tier | None:
        start = self.whole(f"tier_start{row}")
        pays = self._pays(f"tier_pays{row}")
        if start is None and not (self._form[f"tier_pays{row}"].data or "").strip():
            return None
        return Tier(start=start or 0, **pays)

    def _pays(self, name: str) -> dict[str, int | None]:
        is_fixed = self._form.reward_kind.data == RewardKind.FIXED.value
        return {"amount": self.amount(name)} if is_fixed else {"rate": self.share(name)}


def _brief(form: WizardForm, faults: list[Fault]) -> Told | None:
    places = tuple(word.upper() for word in words(form.audience_countries.data))
    try:
        for code in places:
            countries.require(code)
    except ValueError:
        detail = str(_l("Write country codes of two letters such as CH, FR."))
        faults.append(Fault("/audience_countries", detail))
        return None
    goal = (form.goal.data or "").strip()
    if goal and not (goal.isascii() and goal.isdigit() and 0 < int(goal[:10]) <= 10**9):
        faults.append(Fault("/goal", str(_l("Write a whole number."))))
        return None
    strange = briefs.faults_of(
        {"text_en": form.text_en.data or "", "text_fr": form.text_fr.data or ""}
    )
    if strange:
        faults += [one for one in strange if one.pointer not in {fault.pointer for fault in faults}]
        return None
    kinds = tuple(AmbassadorKind(kind) for kind in form.kinds.data or () if kind in set(KINDS))
    chosen = form.format.data
    return Told(
        audience=Audience(
            kinds=kinds, countries=places,
            languages=tuple(one for one in form.languages.data or () if one in {"en", "fr"}),
        ),
        format=Format(chosen) if chosen in set(Format) else Format.COMMISSION,
        text_en=(form.text_en.data or "").strip(), text_fr=(form.text_fr.data or "").strip(),
        goal=int(goal) if goal else None,
    )  # fmt: skip


def answers_of(campaign: Campaign, brief: Any, timezone: str) -> Answers:
    """Return a campaign's terms and brief as answers, for a copy of it; its code stays its own."""
    told = forms.of_campaign(campaign, timezone)
    del told["seen"]
    reward = campaign_terms.reward_of(campaign.rules[-1])
    told |= {
        "months": "" if reward.months is None else str(reward.months),
        "ambassador_maximum": _major(reward.ambassador_maximum, campaign.currency),
    }
    for row, case in enumerate(reward.cases[:CASES], 1):
        told |= {
            f"case_pays{row}": _paid(case, campaign.currency),
            f"case_products{row}": ", ".join(case.products),
            f"case_countries{row}": ", ".join(case.countries),
            f"case_buyer{row}": case.buyer.value if case.buyer else "",
        }
    for row, step in enumerate(reward.tiers[:TIERS], 1):
        told |= {f"tier_start{row}": str(step.start),
                 f"tier_pays{row}": _paid(step, campaign.currency)}  # fmt: skip
    answers = {name: _texts(value) for name, value in told.items()}
    if brief is None:
        return answers
    return answers | {
        "kinds": list(brief.audience.get("kinds", [])),
        "audience_countries": [", ".join(brief.audience.get("countries", []))],
        "languages": list(brief.audience.get("languages", [])),
        "format": [brief.format.value], "text_en": [brief.text_en], "text_fr": [brief.text_fr],
        "goal": [str(brief.goal or "")],
    }  # fmt: skip


def _texts(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["y"] if value else []
    return [] if value is None else [str(value)]


def _paid(other: Case | Tier, currency: str) -> str:
    if other.rate is not None:
        return forms._percent(other.rate)
    return _major(other.amount, currency)


def _major(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(money.to_major(minor, currency))


def _flat(errors: Any) -> str:
    return " ".join(str(error) for error in errors)
