"""Freezing: which rule pays for a purchase, how much of it the caps still give, and for how long.

What is written here is never written again; `commissions.settle` posts it, and
`purchase_rewards.follow` gives points and perks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign, RewardKind, RewardRule
from core.db import db, many
from referrals.models import PurchaseLine
from rewards import caps, recurring, rules
from rewards.caps import Caps
from rewards.models import Commission, EarnedState, PurchaseReward
from rewards.recurring import Firsts

Columns = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earned:
    """What a purchase says about its commission, as it stands now."""

    purchase_id: int
    occurred_at: datetime
    currency: str
    country: str | None
    customer_id: int | None
    total: int
    discount: int
    tax: int
    shipping: int
    net_amount: int
    refunded: int
    is_counted: bool
    is_new: bool | None
    refunded_at: datetime | None
    ambassador_id: int | None
    campaign_id: int | None
    is_suspicious: bool


def granted(new: Sequence[Earned]) -> list[Columns]:
    """Return what credited purchases earn, as far as rules and caps give any.

    Each is by the rule of its day; the earlier purchase takes first.  A row is a commission,
    or where its kind is no money a `PurchaseReward`.
    """
    versions = _rules({fact.campaign_id for fact in new if fact.campaign_id})
    ruled = [
        (fact, version)
        for fact in sorted(new, key=lambda one: (one.occurred_at, one.purchase_id))
        if (version := rules.rule_at(versions.get(fact.campaign_id or 0, []), fact.occurred_at))
    ]
    held = caps.lock(
        {rule.campaign_id for _, (rule, _) in ruled},
        {
            (rule.campaign_id, fact.ambassador_id or 0)
            for fact, (rule, _) in ruled
            if rules.is_counted(rule)
        },
    )
    firsts = recurring.firsts(
        (rule.campaign_id, fact.customer_id) for fact, (rule, _) in ruled if rule.months is not None
    )
    lines = _lines([fact.purchase_id for fact, (rule, _) in ruled if rule.cases])
    rows = [
        _frozen(fact, rule, lines=lines.get(fact.purchase_id, []), held=held)
        for fact, (rule, currency) in ruled
        if _applies(
            (rule, currency), fact, firsts=firsts, has_budget=held.has_budget(rule.campaign_id)
        )
    ]
    caps.commit(held)
    return rows


_RULES = (
    sa.select(RewardRule, Campaign.currency)
    .join(Campaign, Campaign.id == RewardRule.campaign_id)
    .where(RewardRule.campaign_id.in_(many()))
    .order_by(RewardRule.campaign_id, RewardRule.version)
)


def _rules(campaign_ids: set[int]) -> dict[int, list[tuple[RewardRule, str]]]:
    rows = db.session.execute(_RULES, {"ids": sorted(campaign_ids)})
    found: dict[int, list[tuple[RewardRule, str]]] = {}
    for rule, currency in rows:
        found.setdefault(rule.campaign_id, []).append((rule, currency))
    return found


@dataclass(frozen=True, slots=True)
class Limit:
    """What a frozen rule asks of a purchase as long as it earns."""

    campaign_id: int
    is_for_new: bool
    months: int | None


def limits(frozen: Iterable[Commission | PurchaseReward]) -> dict[int, Limit]:
    """Return the rules of these that do not pay for every purchase, by id."""
    ids = sorted({one.rule_id for one in frozen})
    if not ids:
        return {}
    query = sa.select(
        RewardRule.id, RewardRule.campaign_id, RewardRule.new_customers_only, RewardRule.months
    ).where(sa.or_(RewardRule.new_customers_only.is_(True), RewardRule.months.is_not(None)))
    return {
        row[0]: Limit(*row[1:]) for row in db.session.execute(query.where(RewardRule.id.in_(ids)))
    }


def _applies(
    version: tuple[RewardRule, str], fact: Earned, *, firsts: Firsts, has_budget: bool
) -> bool:
    rule, currency = version
    has_amounts = rule.kind.is_money and (
        rule.kind is RewardKind.FIXED
        or rule.maximum is not None
        or rule.ambassador_maximum is not None
        or has_budget
    )
    if has_amounts and fact.currency != currency:
        return False  # no guess at a rate: rule 19
    return earns(fact, Limit(rule.campaign_id, rule.new_customers_only, rule.months), firsts)


def earns(fact: Earned, limit: Limit, firsts: Firsts) -> bool:
    """Tell whether a rule pays for this purchase; earlier orders may come late and change it."""
    if limit.is_for_new and fact.is_new is False:
        return False
    return firsts.still_earns(
        limit.months,
        campaign_id=limit.campaign_id,
        customer_id=fact.customer_id,
        this=(fact.occurred_at, fact.purchase_id),
    )


def _frozen(fact: Earned, rule: RewardRule, *, lines: Sequence[rules.Line], held: Caps) -> Columns:
    pair = (rule.campaign_id, fact.ambassador_id or 0)
    number = held.number(pair) if rules.is_counted(rule) else None
    given = rules.grant(fact, rule, lines=lines, number=number or 1)
    common = {
        "purchase_id": fact.purchase_id, "ambassador_id": fact.ambassador_id,
        "campaign_id": fact.campaign_id, "rule_id": rule.id, "kind": rule.kind,
        "number": number, "earned_at": fact.occurred_at,
    }  # fmt: skip
    due_at = fact.occurred_at + timedelta(days=rule.hold_days)
    if not rule.kind.is_money:
        held.count(pair)
        earns_any = bool(given.amount or given.perk_id)
        is_admitted = not earns_any or held.admit(pair)
        return common | {
            "points": given.amount if is_admitted else 0, "due_at": due_at, "times": 0,
            "perk_id": given.perk_id if is_admitted else None,
            "state": _first_state(earns_any=earns_any, is_admitted=is_admitted),
        }  # fmt: skip
    rates = [rate for rate, _ in given.parts]
    return common | {
        "rate": rates[0] if len(rates) == 1 else None, "fixed": given.fixed,
        "base": rules.base(fact, rule), "currency": fact.currency,
        "parts": [list(part) for part in given.parts] if len(rates) > 1 else None,
        "amount": held.take(pair, given.amount, maximum=rule.ambassador_maximum),
        "is_active": True, "payable_at": due_at,
    }  # fmt: skip


def _first_state(*, earns_any: bool, is_admitted: bool) -> EarnedState:
    if not is_admitted:
        return EarnedState.LIMITED
    return EarnedState.WAITING if earns_any else EarnedState.GIVEN  # of nothing


_LINES = (
    sa.select(PurchaseLine.purchase_id, PurchaseLine.sku, PurchaseLine.amount)
    .where(PurchaseLine.purchase_id.in_(many()))
    .order_by(PurchaseLine.purchase_id, PurchaseLine.position)
)


def _lines(ids: list[int]) -> dict[int, list[rules.Line]]:
    """Return the lines of purchases whose reward depends on their products."""
    found: dict[int, list[rules.Line]] = {}
    for row in db.session.execute(_LINES, {"ids": ids}) if ids else ():
        found.setdefault(row.purchase_id, []).append(rules.Line(sku=row.sku, amount=row.amount))
    return found
