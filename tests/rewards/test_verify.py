"""Each money invariant is caught when a row breaks it, on both databases."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns import campaigns, terms
from campaigns.models import CampaignStatus, RewardKind
from campaigns.terms import AmbassadorEarns, Terms
from core import clock
from core.db import db, is_sqlite
from rewards import intake, ledger, rules, verify
from rewards.ledger import Draft
from rewards.models import Account, EntryKind
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact


@contextmanager
def unprotected() -> Iterator[None]:
    """Let the block write what the database refuses otherwise; its rows stay uncommitted."""
    if is_sqlite():
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        db.session.execute(sa.text("PRAGMA ignore_check_constraints = ON"))
        for name in db.session.scalars(sa.text(query)).all():
            db.session.execute(sa.text(f"DROP TRIGGER {name}"))
    else:
        db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for table, name in (("code", "within_limit"), ("commission", "amount_not_negative")):
            db.session.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}"))
    yield
    if is_sqlite():
        db.session.execute(sa.text("PRAGMA ignore_check_constraints = OFF"))


def run(statement: str, **values: Any) -> None:
    with unprotected():
        db.session.execute(sa.text(statement), values)


def found(invariant: str) -> list[str]:
    db.session.expire_all()
    return [str(one) for one in verify.breaches() if one.invariant == invariant]


@pytest.fixture
def sold(app: Flask) -> int:
    """A purchase of 100.00 with a code, a refund of 30.00, lines, and a limited code."""
    campaign = make_campaign(uses_per_customer=2, budget=100_000)
    code = make_code("ZOE10", campaign_id=campaign.id, uses_limit=5, uses_per_customer=2)
    fact = purchase_fact(codes=("ZOE10",), external_id="1001")
    (outcome,) = intake.take_purchases([fact])
    intake.take_refunds([refund_fact(fact, 3_000)])
    db.session.commit()
    assert code.used == 1
    assert outcome.purchase_id is not None
    return outcome.purchase_id


def test_books_that_are_right_have_no_breach(sold: int) -> None:
    assert verify.breaches() == []


def test_m1_finds_an_entry_that_does_not_balance(sold: int) -> None:
    run("UPDATE ledger_posting SET amount = amount + 1 WHERE account = 'expense' AND amount > 0")
    assert any("is off by 1 EUR" in one for one in found("M1"))


def test_m1_finds_an_entry_without_legs(sold: int) -> None:
    run("DELETE FROM ledger_posting WHERE entry_id = (SELECT min(id) FROM ledger_entry)")
    assert any("fewer than two legs" in one for one in found("M1"))


@pytest.mark.parametrize(
    "table",
    ["ledger_entry", "ledger_posting", "audit_line", "reward_rule", "commission", "code", "spend"],
)
@pytest.mark.parametrize("event", ["update", "delete", "truncate"])
def test_m2_finds_a_trigger_that_is_gone(app: Flask, table: str, event: str) -> None:
    if event == "truncate" and is_sqlite():
        pytest.skip("SQLite has no TRUNCATE")
    assert found("M2") == []
    on = "" if is_sqlite() else f" ON {table}"
    db.session.execute(sa.text(f"DROP TRIGGER {table}_refuse_{event}{on}"))
    assert found("M2") == [f"M2: {table}: the database does not refuse {event.upper()}"]


def test_m2_finds_a_trigger_that_fires_for_replicas_only(app: Flask) -> None:
    if is_sqlite():
        pytest.skip("SQLite's triggers are there or not")
    db.session.execute(
        sa.text("ALTER TABLE ledger_entry ENABLE REPLICA TRIGGER ledger_entry_refuse_delete")
    )
    assert found("M2") == ["M2: ledger_entry: the database does not refuse DELETE"]


def test_m3_finds_refunds_that_do_not_add_up(sold: int) -> None:
    run("UPDATE purchase SET refunded = 4000")
    assert found("M3") == ["M3: purchase api:1001: has 4000 refunded, its refunds say 3000"]


def test_m3_finds_a_unique_constraint_that_is_gone(app: Flask) -> None:
    if is_sqlite():
        pytest.skip("SQLite keeps unique constraints inside the table: nothing can drop one")
    db.session.execute(sa.text("ALTER TABLE ledger_entry DROP CONSTRAINT uq_ledger_entry_source"))
    db.session.commit()
    try:
        assert found("M3") == ["M3: ledger_entry: source may come twice"]
    finally:
        db.session.execute(
            sa.text(
                "ALTER TABLE ledger_entry ADD CONSTRAINT uq_ledger_entry_source UNIQUE (source)"
            )
        )
        db.session.commit()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("amount = 1001", "freezes 1001 EUR, the rule allows 1000"),
        ("amount = -1", "freezes -1 EUR, the rule allows 1000"),
        ("amount = 600", "has 700 EUR in the ledger, 600 is frozen"),
    ],
)
def test_m4_finds_a_commission_outside_the_policy(sold: int, change: str, said: str) -> None:
    run(f"UPDATE commission SET {change}")
    assert any(said in one for one in found("M4"))


def test_m4_takes_the_rule_in_force_on_the_day_of_the_order(sold: int) -> None:
    run("UPDATE reward_rule SET effective_from = '2026-03-02 00:00:00'")
    assert any("the rule allows 0" in one for one in found("M4"))


def test_m4_finds_a_budget_that_was_passed(sold: int) -> None:
    if not is_sqlite():
        db.session.execute(
            sa.text("ALTER TABLE campaign DROP CONSTRAINT ck_campaign_within_budget")
        )
    run("UPDATE campaign SET budget = committed - 1 WHERE budget IS NOT NULL")
    assert any("committed of a budget" in one for one in found("M4"))


def test_m4_finds_a_cost_that_no_commission_stands_behind(sold: int) -> None:
    ana = make_code("ANA10").ambassador_id
    assert ana is not None
    legs = ledger.move(
        5_000, "EUR", debit=Account.EXPENSE, credit=Account.PAYABLE, ambassador_id=ana,
        purchase_id=sold,
    )  # fmt: skip
    ledger.post(
        [Draft(kind=EntryKind.COMMISSION, source="made up", occurred_at=clock.now(), legs=legs)]
    )
    assert found("M4") == [
        f"M4: entry made up of ambassador {ana}: costs 5000 EUR with no commission behind it"
    ]


def test_m4_and_m7_find_money_in_another_currency_than_its_commission(sold: int) -> None:
    run("UPDATE ledger_posting SET currency = 'USD'")
    assert any("costs 1000 USD with no commission" in one for one in found("M4"))
    assert any("has 0 EUR in the ledger, 700 is due" in one for one in found("M7"))


@pytest.mark.parametrize("committed", [0, 999, 1001])
def test_m4_finds_a_budget_that_counts_another_sum(sold: int, committed: int) -> None:
    run("UPDATE campaign SET committed = :n WHERE budget IS NOT NULL", n=committed)
    assert any(
        one.endswith(f"has {committed} committed, its commissions were 1000") for one in found("M4")
    )


def test_m4_lets_a_budget_count_from_the_day_it_was_set(app: Flask) -> None:
    campaign = campaigns.create(
        "spring",
        Terms(name="Spring", reward=AmbassadorEarns(kind=RewardKind.PERCENT, rate=1000)),
        status=CampaignStatus.RUNNING,
    )
    make_code("ZOE10", campaign_id=campaign.id)
    intake.take_purchases([purchase_fact(codes=("ZOE10",))])
    campaigns.change(campaign, dataclasses.replace(terms.of(campaign), budget=5_000))
    intake.take_purchases([purchase_fact(codes=("ZOE10",))])
    db.session.refresh(campaign)
    assert campaign.committed == 1_000
    assert verify.breaches() == []
    run("UPDATE campaign SET committed = 2001")
    assert any("has 2001 committed, its commissions were 2000" in one for one in found("M4"))


def test_m5_finds_shares_that_lose_a_cent(sold: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run("INSERT INTO purchase_line VALUES (:id, 0, 'A', 1, 3), (:id, 1, 'B', 1, 7)", id=sold)
    assert found("M5") == []
    monkeypatch.setattr(rules, "line_shares", lambda amount, lines: [amount // 3, 0])
    assert any("its lines share 333" in one for one in found("M5"))


def test_m6_finds_a_full_refund_that_leaves_something(sold: int) -> None:
    run("UPDATE purchase SET refunded = total")
    assert any("costs 700" in one and "refunded in full" in one for one in found("M6"))


def test_m6_finds_a_cancelled_order_that_still_pays(sold: int) -> None:
    run("UPDATE purchase SET status = 'cancelled'")
    assert any("costs 700" in one and "cancelled" in one for one in found("M6"))


def test_m7_finds_money_that_stands_nowhere(sold: int) -> None:
    run("UPDATE ledger_posting SET amount = -999 WHERE account = 'pending' AND amount = -1000")
    assert any("earned 700 EUR, 699 stands" in one for one in found("M7"))


def test_m7_finds_a_commission_that_does_not_follow_its_refund(sold: int) -> None:
    run("UPDATE purchase SET refunded = 5000")
    assert any("has 700 EUR in the ledger, 500 is due" in one for one in found("M7"))


def test_m7_finds_a_credit_that_nothing_was_paid_for(sold: int) -> None:
    run("DELETE FROM commission")
    assert any(one.endswith("the credit and nothing of 1000 EUR") for one in found("M7"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE code SET used = 2", "counts 2 uses and has 1"),
        ("UPDATE code SET uses_limit = 0", "its limit is 0"),
        ("UPDATE redemption SET state = 'rolled_back'", "counts 1 uses and has 0"),
        ("UPDATE code_customer_use SET used = 2", "counts 2 uses of a customer who has 1 of 2"),
        ("DELETE FROM code_customer_use", "of a customer who has 1 of 2"),
        ("UPDATE redemption SET state = 'rolled_back'", "counts 1 uses of a customer who has none"),
    ],
)
def test_m10_finds_uses_that_are_not_counted_right(sold: int, change: str, said: str) -> None:
    run(change)
    assert any(said in one for one in found("M10"))


def test_m11_finds_a_credit_that_would_be_decided_in_another_way(sold: int) -> None:
    make_code("ANA10")
    run("UPDATE attribution SET ambassador_id = (SELECT max(id) FROM ambassador)")
    said = found("M11")
    assert any("pays 1 ambassadors, or another" in one for one in said)
    assert any("would be credited in another way" in one for one in said)


def test_m11_finds_a_credit_that_was_forgotten(sold: int) -> None:
    run("DELETE FROM attribution")
    assert any("would be credited in another way" in one for one in found("M11"))


def test_flask_ledger_verify_names_the_breach_and_exits_with_one(app: Flask, sold: int) -> None:
    runner = app.test_cli_runner()
    fine = runner.invoke(args=["ledger", "verify"])
    assert (fine.exit_code, fine.stdout) == (0, "Every money invariant holds.\n")
    told = runner.invoke(args=["ledger", "verify", "--json"])
    assert json.loads(told.stdout) == {"ok": True, "breaches": []}
    db.session.execute(sa.text("UPDATE purchase SET refunded = 4000"))
    db.session.commit()
    broken = runner.invoke(args=["ledger", "verify"])
    assert broken.exit_code == 1
    assert "M3: purchase api:1001: has 4000 refunded, its refunds say 3000" in broken.output
    told = runner.invoke(args=["ledger", "verify", "--json"])
    assert told.exit_code == 1
    assert {one["invariant"] for one in json.loads(told.stdout)["breaches"]} >= {"M3", "M7"}
