"""Between a campaign and the texts of its form: texts become terms and brief, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from ambassadors.audiences import Audience
from ambassadors.models import AmbassadorKind
from campaigns import briefs
from campaigns import terms as campaign_terms
from campaigns.briefs import Told
from campaigns.drafts import Answers
from campaigns.forms import CASE, ROWS, TIER, WizardForm
from campaigns.models import (
    BenefitKind,
    Brief,
    Campaign,
    Format,
    Objective,
    Period,
    RewardKind,
)  # fmt: skip
from campaigns.terms import AmbassadorEarns, Buyer, Case, FriendGets, Terms, Tier
from core import countries, money
from core.errors import DomainError, Fault, InvalidInputError
from core.forms import words

_MOST_DIGITS = 9  # of a whole number


@dataclasses.dataclass(slots=True)
class Read:
    """What the answers of a draft say, and what is wrong with them."""

    terms: Terms | None
    brief: Told | None
    effective_on: date | None  # from when a changed reward counts
    faults: list[Fault]


def read(form: WizardForm, *, currency: str, timezone: str, before: Terms | None) -> Read:
    """Return what a form says: terms and brief, or every fault.

    Args:
        form: Built from the answers of a draft.
        currency: Of its amounts.
        timezone: Of its days.
        before: The terms that it changes; what the form does not show stays.
    """
    form.validate()
    faults = [
        Fault(f"/{field.name}", _flat(field.errors)) for field in form if field.errors
    ]  # fmt: skip
    if form.objective.data not in set(Objective):
        faults = [fault for fault in faults if fault.pointer != "/objective"]
        faults.append(Fault("/objective", str(_l("Choose what the campaign is for."))))
        form.objective.data = Objective.ACQUISITION.value  # only to read the rest
    terms: Terms | None = None
    try:
        terms = _terms(form, currency=currency, timezone=timezone, before=before)
        campaign_terms.require(terms)
    except DomainError as error:
        known = {fault.pointer for fault in faults}
        faults += [fault for fault in error.faults if fault.pointer not in known]
    brief = _brief(form, faults)
    return Read(None if faults else terms, brief, form.effective_on.data, faults)


def _terms(form: WizardForm, *, currency: str, timezone: str, before: Terms | None) -> Terms:
    reader = _Reader(form, currency)
    starts_at, ends_at = campaign_terms.window(form.starts_on.data, form.ends_on.data, timezone)
    found = Terms(
        name=(form.name.data or "").strip(), objective=Objective(form.objective.data),
        starts_at=starts_at, ends_at=ends_at, benefits=reader.benefits(),
        reward=reader.reward(before.reward if before else AmbassadorEarns()),
        countries=_codes(form.countries.data), currencies=_codes(form.currencies.data),
        products=words(form.products.data), minimum_basket=reader.amount("minimum_basket"),
        new_customers_only=bool(form.new_customers_only.data),
        uses_per_code=reader.whole("uses_per_code"),
        uses_per_customer=reader.whole("uses_per_customer"),
        refund_frees_use=bool(form.refund_frees_use.data), budget=reader.amount("budget"),
        rewarded_limit=reader.whole("rewarded_limit"),
        points_months=reader.whole("points_months"),
        landing_url=(form.landing_url.data or "").strip() or None,
    )  # fmt: skip
    if reader.faults:
        raise InvalidInputError(str(_l("Some terms need a correction.")), faults=reader.faults)
    return found


class _Reader:
    """Reads the texts of a form and gathers what is wrong."""

    def __init__(self, form: WizardForm, currency: str) -> None:
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
        """Return what the ambassador gets; switches of the base that no page shows stay."""
        days = self.whole("hold_days")
        cases = tuple(case for row in ROWS if (case := self._case(row)))
        tiers = tuple(tier for row in ROWS if (tier := self._tier(row)))
        usual = self._usual(is_needed=not (self._kind is RewardKind.PERK and (cases or tiers)))
        return dataclasses.replace(
            before, kind=self._kind, cases=cases, tiers=tiers, rate=usual.get("rate"),
            amount=usual.get("amount"), perk_id=usual.get("perk_id"),
            maximum=self.amount("maximum"), hold_days=before.hold_days if days is None else days,
            new_customers_only=bool(self._form.reward_new_only.data), months=self.whole("months"),
            ambassador_maximum=self.amount("ambassador_maximum"),
            **self._period_cap("ambassador_period"), **self._period_cap("campaign_period"),
        )  # fmt: skip

    def _period_cap(self, name: str) -> dict[str, Any]:
        """Return the most of a period; without an amount there is none."""
        maximum, chosen = self.amount(f"{name}_maximum"), self._form[name].data
        period = Period(chosen) if chosen in set(Period) else Period.MONTH
        return {name: None if maximum is None else period, f"{name}_maximum": maximum}

    @property
    def _kind(self) -> RewardKind:
        chosen = self._form.reward_kind.data
        return RewardKind(chosen) if chosen in set(RewardKind) else RewardKind.PERCENT

    def _usual(self, *, is_needed: bool) -> dict[str, int | None]:
        """Return the usual reward; to leave it out would give nothing by mistake."""
        field = {RewardKind.PERCENT: "rate"}.get(self._kind, self._kind.value)
        gives = self._gives(field, field)
        is_silent = not any(fault.pointer == f"/{field}" for fault in self.faults)
        if is_needed and None in gives.values() and is_silent:
            detail = str(_l("Write what the ambassador earns; 0 for nothing."))
            if self._kind is RewardKind.PERK:
                detail = str(_l("Choose a perk."))
            self.faults.append(Fault(f"/{field}", detail))
        return gives

    def _case(self, row: int) -> Case | None:
        if not any((self._form[f"{part}{row}"].data or "").strip() for part in CASE):
            return None
        buyer = self._form[f"case_buyer{row}"].data
        return Case(
            **self._gives(f"case_pays{row}", f"case_perk{row}"),
            products=words(self._form[f"case_products{row}"].data),
            countries=_codes(self._form[f"case_countries{row}"].data),
            buyer=Buyer(buyer) if buyer in set(Buyer) else None,
            circle_id=_id(self._form[f"case_circle{row}"].data),
        )  # fmt: skip

    def _tier(self, row: int) -> Tier | None:
        if not any((self._form[f"{part}{row}"].data or "").strip() for part in TIER):
            return None
        start = self.whole(f"tier_start{row}")
        return Tier(start=start or 0, **self._gives(f"tier_pays{row}", f"tier_perk{row}"))

    def _gives(self, figure: str, perk: str) -> dict[str, int | None]:
        """Return what two fields say in the chosen kind: a figure, or a perk."""
        if self._kind is RewardKind.PERK:
            return {"perk_id": _id(self._form[perk].data)}
        if self._kind is RewardKind.PERCENT:
            return {"rate": self.share(figure)}
        is_points = self._kind is RewardKind.POINTS
        return {"amount": self.whole(figure) if is_points else self.amount(figure)}

    def _read(self, name: str, read: Callable[[str], int]) -> int | None:
        text = (self._form[name].data or "").strip()
        if not text:
            return None
        try:
            return int(read(text))
        except InvalidInputError as error:
            self.faults.append(Fault(f"/{name}", error.detail))
            return None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InvalidInputError(str(_l("Write a whole number.")))
    if len(text) > _MOST_DIGITS:
        raise InvalidInputError(str(_l("This number is too large: write at most 999,999,999.")))
    return int(text)


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _ids(texts: list[str] | None) -> tuple[int, ...]:
    return tuple(number for text in texts or () if (number := _id(text)) is not None)


def _codes(text: str | None) -> tuple[str, ...]:
    return tuple(word.upper() for word in words(text))


def _brief(form: WizardForm, faults: list[Fault]) -> Told | None:
    places = _codes(form.audience_countries.data)
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
    kinds = tuple(
        AmbassadorKind(kind) for kind in form.kinds.data or () if kind in set(AmbassadorKind)
    )
    chosen = form.format.data
    return Told(
        audience=Audience(
            kinds=kinds, countries=places,
            languages=tuple(one for one in form.languages.data or () if one in {"en", "fr"}),
            circle_ids=_ids(form.circle_ids.data), segment_ids=_ids(form.segment_ids.data),
        ),
        format=Format(chosen) if chosen in set(Format) else Format.COMMISSION,
        text_en=(form.text_en.data or "").strip(), text_fr=(form.text_fr.data or "").strip(),
        goal=int(goal) if goal else None,
    )  # fmt: skip


def answers_of(campaign: Campaign, brief: Brief | None, timezone: str) -> Answers:
    """Return a campaign's terms and brief as answers; its codes stay with it."""
    told = campaign_terms.of(campaign)
    answers = _plain(told, campaign.currency, timezone) | _rewarding(told.reward, campaign.currency)
    if brief is None:
        return answers
    lists = {name: list(map(str, brief.audience.get(name, [])))
             for name in ("kinds", "languages", "circle_ids", "segment_ids")}  # fmt: skip
    return answers | lists | {
        "audience_countries": [", ".join(brief.audience.get("countries", []))],
        "format": [brief.format.value], "text_en": [brief.text_en], "text_fr": [brief.text_fr],
        "goal": [_text(brief.goal)],
    }  # fmt: skip


def _plain(told: Terms, currency: str, timezone: str) -> Answers:
    starts_on, ends_on = campaign_terms.days(told.starts_at, told.ends_at, timezone)
    gets = {one.kind: one for one in told.benefits}
    nothing = FriendGets(kind=BenefitKind.PERCENT)
    product = gets.get(BenefitKind.FREE_PRODUCT, nothing).product
    texts = {
        "name": told.name, "objective": told.objective.value,
        "starts_on": starts_on.isoformat() if starts_on else "",
        "ends_on": ends_on.isoformat() if ends_on else "",
        "percent": _percent(gets.get(BenefitKind.PERCENT, nothing).percent),
        "amount": _major(gets.get(BenefitKind.AMOUNT, nothing).amount, currency),
        "free_product": product or "", "countries": ", ".join(told.countries),
        "currencies": ", ".join(told.currencies), "products": ", ".join(told.products),
        "minimum_basket": _major(told.minimum_basket, currency),
        "uses_per_code": _text(told.uses_per_code),
        "uses_per_customer": _text(told.uses_per_customer),
        "budget": _major(told.budget, currency), "rewarded_limit": _text(told.rewarded_limit),
        "points_months": _text(told.points_months),
        "landing_url": told.landing_url or "",
    }  # fmt: skip
    ticked = {
        "free_shipping": BenefitKind.FREE_SHIPPING in gets,
        "new_customers_only": told.new_customers_only,
        "refund_frees_use": told.refund_frees_use,
    }
    return {name: [text] for name, text in texts.items()} | _ticks(ticked)


def _rewarding(reward: AmbassadorEarns, currency: str) -> Answers:
    field = {RewardKind.PERCENT: "rate"}.get(reward.kind, reward.kind.value)
    texts = {
        "reward_kind": reward.kind.value, field: _given(reward, reward.kind, currency),
        "maximum": _major(reward.maximum, currency), "hold_days": str(reward.hold_days),
        "months": _text(reward.months),
        "ambassador_maximum": _major(reward.ambassador_maximum, currency),
        "ambassador_period_maximum": _major(reward.ambassador_period_maximum, currency),
        "ambassador_period": reward.ambassador_period or Period.MONTH.value,
        "campaign_period_maximum": _major(reward.campaign_period_maximum, currency),
        "campaign_period": reward.campaign_period or Period.MONTH.value,
    }  # fmt: skip
    end = "perk" if reward.kind is RewardKind.PERK else "pays"
    for row, case in enumerate(reward.cases, 1):
        texts |= {
            f"case_{end}{row}": _given(case, reward.kind, currency),
            f"case_products{row}": ", ".join(case.products),
            f"case_countries{row}": ", ".join(case.countries),
            f"case_buyer{row}": case.buyer.value if case.buyer else "",
            f"case_circle{row}": _text(case.circle_id),
        }
    for row, step in enumerate(reward.tiers, 1):
        texts |= {
            f"tier_start{row}": str(step.start),
            f"tier_{end}{row}": _given(step, reward.kind, currency),
        }
    ticked = {"reward_new_only": reward.new_customers_only}
    return {name: [text] for name, text in texts.items()} | _ticks(ticked)


def _ticks(ticked: dict[str, bool]) -> Answers:
    return {name: ["y"] if is_so else [] for name, is_so in ticked.items()}


def _given(other: AmbassadorEarns | Case | Tier, kind: RewardKind, currency: str) -> str:
    if kind is RewardKind.PERCENT:
        return _percent(other.rate)
    if kind is RewardKind.PERK:
        return _text(other.perk_id)
    return _text(other.amount) if kind is RewardKind.POINTS else _major(other.amount, currency)


def _percent(basis_points: int | None) -> str:
    return "" if basis_points is None else f"{(Decimal(basis_points) / 100).normalize():f}"


def _major(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(money.to_major(minor, currency))


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _flat(errors: Any) -> str:
    return " ".join(str(error) for error in errors)
