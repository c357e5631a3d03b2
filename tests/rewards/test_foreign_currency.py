"""Orders in a foreign currency: converted at a frozen rate, or waiting for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, RewardKind
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Purchase
from rewards import earnings, intake, jobs_rates, rate_queue, rates, verify
from rewards.models import (
    Commission,
    Conversion,
    Entry,
    Posting,
    PurchaseReward,
    RateWait,
    RewardCount,
)  # fmt: skip
from rewards.rates import Told
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact

FRIDAY = date(2026, 2, 27)  # `NOW` is the Sunday after
FIXED = {"kind": RewardKind.FIXED, "rate": None, "amount": 500}


def publish(value: str = "1.0823", *, quote: str = "USD", on: date = FRIDAY) -> None:
    rates.record([Told(on, "EUR", quote, Decimal(value), "ecb")])
    db.session.commit()


def campaign_of(rule: dict[str, Any], **overrides: Any) -> Campaign:
    campaign = make_campaign(rule=rule, **overrides)
    make_code("ZOE10", campaign_id=campaign.id)
    return campaign


def buy(**told: Any) -> facts.Purchase:
    return purchase_fact(codes=("ZOE10",), **{"currency": "USD"} | told)


def take(*told: facts.Purchase) -> list[int | None]:
    """Take purchases and return what each earned, None for no commission."""
    intake.take_purchases(told)
    return standing(*told)


def standing(*told: facts.Purchase) -> list[int | None]:
    db.session.commit()
    query = sa.select(Purchase.external_id, Commission.amount).join(
        Commission, Commission.purchase_id == Purchase.id
    )
    known = {row[0]: row[1] for row in db.session.execute(query)}
    assert verify.breaches() == []
    return [known.get(one.external_id) for one in told]


def ledger_sum() -> int:
    query = sa.select(sa.func.sum(Posting.amount)).where(Posting.account == "expense")
    return int(db.session.scalar(query) or 0)


def test_a_fixed_reward_is_converted_and_all_of_it_is_kept(app: Flask) -> None:
    publish()
    campaign_of(FIXED)
    assert take(buy(total=12_000, tax=2_000)) == [541]  # 5.00 EUR are 5.4115 USD
    kept = db.session.scalars(sa.select(Conversion)).one()
    assert (kept.base, kept.quote, kept.value, kept.rate_on, kept.source) == (
        "EUR", "USD", Decimal("1.0823"), FRIDAY, "ecb",
    )  # fmt: skip
    assert (kept.amount, kept.counted, kept.worth) == (541, 500, 9_240)  # 100.00 USD in EUR
    assert {row.currency for row in db.session.scalars(sa.select(Posting))} == {"USD"}


@pytest.mark.parametrize(
    ("quote", "value", "total", "earned"),
    [("JPY", "162.35", 10_000, 812), ("KWD", "0.33421", 10_000, 1_671)],
)
def test_currencies_of_no_and_three_decimals_earn_right(
    app: Flask, quote: str, value: str, total: int, earned: int
) -> None:
    publish(value, quote=quote)
    campaign_of(FIXED)
    assert take(buy(currency=quote, total=total)) == [earned]


def test_a_percentage_without_amounts_needs_no_rate(app: Flask) -> None:
    campaign_of({})
    assert take(buy(total=10_000)) == [1_000]
    assert db.session.scalars(sa.select(Conversion)).all() == []


def test_points_and_perks_need_no_rate(app: Flask) -> None:
    case = {"rate": None, "amount": 80, "products": [], "countries": ["US"], "buyer": None}
    campaign_of({"kind": RewardKind.POINTS, "rate": None, "amount": 50, "cases": [case]})
    assert take(buy(), buy(country="US"), buy(currency="EUR")) == [None, None, None]
    query = sa.select(PurchaseReward.points).order_by(PurchaseReward.id)
    assert sorted(db.session.scalars(query)) == [50, 50, 80]
    assert rate_queue.size() == 0


def test_who_waits_for_a_rate_takes_no_place_of_a_limited_number(app: Flask) -> None:
    campaign = campaign_of(FIXED, rewarded_limit=2)
    told = [buy(occurred_at=NOW - timedelta(minutes=9 - n)) for n in range(3)]
    assert take(*told) == [None] * 3
    assert campaign.rewarded == 0
    assert take(buy(currency="EUR")) == [500]
    publish("2")
    jobs_rates.settle_waiting()
    assert standing(*told) == [1_000, 0, 0]
    assert campaign.rewarded == 2
    assert sorted(db.session.scalars(sa.select(Conversion.counted))) == [0, 0, 500]


def test_amounts_of_cases_and_tiers_are_converted(app: Flask) -> None:
    publish("2")
    case = {"rate": None, "amount": 900, "products": [], "countries": ["US"], "buyer": None}
    tier = {"start": 2, "rate": None, "amount": 700}
    campaign_of(FIXED | {"cases": [case], "tiers": [tier]})
    assert take(buy(country="US")) == [1_800]
    assert take(buy(country="FR")) == [1_400]


def test_the_most_of_one_purchase_is_converted_and_rounded_down(app: Flask) -> None:
    publish("1.0823")
    campaign_of({"maximum": 500})
    assert take(buy(total=100_000), buy(total=1_000)) == [541, 100]
    publish("1.0838", on=FRIDAY + timedelta(days=1))
    assert take(buy(total=100_000)) == [541]  # 5.419


def test_a_budget_in_another_currency_is_taken_exactly(app: Flask) -> None:
    publish("1.0823")
    campaign = campaign_of({}, budget=1_000)
    told = [buy(total=6_000, occurred_at=NOW - timedelta(minutes=9 - n)) for n in range(3)]
    assert take(*told) == [600, 482, 1]  # 5.54 EUR; 4.46 EUR are left, then one cent
    assert campaign.committed == 1_000
    assert take(buy(currency="EUR", total=10_000)) == [0]


def test_the_cap_of_an_ambassador_counts_all_currencies_in_its_own(app: Flask) -> None:
    publish("1.0823")
    publish("162.35", quote="JPY")
    campaign_of({"ambassador_maximum": 1_500})
    assert take(buy(total=10_823)) == [1_082]  # 10.00 EUR
    assert take(buy(currency="JPY", total=100_000)) == [811]  # 5.00 EUR are left
    assert take(buy(currency="EUR", total=10_000)) == [0]
    assert db.session.scalars(sa.select(RewardCount.committed)).one() == 1_500


def test_a_refund_takes_back_at_the_frozen_rate_and_a_correction_changes_nothing(
    app: Flask,
) -> None:
    publish("1.0823")
    campaign_of(FIXED)
    order = buy(total=3_333)
    assert take(order) == [541]
    publish("1.5")  # corrected
    for _part in range(3):
        intake.take_refunds([refund_fact(order, 1_111)])
        assert standing(order) == [541]
    assert ledger_sum() == 0
    assert db.session.scalars(sa.select(Conversion.value)).one() == Decimal("1.0823")


def test_without_a_rate_nothing_is_paid_and_the_purchase_waits(app: Flask) -> None:
    campaign_of(FIXED)
    assert take(buy(external_id="us-1", total=10_000)) == [None]
    assert db.session.scalars(sa.select(Entry)).all() == []
    (one,) = rate_queue.page()
    assert (one.external_id, one.wanted) == ("us-1", ("EUR", "USD", date(2026, 3, 1)))
    assert [(m.base, m.quote, m.count) for m in rate_queue.missing()] == [("EUR", "USD", 1)]
    assert jobs_rates.settle_waiting() == 0  # still none


def test_the_rate_of_the_day_in_the_program_s_time_zone_is_awaited(app: Flask) -> None:
    campaign_of(FIXED)
    late = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)  # 0:30 of the next day in Paris
    take(buy(occurred_at=late))
    assert rate_queue.page()[0].wanted.on == date(2026, 3, 1)


def test_a_rate_that_comes_settles_the_queue_once_and_in_order(app: Flask) -> None:
    campaign = campaign_of(FIXED, budget=1_200)
    told = [buy(occurred_at=NOW - timedelta(hours=n)) for n in range(3)]  # the latest first
    for one in told:
        assert take(one) == [None]
    publish("2")
    assert jobs_rates.settle_waiting() == 3
    assert standing(*told) == [400, 1_000, 1_000]  # the earliest takes first
    assert campaign.committed == 1_200
    assert jobs_rates.settle_waiting() == 0
    assert standing(*told) == [400, 1_000, 1_000]
    assert rate_queue.size() == 0
    assert ledger_sum() == 2_400


def test_a_rate_of_another_day_or_currency_leaves_the_queue_alone(app: Flask) -> None:
    campaign_of(FIXED)
    order = buy()
    take(order)
    publish("162.35", quote="JPY")
    publish("1.2", on=FRIDAY - timedelta(days=14))
    assert jobs_rates.settle_waiting() == 0
    assert standing(order) == [None]


def test_an_order_that_is_cancelled_or_loses_its_credit_leaves_the_queue(app: Flask) -> None:
    campaign_of(FIXED)
    first, second = buy(external_id="a"), buy(external_id="b")
    take(first, second)
    intake.take_purchases([buy(external_id="a", email=first.email, status="cancelled")])
    ids = dict(db.session.execute(sa.select(Purchase.external_id, Purchase.id)).all())
    assert db.session.scalars(sa.select(RateWait.purchase_id)).all() == [ids["b"]]
    intake.override(ids["b"], None, reason="A mistake")
    assert rate_queue.size() == 0
    assert standing(first, second) == [None, None]


def test_a_refund_that_came_while_the_order_waited_counts(app: Flask) -> None:
    campaign_of(FIXED)
    order = buy(total=10_000)
    take(order)
    intake.take_refunds([refund_fact(order, 5_000)])
    publish("2")
    jobs_rates.settle_waiting()
    assert standing(order) == [1_000]
    assert ledger_sum() == 500


def test_two_who_settle_the_queue_at_once_pay_once(app: Flask) -> None:
    campaign = campaign_of(FIXED, budget=5_000)
    told = [buy(occurred_at=NOW - timedelta(minutes=n)) for n in range(20)]
    assert take(*told) == [None] * 20
    publish("2")
    db.session.commit()
    start, left = Barrier(2), []

    def settle(_number: int) -> None:
        with app.app_context(), clock.frozen(NOW):
            ids = rate_queue.ready()
            db.session.rollback()
            start.wait(timeout=5)
            left.append(jobs_rates.settle(ids))
            db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(settle, range(2)))
    assert sum(left) >= 20
    db.session.expire_all()
    assert campaign.committed == 5_000
    assert ledger_sum() == 10_000
    assert sum(one or 0 for one in standing(*told)) == 10_000
    assert rate_queue.size() == 0


def test_m7_finds_who_waits_although_paid(app: Flask) -> None:
    publish("1.0823")
    campaign_of(FIXED)
    assert take(buy()) == [541]
    paid = db.session.scalars(sa.select(Conversion.purchase_id)).one()
    db.session.add(RateWait(purchase_id=paid, since=NOW))
    db.session.commit()
    assert [str(one) for one in verify.breaches()] == [
        f"M7: {_name(paid)}: awaits a rate of currency and has earned"
    ]


def _name(purchase_id: int) -> str:
    one = db.session.get_one(Purchase, purchase_id)
    return f"purchase {one.source}:{one.external_id}"


def test_m7_finds_who_neither_earns_nor_waits(app: Flask) -> None:
    campaign_of(FIXED)
    take(buy())
    db.session.execute(sa.delete(RateWait))
    db.session.commit()
    assert [one.invariant for one in verify.breaches()] == ["M7"]


@pytest.mark.parametrize(
    "wrong",
    [{"value": Decimal("1.1")}, {"value": Decimal("1.05")}, {"base": "USD"}, {"amount": 540},
     {"counted": 499}, {"worth": 1}],
)  # fmt: skip
def test_m4_finds_a_conversion_that_does_not_add_up(app: Flask, wrong: dict[str, Any]) -> None:
    publish("1.0823")
    campaign_of(FIXED)
    assert take(buy()) == [541]
    with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
        db.session.execute(sa.update(Conversion).values(wrong))
    db.session.rollback()
    _without_triggers(sa.update(Conversion).values(wrong))
    assert "M4" in {one.invariant for one in verify.breaches()}
    db.session.rollback()


def _without_triggers(statement: sa.Update) -> None:
    """Change what the database refuses to change, within a transaction that is rolled back."""
    if db.engine.dialect.name == "sqlite":
        db.session.execute(sa.text("DROP TRIGGER conversion_refuse_update"))
    else:
        db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    db.session.execute(statement)


def test_the_portal_knows_what_a_purchase_awaits(app: Flask) -> None:
    campaign_of(FIXED)
    order = buy()
    take(order)
    owner = db.session.scalars(sa.select(Purchase.id)).one()
    ambassador_id = rate_queue.page()[0].ambassador_id
    (one,) = earnings.brought(ambassador_id)
    assert (one.id, one.state, one.amount) == (owner, "awaiting_rate", 0)
