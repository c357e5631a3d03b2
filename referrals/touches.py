"""Touches: what could get the credit for a purchase, in the order of precedence.

A code comes before a click (rule 8), and what an earlier order binds before
both (`referrals/bindings.py`).  Each candidate carries the reason for which it
cannot win, if there is one; which of the others wins is for
`referrals/attribution.py` to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, Member, Touch
from ambassadors.program import Rules
from campaigns.models import Campaign
from core.db import db, many, run
from referrals import codes, eligibility
from referrals.eligibility import Basket, BasketLine, Terms
from referrals.models import (
    Click,
    ClickKind,
    CreditTouch,
    Customer,
    Link,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
)  # fmt: skip

STRIPE = "stripe:"  # how a purchase names a promotion code that it knows only by Stripe's id

Refusals = dict[tuple[int, str], eligibility.Reason]  # by code id and order key


class Credit(StrEnum):
    """Why a touch won."""

    OVERRIDE = "override"
    BOUND_SUBSCRIPTION = "bound_subscription"
    BOUND_CUSTOMER = "bound_customer"
    CODE_USED = "code_used"
    LINK_CLICKED = "link_clicked"
    NONE = "none"  # every candidate lost


class Loss(StrEnum):
    """Why a touch lost, beside the reasons of `eligibility.Reason`."""

    OUTRANKED = "outranked"  # a touch of higher precedence won
    SECOND_CODE = "second_code"  # the shop listed another ambassador's code first
    OTHER_CLICK = "other_click"  # an earlier or later click wins, by the program's rule
    OUTSIDE_WINDOW = "outside_window"
    AFTER_PURCHASE = "after_purchase"
    NOT_A_VISIT = "not_a_visit"
    NO_OWNER = "no_owner"  # a code of nobody
    AMBASSADOR_NOT_ACTIVE = "ambassador_not_active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A touch that could get the credit."""

    touch: CreditTouch
    credit: Credit
    ambassador_id: int | None
    campaign_id: int | None
    name: str  # the code or link, as people know it
    code_id: int | None = None
    click_id: int | None = None
    refusal: str | None = None  # set: it cannot win
    is_paid_traffic: bool = False
    is_vouched: bool = False  # a person decided on the order that binds this one


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase as attribution sees it."""

    id: int
    basket: Basket
    order_key: str
    is_counted: bool
    is_over: bool  # cancelled, or a test: its uses are given back
    is_refunded: bool  # in full: gives its use back if the campaign says so
    codes: tuple[str, ...]
    click_token: str | None
    subscription: str | None
    customer_id: int | None
    name_key: str | None
    is_disposable: bool


_ORDERS = (
    sa.select(
        Purchase.id, Purchase.source, Purchase.external_id, Purchase.occurred_at,
        Purchase.currency, Purchase.net_amount, Purchase.discount, Purchase.country,
        Purchase.total, Purchase.refunded, Purchase.status, Purchase.is_test,
        Purchase.customer_key, Purchase.codes,
        Purchase.click_token, Purchase.subscription, Purchase.customer_id,
        Purchase.name_key, Purchase.is_disposable,
        Customer.member_id, Customer.first_purchase_id,
    )
    .outerjoin(Customer, Customer.id == Purchase.customer_id)
    .where(Purchase.id.in_(many()))
    .order_by(Purchase.id)
)  # fmt: skip
_LINES = sa.select(
    PurchaseLine.purchase_id, PurchaseLine.sku, PurchaseLine.quantity, PurchaseLine.amount
).where(PurchaseLine.purchase_id.in_(many()))


def orders_of(ids: Sequence[int]) -> list[Order]:
    """Return purchases as attribution sees them, in the order of arrival."""
    rows = run(_ORDERS, {"ids": ids}).all()
    lines = _lines([row.id for row in rows if row.codes])
    return [_order(row, lines.get(row.id, ())) for row in rows]


def _lines(ids: list[int]) -> dict[int, tuple[BasketLine, ...]]:
    found: dict[int, tuple[BasketLine, ...]] = {}
    if ids:
        for row in run(_LINES, {"ids": ids}):
            line = BasketLine(row.sku, row.quantity, row.amount)
            found[row.purchase_id] = (*found.get(row.purchase_id, ()), line)
    return found


def _order(row: Any, lines: tuple[BasketLine, ...]) -> Order:
    basket = Basket(
        currency=row.currency, subtotal=row.net_amount + row.discount, at=row.occurred_at,
        country=row.country, lines=lines, customer_key=row.customer_key, member_id=row.member_id,
        is_new=None if row.customer_id is None else row.first_purchase_id == row.id,
    )  # fmt: skip
    return Order(
        row.id, basket, f"{row.source}:{row.external_id}",
        row.status is PurchaseStatus.PAID and not row.is_test,
        row.status is PurchaseStatus.CANCELLED or row.is_test, 0 < row.total == row.refunded,
        tuple(row.codes), row.click_token, row.subscription, row.customer_id, row.name_key,
        row.is_disposable,
    )  # fmt: skip


def terms_of(orders: list[Order]) -> dict[str, Terms]:
    """Return the terms of every code that an order names, by the name it uses."""
    named = {text for order in orders for text in order.codes}
    stripe_ids = {text.removeprefix(STRIPE) for text in named if text.startswith(STRIPE)}
    keys = {text: codes.fold(text) for text in named if not text.startswith(STRIPE)}
    found = eligibility.terms_of(list(keys.values())) if keys else {}
    terms = {text: found[key] for text, key in keys.items() if key in found}
    if stripe_ids:
        by_id = eligibility.terms_of_stripe(list(stripe_ids))
        terms |= {STRIPE + id_: known for id_, known in by_id.items()}
    return terms


def candidates_of(
    orders: list[Order],
    terms: dict[str, Terms],
    refused: Refusals,
    rules: Rules,
) -> dict[int, list[Candidate]]:
    """Return each order's own touches, the highest precedence first."""
    counted = [order for order in orders if order.is_counted]
    clicks = _clicks(counted)
    return {
        order.id: [
            *_code_candidates(order, terms, refused),
            *_in_turn(
                [_click_candidate(order, click, rules) for click in clicks.get(order.id, [])], rules
            ),
        ]
        for order in counted
    }


def _code_candidates(
    order: Order,
    terms: dict[str, Terms],
    refused: Refusals,
) -> list[Candidate]:
    found: dict[int, Candidate] = {}
    for text in order.codes:
        known = terms.get(text)
        if known is None or known.code_id in found:
            continue
        refusal = refused.get((known.code_id, order.order_key)) or _code_refusal(known, order)
        found[known.code_id] = Candidate(
            touch=CreditTouch.CODE, credit=Credit.CODE_USED, ambassador_id=known.ambassador_id,
            campaign_id=known.campaign_id, name=known.text, code_id=known.code_id,
            refusal=refusal.value if refusal else None,
        )  # fmt: skip
    return list(found.values())


def _code_refusal(terms: Terms, order: Order) -> StrEnum | None:
    if terms.ambassador_id is None:
        return Loss.NO_OWNER
    if not eligibility.is_active(
        terms.ambassador_status, terms.ambassador_since, terms.ambassador_breaks, order.basket.at
    ):
        return Loss.AMBASSADOR_NOT_ACTIVE
    reason = eligibility.refusal(terms, order.basket)
    # The budget is clamped to the cent where the commission is written.
    return None if reason is eligibility.Reason.BUDGET_REACHED else reason


def _clicks(orders: list[Order]) -> dict[int, list[Any]]:
    """Return the clicks an order carries; several tokens are separated by spaces."""
    tokens = {t: None for order in orders for t in (order.click_token or "").split()}
    if not tokens:
        return {}
    rows = db.session.execute(
        sa.select(
            Click.id, Click.token, Click.clicked_at, Click.kind, Click.is_paid_traffic, Link.slug,
            Link.campaign_id, Link.ambassador_id, Ambassador.status, Ambassador.status_since,
            Ambassador.breaks, Member.id.label("member_id"), Member.email_hash,
            Campaign.new_customers_only, Campaign.starts_at, Campaign.ends_at,
            Campaign.status.label("campaign_status"),
            Campaign.status_since.label("campaign_since"),
            Campaign.breaks.label("campaign_breaks"),
        )
        .join(Link, Link.id == Click.link_id)
        .join(Campaign, Campaign.id == Link.campaign_id)
        .join(Ambassador, Ambassador.id == Link.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .where(Click.token.in_(sorted(tokens)))
        .order_by(Click.clicked_at, Click.id)
    ).all()  # fmt: skip
    return {
        order.id: [row for row in rows if row.token in (order.click_token or "").split()]
        for order in orders
        if order.click_token
    }


def _click_candidate(order: Order, click: Any, rules: Rules) -> Candidate:
    refusal = _click_refusal(order, click, rules)
    return Candidate(
        touch=CreditTouch.LINK, credit=Credit.LINK_CLICKED, ambassador_id=click.ambassador_id,
        campaign_id=click.campaign_id, name=click.slug, click_id=click.id, refusal=refusal,
        is_paid_traffic=click.is_paid_traffic,
    )  # fmt: skip


def _click_refusal(order: Order, click: Any, rules: Rules) -> str | None:
    at = order.basket.at
    refusal = (
        _untimely(click, at, rules) or _stopped(click, at) or _own_or_known(click, order.basket)
    )
    return refusal.value if refusal else None


def _untimely(click: Any, at: datetime, rules: Rules) -> StrEnum | None:
    since_click = at - click.clicked_at
    if click.kind is not ClickKind.VISIT:
        return Loss.NOT_A_VISIT
    if since_click < timedelta():
        return Loss.AFTER_PURCHASE
    if since_click > timedelta(hours=24 * rules.attribution_days):
        return Loss.OUTSIDE_WINDOW
    return None


def _stopped(click: Any, at: datetime) -> StrEnum | None:
    if not eligibility.is_active(click.status, click.status_since, click.breaks, at):
        return Loss.AMBASSADOR_NOT_ACTIVE
    if not eligibility.is_running(
        click.campaign_status, click.campaign_since, click.campaign_breaks, at
    ):
        return eligibility.Reason.CAMPAIGN_NOT_RUNNING
    return eligibility.outside_window([click.starts_at], [click.ends_at], at)


def _own_or_known(click: Any, basket: Basket) -> StrEnum | None:
    if (basket.member_id is not None and basket.member_id == click.member_id) or (
        basket.customer_key is not None and basket.customer_key == click.email_hash
    ):
        return eligibility.Reason.SELF_REFERRAL
    if click.new_customers_only and basket.is_new is False:
        return eligibility.Reason.EXISTING_CUSTOMER
    return None


def _in_turn(clicks: list[Candidate], rules: Rules) -> list[Candidate]:
    """Return clicks, which come in the order of time, with the one that wins in front."""
    return clicks if rules.attribution_touch is Touch.FIRST else clicks[::-1]
