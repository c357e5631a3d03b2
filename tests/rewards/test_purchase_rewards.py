"""Points and perks for purchases: once an order, by case and tier, back with a refund."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors.models import Ambassador
from campaigns import campaigns, terms
from campaigns.models import RewardKind
from core import clock
from core.db import db
from core.money import POINTS
from core.outbox import OutboxMessage
from integrations import facts
from referrals.models import Code
from rewards import exchanges, intake, jobs, points, purchase_rewards, purse, verify
from rewards.models import (
    Commission,
    EarnedState,
    Exchange,
    ExchangeState,
    Perk,
    PerkKind,
    Posting,
    PurchaseReward,
)  # fmt: skip
from tests.conftest import NOW
from tests.factories import make_ambassador, make_campaign, make_code, purchase_fact, refund_fact
from tests.rewards.test_conditional_rewards import case
from tests.rewards.test_exchanges import make_perk
from tests.rewards.test_vouchers import CLIENTS, at_once


def earning(text: str = "ZOE10", **rule: Any) -> Code:
    """Make a code whose purchases earn 50 points at once, or what the rule says."""
    usual: dict[str, Any] = {"kind": RewardKind.POINTS, "rate": None, "amount": 50, "hold_days": 0}
    return make_code(text, campaign_id=make_campaign(rule=usual | rule).id)


def earning_a_perk(perk: Perk, text: str = "ZOE10", **rule: Any) -> Code:
    return earning(text, kind=RewardKind.PERK, amount=None, perk_id=perk.id, **rule)


def buy(text: str = "ZOE10", **told: Any) -> facts.Purchase:
    one = purchase_fact(codes=(text,), **told)
    intake.take_purchases([one])
    return one


def states() -> list[EarnedState]:
    db.session.expire_all()
    assert verify.breaches() == []
    return list(db.session.scalars(sa.select(PurchaseReward.state).order_by(PurchaseReward.id)))


def has(code: Code) -> int:
    assert verify.breaches() == []
    return purse.available(code.ambassador_id or 0, POINTS)


def test_a_purchase_gives_points_once_however_often_it_is_told(app: Flask) -> None:
    code = earning()
    one = buy()
    intake.take_purchases([one, one])
    intake.decide_again([1, 2, 3])
    assert has(code) == 50
    buy()
    assert has(code) == 100
    assert db.session.scalar(sa.select(Posting.id).where(Posting.currency != POINTS)) is None


def test_points_wait_for_the_hold_period_and_the_clock_gives_them(app: Flask) -> None:
    code = earning(hold_days=30)
    buy()
    assert (has(code), states()) == (0, [EarnedState.WAITING])
    assert jobs.release_holds() == 0
    with clock.frozen(NOW + timedelta(days=31)):
        assert jobs.release_holds() == 1
        assert jobs.release_holds() == 0
    assert (has(code), states()) == (50, [EarnedState.GIVEN])


def test_refunds_take_points_back_by_their_share_in_any_steps(app: Flask) -> None:
    code = earning(amount=5)
    one = buy(total=10_000)
    intake.take_refunds([refund_fact(one, 5_000)])
    assert has(code) == 3  # 2.5, half-up
    intake.take_refunds([refund_fact(one, 2_500)])
    assert has(code) == 1
    intake.take_refunds([refund_fact(one, 2_500)])
    assert (has(code), states()) == (0, [EarnedState.TAKEN_BACK])


def test_points_that_were_spent_leave_a_balance_below_zero_that_the_next_repay(
    app: Flask,
) -> None:
    code, perk = earning(amount=100), make_perk()
    one = buy()
    exchanges.exchange(code.ambassador_id or 0, perk.id, seen=100, key="spent")
    intake.take_refunds([refund_fact(one, one.total)])
    assert has(code) == -100
    buy()
    assert has(code) == 0


def test_what_is_refunded_while_it_waits_gives_nothing(app: Flask) -> None:
    code = earning(hold_days=30)
    one = buy()
    intake.take_refunds([refund_fact(one, one.total)])
    with clock.frozen(NOW + timedelta(days=31)):
        jobs.release_holds()
    assert (has(code), states()) == (0, [EarnedState.TAKEN_BACK])


def test_cases_and_tiers_decide_how_many_points(app: Flask) -> None:
    code = earning(
        cases=[case(amount=200, products=["TEA"]), case(amount=10, buyer="existing")],
        tiers=[{"start": 3, "rate": None, "amount": 80}],
    )
    buy(email="ana@example.com")
    assert has(code) == 50
    buy(email="ana@example.com")
    assert has(code) == 60
    buy()
    assert has(code) == 140
    buy(lines=(facts.Line(sku="TEA", quantity=1, amount=10_000),))
    assert has(code) == 340


def test_the_first_purchase_of_a_customer_alone_gives_points(app: Flask) -> None:
    code = earning(months=0)
    buy(email="ana@example.com")
    later = buy(email="ana@example.com", occurred_at=NOW - timedelta(hours=1))
    assert later
    assert has(code) == 50


def test_a_credit_given_to_somebody_else_takes_the_points_along(app: Flask) -> None:
    code, other = earning(), make_ambassador()
    buy()
    reward = db.session.scalars(sa.select(PurchaseReward)).one()
    intake.override(reward.purchase_id, other.id, reason="a mistake")
    assert has(code) == 0
    assert purse.available(other.id, POINTS) == 50
    intake.override(reward.purchase_id, code.ambassador_id, reason="it was right")
    assert has(code) == 50
    assert purse.available(other.id, POINTS) == 0


def test_a_perk_is_given_once_an_order_and_taken_back_while_nobody_used_it(app: Flask) -> None:
    shop = make_campaign()
    perk = make_perk(kind=PerkKind.REWARD_CODE, campaign_id=shop.id, stock=3)
    earning_a_perk(perk)
    one = buy()
    intake.take_purchases([one])
    done = db.session.scalars(sa.select(Exchange)).one()
    assert (done.price, states()) == (0, [EarnedState.GIVEN])
    half = refund_fact(one, one.total // 2)
    intake.take_refunds([half])
    assert states() == [EarnedState.GIVEN]
    intake.take_refunds([refund_fact(one, one.total - half.amount)])
    assert states() == [EarnedState.TAKEN_BACK]
    db.session.refresh(done)
    db.session.refresh(perk)
    assert (done.state, perk.taken) == (ExchangeState.CANCELLED, 0)


def test_a_perk_whose_code_was_used_stays_after_the_refund(app: Flask) -> None:
    shop = make_campaign()
    earning_a_perk(make_perk(kind=PerkKind.REWARD_CODE, campaign_id=shop.id))
    one = buy()
    done = db.session.scalars(sa.select(Exchange)).one()
    reward_code = db.session.get_one(Code, done.code_id)
    intake.take_purchases([purchase_fact(codes=(reward_code.text,))])
    intake.take_refunds([refund_fact(one, one.total)])
    assert states() == [EarnedState.KEPT]


def test_a_product_that_was_handed_over_stays_after_the_refund(app: Flask) -> None:
    earning_a_perk(make_perk())
    one = buy()
    exchanges.hand_over(db.session.scalars(sa.select(Exchange.id)).one())
    intake.take_refunds([refund_fact(one, one.total)])
    assert states() == [EarnedState.KEPT]


def test_a_perk_of_which_none_is_left_falls_for_good_and_says_so(app: Flask) -> None:
    perk = make_perk(stock=1)
    code = earning_a_perk(perk)
    first, second = buy(), buy()
    assert second
    assert states() == [EarnedState.GIVEN, EarnedState.GONE]
    intake.take_refunds([refund_fact(first, first.total)])
    intake.decide_again(purchase_rewards.due())
    assert states() == [EarnedState.TAKEN_BACK, EarnedState.GONE]
    ((missed, number),) = purchase_rewards.gone(code.campaign_id)
    assert (missed.perk_id, number) == (perk.id, 1)


def test_who_waits_for_a_perk_that_ran_out_gets_word_once(app: Flask) -> None:
    code = earning_a_perk(make_perk(stock=1))
    owner = db.session.get_one(Ambassador, code.ambassador_id)
    owner.member.email, owner.member.locale = "zoe@example.com", "fr"
    for _ in range(2):
        buy()
    intake.decide_again(purchase_rewards.due())
    (mail,) = db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
    assert mail.key.startswith("perk_gone:")
    assert mail.payload["to"] == "zoe@example.com"
    assert "avantage" in mail.payload["subject"]


def test_a_perk_from_the_second_purchase_on(app: Flask) -> None:
    perk = make_perk()
    earning(
        kind=RewardKind.PERK, amount=None,
        tiers=[{"start": 2, "rate": None, "amount": None, "perk_id": perk.id}],
    )  # fmt: skip
    buy()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Exchange)) == 0
    buy()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Exchange)) == 1
    assert verify.breaches() == []


def test_fifty_purchases_at_once_and_exactly_five_get_the_perk(app: Flask) -> None:
    perk = make_perk(stock=5)
    campaign = make_campaign(
        rule={"kind": RewardKind.PERK, "rate": None, "perk_id": perk.id, "hold_days": 0}
    )
    for number in range(10):
        make_code(f"ZOE{number}X", campaign_id=campaign.id)
    told = [purchase_fact(codes=(f"ZOE{number % 10}X",)) for number in range(CLIENTS)]
    ends = at_once(app, [partial(intake.take_purchases, [one]) for one in told])
    assert ends == {"done": CLIENTS}
    found = states()
    assert found.count(EarnedState.GIVEN) == 5
    assert found.count(EarnedState.GONE) == CLIENTS - 5
    db.session.refresh(perk)
    assert perk.taken == 5


def test_points_given_beside_a_purchase_are_what_the_ledger_says(app: Flask) -> None:
    code = earning()
    buy()
    points.grant(code.ambassador_id or 0, 20, reason="thanks", key="thanks")
    assert has(code) == 70
    db.session.execute(sa.update(PurchaseReward).values(state=EarnedState.WAITING))
    found = [one.invariant for one in verify.breaches()]
    assert found == ["M7"]


def test_a_rule_that_gives_no_points_moves_nothing(app: Flask) -> None:
    earning(amount=0)
    buy()
    assert verify.breaches() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Posting)) == 0


def test_fifty_purchases_at_once_and_exactly_seven_are_rewarded(app: Flask) -> None:
    campaign = make_campaign(rewarded_limit=7)
    for number in range(10):
        make_code(f"ZOE{number}X", campaign_id=campaign.id)
    told = [purchase_fact(codes=(f"ZOE{number % 10}X",)) for number in range(CLIENTS)]
    ends = at_once(app, [partial(intake.take_purchases, [one]) for one in told])
    assert ends == {"done": CLIENTS}
    assert verify.breaches() == []
    amounts = list(db.session.scalars(sa.select(Commission.amount)))
    assert sorted(amounts) == [0] * (CLIENTS - 7) + [1_000] * 7
    db.session.refresh(campaign)
    assert campaign.rewarded == 7


def test_fifty_purchases_at_once_and_exactly_seven_get_points(app: Flask) -> None:
    campaign = make_campaign(
        rewarded_limit=7,
        rule={"kind": RewardKind.POINTS, "rate": None, "amount": 50, "hold_days": 0},
    )
    make_code("ZOE10", campaign_id=campaign.id)
    told = [purchase_fact(codes=("ZOE10",)) for _ in range(CLIENTS)]
    assert at_once(app, [partial(intake.take_purchases, [one]) for one in told]) == {
        "done": CLIENTS
    }
    found = states()
    assert (found.count(EarnedState.GIVEN), found.count(EarnedState.LIMITED)) == (7, CLIENTS - 7)


def test_a_purchase_that_earns_nothing_takes_none_of_the_number(app: Flask) -> None:
    campaign = make_campaign(rewarded_limit=1, rule={"cases": [case(rate=0, buyer="existing")]})
    make_code("ZOE10", campaign_id=campaign.id)
    told = [purchase_fact(codes=("ZOE10",), email="ana@example.com") for _ in range(2)]
    intake.take_purchases(told)
    buy()
    amounts = db.session.scalars(sa.select(Commission.amount).order_by(Commission.id))
    assert list(amounts) == [1_000, 0, 0]
    db.session.refresh(campaign)
    assert campaign.rewarded == 1


def test_the_number_of_rewarded_purchases_never_goes_below_those_that_were(app: Flask) -> None:
    campaign = make_campaign(rewarded_limit=5)
    make_code("ZOE10", campaign_id=campaign.id)
    buy()
    buy()
    told = terms.of(campaign)
    with pytest.raises(campaigns.CampaignError):
        campaigns.change(campaign, dataclasses.replace(told, rewarded_limit=1))
    campaigns.change(campaign, dataclasses.replace(told, rewarded_limit=2))
    buy()
    db.session.refresh(campaign)
    assert campaign.rewarded == 2


def test_the_database_refuses_to_change_what_a_purchase_earned(app: Flask) -> None:
    earning()
    buy()
    db.session.commit()
    for statement in ("DELETE FROM purchase_reward", "UPDATE purchase_reward SET points = 9"):
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(sa.text(statement))
        db.session.rollback()
