"""The most of a month, quarter or year, of one ambassador and of a campaign in all."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import RoleName
from ambassadors import program
from campaigns import campaigns, terms
from campaigns.models import Campaign, Period
from core import clock
from core.db import db
from integrations import facts
from referrals.models import Purchase
from rewards import explained_words, explanations, intake, period_caps, rates, verify
from rewards.caps import Caps
from rewards.explanations import Explained
from rewards.models import Commission
from rewards.models_periods import PeriodCount, PeriodTake
from rewards.period_caps import ALL, Counts, PeriodCap
from rewards.rates import Told
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    refund_fact,
    sign_in,
)  # fmt: skip
from tests.queries import counted
from tests.rewards.test_conditional_rewards import _patiently, earns, standing

MONTHLY = {"ambassador_period": Period.MONTH, "ambassador_period_maximum": 2_345}


def campaign_of(rule: dict[str, Any], **overrides: Any) -> Campaign:
    """Add a campaign of 10 % with two ambassadors' codes."""
    campaign = make_campaign(rule=rule, **overrides)
    make_code("ZOE10", campaign_id=campaign.id)
    make_code("ANA10", campaign_id=campaign.id)
    return campaign


def buy(day: str = "2026-02-10", code: str = "ZOE10", **told: Any) -> facts.Purchase:
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return purchase_fact(codes=(code,), **{"occurred_at": at} | told)


def explained(one: facts.Purchase) -> Explained:
    db.session.expire_all()
    made = db.session.scalars(
        sa.select(Commission)
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .where(Purchase.external_id == one.external_id)
    ).one()
    return must(explanations.one(made.purchase_id, made.ambassador_id))


def test_a_month_s_cap_is_clamped_to_the_cent_and_begins_anew_with_the_next(app: Flask) -> None:
    campaign_of(MONTHLY)
    told = [buy(f"2026-02-1{n}") for n in range(4)]
    assert earns(*told) == [1000, 1000, 345, 0]
    assert earns(buy("2026-02-27", "ANA10")) == [1000]  # theirs alone
    assert earns(buy("2026-03-01", occurred_at=NOW)) == [1000]
    assert earns(buy("2026-01-31"), buy("2026-01-31")) == [1000, 1000]  # told late


def test_a_period_is_one_of_the_brand_s_time_zone(app: Flask) -> None:
    program.set_rules({"timezone": "Europe/Paris"})
    campaign_of({"ambassador_period": Period.YEAR, "ambassador_period_maximum": 1_000})
    new_year = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)  # half past midnight in Paris
    before = buy(occurred_at=new_year - timedelta(hours=1))
    after = buy(occurred_at=new_year)
    assert earns(before, after) == [1000, 1000]
    assert earns(buy("2026-02-28")) == [0]
    days = db.session.scalars(sa.select(PeriodCount.starts_on).order_by(PeriodCount.starts_on))
    assert list(days) == [date(2025, 1, 1), date(2026, 1, 1)]


def test_the_cap_of_a_campaign_is_shared_by_its_ambassadors(app: Flask) -> None:
    campaign_of({"campaign_period": Period.QUARTER, "campaign_period_maximum": 1_500, **MONTHLY})
    assert earns(buy("2026-01-05"), buy("2026-02-05", "ANA10")) == [1000, 500]
    assert earns(buy("2025-12-31")) == [1000]


def test_the_order_s_own_day_decides_whatever_came_first(app: Flask) -> None:
    campaign_of(MONTHLY)
    february, january = buy("2026-02-03", total=50_000), buy("2026-01-20", total=50_000)
    assert earns(february) == [2345]
    assert earns(january) == [2345]


def test_a_refund_gives_nothing_of_a_period_back(app: Flask) -> None:
    campaign_of({"ambassador_period": Period.MONTH, "ambassador_period_maximum": 1_000})
    one = buy()
    assert earns(one) == [1000]
    intake.take_refunds([refund_fact(one, 10_000)])
    assert earns(buy()) == [0]
    assert standing(one) == [1000]


def test_another_version_counts_what_the_period_has_given_already(app: Flask) -> None:
    campaign = campaign_of(MONTHLY)
    assert earns(buy(occurred_at=NOW, total=30_000)) == [2345]
    for hour, (maximum, gives) in enumerate([(3_000, 655), (500, 0), (3_100, 100)], 1):
        with clock.frozen(NOW + timedelta(hours=hour)):
            told = terms.of(campaign)
            reward = replace(told.reward, ambassador_period_maximum=maximum)
            campaigns.change(campaign, replace(told, reward=reward))
            assert earns(buy(occurred_at=clock.now())) == [gives]


def test_orders_in_another_currency_count_in_the_campaign_s(app: Flask) -> None:
    rates.record([Told(date(2026, 2, 27), "EUR", "USD", Decimal("1.0823"), "ecb")])
    campaign_of({"campaign_period": Period.MONTH, "campaign_period_maximum": 1_500})
    one = buy("2026-02-28", currency="USD", total=10_823)
    assert earns(one, buy("2026-02-28")) == [1_082, 500]
    assert earns(buy("2026-02-28", currency="USD")) == [0]


@pytest.mark.parametrize("whose", ["ambassador", "campaign"])
def test_fifty_purchases_at_once_never_pass_the_cap_of_a_period(app: Flask, whose: str) -> None:
    campaign_of({f"{whose}_period": Period.MONTH, f"{whose}_period_maximum": 12_345})
    told = [buy(code=code) for code in ("ZOE10", "ANA10")] * 25
    told = [buy(code=one.codes[0]) for one in told]
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
    counts = list(db.session.scalars(sa.select(PeriodCount.committed)))
    assert counts == [12_345] * (2 if whose == "ambassador" else 1)
    assert verify.breaches() == []


def test_a_rule_without_caps_of_periods_asks_nothing_about_them(app: Flask) -> None:
    campaign_of({"ambassador_maximum": 5_000})
    with counted() as seen:
        intake.take_purchases([buy()])
    assert not [text for text in seen if "period_count" in text or "period_take" in text]


@pytest.mark.parametrize("table", ["period_count", "commission"])
def test_a_period_that_counts_wrong_is_found(app: Flask, table: str) -> None:
    campaign_of({**MONTHLY, "campaign_period": Period.YEAR, "campaign_period_maximum": 9_000})
    earns(buy())
    if table == "period_count":
        db.session.execute(sa.update(PeriodCount).values(committed=PeriodCount.committed + 1))
    else:  # a commission that was counted in one of two periods only
        shown = db.session.scalars(sa.select(PeriodTake).order_by(PeriodTake.count_id)).first()
        copied = make_code("BEA10", campaign_id=must(shown).count.campaign_id)
        intake.take_purchases([buy(code="BEA10")])
        db.session.execute(
            sa.update(PeriodCount)
            .where(PeriodCount.ambassador_id == copied.ambassador_id)
            .values(ambassador_id=10**6)
        )
    assert {one.invariant for one in verify.breaches()} == {"M4"}


def test_what_a_commission_took_of_a_period_never_changes(app: Flask) -> None:
    campaign_of(MONTHLY)
    earns(buy())
    db.session.commit()
    for act in (sa.update(PeriodTake).values(counted=1), sa.delete(PeriodTake)):
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(act)
        db.session.rollback()


def test_the_explanation_names_the_period_whose_cap_was_reached(
    app: Flask, client: FlaskClient
) -> None:
    campaign_of({"ambassador_period": Period.MONTH, "ambassador_period_maximum": 1_320})
    earns(buy("2026-02-02"))
    cut, over = buy("2026-02-03"), buy("2026-02-04")
    assert earns(cut, over) == [320, 0]
    one = explained(cut)
    said = (
        "Earned EUR\u00a03.20 of EUR\u00a010.00: the most that one ambassador earns in Feb 2026, "
        "EUR\u00a013.20, was reached."
    )
    assert said in explained_words.simple(one)
    assert one.leads_there
    assert "Earned EUR\u00a00.00 of EUR\u00a010.00" in explained_words.simple(explained(over))
    sign_in(client, make_user(RoleName.FINANCE))
    page = client.get(
        f"/console/commissions/{one.purchase.id}/{one.commission.ambassador_id}?lang=en"
    ).text
    assert said in page
    assert "Left of EUR\u00a013.20 for one ambassador in Feb 2026" in page


def test_the_portal_s_list_says_why_too(app: Flask, client: FlaskClient) -> None:
    user = make_user(RoleName.AMBASSADOR)
    who = make_ambassador(member=make_member(name="Zoé"), user_id=user.id)
    campaign = make_campaign(
        rule={"campaign_period": Period.QUARTER, "campaign_period_maximum": 750}
    )
    make_code("ZOE10", campaign_id=campaign.id, ambassador_id=who.id)
    earns(buy())
    sign_in(client, user)
    page = client.get("/portal/purchases?lang=en").text
    assert "what the campaign gives in quarter 1 of 2026, EUR\u00a07.50, was reached" in page


@pytest.mark.parametrize(
    ("period", "day", "first", "after"),
    [
        (Period.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (Period.QUARTER, date(2026, 3, 31), date(2026, 1, 1), date(2026, 4, 1)),
        (Period.QUARTER, date(2026, 10, 1), date(2026, 10, 1), date(2027, 1, 1)),
        (Period.YEAR, date(2024, 2, 29), date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_periods_are_those_of_the_calendar(
    period: Period, day: date, first: date, after: date
) -> None:
    assert period_caps.first_day(period, day) == first
    assert period_caps.touched(period, first, after - timedelta(days=1)) == 1
    assert period_caps.touched(period, day, after) == 2


_ORDERS = st.lists(
    st.tuples(st.integers(1, 3), st.dates(date(2025, 1, 1), date(2026, 12, 31)),
              st.integers(0, 5_000)),
    max_size=25,
)  # fmt: skip
_CAPS = st.tuples(st.sampled_from(Period), st.integers(1, 9_000))


@given(_ORDERS, _CAPS, _CAPS)
def test_each_order_takes_all_that_is_left_of_every_cap_and_no_more(
    orders: list[tuple[int, date, int]],
    of_one: tuple[Period, int],
    of_all: tuple[Period, int],
) -> None:
    given_of: dict[Any, int] = defaultdict(int)
    held = Caps(periods=Counts())
    for who, day, amount in orders:
        told = ((who, *of_one), (ALL, *of_all))
        caps = [
            PeriodCap((1, whose, period, period_caps.first_day(period, day)), maximum)
            for whose, period, maximum in told
        ]
        for number, cap in enumerate(caps):
            held.periods.known.setdefault(cap.key, period_caps._Count(number, 0))
        taken = held.take((1, who), amount, maximum=None, periods=caps)
        left = [cap.maximum - given_of[cap.key] for cap in caps]
        assert taken.amount == min([amount, *left])
        assert [share.before for share in taken.shares] == [given_of[cap.key] for cap in caps]
        for cap in caps:
            given_of[cap.key] += taken.amount
            assert given_of[cap.key] <= cap.maximum
    assert {key: one.taken for key, one in held.periods.known.items()} == dict(given_of)
