"""Commissions follow the frozen rule to the cent, whatever happens to the order."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from ambassadors.models import Ambassador
from campaigns.models import RewardKind
from core import clock, emails, money
from core import db as database
from core.db import db
from integrations import facts
from referrals import customers
from referrals.models import Code
from rewards import commissions, intake, jobs, ledger, oracle, rules, verify
from rewards.models import Account, Commission
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact


def owed(code: Code, account: Account = Account.PENDING, currency: str = "EUR") -> int:
    assert code.ambassador_id is not None
    return ledger.owed(code.ambassador_id, account, currency, as_of=clock.now())


def buy(code: Code, **overrides: object) -> facts.Purchase:
    fact = purchase_fact(codes=(code.text,), **overrides)
    (outcome,) = intake.take_purchases([fact])
    assert outcome.state == "created"
    return fact


def test_purchase_with_a_code_owes_ten_percent_of_net(app: Flask) -> None:
    code = make_code("ZOE10")
    buy(code, total=12_000, tax=1_500, shipping=500)
    assert owed(code) == 1_000


def test_the_same_purchase_twice_owes_once(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code)
    assert intake.take_purchases([fact, fact])[0].state == "unchanged"
    assert owed(code) == 1_000


@pytest.mark.parametrize(
    "parts", [(1111, 1111, 1111), (3333,), *itertools.permutations([1000, 1111, 1222])]
)
def test_full_refund_in_any_parts_leaves_exactly_nothing(
    app: Flask, parts: tuple[int, ...]
) -> None:
    code = make_code("ZOE10")
    fact = buy(code, total=3_333)
    for part in parts:
        intake.take_refunds([refund_fact(fact, part)])
    assert owed(code) == 0


def test_partial_refund_leaves_what_the_rule_gives_on_the_rest(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code, total=9_999)
    intake.take_refunds([refund_fact(fact, 3_333)])
    assert owed(code) == 667  # 10 % of 66.66, half-up


def test_a_refund_that_fails_reinstates(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code)
    refund = refund_fact(fact, 4_000)
    intake.take_refunds([refund])
    assert owed(code) == 600
    intake.take_refunds([dataclasses.replace(refund, state="failed")])
    assert owed(code) == 1_000


def test_an_entry_is_of_the_day_of_its_cause(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code)
    days = [NOW + timedelta(days=n) for n in range(4)]
    first, second = (refund_fact(fact, 1_000, occurred_at=days[n]) for n in (1, 2))
    with clock.frozen(days[3]):
        intake.take_refunds([first])
        intake.take_refunds([second])
        intake.take_refunds([dataclasses.replace(second, state="failed")])
        intake.override(db.session.query(Commission.purchase_id).scalar(), None, reason="a mistake")
        entries = commissions.entries_of(db.session.query(Commission.purchase_id).scalar())
    assert [(one.kind, one.occurred_at) for one in entries] == [
        ("commission", days[0]), ("clawback", days[1]), ("clawback", days[2]),
        ("reinstatement", days[3]), ("clawback", days[3]),
    ]  # fmt: skip


def test_hold_period_ends_in_payable(app: Flask) -> None:
    code = make_code("ZOE10")
    buy(code)
    with clock.frozen(NOW + timedelta(days=30)):
        assert jobs.release_holds() == 1
        assert jobs.release_holds() == 0
        assert (owed(code), owed(code, Account.PAYABLE)) == (0, 1_000)


def test_money_that_is_due_is_looked_for_once_and_without_a_turn_to_write(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = make_code("ZOE10")
    for _ in range(5):
        buy(code)
    db.session.commit()
    monkeypatch.setattr(jobs, "BATCH_ROWS", 2)
    look, might_write = commissions.due, []

    def due() -> list[int]:
        might_write.append(database._may_write.get())
        return look()

    monkeypatch.setattr(commissions, "due", due)
    with clock.frozen(NOW + timedelta(days=30)):
        assert jobs.release_holds() == 5
        assert owed(code, Account.PAYABLE) == 5_000
    assert might_write == [False]
    assert verify.breaches() == []


def test_refund_after_the_hold_takes_from_payable(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code)
    with clock.frozen(NOW + timedelta(days=31)):
        jobs.release_holds()
        intake.take_refunds([refund_fact(fact, 10_000)])
        assert (owed(code), owed(code, Account.PAYABLE)) == (0, 0)


def test_fixed_reward_is_paid_in_its_own_currency_only(app: Flask) -> None:
    rule = {"kind": RewardKind.FIXED, "rate": None, "amount": 500}
    campaign = make_campaign(rule=rule)
    code = make_code("ZOE10", campaign_id=campaign.id)
    buy(code)
    buy(code, currency="CHF")
    assert owed(code) == 500
    assert owed(code, currency="CHF") == 0


def test_maximum_per_purchase_is_never_passed(app: Flask) -> None:
    campaign = make_campaign(rule={"maximum": 300})
    code = make_code("ZOE10", campaign_id=campaign.id)
    fact = buy(code)
    assert owed(code) == 300
    intake.take_refunds([refund_fact(fact, 5_000)])
    assert owed(code) == 300  # half of the order still earns 500, above the maximum


def test_budget_is_clamped_to_the_cent(app: Flask) -> None:
    campaign = make_campaign(budget=2_500)
    code = make_code("ZOE10", campaign_id=campaign.id)
    for _ in range(4):
        buy(code)
    assert owed(code) == 2_500
    db.session.refresh(campaign)
    assert campaign.committed == 2_500


def test_a_budget_counts_its_own_currency_only(app: Flask) -> None:
    campaign = make_campaign(budget=500_000)
    code = make_code("ZOE10", campaign_id=campaign.id)
    buy(code, currency="JPY", total=1_000_000)
    assert owed(code, currency="JPY") == 0  # no guess at a rate
    db.session.refresh(campaign)
    assert campaign.committed == 0


def test_cancelled_purchase_owes_nothing(app: Flask) -> None:
    code = make_code("ZOE10")
    fact = buy(code)
    (outcome,) = intake.take_purchases([dataclasses.replace(fact, status="cancelled")])
    assert outcome.state == "updated"
    assert owed(code) == 0


def test_override_moves_the_money(app: Flask) -> None:
    first, second = make_code("ZOE10"), make_code("ANA10")
    buy(first)
    purchase_id = db.session.query(Commission.purchase_id).scalar()
    intake.override(purchase_id, second.ambassador_id, reason="Ana brought this friend")
    assert (owed(first), owed(second)) == (0, 1_000)
    intake.decide_again([purchase_id])
    assert (owed(first), owed(second)) == (0, 1_000)


AMOUNTS = st.integers(0, 10**9)


@st.composite
def frozen(draw: st.DrawFn) -> Commission:
    """Draw a commission of any kind, clamped by any cap."""
    is_fixed = draw(st.booleans())
    commission = Commission(
        kind=RewardKind.FIXED if is_fixed else RewardKind.PERCENT, is_active=True,
        fixed=draw(AMOUNTS) if is_fixed else None, base=draw(AMOUNTS),
        rate=None if is_fixed else draw(st.integers(0, 10_000)),
    )  # fmt: skip
    cap = draw(st.none() | AMOUNTS)
    full = commission.fixed if is_fixed else money.share(commission.base, commission.rate or 0)
    commission.amount = min(full or 0, 10**10 if cap is None else cap)
    return commission


@given(commission=frozen(), total=AMOUNTS, parts=st.lists(st.integers(1, 10**9), max_size=6))
def test_every_refund_leaves_what_the_oracle_says_and_a_full_one_nothing(
    commission: Commission, total: int, parts: list[int]
) -> None:
    before, refunded = commission.amount if total else 0, 0
    assert rules.earned(commission, total=total, refunded=0) == before
    for part in [*parts, total]:
        refunded = min(total, refunded + part)
        left = rules.earned(commission, total=total, refunded=refunded)
        row = SimpleNamespace(
            is_active=True, total=total, refunded=refunded, parts=None, kind=commission.kind,
            rate=commission.rate, fixed=commission.fixed, base=commission.base,
            amount=commission.amount,
        )  # fmt: skip
        assert left == oracle.due(row)
        assert 0 <= left <= before
        before = left
    assert before == 0


@given(
    amount=st.integers(0, 10**9),
    lines=st.lists(st.integers(0, 10**7), min_size=1, max_size=30),
)
def test_line_shares_sum_to_the_commission(amount: int, lines: list[int]) -> None:
    assert sum(rules.line_shares(amount, lines)) == amount


def test_a_customer_who_turns_out_to_be_the_ambassador_earns_nothing(app: Flask) -> None:
    code = make_code("ZOE10")
    buy(code, email=None, customer_external_id="c-1")
    buy(purchase_code := make_code("ANA10"), email="zoe@example.com", customer_external_id="c-1")
    assert (owed(code), owed(purchase_code)) == (1_000, 1_000)
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    owner.member.email_hash = emails.digest("Zoe@example.com")
    db.session.commit()
    assert (jobs.link_members(), jobs.link_members()) == (1, 0)
    assert (owed(code), owed(purchase_code)) == (0, 1_000)


def test_any_number_of_customers_may_be_linked_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = list(range(1, 70_001))  # PostgreSQL takes 65,535 values in one statement
    monkeypatch.setattr(customers, "link_members", lambda: many)
    assert jobs.link_members() == len(many)
