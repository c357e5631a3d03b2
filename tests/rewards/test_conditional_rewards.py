"""Rewards that depend on product, country, buyer and tier, end after months, stop at caps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import RewardKind
from core import clock
from core.db import db, retrying
from integrations import facts
from referrals.models import Code, Purchase
from rewards import intake, oracle, rules, verify
from rewards.models import Commission, RewardCount
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, purchase_fact, refund_fact


def case(**told: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"rate": None, "amount": None, "products": [], "countries": []}
    return empty | {"buyer": None} | told


def code_of(rule: dict[str, Any], **campaign: Any) -> Code:
    return make_code("ZOE10", campaign_id=make_campaign(rule=rule, **campaign).id)


def earns(*told: facts.Purchase) -> list[int | None]:
    """Take purchases and return what each earns, None for no commission that stands."""
    intake.take_purchases(told)
    return standing(*told)


def standing(*told: facts.Purchase) -> list[int | None]:
    db.session.expire_all()
    query = sa.select(Purchase.external_id, Commission.amount).join(
        Commission, Commission.purchase_id == Purchase.id
    )
    rows = db.session.execute(query.where(Commission.is_active.is_(True)))
    known: dict[str, int] = {row[0]: row[1] for row in rows}
    assert verify.breaches() == []
    return [known.get(one.external_id) for one in told]


def buy(**told: Any) -> facts.Purchase:
    return purchase_fact(codes=("ZOE10",), **told)


def months_later(months: int, **more: int) -> datetime:
    start = rules.add_months(date(2026, 3, 1), months)
    return datetime(start.year, start.month, start.day, 12, tzinfo=UTC) + timedelta(**more)


def test_a_product_s_lines_earn_at_its_rate_and_the_rest_at_the_usual_one(app: Flask) -> None:
    code_of({"cases": [case(rate=3000, products=["TEA"])]})
    lines = (
        facts.Line(sku="TEA", quantity=1, amount=3333),
        facts.Line(sku="POT", quantity=1, amount=6667),
    )
    one = buy(total=10_000, lines=lines)
    assert earns(one) == [1667]  # 30 % of 33.33 and 10 % of 66.67 are 16.666, rounded once
    commission = db.session.scalars(sa.select(Commission)).one()
    assert commission.parts == [[3000, 3333], [1000, 6667]]
    assert (commission.rate, commission.base) == (None, 10_000)
    intake.take_refunds([refund_fact(one, 5_000)])
    intake.take_refunds([refund_fact(one, 5_000)])
    assert standing(one) == [1667]
    assert db.session.scalar(sa.text("SELECT coalesce(sum(amount), 0) FROM ledger_posting")) == 0


def test_country_and_buyer_decide_and_the_first_case_that_fits_pays(app: Flask) -> None:
    code_of({"cases": [case(rate=2000, buyer="new"), case(rate=500, countries=["GB"])]})
    new = buy(total=10_000, country="GB", email="ana@example.com")
    again = buy(total=10_000, country="GB", email="ana@example.com", occurred_at=NOW + _day())
    at_home = buy(total=10_000, country="FR", email="ana@example.com", occurred_at=NOW + _day(2))
    with clock.frozen(NOW + _day(3)):
        assert earns(new, again, at_home) == [2000, 500, 1000]


def test_a_fixed_amount_depends_on_what_was_bought_too(app: Flask) -> None:
    code_of({"kind": RewardKind.FIXED, "rate": None, "amount": 300,
             "cases": [case(amount=900, products=["TEA"])]})  # fmt: skip
    with_tea = buy(
        lines=(
            facts.Line(sku="POT", quantity=1, amount=5000),
            facts.Line(sku="TEA", quantity=1, amount=5000),
        )
    )
    assert earns(with_tea, buy(lines=(facts.Line(sku="POT", quantity=1, amount=10_000),))) == [
        900,
        300,
    ]


def test_a_tier_begins_with_the_purchase_that_reaches_it(app: Flask) -> None:
    code_of({"tiers": [{"start": 2, "rate": 1500, "amount": None},
                       {"start": 4, "rate": 2000, "amount": None}]})  # fmt: skip
    told = [buy(occurred_at=NOW - timedelta(minutes=9 - n)) for n in range(5)]
    assert earns(*told[:2]) == [1000, 1500]
    assert earns(*told) == [1000, 1500, 1500, 2000, 2000]


def test_twelve_months_pay_months_0_to_11(app: Flask) -> None:
    code_of({"months": 12})
    paid = [
        buy(occurred_at=months_later(n), email="ana@example.com", subscription="sub-1",
            period_index=n)
        for n in (0, 1, 11, 12, 13)
    ]  # fmt: skip
    with clock.frozen(months_later(14)):
        assert earns(*paid) == [1000, 1000, 1000, None, None]


def test_the_first_purchase_alone_earns_in_any_order_of_arrival(app: Flask) -> None:
    code_of({"months": 0})
    told = [buy(occurred_at=NOW + _day(n), email="ana@example.com") for n in range(3)]
    with clock.frozen(NOW + _day(4)):
        for one in (told[2], told[0], told[1]):
            earns(one)
        assert standing(*told) == [1000, None, None]
        cancelled = facts.Purchase(
            **{name: getattr(told[0], name) for name in told[0].__dataclass_fields__}
            | {"status": "cancelled"}
        )
        assert earns(cancelled, *told[1:]) == [None, 1000, None]


def test_an_earlier_purchase_that_comes_late_moves_the_months(app: Flask) -> None:
    code_of({"months": 1})
    first, second = (buy(occurred_at=months_later(n), email="ana@example.com") for n in (0, 1))
    with clock.frozen(months_later(2)):
        assert earns(second) == [1000]
        assert earns(first, second) == [1000, None]


def test_one_ambassador_s_cap_is_clamped_to_the_cent_and_is_theirs_alone(app: Flask) -> None:
    campaign = make_campaign(rule={"ambassador_maximum": 2_345})
    make_code("ZOE10", campaign_id=campaign.id)
    make_code("ANA10", campaign_id=campaign.id)
    told = [buy(occurred_at=NOW - timedelta(minutes=9 - n)) for n in range(4)]
    assert earns(*told) == [1000, 1000, 345, 0]
    assert earns(purchase_fact(codes=("ANA10",))) == [1000]


def test_fifty_purchases_at_once_pass_neither_cap_nor_budget_nor_skip_a_number(app: Flask) -> None:
    campaign = make_campaign(
        budget=30_000,
        rule={"ambassador_maximum": 21_500, "tiers": [{"start": 11, "rate": 1200, "amount": None}]},
    )
    make_code("ZOE10", campaign_id=campaign.id)
    make_code("ANA10", campaign_id=campaign.id)
    codes = ["ZOE10", "ANA10", "ZOE10", "ANA10", "ZOE10"] * 10
    told = [purchase_fact(codes=(text,)) for text in codes]
    db.session.commit()
    start = Barrier(len(told))

    def take(one: facts.Purchase) -> None:
        with app.app_context(), clock.frozen(NOW):
            start.wait()

            def work() -> None:
                intake.take_purchases([one])
                db.session.commit()

            _patiently(work)
            db.session.remove()

    with ThreadPoolExecutor(len(told)) as pool:
        list(pool.map(take, told))
    db.session.expire_all()
    counts = db.session.scalars(sa.select(RewardCount)).all()
    assert sorted(one.purchases for one in counts) == [20, 30]
    assert sum(one.committed for one in counts) == 30_000
    assert max(one.committed for one in counts) <= 21_500
    numbers = db.session.execute(sa.select(Commission.ambassador_id, Commission.number)).all()
    assert len(set(map(tuple, numbers))) == 50
    assert verify.breaches() == []


def test_a_wrong_count_is_found(app: Flask) -> None:
    code_of({"ambassador_maximum": 5_000})
    earns(buy())
    db.session.execute(sa.update(RewardCount).values(committed=1))
    assert [one.invariant for one in verify.breaches()] == ["M4"]


@pytest.mark.parametrize(
    ("first", "months", "until"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)), (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 3, 15), 12, date(2027, 3, 15)), (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)  # fmt: skip
def test_months_end_on_the_same_day_or_the_last_of_a_shorter_month(
    first: date, months: int, until: date
) -> None:
    assert rules.is_within(months, first=first, on=until - _day())
    assert not rules.is_within(months, first=first, on=until)
    assert rules.is_within(None, first=first, on=date.max)


_RATES = st.integers(0, 10_000)
_SKUS = st.sampled_from(["TEA", "POT", "CUP", "BOX"])
_COUNTRIES = st.sampled_from(["FR", "GB", "US", None])


@st.composite
def conditional(draw: st.DrawFn) -> tuple[Any, Any, list[rules.Line], int]:
    """Return a rule, a purchase, its lines, and which purchase of the ambassador it is."""
    is_fixed = draw(st.booleans())
    pays = {
        name: st.none() if name == ("rate" if is_fixed else "amount") else _RATES
        for name in ("rate", "amount")
    }
    listed = st.lists(_SKUS, max_size=2, unique=True)
    told = st.fixed_dictionaries(
        pays | {"products": listed, "buyer": st.sampled_from([None, "new", "existing"]),
                "circle_id": st.sampled_from([None, 1, 2]),
                "countries": st.lists(st.sampled_from(["FR", "GB"]), max_size=2, unique=True)}
    )  # fmt: skip
    starts = sorted(draw(st.sets(st.integers(2, 9), max_size=3)))
    rule = SimpleNamespace(
        kind=RewardKind.FIXED if is_fixed else RewardKind.PERCENT,
        rate=None if is_fixed else draw(_RATES), amount=draw(_RATES) if is_fixed else None,
        include_tax=draw(st.booleans()), include_shipping=draw(st.booleans()),
        before_discount=draw(st.booleans()), maximum=draw(st.none() | st.integers(1, 5_000)),
        new_customers_only=False, cases=draw(st.lists(told, max_size=3)), months=None,
        tiers=[draw(st.fixed_dictionaries(pays)) | {"start": start} for start in starts],
        ambassador_maximum=None, effective_from=None, currency="EUR",
    )  # fmt: skip
    amounts = st.integers(0, 10**9)
    total, tax, shipping = draw(amounts), draw(st.integers(0, 999)), draw(st.integers(0, 999))
    total += tax + shipping
    purchase = SimpleNamespace(
        net_amount=total - tax - shipping, total=total, tax=tax, shipping=shipping,
        discount=draw(amounts), country=draw(_COUNTRIES),
        is_new=draw(st.sampled_from([True, False])),
        circles=draw(st.frozensets(st.sampled_from([1, 2]))),
    )  # fmt: skip
    line = st.builds(lambda sku, amount: rules.Line(sku=sku, amount=amount), _SKUS, amounts)
    return rule, purchase, draw(st.lists(line, max_size=5)), draw(st.integers(1, 10))


@given(conditional())
def test_what_a_rule_gives_is_what_the_oracle_works_out(drawn: Any) -> None:
    rule, purchase, lines, number = drawn
    granted = rules.grant(purchase, rule, lines=lines, number=number)
    full = rules.base(purchase, rule)
    assert rule.kind is RewardKind.FIXED or sum(part for _, part in granted.parts) == full
    told = [(line.sku, line.amount) for line in lines]
    order = SimpleNamespace(**vars(purchase), number=number)
    worked_out = oracle._given(
        rule, order, told, ("new" if purchase.is_new else "existing", purchase.circles)
    )
    assert granted.amount == min(worked_out, rule.maximum or worked_out)


@given(conditional(), st.lists(st.integers(1, 10**9), max_size=5))
def test_parts_taken_back_in_any_steps_end_where_one_step_ends(
    drawn: Any, steps: list[int]
) -> None:
    rule, purchase, lines, number = drawn
    granted = rules.grant(purchase, rule, lines=lines, number=number)
    commission = Commission(
        kind=rule.kind, rate=granted.parts[0][0] if granted.parts else None, fixed=granted.fixed,
        base=rules.base(purchase, rule), amount=granted.amount,
        parts=[list(part) for part in granted.parts] or None,
    )  # fmt: skip
    refunded, before = 0, granted.amount
    for step in steps:
        refunded = min(refunded + step, purchase.total)
        left = rules.earned(commission, total=purchase.total, refunded=refunded)
        assert 0 <= left <= before or purchase.total == 0
        before = left
    assert rules.earned(commission, total=purchase.total, refunded=purchase.total) == 0
    if purchase.total:
        assert rules.earned(commission, total=purchase.total, refunded=0) == granted.amount


def _day(days: int = 1) -> timedelta:
    return timedelta(days=days)


def _patiently(work: Any) -> None:
    """Do a unit of work, again while the database is busy with the others."""
    for _ in range(60):
        try:
            retrying(work)
        except sa.exc.OperationalError:
            db.session.rollback()
        else:
            return
    raise AssertionError("never came through")
