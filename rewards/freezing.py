"""Freezing: which rule pays for a purchase, how much of it the caps still give, and for how long.

A commission is in the currency of its order.  Where the rule, a cap or the budget names
amounts in another one, they are converted at the rate of the order's day, which is frozen
with the commission; without a rate the purchase waits (rule 19).  Points and perks are the
same in every currency.

What is written here is never written again; `commissions.settle` posts it, and
`purchase_rewards.follow` gives points and perks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from ambassadors import program, stays
from campaigns.models import Campaign, RewardKind, RewardRule
from core import clock
from core.db import db, many, run
from referrals.models import PurchaseLine
from rewards import caps, period_caps, rates, recurring, rules
from rewards.caps import Caps, Taken
from rewards.models import Commission, EarnedState, PurchaseReward
from rewards.period_caps import PeriodCap
from rewards.rates import Rate, Wanted
from rewards.recurring import Firsts

Columns = dict[str, Any]
Version = tuple[RewardRule, str]  # and the currency of its campaign


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
    is_waiting: bool  # for a rate of currency
    circles: frozenset[int] = frozenset()  # of the ambassador then, where the rule asks


@dataclass(frozen=True, slots=True)
class Frozen:
    """What to write for credited purchases, and which of them have no rate yet."""

    commissions: list[Columns]
    conversions: list[Columns]
    takes: list[Columns]  # of periods' caps, as `PeriodTake`
    things: list[Columns]  # points and perks, as `PurchaseReward`
    waiting: set[int]


def granted(new: Sequence[Earned]) -> Frozen:
    """Return what credited purchases earn, as far as rules and caps give any.

    Each is by the rule of its day; the earlier purchase takes first.
    """
    versions = _rules({fact.campaign_id for fact in new if fact.campaign_id})
    ruled = [
        (fact, version)
        for fact in sorted(new, key=lambda one: (one.occurred_at, one.purchase_id))
        if (version := rules.rule_at(versions.get(fact.campaign_id or 0, []), fact.occurred_at))
    ]
    ruled = _with_circles(ruled)
    held = caps.lock(
        {rule.campaign_id for _, (rule, _) in ruled},
        {
            (rule.campaign_id, fact.ambassador_id or 0)
            for fact, (rule, _) in ruled
            if rules.is_counted(rule)
        },
        [cap for fact, (rule, _) in ruled for cap in _period_caps(fact, rule)],
    )
    firsts = recurring.firsts(
        (rule.campaign_id, fact.customer_id) for fact, (rule, _) in ruled if rule.months is not None
    )
    earning = [
        (fact, version) for fact, version in ruled if earns(fact, _limit(version[0]), firsts)
    ]
    frozen = _all_frozen(earning, held)
    caps.commit(held)
    return frozen


def _with_circles(ruled: list[tuple[Earned, Version]]) -> list[tuple[Earned, Version]]:
    """Say of purchases whose rule asks for circles which ones the ambassador was in."""
    asked = {rule.id: rules.circles_of(rule) for _, (rule, _) in ruled}
    who = [fact.ambassador_id or 0 for fact, (rule, _) in ruled if asked[rule.id]]
    if not who:
        return ruled
    known = stays.of_ambassadors(who, set().union(*asked.values()))
    return [
        (replace(fact, circles=known.at(fact.ambassador_id, fact.occurred_at)), version)
        for fact, version in ruled
    ]


def _all_frozen(earning: Sequence[tuple[Earned, Version]], held: Caps) -> Frozen:
    """Freeze every purchase that earns, in this order, or let it wait for its rate."""
    lines = _lines([fact.purchase_id for fact, (rule, _) in earning if rule.cases])
    asked = _rates_asked(earning, held)
    book = rates.load(asked.values())
    frozen = Frozen([], [], [], [], set())
    for fact, (rule, _) in earning:
        its_lines = lines.get(fact.purchase_id, [])
        if not rule.kind.is_money:
            frozen.things.append(_thing(fact, rule, lines=its_lines, held=held))
            continue
        wanted = asked.get(fact.purchase_id)
        rate = book.at(wanted) if wanted else None
        if wanted and rate is None:
            frozen.waiting.add(fact.purchase_id)
            continue
        commission, taken = _commission(fact, rule, lines=its_lines, held=held, rate=rate)
        frozen.commissions.append(commission)
        frozen.takes.extend(_takes(commission, taken))
        if rate:
            frozen.conversions.append(_conversion(commission, rate, taken.counted))
    return frozen


def _period_caps(fact: Earned, rule: RewardRule) -> tuple[PeriodCap, ...]:
    """Return the caps of the month, quarter or year of a purchase; mostly there are none."""
    if rule.ambassador_period is None and rule.campaign_period is None:
        return ()
    timezone = program.current().timezone
    return period_caps.of(rule, fact.ambassador_id or 0, fact.occurred_at, timezone)


def _takes(commission: Columns, taken: Taken) -> list[Columns]:
    owner = {name: commission[name] for name in ("purchase_id", "ambassador_id")}
    return [owner | asdict(share) for share in taken.shares]


def _rates_asked(earning: Sequence[tuple[Earned, Version]], held: Caps) -> dict[int, Wanted]:
    """Return the pair and the day of each purchase whose reward names amounts of another currency.

    The day is that of the order in the program's time zone.
    """
    foreign = [
        (fact, currency)
        for fact, (rule, currency) in earning
        if fact.currency != currency and _has_amounts(rule, held)
    ]
    if not foreign:
        return {}
    timezone = program.current().timezone
    return {
        fact.purchase_id: Wanted(
            currency, fact.currency, clock.local_day(fact.occurred_at, timezone)
        )
        for fact, currency in foreign
    }


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
    return {
        row.id: Limit(row.campaign_id, row.new_customers_only, row.months)
        for row in run(_LIMITS, {"ids": ids})
    }


_LIMITS = (
    sa.select(
        RewardRule.id, RewardRule.campaign_id, RewardRule.new_customers_only, RewardRule.months
    )
    .where(RewardRule.id.in_(many()))
    .where(sa.or_(RewardRule.new_customers_only.is_(True), RewardRule.months.is_not(None)))
)


def _limit(rule: RewardRule) -> Limit:
    return Limit(rule.campaign_id, rule.new_customers_only, rule.months)


def _has_amounts(rule: RewardRule, held: Caps) -> bool:
    """Tell whether what a rule gives depends on an amount in the campaign's currency."""
    return rule.kind.is_money and (
        rule.kind is RewardKind.FIXED
        or rule.maximum is not None
        or rule.ambassador_maximum is not None
        or rule.ambassador_period is not None
        or rule.campaign_period is not None
        or held.has_budget(rule.campaign_id)
    )


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


def _thing(fact: Earned, rule: RewardRule, *, lines: Sequence[rules.Line], held: Caps) -> Columns:
    """Return points or a perk, or none of them where the campaign rewards no more purchases."""
    pair, number = _counted(fact, rule, held)
    given = rules.grant(fact, rule, lines=lines, number=number or 1)
    held.count(pair)
    earns_any = bool(given.amount or given.perk_id)
    is_admitted = not earns_any or held.admit(pair)
    return _common(fact, rule, number) | {
        "points": given.amount if is_admitted else 0, "due_at": _due(fact, rule), "times": 0,
        "perk_id": given.perk_id if is_admitted else None,
        "state": _first_state(earns_any=earns_any, is_admitted=is_admitted),
    }  # fmt: skip


def _first_state(*, earns_any: bool, is_admitted: bool) -> EarnedState:
    if not is_admitted:
        return EarnedState.LIMITED
    return EarnedState.WAITING if earns_any else EarnedState.GIVEN  # of nothing


def _commission(
    fact: Earned, rule: RewardRule, *, lines: Sequence[rules.Line], held: Caps, rate: Rate | None
) -> tuple[Columns, Taken]:
    """Return a commission, and what the caps gave of it."""
    pair, number = _counted(fact, rule, held)
    told = converted(rule, rate) if rate else rule
    given = rules.grant(fact, told, lines=lines, number=number or 1)
    taken = held.take(
        pair, given.amount, maximum=rule.ambassador_maximum, rate=rate,
        periods=_period_caps(fact, rule),
    )  # fmt: skip
    shares = [share for share, _ in given.parts]
    return _common(fact, rule, number) | {
        "rate": shares[0] if len(shares) == 1 else None, "fixed": given.fixed,
        "base": rules.base(fact, rule), "currency": fact.currency,
        "parts": [list(part) for part in given.parts] if len(shares) > 1 else None,
        "amount": taken.amount, "is_active": True, "payable_at": _due(fact, rule),
    }, taken  # fmt: skip


def _counted(fact: Earned, rule: RewardRule, held: Caps) -> tuple[caps.Pair, int | None]:
    """Return who earns in which campaign, and their how-manieth purchase where that counts."""
    pair = (rule.campaign_id, fact.ambassador_id or 0)
    return pair, held.number(pair) if rules.is_counted(rule) else None


def _common(fact: Earned, rule: RewardRule, number: int | None) -> Columns:
    return {
        "purchase_id": fact.purchase_id, "ambassador_id": fact.ambassador_id,
        "campaign_id": fact.campaign_id, "rule_id": rule.id, "kind": rule.kind,
        "number": number, "earned_at": fact.occurred_at,
    }  # fmt: skip


def _due(fact: Earned, rule: RewardRule) -> datetime:
    return fact.occurred_at + timedelta(days=rule.hold_days)


def converted(rule: RewardRule, rate: Rate) -> SimpleNamespace:
    """Return a rule with its amounts in the order's currency.

    What it pays is rounded half-up, the most of one purchase down.
    """

    def told(one: Columns) -> Columns:
        amount = one.get("amount")
        return {**one, "amount": None if amount is None else rate.convert(int(amount))}

    return SimpleNamespace(
        kind=rule.kind, rate=rule.rate, include_tax=rule.include_tax,
        include_shipping=rule.include_shipping, before_discount=rule.before_discount,
        amount=None if rule.amount is None else rate.convert(rule.amount),
        maximum=None if rule.maximum is None else rate.limit(rule.maximum),
        cases=[told(one) for one in rule.cases or ()],
        tiers=[told(one) for one in rule.tiers or ()],
    )  # fmt: skip


def _conversion(commission: Columns, rate: Rate, counted: int) -> Columns:
    return {
        "purchase_id": commission["purchase_id"], "ambassador_id": commission["ambassador_id"],
        "base": rate.base, "quote": rate.quote, "value": rate.value, "rate_on": rate.on,
        "source": rate.source, "amount": commission["amount"], "counted": counted,
        "worth": rate.convert_back(commission["base"]),
    }  # fmt: skip


_LINES = (
    sa.select(PurchaseLine.purchase_id, PurchaseLine.sku, PurchaseLine.amount)
    .where(PurchaseLine.purchase_id.in_(many()))
    .order_by(PurchaseLine.purchase_id, PurchaseLine.position)
)


def _lines(ids: list[int]) -> dict[int, list[rules.Line]]:
    """Return the lines of purchases whose reward depends on their products."""
    found: dict[int, list[rules.Line]] = {}
    for row in run(_LINES, {"ids": ids}) if ids else ():
        found.setdefault(row.purchase_id, []).append(rules.Line(sku=row.sku, amount=row.amount))
    return found
