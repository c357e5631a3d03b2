"""Whether a code applies to a basket or an order, and what it then gives.

One list of rules serves the shop's checkout (`validate`) and the credit of an
order that has come in (`referrals/attribution.py`), so that both always agree.
A rule looks at plain values; limits are enforced where the use is written
(`referrals/redemptions.py`), here they are only foretold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, AmbassadorStatus, Member
from campaigns.models import Benefit, BenefitKind, Campaign, CampaignStatus
from core import clock, emails, money, spans
from core.db import db, many, run
from core.remembered import Remembered, of_app
from core.spans import Spans
from referrals import codes
from referrals.models import Code, CodeCustomerUse, CodeStatus, Customer, CustomerIdentity


class Reason(StrEnum):
    """Why a code does not apply (rule 4)."""

    NOT_FOUND = "not_found"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"
    FROZEN = "frozen"
    LIMIT_REACHED = "limit_reached"
    CUSTOMER_LIMIT_REACHED = "customer_limit_reached"
    BUDGET_REACHED = "budget_reached"
    NOT_ELIGIBLE_COUNTRY = "not_eligible_country"
    NOT_ELIGIBLE_CURRENCY = "not_eligible_currency"
    NOT_ELIGIBLE_PRODUCT = "not_eligible_product"
    BELOW_MINIMUM = "below_minimum"
    EXISTING_CUSTOMER = "existing_customer"
    SELF_REFERRAL = "self_referral"
    ALREADY_REDEEMED = "already_redeemed"
    CAMPAIGN_NOT_RUNNING = "campaign_not_running"


@dataclass(frozen=True, slots=True)
class BenefitTerms:
    """One of the things a code gives."""

    kind: BenefitKind
    percent: int | None = None  # basis points
    amount: int | None = None  # minor units of the campaign's currency
    product: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A code with everything that decides whether it applies."""

    code_id: int
    key: str
    text: str
    status: CodeStatus
    status_since: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    used: int
    uses_limit: int | None
    uses_per_customer: int | None
    campaign_id: int
    campaign_slug: str
    campaign_status: CampaignStatus
    campaign_since: datetime
    campaign_breaks: Spans
    campaign_starts_at: datetime | None
    campaign_ends_at: datetime | None
    countries: tuple[str, ...]
    currencies: tuple[str, ...]
    products: tuple[str, ...]
    currency: str
    minimum_basket: int | None
    new_customers_only: bool
    refund_frees_use: bool
    has_budget_left: bool
    benefits: tuple[BenefitTerms, ...]
    ambassador_id: int | None
    ambassador_status: AmbassadorStatus | None
    ambassador_since: datetime | None
    ambassador_breaks: Spans | None
    member_id: int | None
    member_email_hash: str | None


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One line of a basket."""

    sku: str
    quantity: int
    amount: int  # minor units, all pieces together


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What a friend is about to buy, or bought.

    `is_new` is None where the customer is not known; `subtotal` is in minor
    units before the code's own discount, without tax and shipping.
    """

    currency: str
    subtotal: int
    at: datetime
    country: str | None = None
    lines: tuple[BasketLine, ...] = ()
    customer_key: str | None = None
    member_id: int | None = None
    is_new: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a code applies, and what it takes off."""

    terms: Terms | None
    reason: Reason | None
    discount: int = 0

    @property
    def is_valid(self) -> bool:
        return self.reason is None


def remembered(text: str) -> Terms | None:
    """Return the terms of a code that this process read a moment ago, or None."""
    return _recent().get(codes.fold(text))


def look_up(text: str, *, may_remember: bool = False) -> Terms | None:
    """Return the terms of a code, and remember them for a moment.

    Args:
        text: As people write it.
        may_remember: What its campaign says may be as old as what is remembered of codes.
    """
    key = codes.fold(text)
    terms = _load([key], may_remember=may_remember).get(key)
    if terms is not None:
        _recent().put(key, terms)
    return terms


def _recent() -> Remembered[Terms]:
    return of_app("code terms")


def validate(terms: Terms | None, basket: Basket) -> Verdict:
    """Return whether a code applies to a basket now; writes nothing.

    The answer is a promise for as long as the limits hold: reserve the code to
    be sure of it.
    """
    if terms is None:
        return Verdict(None, Reason.NOT_FOUND)
    reason = refusal(terms, basket) or _foretold_limit(terms, basket)
    return Verdict(terms, reason, 0 if reason else discount(terms, basket))


def refusal(terms: Terms, basket: Basket) -> Reason | None:
    """Return the first rule that speaks against a code, or None.

    A code, campaign or ambassador that was stopped is stopped for orders from
    that moment on; orders from before keep their credit.
    """
    if terms.status is CodeStatus.FROZEN and basket.at >= terms.status_since:
        return Reason.FROZEN
    if not is_running(
        terms.campaign_status, terms.campaign_since, terms.campaign_breaks, basket.at
    ):
        return Reason.CAMPAIGN_NOT_RUNNING
    starts = (terms.starts_at, terms.campaign_starts_at)
    ends = (terms.ends_at, terms.campaign_ends_at)
    return (
        outside_window(starts, ends, basket.at)
        or _scope(terms, basket)
        or _customer(terms, basket)
        or (None if terms.has_budget_left else Reason.BUDGET_REACHED)
    )


def discount(terms: Terms, basket: Basket) -> int:
    """Return what the code takes off a basket, in minor units of the basket's currency.

    Percentages apply to the products in scope, one after the other on what is
    left, half-up; an amount applies in the campaign's own currency.
    """
    left = _in_scope(terms, basket)
    for benefit in terms.benefits:
        if benefit.kind is BenefitKind.PERCENT and benefit.percent:
            left -= money.share(left, benefit.percent)
        elif benefit.kind is BenefitKind.AMOUNT and basket.currency == terms.currency:
            left -= min(left, benefit.amount or 0)
    return _in_scope(terms, basket) - left


def terms_of(keys: Sequence[str]) -> dict[str, Terms]:
    """Return the terms of the codes with these keys, in two statements."""
    return _load(sorted(set(keys)))


def terms_of_stripe(ids: Sequence[str]) -> dict[str, Terms]:
    """Return the terms of the codes with these promotion-code ids of Stripe, by that id."""
    rows = db.session.execute(
        sa.select(Code.stripe_promotion_code, Code.key).where(
            Code.stripe_promotion_code.in_(sorted(set(ids)))
        )
    ).all()
    terms = terms_of([row.key for row in rows])
    return {row.stripe_promotion_code: terms[row.key] for row in rows}


_TERMS = (
    sa.select(
        Code.id.label("code_id"), Code.key, Code.text, Code.status, Code.status_since,
        Code.starts_at, Code.ends_at, Code.used, Code.uses_limit, Code.uses_per_customer,
        Code.campaign_id, Code.ambassador_id, Ambassador.status.label("ambassador_status"),
        Ambassador.status_since.label("ambassador_since"),
        Ambassador.breaks.label("ambassador_breaks"), Member.id.label("member_id"),
        Member.email_hash.label("member_email_hash"),
    )
    .outerjoin(Ambassador, Ambassador.id == Code.ambassador_id)
    .outerjoin(Member, Member.id == Ambassador.member_id)
    .where(Code.key.in_(many("keys")))
)  # fmt: skip


# Each campaign once, however many of its codes are asked for, with a row for each benefit.
_CAMPAIGNS = (
    sa.select(
        Campaign.id.label("campaign_id"), Campaign.slug.label("campaign_slug"),
        Campaign.status.label("campaign_status"), Campaign.status_since.label("campaign_since"),
        Campaign.breaks.label("campaign_breaks"),
        Campaign.starts_at.label("campaign_starts_at"),
        Campaign.ends_at.label("campaign_ends_at"), Campaign.countries, Campaign.currencies,
        Campaign.products, Campaign.currency, Campaign.minimum_basket,
        Campaign.new_customers_only, Campaign.refund_frees_use, Campaign.budget,
        Campaign.committed, Benefit.kind, Benefit.percent, Benefit.amount, Benefit.product,
    )
    .outerjoin(Benefit, Benefit.campaign_id == Campaign.id)
    .where(Campaign.id.in_(many()))
    .order_by(Campaign.id, Benefit.position)
)  # fmt: skip


def _load(keys: list[str], *, may_remember: bool = False) -> dict[str, Terms]:
    rows = run(_TERMS, {"keys": keys}).all()
    asked = {row.campaign_id for row in rows}
    campaigns = _remembered_campaigns(asked) if may_remember else _campaigns(asked)
    return {row.key: Terms(**row._mapping, **campaigns[row.campaign_id]) for row in rows}


def _remembered_campaigns(ids: set[int]) -> dict[int, dict[str, Any]]:
    """Return what this process read of campaigns a moment ago, or reads now."""
    known: Remembered[dict[str, Any]] = of_app("campaign terms")
    found = {id_: said for id_ in ids if (said := known.get(str(id_))) is not None}
    for id_, said in _campaigns(ids - found.keys()).items():
        known.put(str(id_), said)
        found[id_] = said
    return found


def _campaigns(ids: set[int]) -> dict[int, dict[str, Any]]:
    """Return what campaigns say of the terms of their codes, by id."""
    found: dict[int, dict[str, Any]] = {}
    for row in run(_CAMPAIGNS, {"ids": sorted(ids)}) if ids else ():
        said = dict(row._mapping)
        benefit = BenefitTerms(*(said.pop(name) for name in _BENEFIT))
        id_ = said.pop("campaign_id")
        terms = found.setdefault(id_, _campaign_terms(said))
        if benefit.kind is not None:
            terms["benefits"] += (benefit,)
    return found


_BENEFIT = ("kind", "percent", "amount", "product")


def _campaign_terms(columns: dict[str, Any]) -> dict[str, Any]:
    budget, committed = columns.pop("budget"), columns.pop("committed")
    lists = {name: tuple(columns.pop(name)) for name in ("countries", "currencies", "products")}
    has_budget_left = budget is None or committed < budget
    return {**columns, **lists, "has_budget_left": has_budget_left, "benefits": ()}


def is_running(status: CampaignStatus, since: datetime, breaks: Spans, at: datetime) -> bool:
    """Tell whether a campaign ran at an instant; what stopped did so from then on."""
    if status is CampaignStatus.DRAFT or spans.covers(breaks, at):
        return False
    return status is CampaignStatus.RUNNING or at < since


def is_active(
    status: AmbassadorStatus | None, since: datetime | None, breaks: Spans | None, at: datetime
) -> bool:
    """Tell whether an ambassador earned at an instant; who stopped did so from then on."""
    if status is AmbassadorStatus.INVITED or since is None or spans.covers(breaks or (), at):
        return False
    return status is AmbassadorStatus.ACTIVE or at < since


def outside_window(
    starts: Iterable[datetime | None], ends: Iterable[datetime | None], at: datetime
) -> Reason | None:
    """Return why an instant is outside some windows, or None; an end is the first instant after."""
    if any(start is not None and at < start for start in starts):
        return Reason.NOT_STARTED
    return Reason.EXPIRED if any(end is not None and at >= end for end in ends) else None


def _scope(terms: Terms, basket: Basket) -> Reason | None:
    if terms.countries and basket.country not in terms.countries:
        return Reason.NOT_ELIGIBLE_COUNTRY
    if terms.currencies and basket.currency not in terms.currencies:
        return Reason.NOT_ELIGIBLE_CURRENCY
    if terms.products and not any(line.sku in terms.products for line in basket.lines):
        return Reason.NOT_ELIGIBLE_PRODUCT
    if terms.minimum_basket is not None:
        if basket.currency != terms.currency:
            return Reason.NOT_ELIGIBLE_CURRENCY
        if basket.subtotal < terms.minimum_basket:
            return Reason.BELOW_MINIMUM
    return None


def _customer(terms: Terms, basket: Basket) -> Reason | None:
    if is_same_person(terms, basket):
        return Reason.SELF_REFERRAL
    if terms.new_customers_only and basket.is_new is False:
        return Reason.EXISTING_CUSTOMER
    return None


def is_same_person(terms: Terms, basket: Basket) -> bool:
    """Tell whether the customer is the ambassador (rule 12)."""
    if basket.member_id is not None and basket.member_id == terms.member_id:
        return True
    return basket.customer_key is not None and basket.customer_key == terms.member_email_hash


def _in_scope(terms: Terms, basket: Basket) -> int:
    if not terms.products:
        return basket.subtotal
    eligible = sum(line.amount for line in basket.lines if line.sku in terms.products)
    return min(eligible, basket.subtotal)


def _foretold_limit(terms: Terms, basket: Basket) -> Reason | None:
    if terms.uses_limit is not None and terms.used >= terms.uses_limit:
        return Reason.LIMIT_REACHED
    if terms.uses_per_customer is not None and basket.customer_key:
        used = db.session.scalar(
            sa.select(CodeCustomerUse.used).where(
                CodeCustomerUse.code_id == terms.code_id,
                CodeCustomerUse.customer_key == basket.customer_key,
            )
        )
        if (used or 0) >= terms.uses_per_customer:
            return Reason.CUSTOMER_LIMIT_REACHED
    return None


def basket_of(
    *,
    currency: str,
    subtotal: int,
    country: str | None,
    email: str | None,
    external_id: str | None,
    lines: tuple[BasketLine, ...],
    source: str = "api",
) -> Basket:
    """Return a checkout's basket with what we know of its customer."""
    key = emails.digest(email)
    names = [f"email:{key}"] if key else []
    names += [f"id:{source}:{external_id}"] if external_id else []
    known = (
        db.session.execute(  # the two names may still be two customers
            sa.select(Customer.member_id, Customer.first_purchase_id)
            .join(CustomerIdentity, CustomerIdentity.customer_id == Customer.id)
            .where(CustomerIdentity.key.in_(names))
            .order_by(Customer.id)
        ).all()
        if names
        else []
    )
    is_new = all(row.first_purchase_id is None for row in known) if names else None
    return Basket(
        currency=money.require_currency(currency), subtotal=subtotal, at=clock.now(),
        country=country.upper() if country else None, lines=lines, customer_key=key,
        member_id=next((row.member_id for row in known if row.member_id is not None), None),
        is_new=is_new,
    )  # fmt: skip
