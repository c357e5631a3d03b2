"""The machines' door of campaigns: their terms, to read."""

from __future__ import annotations

from flask import Blueprint, Response, request

from accounts import permissions
from accounts.models import Scope
from campaigns import campaigns, terms
from campaigns.models import (
    BenefitKind,
    Campaign,
    CampaignStatus,
    Objective,
    Period,
    RewardKind,
)  # fmt: skip
from campaigns.terms import Case
from core import api
from core.api import Struct
from core.errors import InvalidInputError

door = permissions.guard(
    Blueprint("campaigns_api_read", __name__, url_prefix="/api/v1"),
    permissions.key_with(Scope.READ, Scope.CODES),
)


class BenefitOut(Struct):
    """What the friend gets: percent in basis points, amount in minor units."""

    kind: BenefitKind
    percent: int | None
    amount: int | None
    product: str | None


class CaseOut(Struct):
    """Another reward where all that it names is true; the first case that fits counts."""

    rate: int | None
    amount: int | None
    perk: int | None
    products: list[str]
    countries: list[str]
    buyer: str | None  # new or existing
    circle: int | None  # its id: that the ambassador was in when the order was made


class TierOut(Struct):
    """Another reward from an ambassador's nth purchase in the campaign on."""

    start: int
    rate: int | None
    amount: int | None
    perk: int | None


class RewardOut(Struct):
    """What the ambassador gets now: `amount` is minor units, or points where the kind is points."""

    version: int
    kind: RewardKind
    rate: int | None
    amount: int | None
    perk: int | None  # its id
    cases: list[CaseOut]
    tiers: list[TierOut]
    maximum: int | None
    hold_days: int
    new_customers_only: bool
    months: int | None
    ambassador_maximum: int | None
    ambassador_period: Period | None  # month, quarter or year of the program's time zone
    ambassador_period_maximum: int | None  # for one ambassador in such a period
    campaign_period: Period | None
    campaign_period_maximum: int | None  # for all of them together in such a period


class CampaignOut(Struct):
    """A campaign's terms; amounts in minor units of `currency`."""

    slug: str
    name: str
    objective: Objective
    status: CampaignStatus
    starts_at: str | None
    ends_at: str | None
    countries: list[str]
    currencies: list[str]
    products: list[str]
    minimum_basket: int | None
    new_customers_only: bool
    uses_per_code: int | None
    uses_per_customer: int | None
    currency: str
    budget: int | None
    committed: int | None  # of the budget
    rewarded_limit: int | None  # purchases that earn something, at most
    rewarded: int | None  # of that limit
    points_months: int | None  # its points last so long; 0: for ever; null: the program's rule
    benefits: list[BenefitOut]
    reward: RewardOut


class CampaignsOut(Struct):
    """A page of campaigns; `next` goes into `?after=`."""

    data: list[CampaignOut]
    next: str | None


@door.get("/campaigns")
@api.operation(
    "List campaigns.",
    answers={200: CampaignsOut},
    query={
        "limit": "Rows, 100 unless given, at most 1000.",
        "after": "The `next` of the page before.",
        "status": "Their status.",
    },
    choices={"status": list(CampaignStatus)},
)
def list_campaigns() -> Response:
    """Answer a page of campaigns."""
    asked = request.args.get("status")
    if asked is not None and asked not in set(CampaignStatus):
        raise InvalidInputError("status: use draft, running, paused or ended")
    limit = api.page_limit()
    status = CampaignStatus(asked) if asked else None
    found = campaigns.after(api.page_after(), status=status, limit=limit + 1)
    last = str(found[limit - 1].id) if len(found) > limit else None
    return api.answer(CampaignsOut(data=[_campaign(one) for one in found[:limit]], next=last))


@door.get("/campaigns/<slug>")
@api.operation("Show one campaign.", answers={200: CampaignOut})
def show_campaign(slug: str) -> Response:
    """Answer one campaign."""
    return api.answer(_campaign(campaigns.get(slug)))


def _case(case: Case) -> CaseOut:
    return CaseOut(
        rate=case.rate, amount=case.amount, perk=case.perk_id, products=list(case.products),
        countries=list(case.countries), buyer=case.buyer.value if case.buyer else None,
        circle=case.circle_id,
    )  # fmt: skip


def _campaign(one: Campaign) -> CampaignOut:
    rule = terms.rule_in_force(one)
    reward = terms.reward_of(rule)
    return CampaignOut(
        slug=one.slug, name=one.name, objective=one.objective, status=one.status,
        starts_at=one.starts_at.isoformat() if one.starts_at else None,
        ends_at=one.ends_at.isoformat() if one.ends_at else None,
        countries=one.countries, currencies=one.currencies, products=one.products,
        minimum_basket=one.minimum_basket, new_customers_only=one.new_customers_only,
        uses_per_code=one.uses_per_code, uses_per_customer=one.uses_per_customer,
        currency=one.currency, budget=one.budget,
        committed=None if one.budget is None else one.committed, rewarded_limit=one.rewarded_limit,
        rewarded=None if one.rewarded_limit is None else one.rewarded,
        points_months=one.points_months,
        benefits=[
            BenefitOut(kind=b.kind, percent=b.percent, amount=b.amount, product=b.product)
            for b in one.benefits
        ],
        reward=RewardOut(
            version=rule.version, kind=rule.kind, rate=rule.rate, amount=rule.amount,
            perk=rule.perk_id, cases=[_case(case) for case in reward.cases],
            tiers=[
                TierOut(start=tier.start, rate=tier.rate, amount=tier.amount, perk=tier.perk_id)
                for tier in reward.tiers
            ],
            maximum=rule.maximum, hold_days=rule.hold_days,
            new_customers_only=rule.new_customers_only, months=rule.months,
            ambassador_maximum=rule.ambassador_maximum,
            ambassador_period=rule.ambassador_period,
            ambassador_period_maximum=rule.ambassador_period_maximum,
            campaign_period=rule.campaign_period,
            campaign_period_maximum=rule.campaign_period_maximum,
        ),
    )  # fmt: skip
