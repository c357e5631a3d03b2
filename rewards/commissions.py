"""Commissions: from a credited purchase to money owed, and back when it is refunded.

A commission freezes the rule as it was on the day of the order.  From then on
one question decides everything: what does the frozen rule give on what is left
of the purchase?  `settle` posts the difference between that answer and what
the ledger says, so accrual, partial refunds in any order, cancellations, a
failed refund and a changed credit are the same act, and doing it twice posts
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import clock
from core.db import db, many, run, upsert_dialect
from referrals.models import (
    Attribution,
    Customer,
    Purchase,
    PurchaseStatus,
    Refund,
    RefundState,
)  # fmt: skip
from rewards import freezing, ledger, news, purchase_rewards, recurring, rules
from rewards.freezing import Earned, Limit
from rewards.ledger import Draft
from rewards.models import (
    Account,
    Commission,
    Conversion,
    Entry,
    EntryKind,
    Posting,
    PurchaseReward,
    RateWait,
)  # fmt: skip
from rewards.models_periods import PeriodTake
from rewards.purchase_rewards import Standing
from rewards.recurring import Firsts

_ALL_AT_ONCE = 500  # purchases settled together
Pair = tuple[int, int]  # purchase, ambassador


def settle(purchase_ids: Iterable[int], *, fresh: Set[int] = frozenset()) -> None:
    """Bring the ledger in line with purchases: accrue, claw back or reinstate.

    Locks the purchases, in the order of their ids; issues a constant number of
    statements for each 500 of them.

    Args:
        purchase_ids: Which.
        fresh: Those of them that this transaction recorded and nobody settled: nothing
            earlier is looked for, and nobody else can see them to change them.
    """
    ids, unsettled = sorted(set(purchase_ids)), set(fresh)
    for start in range(0, len(ids), _ALL_AT_ONCE):
        _settle_with_others(ids[start : start + _ALL_AT_ONCE], unsettled)


def _settle_with_others(ids: list[int], fresh: set[int]) -> None:
    wider = sorted(recurring.with_others(ids))
    for start in range(0, len(wider), _ALL_AT_ONCE):
        some = wider[start : start + _ALL_AT_ONCE]
        _settle(some, [id_ for id_ in some if id_ not in fresh])
        fresh.difference_update(some)


def due() -> list[int]:
    """Return the purchases with money whose hold period is over; reads all commissions once."""
    return sorted({row.purchase_id for row in db.session.execute(_pending())})


def release(purchase_ids: Iterable[int]) -> int:
    """Move money whose hold period is over from pending to payable; return how many commissions."""
    ids = sorted(set(purchase_ids))
    _lock(ids)  # a refund at the same moment comes before or after, never between
    over = db.session.execute(_pending().where(Commission.purchase_id.in_(ids))).all()
    numbers = _entry_numbers(ids)
    return ledger.post(
        [
            Draft(
                kind=EntryKind.RELEASE,
                source=f"release:{row.id}:{numbers[row.purchase_id, row.ambassador_id]}",
                occurred_at=clock.now(),
                legs=ledger.move(
                    -int(row.pending),
                    row.currency,
                    debit=Account.PENDING,
                    credit=Account.PAYABLE,
                    ambassador_id=row.ambassador_id,
                    purchase_id=row.purchase_id,
                ),
            )
            for row in over
        ]
    )


def _pending() -> Any:
    """Return the query of what is pending although its hold period is over."""
    pending = sa.func.sum(Posting.amount)
    of_commission = sa.and_(
        Posting.purchase_id == Commission.purchase_id,
        Posting.ambassador_id == Commission.ambassador_id,
        Posting.account == Account.PENDING,
    )
    columns = (
        Commission.id, Commission.purchase_id, Commission.ambassador_id, Posting.currency,
    )  # fmt: skip
    return (
        sa.select(*columns, pending.label("pending"))
        .join(Posting, of_commission)
        .where(Commission.payable_at <= clock.now())
        .group_by(*columns)
        .having(pending < 0)
        .order_by(Commission.purchase_id)
    )


@dataclass(slots=True)
class _Books:
    """What a settlement reads: facts, what was frozen, and what the ledger has of it."""

    facts: dict[int, Earned]
    balances: dict[Pair, dict[Account, int]]
    numbers: dict[Pair, int]
    limits: dict[int, Limit]
    firsts: Firsts

    def earns(self, frozen: Commission | PurchaseReward) -> bool:
        """Tell whether a purchase counts, is still credited to them, and its rule still pays."""
        fact, limit = self.facts[frozen.purchase_id], self.limits.get(frozen.rule_id)
        return (
            fact.is_counted
            and fact.ambassador_id == frozen.ambassador_id
            and (limit is None or freezing.earns(fact, limit, self.firsts))
        )


def _settle(ids: list[int], before: list[int]) -> None:
    """Settle purchases; something may be written only of those that were there before."""
    _lock(before)
    facts = _facts(ids)
    known, things = _known(before), purchase_rewards.known(before)
    _let_wait(facts, _freeze_new(facts, known, things))
    books = _books(before, facts, [*known.values(), *things.values()])
    drafts, changed = [], []
    for pair, commission in sorted(known.items()):
        _follow_credit(commission, is_active=books.earns(commission))
        draft = _difference(
            commission, facts[commission.purchase_id], books.balances.get(pair, {}),
            books.numbers.get(pair, 0),
        )  # fmt: skip
        if draft:
            drafts.append(draft)
            changed.append(commission)
    db.session.flush()  # the switched commissions, before their postings
    ledger.post(drafts)
    news.commissions(drafts, changed)
    if things:
        purchase_rewards.follow(_standing(pair, thing, books) for pair, thing in things.items())


def _books(
    ids: list[int], facts: dict[int, Earned], frozen: Sequence[Commission | PurchaseReward]
) -> _Books:
    limits = freezing.limits(frozen)
    return _Books(
        facts, ledger.by_purchase(ids), _entry_numbers(ids), limits,
        recurring.firsts(
            (limit.campaign_id, facts[one.purchase_id].customer_id)
            for one in frozen
            if (limit := limits.get(one.rule_id)) and limit.months is not None
        ),
    )  # fmt: skip


def _standing(pair: Pair, thing: PurchaseReward, books: _Books) -> Standing:
    fact = books.facts[thing.purchase_id]
    return Standing(
        reward=thing, stands=books.earns(thing), is_suspicious=fact.is_suspicious,
        total=fact.total, refunded=fact.refunded, refunded_at=fact.refunded_at,
        given=books.balances.get(pair, {}).get(Account.POINTS_GIVEN, 0),
        expired=-books.balances.get(pair, {}).get(Account.POINTS_EXPIRED, 0),
        entries=books.numbers.get(pair, 0),
    )  # fmt: skip


# As in `customers.lock`: rows that point to a purchase or a campaign, which everybody has
# written before coming here, must not stand in the way of its lock.
_LOCK = (
    sa.select(Purchase.id)
    .where(Purchase.id.in_(many()))
    .order_by(Purchase.id)
    .with_for_update(key_share=True)
)


def _lock(ids: Sequence[int]) -> None:
    if ids:
        run(_LOCK, {"ids": ids}).all()


_REFUNDED_AT = (
    sa.select(Refund.purchase_id, sa.func.max(Refund.occurred_at).label("at"))
    .where(Refund.purchase_id.in_(many()), Refund.state == RefundState.APPLIED)
    .group_by(Refund.purchase_id)
    .subquery()
)
_FACTS = (
    sa.select(
        Purchase.id.label("purchase_id"), Purchase.occurred_at, Purchase.currency,
        Purchase.total, Purchase.discount, Purchase.tax, Purchase.shipping,
        Purchase.net_amount, Purchase.refunded, Purchase.status, Purchase.is_test,
        Purchase.country, Purchase.customer_id, Customer.first_purchase_id,
        _REFUNDED_AT.c.at.label("refunded_at"),
        Attribution.ambassador_id, Attribution.campaign_id, Attribution.suspicion,
        RateWait.purchase_id.is_not(None).label("is_waiting"),
    )
    .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
    .outerjoin(Customer, Customer.id == Purchase.customer_id)
    .outerjoin(RateWait, RateWait.purchase_id == Purchase.id)
    .outerjoin(_REFUNDED_AT, _REFUNDED_AT.c.purchase_id == Purchase.id)
    .where(Purchase.id.in_(many()))
)  # fmt: skip


def _facts(ids: Sequence[int]) -> dict[int, Earned]:
    rows = run(_FACTS, {"ids": ids})
    return {row.purchase_id: _fact(dict(row._mapping)) for row in rows}


def _fact(columns: dict[str, Any]) -> Earned:
    status, is_test = columns.pop("status"), columns.pop("is_test")
    customer_id, first_id = columns["customer_id"], columns.pop("first_purchase_id")
    return Earned(
        is_counted=status is PurchaseStatus.PAID and not is_test,
        is_new=None if customer_id is None else first_id == columns["purchase_id"],
        is_suspicious=columns.pop("suspicion") is not None,
        **columns,
    )


_KNOWN = (
    sa.select(Commission)
    .where(Commission.purchase_id.in_(many()))
    .execution_options(populate_existing=True)
)


def _known(ids: Sequence[int]) -> dict[tuple[int, int], Commission]:
    rows = db.session.scalars(_KNOWN, {"ids": ids}) if ids else ()
    return {(row.purchase_id, row.ambassador_id): row for row in rows}


def _freeze_new(
    facts: dict[int, Earned],
    known: dict[Pair, Commission],
    things: dict[Pair, PurchaseReward],
) -> set[int]:
    """Write what each credit earns that has nothing yet, with the rule of its day frozen.

    Returns:
        Purchases that earn nothing before there is a rate of currency for them.
    """
    new = [
        fact
        for fact in facts.values()
        if fact.is_counted
        and fact.ambassador_id is not None
        and (fact.purchase_id, fact.ambassador_id) not in known
        and (fact.purchase_id, fact.ambassador_id) not in things
    ]
    if not new:
        return set()
    frozen = freezing.granted(new)
    for table, rows in (
        (Commission, frozen.commissions),
        (Conversion, frozen.conversions),
        (PeriodTake, frozen.takes),
    ):
        if rows:
            run(upsert_dialect().insert(table).on_conflict_do_nothing(), rows)
    if frozen.commissions:
        known |= _known([row["purchase_id"] for row in frozen.commissions])
    things |= purchase_rewards.keep(frozen.things)
    return frozen.waiting


def _let_wait(facts: dict[int, Earned], waiting: set[int]) -> None:
    """Keep the queue of purchases that await a rate as it has to be."""
    before = {fact.purchase_id for fact in facts.values() if fact.is_waiting}
    if before - waiting:
        db.session.execute(
            sa.delete(RateWait).where(RateWait.purchase_id.in_(sorted(before - waiting)))
        )
    if waiting - before:
        rows = [{"purchase_id": id_, "since": clock.now()} for id_ in sorted(waiting - before)]
        db.session.execute(upsert_dialect().insert(RateWait).on_conflict_do_nothing(), rows)


def _follow_credit(commission: Commission, *, is_active: bool) -> None:
    if commission.is_active != is_active:
        commission.is_active = is_active


def _difference(
    commission: Commission, fact: Earned, standing: dict[Account, int], number: int
) -> Draft | None:
    """Return the entry that brings a commission's postings to what it should be now."""
    should_be = (
        rules.earned(commission, total=fact.total, refunded=fact.refunded)
        if commission.is_active
        else 0
    )
    difference = should_be - standing.get(Account.EXPENSE, 0)
    if not difference:
        return None
    legs: tuple[ledger.Leg, ...] = ()
    if difference > 0:
        legs = _owe(commission, difference, _waiting_account(commission, fact, standing))
    else:
        legs = _take_back(commission, -difference, standing)
    return Draft(
        kind=_kind(difference, number),
        source=f"commission:{commission.id}:{number}",
        occurred_at=_happened_at(fact, number, is_refund=difference < 0 and commission.is_active),
        legs=legs,
    )


def _kind(difference: int, number: int) -> EntryKind:
    if difference < 0:
        return EntryKind.CLAWBACK
    return EntryKind.REINSTATEMENT if number else EntryKind.COMMISSION


def _happened_at(fact: Earned, number: int, *, is_refund: bool) -> datetime:
    """Return the day of the order for the first entry, of the refund for what it takes back.

    What we only learn later (a refund that failed, a credit that moved, a
    cancellation) is a line of the day we learn it.
    """
    if not number:
        return fact.occurred_at
    return fact.refunded_at if is_refund and fact.refunded_at else clock.now()


def _waiting_account(commission: Commission, fact: Earned, standing: dict[Account, int]) -> Account:
    if fact.is_suspicious or standing.get(Account.HELD):
        return Account.HELD
    return Account.PENDING if commission.payable_at > clock.now() else Account.PAYABLE


def _owe(commission: Commission, amount: int, account: Account) -> tuple[ledger.Leg, ...]:
    return ledger.move(
        amount, commission.currency, debit=Account.EXPENSE, credit=account,
        ambassador_id=commission.ambassador_id, purchase_id=commission.purchase_id,
    )  # fmt: skip


def _take_back(
    commission: Commission, amount: int, standing: dict[Account, int]
) -> tuple[ledger.Leg, ...]:
    """Return legs that take money back: pending first, then held, then payable.

    What was paid already leaves a negative payable balance, which the next
    commissions repay; nobody is debited (rule 17).
    """
    legs: tuple[ledger.Leg, ...] = ()
    left = amount
    for account in (Account.PENDING, Account.HELD, Account.PAYABLE):
        there = left if account is Account.PAYABLE else min(left, -standing.get(account, 0))
        if there > 0:
            legs += ledger.move(
                there, commission.currency, debit=account, credit=Account.EXPENSE,
                ambassador_id=commission.ambassador_id, purchase_id=commission.purchase_id,
            )  # fmt: skip
            left -= there
    return legs


_ENTRY_NUMBERS = (
    sa.select(
        Posting.purchase_id, Posting.ambassador_id,
        sa.func.count(sa.distinct(Posting.entry_id)).label("entries"),
    )
    .where(Posting.purchase_id.in_(many()))
    .group_by(Posting.purchase_id, Posting.ambassador_id)
)  # fmt: skip


def _entry_numbers(ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return how many entries each (purchase, ambassador) has."""
    rows = run(_ENTRY_NUMBERS, {"ids": ids}) if ids else ()
    return {(row.purchase_id, row.ambassador_id): row.entries for row in rows}


def entries_of(purchase_id: int) -> list[Entry]:
    """Return the ledger entries of a purchase, oldest first, with their postings."""
    query = (
        sa.select(Entry)
        .join(Posting)
        .where(Posting.purchase_id == purchase_id)
        .distinct()
        .order_by(Entry.id)
        .options(sa.orm.selectinload(Entry.postings))
    )
    return list(db.session.scalars(query))
