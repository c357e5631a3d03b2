"""The contract meter: what is counted for whom, and no payout without a signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import program
from ambassadors.models import Ambassador
from campaigns.models import Objective
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError
from core.money import POINTS
from core.outbox import OutboxMessage
from rewards import (
    commissions,
    contract_meter,
    contracts,
    erasure,
    exchanges,
    intake,
    payouts,
    perks,
    points,
    purchase_rewards,
    rates,
    thresholds,
    verify,
    vouchers,
    wording_rewards,
)
from rewards.contract_meter import ContractNeededError, Level
from rewards.models import EarnedState, Perk, PerkKind, PurchaseReward, Voucher, VoucherKind
from rewards.models_contracts import Contract, ThresholdKind
from rewards.models_payouts import Payout, PayoutState
from rewards.payout_blocks import Block
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)
from tests.rewards.test_payouts import approved, blocks, earner, later, rules
from tests.rewards.test_purchase_rewards import earning_a_perk
from tests.rewards.test_vouchers import at_once

__all__ = ["rules"]


def meter(who: int, year: int = 2026) -> dict[Objective, tuple[int, int]]:
    """Return pay and gifts by objective."""
    found = contract_meter.readings(year, only=[who])
    return {one.objective: (one.pay, one.gifts) for one in found}


def signed(who: int, objective: Objective = Objective.ACQUISITION) -> Contract:
    """Return a contract of this year that was written and signed."""
    made = contracts.prepare(who, objective, 2026, by="user:1")
    contracts.sign(made.id, who, name="Zoé Martin", seen=made.text_hash)
    db.session.commit()
    return made


def test_pay_is_what_was_earned_less_what_was_taken_back_for_each_objective(app: Flask) -> None:
    who = make_ambassador().id
    for objective in (Objective.ACQUISITION, Objective.CONTENT):
        campaign = make_campaign(objective=objective)
        make_code(f"C{objective.value[:4]}", ambassador_id=who, campaign_id=campaign.id)
    first = purchase_fact(codes=("CACQU",), total=500_000)
    intake.take_purchases([first, purchase_fact(codes=("CCONT",), total=30_000)])
    intake.take_refunds([refund_fact(first, 100_000)])
    assert meter(who) == {Objective.ACQUISITION: (40_000, 0), Objective.CONTENT: (3_000, 0)}
    assert meter(who, 2025) == {}


def test_a_year_begins_in_the_time_zone_of_the_program(app: Flask) -> None:
    who = make_ambassador().id
    make_code("ZOE", ambassador_id=who)
    minute = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)  # 2026 in Paris
    intake.take_purchases([purchase_fact(codes=("ZOE",), occurred_at=minute)])
    assert meter(who) == {Objective.ACQUISITION: (1_000, 0)}


def test_gifts_are_what_perks_cost_unless_earned_money_paid_them(app: Flask) -> None:
    who = earner(100_000)
    points.grant(who, 500, reason="thanks", key="p")
    told: dict[str, Any] = {"kind": PerkKind.PRODUCT, "name_en": "Box", "name_fr": "Coffret"}
    for_points = perks.create(perks.Terms(**told, price=100, unit=POINTS, cost=4_000))
    for_money = perks.create(perks.Terms(**told, price=2_000, unit="EUR", cost=9_000))
    with later():
        taken = [
            exchanges.exchange(who, one.id, seen=one.price, key=f"k{one.id}{n}")
            for n, one in enumerate([for_points, for_points, for_money])
        ]
        exchanges.cancel(taken[0].id, reason="gone")
    assert meter(who) == {Objective.ACQUISITION: (10_000, 4_000)}


def test_a_bonus_counts_with_the_objective_of_its_voucher(app: Flask) -> None:
    who = make_ambassador()
    terms = vouchers.Terms(
        kind=VoucherKind.EVENT, name_en="Stand", name_fr="Stand", amount=1_500,
        campaign_id=make_campaign(objective=Objective.EVENTS).id,
    )  # fmt: skip
    batch = vouchers.create(terms)
    voucher = db.session.scalars(sa.select(Voucher).where(Voucher.batch_id == batch.id)).one()
    vouchers.take(voucher.id, who.id)
    assert meter(who.id) == {Objective.EVENTS: (1_500, 0)}


def test_another_currency_counts_with_the_rate_of_its_day_or_is_named(app: Flask) -> None:
    who = make_ambassador().id
    make_code("CHF", ambassador_id=who, campaign_id=make_campaign(currency="CHF").id)
    intake.take_purchases([purchase_fact(codes=("CHF",), currency="CHF", total=100_000)])
    (unknown,) = contract_meter.readings(2026, only=[who])
    assert (unknown.total, unknown.unknown) == (0, {"CHF"})
    rates.record([rates.told(on=NOW.date(), base="EUR", quote="CHF", value=Decimal("0.80"),
                             source="ecb")])  # fmt: skip
    (known,) = contract_meter.readings(2026, only=[who])
    assert (known.pay, known.unknown) == (12_500, set())


@pytest.mark.parametrize(
    ("total", "level"),
    [(799_990, Level.UNDER), (800_000, Level.NEAR), (999_990, Level.NEAR),
     (1_000_000, Level.REACHED)],
)  # fmt: skip
def test_the_warning_stands_at_80_and_the_block_at_100_per_cent(
    app: Flask, total: int, level: Level
) -> None:
    who = earner(total)
    assert contract_meter.readings(2026, only=[who])[0].level is level
    with later():
        assert (Block.CONTRACT in blocks(who)) is (level is Level.REACHED)


def test_a_threshold_counts_from_its_day_and_is_never_edited(app: Flask) -> None:
    kind, day = ThresholdKind.CONTRACT, date(2026, 6, 1)
    assert thresholds.at(kind, date(2025, 12, 31)) is None
    assert thresholds.at(kind, date(2026, 1, 1)) == thresholds.Limit(100_000, "EUR")
    told = {"amount": "1500.50", "currency": "eur", "source": "a law", "by": "user:1"}
    thresholds.add(kind, effective_from=day, **told)
    db.session.commit()
    assert thresholds.at(kind, date(2026, 5, 31)) == thresholds.Limit(100_000, "EUR")
    assert thresholds.at(kind, day) == thresholds.Limit(150_050, "EUR")
    with pytest.raises(ConflictError):
        thresholds.add(kind, effective_from=day, **told)
    thresholds.add(kind, effective_from=date(2027, 1, 1), **told | {"amount": ""})
    assert thresholds.at(kind, date(2027, 1, 1)) is None
    for wrong in ({"amount": "x"}, {"amount": "0"}, {"currency": "XXX"}, {"source": " "}):
        with pytest.raises(InvalidInputError):
            thresholds.add(kind, effective_from=date(2028, 1, 1), **told | wrong)
    db.session.commit()
    with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
        db.session.execute(sa.text("UPDATE threshold SET amount = 1"))
    db.session.rollback()


def test_das2_and_1099_have_their_thresholds_by_year(app: Flask) -> None:
    for kind, year, amount, currency in (
        (ThresholdKind.DAS2, 2023, 120_000, "EUR"), (ThresholdKind.DAS2, 2026, 240_000, "EUR"),
        (ThresholdKind.NEC, 2025, 60_000, "USD"), (ThresholdKind.NEC, 2026, 200_000, "USD"),
    ):  # fmt: skip
        limit = thresholds.of_year(kind, year)
        assert limit == thresholds.Limit(amount, currency)


def test_nobody_is_paid_at_the_threshold_before_they_have_signed(app: Flask) -> None:
    who = earner(1_000_000)
    with later():
        with pytest.raises(payouts.NothingToPayError):
            payouts.prepare("EUR", key="one", by="user:1")
        db.session.rollback()
        signed(who)
        (payout,) = approved()
        assert payout.state is PayoutState.APPROVED
    assert [str(one) for one in verify.breaches()] == []


def test_who_reaches_the_threshold_between_draft_and_approval_is_left_out(app: Flask) -> None:
    who = earner(900_000)
    with later():
        batch = payouts.prepare("EUR", key="one", by="user:1")
        db.session.commit()
        intake.take_purchases([purchase_fact(codes=(f"EARN{who}",), total=100_000)])
        payouts.approve(batch.id, by="user:2")
        (payout,) = payouts.of_batch(batch.id)
    assert (payout.state, payout.reason) == (PayoutState.CANCELLED, "contract")


def test_verify_names_a_payout_that_was_approved_without_the_contract(app: Flask) -> None:
    who = earner(1_000_000)
    with later():
        signed(who)
        (payout,) = approved()
    with later(days=1):
        intake.take_purchases([purchase_fact(codes=(f"EARN{who}",), total=1_000_000)])
    assert [str(one) for one in verify.breaches()] == []
    db.session.execute(
        sa.update(Payout)
        .where(Payout.id == payout.id)
        .values(approved_at=clock.now() + timedelta(days=30))
    )
    found = [one for one in verify.breaches() if "signed contract" in str(one)]
    assert [one.invariant for one in found] == ["M9"]


def test_what_comes_after_an_approval_does_not_make_it_wrong(app: Flask) -> None:
    who = earner(900_000)
    with later():
        approved()
    with later(days=1):  # told late, for a day before
        late = purchase_fact(codes=(f"EARN{who}",), total=500_000, occurred_at=NOW)
        intake.take_purchases([late])
        assert contract_meter.unsigned([who]) == {who}
    assert [str(one) for one in verify.breaches()] == []


def test_a_contract_tells_parties_objective_dates_and_pay(app: Flask) -> None:
    member = make_member(name="Zoé Martin", email="zoe@example.org", locale="fr")
    who = make_ambassador(member=member).id
    make_code("ZOE", ambassador_id=who, campaign_id=make_campaign(name="Printemps").id)
    intake.take_purchases([purchase_fact(codes=("ZOE",), total=900_000)])
    made = contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    for told in ("Cercle", "Zoé Martin", "Printemps", "10", "31 décembre 2026", "900,00"):
        assert told in made.text, told
    assert "{" not in made.text
    assert made.text_hash == contracts.hash_of(made.text)
    assert contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1").id == made.id
    mail = db.session.scalars(sa.select(OutboxMessage)).one()
    assert f"/portal/contracts/{made.id}" in mail.payload["text"]


def test_a_signature_keeps_name_day_and_hash_and_nothing_changes_after_it(app: Flask) -> None:
    who = earner(1_000_000)
    made = contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    with pytest.raises(InvalidInputError):
        contracts.sign(made.id, who, name=" ", seen=made.text_hash)
    with pytest.raises(contracts.SignedError):
        contracts.sign(made.id, who, name="Zoé Martin", seen="another")
    contracts.sign(made.id, who, name=" Zoé  Martin ", seen=made.text_hash)
    db.session.commit()
    assert (made.signed_name, made.signed_at) == ("Zoé Martin", NOW)
    with pytest.raises(contracts.SignedError):
        contracts.sign(made.id, who, name="Somebody Else", seen=made.text_hash)
    with pytest.raises(contracts.SignedError):
        contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    for statement in (
        "UPDATE contract SET text = 'x'", "UPDATE contract SET signed_name = 'x'",
        "UPDATE contract SET replaced_at = signed_at", "DELETE FROM contract",
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(sa.text(statement))
        db.session.rollback()


def test_a_contract_written_anew_replaces_the_one_that_was_not_signed(app: Flask) -> None:
    who = earner(900_000)
    first = contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    words = contracts.template()
    contracts.publish(text_en=words.text_en + "\n9. More", text_fr=words.text_fr + "\n9. Plus")
    second = contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    assert (first.template_version, second.template_version) == (1, 2)
    assert first.replaced_at == NOW
    with pytest.raises(contracts.SignedError):
        contracts.sign(first.id, who, name="Zoé Martin", seen=first.text_hash)
    assert contracts.of_ambassador(who) == [second]


def test_a_template_takes_variables_only(app: Flask) -> None:
    words = contracts.template()
    for wrong in ("{unknown}", "{", "{{ 7 * 7 }}", "{brand.__class__}"):
        with pytest.raises(InvalidInputError):
            contracts.publish(text_en=words.text_en + wrong, text_fr=words.text_fr)
    with pytest.raises(InvalidInputError):
        contracts.publish(text_en=words.text_en.replace("{pay}", ""), text_fr=words.text_fr)
    assert contracts.publish(text_en=words.text_en, text_fr=words.text_fr).version == 1


def test_a_reminder_is_sent_once_a_day(app: Flask) -> None:
    who = make_ambassador(member=make_member(email="zoe@example.org")).id
    made = contracts.prepare(who, Objective.ACQUISITION, 2026, by="user:1")
    for _ in range(2):
        contracts.remind(made.id)
    assert db.session.scalar(sa.select(sa.func.count(OutboxMessage.id))) == 2  # with the first
    contracts.sign(made.id, who, name="Zoé Martin", seen=made.text_hash)
    with pytest.raises(contracts.SignedError):
        contracts.remind(made.id)


def test_an_erasure_keeps_what_was_signed_and_takes_the_rest(app: Flask) -> None:
    who = earner(900_000)
    kept = signed(who)
    contracts.prepare(who, Objective.CONTENT, 2026, by="user:1")
    erasure.erase(kept.ambassador.member)
    db.session.commit()
    assert list(db.session.scalars(sa.select(Contract.id))) == [kept.id]


def test_the_threshold_can_be_in_no_currency_of_the_program(app: Flask) -> None:
    program.set_rules({"currency": "CHF"})
    assert thresholds.of_year(ThresholdKind.CONTRACT, 2026) == thresholds.Limit(100_000, "EUR")


def box(cost: int, **more: Any) -> Perk:
    """Return a product of the catalogue that costs the brand so much."""
    terms: dict[str, Any] = {"kind": PerkKind.PRODUCT, "name_en": "Box", "name_fr": "Coffret"}
    made = perks.create(perks.Terms(**terms | {"price": 100, "cost": cost} | more))
    db.session.commit()
    return made


def with_points(total: int = 500_000) -> int:
    """Return somebody who earned 10 % of a purchase and has points; the threshold is 1,000.00."""
    who = earner(total)
    points.grant(who, 1_000, reason="thanks", key=f"p{who}")
    db.session.commit()
    return who


def test_a_gift_that_would_reach_the_threshold_waits_for_the_contract(app: Flask) -> None:
    who, below, reaching = with_points(), box(49_999), box(50_000)
    with pytest.raises(ContractNeededError, match="Sign it under"):
        exchanges.exchange(who, reaching.id, seen=100, key="k")
    db.session.rollback()
    assert db.session.get_one(Perk, reaching.id).taken == 0
    exchanges.exchange(who, below.id, seen=100, key="below")
    with pytest.raises(ContractNeededError):
        exchanges.exchange(who, below.id, seen=100, key="again")
    db.session.rollback()
    signed(who)
    exchanges.exchange(who, reaching.id, seen=100, key="k")


def test_what_earned_money_pays_for_is_blocked_once_the_threshold_is_reached(app: Flask) -> None:
    who, other = earner(1_000_000), earner(900_000)
    perk = box(30_000, price=2_000, unit="EUR")
    with later():
        exchanges.exchange(other, perk.id, seen=2_000, key="other")  # it was counted as pay
        with pytest.raises(ContractNeededError):
            exchanges.exchange(who, perk.id, seen=2_000, key="k")


@pytest.mark.parametrize("gift", ["perk", "amount"])
def test_a_voucher_gives_nothing_above_the_threshold_and_stays_open(app: Flask, gift: str) -> None:
    who = earner(950_000)
    given: dict[str, Any] = {"amount": 5_000} if gift == "amount" else {"perk_id": box(5_000).id}
    batch = vouchers.create(
        vouchers.Terms(kind=VoucherKind.BOX, name_en="Box", name_fr="Coffret", **given)
    )
    voucher = vouchers.of_batch(batch.id)[0]
    db.session.commit()
    with pytest.raises(ContractNeededError):
        vouchers.take(voucher.id, who)
    db.session.rollback()
    assert db.session.get_one(Voucher, voucher.id).taken == 0
    signed(who)
    vouchers.take(voucher.id, who)
    db.session.commit()
    assert db.session.get_one(Voucher, voucher.id).taken == 1


def test_two_gifts_at_once_are_not_both_under_the_threshold(app: Flask) -> None:
    who, perk = with_points(900_000), box(6_000)
    acts: list[Callable[[], object]] = [
        partial(exchanges.exchange, who, perk.id, seen=100, key=f"k{n}") for n in range(4)
    ]
    at_once(app, acts)
    assert meter(who)[Objective.ACQUISITION] == (90_000, 6_000)


def test_a_perk_that_a_purchase_earned_waits_for_the_signature(app: Flask) -> None:
    code = earning_a_perk(box(20_000))
    who = code.ambassador_id or 0
    points.grant(who, 1_000, reason="thanks", key="p")
    exchanges.exchange(who, box(90_000).id, seen=100, key="k")
    intake.take_purchases([purchase_fact(codes=(code.text,), external_id="1")])
    reward = db.session.scalars(sa.select(PurchaseReward)).one()
    with later():
        commissions.settle(purchase_rewards.due())
        assert reward.state is EarnedState.WAITING
        assert "contract" in wording_rewards.why(reward)
        signed(who)
        commissions.settle(purchase_rewards.due())
        assert str(reward.state) == EarnedState.GIVEN


def test_the_portal_leads_to_the_contract_that_has_to_be_signed(
    app: Flask, client: FlaskClient
) -> None:
    who, perk = with_points(), box(50_000)
    user = make_user(RoleName.AMBASSADOR)
    db.session.get_one(Ambassador, who).user_id = user.id
    sign_in(client, user)
    answer = client.post(f"/portal/redeem/perks/{perk.id}", data={"seen": "100", "once": "x"})
    assert (answer.status_code, answer.location) == (303, "/portal/contracts")
    assert "written contract" in client.get("/portal/contracts?lang=en").text
