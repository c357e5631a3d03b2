"""The money invariants, as checks that anyone can run at any time.

Each check asks the database one question about all rows at once and names what
breaks the promise; an empty answer is the good one.  Nothing here calls the
code that wrote the rows, where the point is that it could be wrong: M4 works
commissions out again from the rules with exact fractions.

M1 entries balance, M2 the database refuses to change history, M3 one effect
per fact, M4 commissions within the policy and every cap, M5 shares of lines
sum up, M6 nothing below zero and a full refund leaves nothing, M7 what is owed
and paid is what was earned, M8 and M9 payouts, M10 uses of codes within their limits, M11 one
winner, the same again.  M12 is `reports/checks.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from accounts.models import AuditLine
from ambassadors import program
from campaigns.models import Campaign, RewardRule
from core.db import db, is_sqlite
from referrals.models import (
    Attribution,
    Purchase,
    PurchaseLine,
    PurchaseStatus,
    Refund,
    RefundState,
)  # fmt: skip
from rewards import (
    ledger,
    oracle,
    rules,
    verify_credit,
    verify_missions,
    verify_payouts,
    verify_periods,
    verify_perks,
    verify_points,
    verify_rates,
    verify_rewards,
    verify_uses,
)  # fmt: skip
from rewards.breach import MOST_SHOWN, PAGE, Breach, pages
from rewards.models import (
    OF_COMMISSION,
    Account,
    Commission,
    Conversion,
    Entry,
    EntryKind,
    Posting,
    RewardCount,
)  # fmt: skip

_PROTECTED = (
    "ledger_entry", "ledger_posting", "audit_line", "reward_rule", "commission", "code",
    "conversion", "period_take", "perk_exchange", "voucher_batch", "voucher", "voucher_take",
    "points_grant", "payout", "purchase_reward", "threshold", "contract_template", "contract",
    "closed_month", "closed_balance", "closed_document", "ledger_check", "billing_terms",
    "billing_mandate", "vat_status", "invoice", "points_term", "mission", "mission_take",
)  # fmt: skip


def breaches() -> list[Breach]:
    """Return what breaks a money invariant, at most 20 of each kind; writes nothing."""
    found: list[Breach] = []
    for check in CHECKS:
        for count, breach in enumerate(check()):
            if count == MOST_SHOWN:
                break
            found.append(breach)
    return found


def entries_balance() -> Iterator[Breach]:
    """M1: every entry sums to 0 per currency, has two legs at least, and so does the ledger."""
    off = (
        sa.select(Posting.entry_id, Posting.currency, sa.func.sum(Posting.amount).label("sum"))
        .group_by(Posting.entry_id, Posting.currency)
        .having(sa.func.sum(Posting.amount) != 0)
        .order_by(Posting.entry_id)
    )
    for row in db.session.execute(off.limit(MOST_SHOWN)):
        yield Breach("M1", f"entry {row.entry_id}", f"is off by {row.sum} {row.currency}")
    legs = (
        sa.select(Entry.id)
        .outerjoin(Posting, Posting.entry_id == Entry.id)
        .group_by(Entry.id)
        .having(sa.func.count(Posting.id) < 2)
        .order_by(Entry.id)
    )
    for id_ in db.session.scalars(legs.limit(MOST_SHOWN)):
        yield Breach("M1", f"entry {id_}", "has fewer than two legs")


def history_is_protected() -> Iterator[Breach]:
    """M2: the triggers that refuse to change history are there and switched on."""
    present = _triggers()
    events = {"UPDATE", "DELETE"} | (set() if is_sqlite() else {"TRUNCATE"})
    for table in _PROTECTED:
        for event in sorted(events - present.get(table, set())):
            yield Breach("M2", table, f"the database does not refuse {event}")


def one_effect_each() -> Iterator[Breach]:
    """M3: one effect per order and refund, one commission per credit, kept by the database."""
    wanted = {
        "purchase": {"source", "external_id"},
        "refund": {"source", "external_id"},
        "commission": {"purchase_id", "ambassador_id"},
        "purchase_reward": {"purchase_id", "ambassador_id"},
        "ledger_entry": {"source"},
        "redemption": {"code_id", "order_key"},
        "attribution": {"purchase_id"},
    }
    look = sa.inspect(db.session.connection())
    constraints = look.get_multi_unique_constraints(filter_names=[*wanted])
    indexes = look.get_multi_indexes(filter_names=[*wanted])
    for table, columns in wanted.items():
        named: list[Any] = [one["column_names"] for one in constraints[None, table]]
        named += [one["column_names"] for one in indexes[None, table] if one["unique"]]
        if columns not in [set(names) for names in named]:
            yield Breach("M3", table, f"{', '.join(sorted(columns))} may come twice")
    applied = (
        sa.select(Purchase.source, Purchase.external_id, Purchase.refunded)
        .add_columns(sa.func.coalesce(sa.func.sum(Refund.amount), 0).label("told"))
        .outerjoin(
            Refund,
            sa.and_(Refund.purchase_id == Purchase.id, Refund.state == RefundState.APPLIED),
        )
        .group_by(Purchase.id)
        .having(Purchase.refunded != sa.func.coalesce(sa.func.sum(Refund.amount), 0))
    )
    for row in db.session.execute(applied.limit(MOST_SHOWN)):
        detail = f"has {row.refunded} refunded, its refunds say {row.told}"
        yield Breach("M3", f"purchase {row.source}:{row.external_id}", detail)


def within_policy() -> Iterator[Breach]:
    """M4: no commission above the rule in force at the order date, nor above a cap."""
    for page in pages(oracle.commissions_with_orders(), Commission.id):
        for row, allowed in _allowed(page):
            if not 0 <= row.amount <= allowed:
                detail = f"freezes {row.amount} {row.currency}, the rule allows {allowed}"
                yield Breach("M4", f"commission {row.id}", detail)
            elif row.posted > row.amount:
                detail = f"has {row.posted} {row.currency} in the ledger, {row.amount} is frozen"
                yield Breach("M4", f"commission {row.id}", detail)
    spent = sa.select(Campaign.slug, Campaign.budget, Campaign.committed).where(
        Campaign.budget.is_not(None), Campaign.committed > Campaign.budget
    )
    for row in db.session.execute(spent):
        detail = f"has {row.committed} committed of a budget of {row.budget}"
        yield Breach("M4", f"campaign {row.slug}", detail)
    yield from _wrong_commitments()
    yield from _wrong_counts()


def costs_have_a_commission() -> Iterator[Breach]:
    """M4: what orders cost is posted for a commission, in its currency, and for nothing else."""
    of_orders = [EntryKind.COMMISSION, EntryKind.CLAWBACK, EntryKind.REINSTATEMENT]
    commission = sa.and_(
        Commission.purchase_id == Posting.purchase_id,
        Commission.ambassador_id == Posting.ambassador_id,
        Commission.currency == Posting.currency,
    )
    query = (
        sa.select(Entry.source, Posting.ambassador_id, Posting.amount, Posting.currency)
        .join(Entry, Entry.id == Posting.entry_id)
        .outerjoin(Commission, commission)
        .where(
            Posting.account == Account.EXPENSE, Entry.kind.in_(of_orders), Commission.id.is_(None)
        )
        .order_by(Posting.id)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"costs {row.amount} {row.currency} with no commission behind it"
        yield Breach("M4", f"entry {row.source} of ambassador {row.ambassador_id}", detail)


def line_shares_sum() -> Iterator[Breach]:
    """M5: the lines of an order share out its whole commission."""
    query = (
        sa.select(Commission.id, Commission.amount, PurchaseLine.amount.label("line"))
        .join(PurchaseLine, PurchaseLine.purchase_id == Commission.purchase_id)
        .order_by(Commission.id, PurchaseLine.position)
    )
    lines: list[int] = []
    before: Any = None
    rows = db.session.execute(query.execution_options(yield_per=PAGE))
    for row in itertools.chain(rows, [None]):
        if before is not None and (row is None or row.id != before.id):
            shares = rules.line_shares(before.amount, lines)
            if sum(shares) != before.amount or min(shares) < 0:
                yield Breach("M5", f"commission {before.id}", f"its lines share {sum(shares)}")
            lines = []
        if row is not None:
            lines.append(row.line)
        before = row


def never_below_zero() -> Iterator[Breach]:
    """M6: what an order has cost is never negative, and 0 once it is refunded or cancelled."""
    cost = sa.func.sum(Posting.amount)
    query = (
        sa.select(
            Purchase.source, Purchase.external_id, Purchase.total, Purchase.refunded,
            Purchase.status, Posting.ambassador_id, cost.label("cost"),
        )
        .join(Purchase, Purchase.id == Posting.purchase_id)
        .where(Posting.account == Account.EXPENSE)
        .group_by(Purchase.id, Posting.ambassador_id, Posting.currency)
        .having(
            sa.or_(
                cost < 0,
                sa.and_(cost != 0, Purchase.refunded == Purchase.total),
                sa.and_(cost != 0, Purchase.status != PurchaseStatus.PAID),
            )
        )
    )  # fmt: skip
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        state = "refunded in full" if row.refunded == row.total else row.status.value
        subject = f"purchase {row.source}:{row.external_id}"
        yield Breach(
            "M6", subject, f"costs {row.cost} with ambassador {row.ambassador_id}, {state}"
        )


def owed_is_earned() -> Iterator[Breach]:
    """M7: paid, payable, held and pending are what was earned less what was taken back."""
    is_cost = Posting.account.in_(ledger.COSTS)
    earned = sa.func.sum(sa.case((is_cost, Posting.amount), else_=0))
    stands = sa.func.sum(sa.case((is_cost, 0), else_=-Posting.amount))
    query = (
        sa.select(Posting.ambassador_id, Posting.currency)
        .add_columns(earned.label("earned"), stands.label("stands"))
        .group_by(Posting.ambassador_id, Posting.currency)
        .having(earned != stands)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"earned {row.earned} {row.currency}, {row.stands} stands in the accounts"
        yield Breach("M7", f"ambassador {row.ambassador_id}", detail)
    yield from _wrong_balances()
    yield from _credits_not_paid()


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    entries_balance,
    history_is_protected,
    one_effect_each,
    within_policy,
    costs_have_a_commission,
    line_shares_sum,
    never_below_zero,
    owed_is_earned,
    verify_uses.uses_within_limits,
    verify_credit.one_winner,
    *verify_rates.CHECKS,
    *verify_perks.CHECKS,
    *verify_points.CHECKS,
    *verify_missions.CHECKS,
    *verify_payouts.CHECKS,
    *verify_periods.CHECKS,
    *verify_rewards.CHECKS,
)


_BITS = (("DELETE", 8), ("UPDATE", 16), ("TRUNCATE", 32))  # PostgreSQL's pg_trigger.tgtype


def _triggers() -> dict[str, set[str]]:
    """Return which acts a trigger of ours refuses, by table."""
    found: dict[str, set[str]] = {}
    if is_sqlite():
        query = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
        for table, sql in db.session.execute(sa.text(query)):
            if "RAISE(ABORT" in sql:
                event = "DELETE" if "BEFORE DELETE" in sql else "UPDATE"
                found.setdefault(table, set()).add(event)
        return found
    query = (
        "SELECT c.relname, t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_proc p ON p.oid = t.tgfoid "
        "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND p.proname = 'refuse_change'"
    )
    for table, bits in db.session.execute(sa.text(query)):
        events = {name for name, bit in _BITS if bits & bit}
        found.setdefault(table, set()).update(events)
    return found


def _wrong_counts() -> Iterator[Breach]:
    """Yield ambassadors who have more than their cap, or another sum than their commissions."""
    is_capped = RewardRule.ambassador_maximum.is_not(None)
    counted = sa.func.coalesce(Conversion.counted, Commission.amount)
    query = (
        sa.select(
            Commission.campaign_id, Commission.ambassador_id,
            sa.func.sum(counted).label("accrued"),
            sa.func.sum(sa.case((is_capped, counted), else_=0)).label("capped"),
            sa.func.max(RewardRule.ambassador_maximum).label("cap"),
            sa.func.max(RewardCount.committed).label("committed"),
        )
        .join(RewardRule, RewardRule.id == Commission.rule_id)
        .outerjoin(Conversion, OF_COMMISSION)
        .outerjoin(
            RewardCount,
            sa.and_(
                RewardCount.campaign_id == Commission.campaign_id,
                RewardCount.ambassador_id == Commission.ambassador_id,
            ),
        )
        .where(Commission.number.is_not(None))
        .group_by(Commission.campaign_id, Commission.ambassador_id)
        .order_by(Commission.campaign_id, Commission.ambassador_id)
    )  # fmt: skip
    for row in db.session.execute(query):
        subject = f"campaign {row.campaign_id}, ambassador {row.ambassador_id}"
        if row.cap is not None and row.capped > row.cap:
            yield Breach("M4", subject, f"accrued {row.capped} of at most {row.cap}")
        if row.committed != row.accrued:
            yield Breach("M4", subject, f"counts {row.committed}, has {row.accrued}")


def _wrong_balances() -> Iterator[Breach]:
    """Yield commissions whose ledger is not what the frozen rule gives on what remains."""
    for page in pages(oracle.commissions_as_frozen(), Commission.id):
        for row in page:
            due = oracle.due(row)
            if row.posted != due:
                detail = f"has {row.posted} {row.currency} in the ledger, {due} is due"
                yield Breach("M7", f"commission {row.id}", detail)


def _allowed(page: Any) -> Iterator[tuple[Any, int]]:
    """Yield the rows of a page, each with the most that its rule gives."""
    rules, timezone = oracle.rules(), program.current().timezone
    lines, circles = oracle.lines_of(page, rules), oracle.circles_of(page, rules)
    for row in page:
        versions = rules.get(row.campaign_id, [])
        told = lines.get(row.purchase_id, [])
        were_in = circles.get(row.id, set())
        yield row, oracle.allowed(row, versions, told, circles=were_in, timezone=timezone)


def _credits_not_paid() -> Iterator[Breach]:
    """Yield credits that the rule of their day pays for, without a commission."""
    for page in pages(oracle.credits_without_commission(), Attribution.id):
        for row, allowed in _allowed(page):
            if allowed:
                detail = f"gives ambassador {row.ambassador_id} the credit and nothing of {allowed}"
                yield Breach("M7", f"purchase {row.purchase_id}", f"{detail} {row.order_currency}")


def _wrong_commitments() -> Iterator[Breach]:
    """Yield budgets that count another sum than what their commissions were accrued at.

    A budget that was set on a campaign which ran without one counts what came after, so
    of such a campaign only too much is a breach.
    """
    counted = sa.func.coalesce(Conversion.counted, Commission.amount)
    accrued = (
        sa.select(sa.func.coalesce(sa.func.sum(counted), 0))
        .select_from(Commission)
        .outerjoin(Conversion, OF_COMMISSION)
        .where(
            Commission.campaign_id == Campaign.id,
            sa.or_(Commission.currency == Campaign.currency, Conversion.purchase_id.is_not(None)),
        )
        .correlate(Campaign)
        .scalar_subquery()
    )
    query = sa.select(Campaign.slug, Campaign.committed, accrued.label("accrued")).where(
        Campaign.budget.is_not(None), Campaign.committed != accrued
    )
    for row in db.session.execute(query):
        if row.committed > row.accrued or not _began_without_budget(row.slug):
            detail = f"has {row.committed} committed, its commissions were {row.accrued}"
            yield Breach("M4", f"campaign {row.slug}", detail)


def _began_without_budget(slug: str) -> bool:
    changes = db.session.scalars(
        sa.select(AuditLine.details).where(
            AuditLine.act == "campaign.change", AuditLine.object_kind == "campaign",
            AuditLine.object_id == slug,
        )
    )  # fmt: skip
    return any(one["before"].get("budget", 0) is None for one in changes)
