"""Who gets the credit: precedence, windows, bindings, and the same answer every time."""

from __future__ import annotations

import dataclasses
import itertools
import secrets
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.models import AuditLine
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from core import clock, emails
from core.db import db
from core.errors import InvalidInputError, NotFoundError
from integrations import facts
from referrals import attribution, codes, links
from referrals.models import Attribution, Binding, Click, ClickKind, Code, Purchase
from rewards import intake, ledger, verify
from rewards.models import Account
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    purchase_fact,
    refund_fact,
)  # fmt: skip


def make_click(owner: Ambassador, **overrides: Any) -> Click:
    link = links.create(campaign_id=make_campaign().id, ambassador_id=owner.id)
    values = {
        "token": secrets.token_hex(8), "link_id": link.id, "clicked_at": NOW,
        "kind": ClickKind.VISIT, "has_consent": True, "is_paid_traffic": False,
    }  # fmt: skip
    click = Click(**values | overrides)
    db.session.add(click)
    db.session.flush()
    return click


def take(*told: facts.Purchase) -> list[Attribution | None]:
    outcomes = intake.take_purchases(told)
    assert [one.problem for one in outcomes] == [None] * len(told)
    return [credit_of(fact) for fact in told]


def credit_of(fact: facts.Purchase) -> Attribution | None:
    db.session.expire_all()
    row: Attribution | None = db.session.scalar(
        db.select(Attribution)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .where(Purchase.external_id == fact.external_id)
    )
    return row


def credit(fact: facts.Purchase) -> tuple[int | None, str]:
    row = credit_of(fact)
    return (row.ambassador_id, row.reason) if row else (None, "nobody")


def reasons(row: Attribution | None) -> list[tuple[str, str]]:
    assert row is not None
    return [(one["touch"], one["reason"]) for one in row.lost]


def test_the_code_of_b_beats_the_link_of_a_and_the_link_is_kept_as_lost(app: Flask) -> None:
    link_owner, code = make_ambassador(), make_code("BEA10")
    click = make_click(link_owner)
    fact = purchase_fact(codes=("bea-10",), click_token=click.token)
    (row,) = take(fact)
    assert row is not None
    assert (row.ambassador_id, row.touch, row.code_id) == (code.ambassador_id, "code", code.id)
    assert reasons(row) == [("link", "outranked")]


def test_of_several_codes_the_first_the_shop_lists_wins_and_the_conflict_is_kept(
    app: Flask,
) -> None:
    make_code("ANA10")
    bea = make_code("BEA10")
    (row,) = take(purchase_fact(codes=("BEA10", "ANA10", "NOBODY", "bea 10")))
    assert row is not None
    assert row.ambassador_id == bea.ambassador_id
    assert reasons(row) == [("code", "second_code")]


def test_a_code_that_does_not_apply_gives_way_to_the_next_and_then_to_a_link(app: Flask) -> None:
    owner = make_ambassador()
    click = make_click(owner)
    gone = make_code("OLD10", ends_at=NOW)
    fact = purchase_fact(codes=("OLD10",), click_token=click.token)
    (row,) = take(fact)
    assert row is not None
    assert (row.ambassador_id, row.reason) == (owner.id, "link_clicked")
    assert reasons(row) == [("code", "expired")]
    assert gone.used == 1  # the shop gave the discount: that is a fact


def test_a_code_of_nobody_and_an_unknown_code_give_no_credit(app: Flask) -> None:
    make_code("WELCOME", ambassador_id=None)
    first, second = take(purchase_fact(codes=("WELCOME",)), purchase_fact(codes=("UNKNOWN",)))
    assert first is not None
    assert (first.ambassador_id, reasons(first)) == (None, [("code", "no_owner")])
    assert second is None


def test_a_promotion_code_known_by_stripe_s_id_is_the_same_code(app: Flask) -> None:
    code = make_code("ZOE10", stripe_promotion_code="promo_1")
    (row,) = take(purchase_fact(promotion_codes=("promo_1", "promo_2")))
    assert row is not None
    assert row.ambassador_id == code.ambassador_id


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(0), "link_clicked"),
        (timedelta(days=30), "link_clicked"),  # the last second of the window
        (timedelta(days=30, seconds=1), "none"),
        (timedelta(seconds=-1), "none"),
    ],
)
def test_the_window_is_inclusive_to_the_second(app: Flask, age: timedelta, reason: str) -> None:
    click = make_click(make_ambassador(), clicked_at=NOW - age)
    (row,) = take(purchase_fact(click_token=click.token))
    assert row is not None
    assert row.reason == reason
    if reason == "none":
        lost = "outside_window" if age > timedelta(0) else "after_purchase"
        assert reasons(row) == [("link", lost)]


@pytest.mark.parametrize(("touch", "winner"), [("first", 0), ("last", 1)])
def test_first_or_last_touch_is_the_program_s_choice(app: Flask, touch: str, winner: int) -> None:
    program.set_rules({"attribution_touch": touch})
    owners = [make_ambassador(), make_ambassador()]
    clicks = [
        make_click(owner, clicked_at=NOW - timedelta(days=2 - i)) for i, owner in enumerate(owners)
    ]
    (row,) = take(purchase_fact(click_token=" ".join(click.token for click in reversed(clicks))))
    assert row is not None
    assert row.ambassador_id == owners[winner].id
    assert reasons(row) == [("link", "other_click")]


@pytest.mark.parametrize("kind", [kind for kind in ClickKind if kind is not ClickKind.VISIT])
def test_only_a_visit_counts(app: Flask, kind: ClickKind) -> None:
    click = make_click(make_ambassador(), kind=kind)
    (row,) = take(purchase_fact(click_token=click.token))
    assert reasons(row) == [("link", "not_a_visit")]


def test_paid_traffic_is_credited_but_held_for_a_person(app: Flask) -> None:
    owner = make_ambassador()
    click = make_click(owner, is_paid_traffic=True)
    (row,) = take(purchase_fact(click_token=click.token))
    assert row is not None
    assert row.suspicion == "paid_traffic"
    assert ledger.balances(owner.id)["EUR"] == {Account.HELD: 1_000}


@pytest.mark.parametrize("email", ["zoe@gmail.com", "Z.O.E+shop@googlemail.com"])
def test_an_ambassador_earns_nothing_on_their_own_purchase(app: Flask, email: str) -> None:
    member = make_member(email="zoe@gmail.com", email_hash=emails.digest("zoe@gmail.com"))
    owner = make_ambassador(member=member)
    make_code("ZOE10", ambassador_id=owner.id)
    click = make_click(owner)
    (row,) = take(purchase_fact(codes=("ZOE10",), click_token=click.token, email=email))
    assert row is not None
    assert row.ambassador_id is None
    assert reasons(row) == [("code", "self_referral"), ("link", "self_referral")]


def test_a_customer_linked_to_the_ambassador_by_another_order_is_the_ambassador(app: Flask) -> None:
    member = make_member(email_hash=emails.digest("zoe@example.com"))
    make_code("ZOE10", ambassador_id=make_ambassador(member=member).id)
    take(purchase_fact(email="zoe@example.com", customer_external_id="7"))
    (row,) = take(purchase_fact(email=None, customer_external_id="7", codes=("ZOE10",)))
    assert reasons(row) == [("code", "self_referral")]


@pytest.mark.parametrize("has_bought", [True, False])
def test_an_order_of_before_is_a_self_referral_once_its_customer_is_known_as_the_ambassador(
    app: Flask, has_bought: bool
) -> None:
    member = make_member(email_hash=emails.digest("zoe@example.com"))
    code = make_code("ZOE10", ambassador_id=make_ambassador(member=member).id)
    unknown = purchase_fact(email=None, customer_external_id="7", codes=("ZOE10",))
    take(unknown)
    assert credit(unknown)[0] == code.ambassador_id
    if has_bought:  # then two customers turn out to be one
        take(purchase_fact(email="zoe@example.com"))
    take(purchase_fact(email="zoe@example.com", customer_external_id="7"))
    assert reasons(credit_of(unknown)) == [("code", "self_referral")]
    assert ledger.balances(code.ambassador_id or 0)["EUR"][Account.PENDING] == 0
    assert verify.breaches() == []


@pytest.mark.parametrize("status", [AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT])
def test_who_was_stopped_keeps_the_credit_of_before(app: Flask, status: AmbassadorStatus) -> None:
    owner = make_ambassador(status=status, status_since=NOW)
    make_code("ZOE10", ambassador_id=owner.id)
    before = purchase_fact(codes=("ZOE10",), occurred_at=NOW - timedelta(seconds=1))
    after = purchase_fact(codes=("ZOE10",), occurred_at=NOW)
    take(before, after)
    assert [credit(one)[0] for one in (before, after)] == [owner.id, None]


def test_a_frozen_code_keeps_the_credit_of_before_and_earns_nothing_after(app: Flask) -> None:
    code = make_code("ZOE10")
    codes.freeze(code.id, reason="leaked")
    before = purchase_fact(codes=("ZOE10",), occurred_at=NOW - timedelta(seconds=1))
    after = purchase_fact(codes=("ZOE10",), occurred_at=NOW)
    take(before, after)
    assert [credit(one)[0] for one in (before, after)] == [code.ambassador_id, None]
    assert reasons(credit_of(after)) == [("code", "frozen")]


def renewal(n: int, **overrides: Any) -> facts.Purchase:
    values = {
        "external_id": f"period-{n}", "subscription": "sub_1", "period_index": n,
        "email": "ana@example.com", "occurred_at": NOW + timedelta(days=40 * n),
    }  # fmt: skip
    return purchase_fact(**values | overrides)


def test_renewals_of_a_bound_subscription_keep_earning_long_after_the_window(app: Flask) -> None:
    code, other = make_code("ZOE10"), make_code("BEA10")
    take(renewal(0, codes=("ZOE10",)))
    second, third = take(renewal(1), renewal(2, codes=("BEA10",)))
    assert second is not None
    assert third is not None
    assert (second.ambassador_id, second.reason) == (code.ambassador_id, "bound_subscription")
    assert (third.ambassador_id, reasons(third)) == (code.ambassador_id, [("code", "outranked")])
    assert other.ambassador_id != code.ambassador_id


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_subscription_told_in_any_order_gives_the_same_credit(
    app: Flask, order: tuple[int, ...]
) -> None:
    code, other = make_code("ZOE10"), make_code("BEA10")
    told = [renewal(0), renewal(1, codes=("ZOE10",)), renewal(2, codes=("BEA10",))]
    for n in order:
        take(told[n])
    assert [credit(one) for one in told] == [
        (None, "nobody"), (code.ambassador_id, "code_used"),
        (code.ambassador_id, "bound_subscription"),
    ]  # fmt: skip
    assert ledger.balances(code.ambassador_id or 0)["EUR"][Account.PENDING] == 2_000
    assert ledger.balances(other.ambassador_id or 0).get("EUR", {}).get(Account.PENDING, 0) == 0
    assert verify.breaches() == []


def test_a_subscription_told_at_once_is_bound_from_its_first_credited_order(app: Flask) -> None:
    code = make_code("ZOE10")
    told = [renewal(2), renewal(0, codes=("ZOE10",)), renewal(1)]
    take(*told)
    assert [credit(one)[0] for one in told] == [code.ambassador_id] * 3


def test_two_shops_may_number_their_subscriptions_alike(app: Flask) -> None:
    make_code("ZOE10")
    take(renewal(0, codes=("ZOE10",), source="a", email="ana@example.com"))
    (row,) = take(renewal(1, source="b", email="bea@example.com"))
    assert row is None


def test_a_binding_ends_with_the_purchase_that_made_it(app: Flask) -> None:
    code = make_code("ZOE10")
    first = renewal(0, codes=("ZOE10",))
    take(first, renewal(1))
    take(dataclasses.replace(first, status="cancelled"))
    assert credit(renewal(1)) == (None, "nobody")
    assert ledger.balances(code.ambassador_id or 0)["EUR"].get(Account.PENDING, 0) == 0
    assert db.session.query(Binding).count() == 0
    assert verify.breaches() == []


def test_a_bound_ambassador_who_was_suspended_earns_no_later_renewal(app: Flask) -> None:
    owner = make_ambassador()
    make_code("ZOE10", ambassador_id=owner.id)
    take(renewal(0, codes=("ZOE10",)))
    owner.status, owner.status_since = AmbassadorStatus.SUSPENDED, NOW + timedelta(days=50)
    first, second = take(renewal(1), renewal(2))
    assert first is not None
    assert first.ambassador_id == owner.id
    assert reasons(second) == [("binding", "ambassador_not_active")]


def test_a_customer_is_bound_for_life_only_if_the_program_says_so(app: Flask) -> None:
    code, other = make_code("ZOE10"), make_code("BEA10")
    first = purchase_fact(email="ana@example.com", codes=("ZOE10",))
    later = [
        purchase_fact(email="ana@example.com", codes=names, occurred_at=NOW + timedelta(days=400))
        for names in ((), ("BEA10",))
    ]
    take(first, *later)
    assert [credit(one)[0] for one in later] == [None, other.ambassador_id]
    program.set_rules({"lifetime_binding": "yes"})
    ids = list(db.session.scalars(db.select(Purchase.id)))
    intake.decide_again(ids)
    assert [credit(one) for one in later] == [(code.ambassador_id, "bound_customer")] * 2
    program.set_rules({"lifetime_binding": "no"})
    intake.decide_again(ids)
    assert [credit(one)[0] for one in later] == [None, other.ambassador_id]
    assert verify.breaches() == []


def test_customers_who_turn_out_to_be_one_share_their_binding(app: Flask) -> None:
    program.set_rules({"lifetime_binding": "yes"})
    code = make_code("ZOE10")
    by_id = purchase_fact(email=None, customer_external_id="7")
    bound = purchase_fact(email="ana@example.com", codes=("ZOE10",))
    both = purchase_fact(email="ana@example.com", customer_external_id="7")
    take(by_id, bound)
    take(both)
    after = purchase_fact(email=None, customer_external_id="7")
    take(after)
    assert db.session.query(Binding).count() == 1  # the other record's went with it
    assert [credit(one)[0] for one in (by_id, both, after)] == [None, *[code.ambassador_id] * 2]


def test_a_person_s_decision_stays_when_credit_is_decided_again(app: Flask) -> None:
    make_code("ZOE10")
    other = make_code("BEA10")
    fact = purchase_fact(codes=("ZOE10",))
    (row,) = take(fact)
    assert row is not None
    purchase_id = row.purchase_id
    intake.override(purchase_id, other.ambassador_id, reason="met at the fair")
    before = attribution.recorded([purchase_id])
    intake.decide_again([purchase_id])
    assert attribution.recorded([purchase_id]) == before == attribution.decide([purchase_id])
    assert credit(fact) == (other.ambassador_id, "override")
    line = db.session.scalars(
        db.select(AuditLine).where(AuditLine.act == "attribution.override")
    ).one()
    assert line.details["to"] == other.ambassador_id
    assert line.details["reason"] == "met at the fair"


def test_an_override_carries_the_renewals_with_it(app: Flask) -> None:
    make_code("ZOE10")
    other = make_code("BEA10")
    first, _ = take(renewal(0, codes=("ZOE10",)), renewal(1))
    assert first is not None
    intake.override(first.purchase_id, other.ambassador_id, reason="a mistake at the fair")
    assert credit(renewal(1)) == (other.ambassador_id, "bound_subscription")
    assert verify.breaches() == []


def test_an_override_needs_a_reason_a_purchase_and_an_ambassador_who_can_earn(app: Flask) -> None:
    (row,) = take(purchase_fact(codes=(make_code("ZOE10").text,)))
    assert row is not None
    with pytest.raises(InvalidInputError):
        attribution.override(row.purchase_id, None, reason=" ")
    with pytest.raises(NotFoundError):
        attribution.override(row.purchase_id + 999, None, reason="why")
    with pytest.raises(NotFoundError):
        attribution.override(row.purchase_id, 10**6, reason="why")


@pytest.mark.parametrize("change", [{"status": "pending"}, {"is_test": True}])
def test_an_order_that_does_not_count_is_credited_to_nobody(
    app: Flask, change: dict[str, Any]
) -> None:
    other = make_code("BEA10")
    (outcome,) = intake.take_purchases([purchase_fact(**change)])
    with pytest.raises(InvalidInputError):  # it would be lost on the day the order is paid
        attribution.override(outcome.purchase_id or 0, other.ambassador_id, reason="at the fair")


def test_deciding_again_gives_identical_rows_and_writes_nothing(app: Flask) -> None:
    code = make_code("ZOE10", uses_limit=2)
    click = make_click(make_ambassador())
    told = [purchase_fact(codes=(code.text,), click_token=click.token) for _ in range(4)]
    take(*told, renewal(0, codes=("ZOE10",)), renewal(1))
    ids = list(db.session.scalars(db.select(Purchase.id).order_by(Purchase.id)))
    before = attribution.recorded(ids)
    assert attribution.attribute(ids) == set()
    assert attribution.attribute(reversed(ids)) == set()
    assert attribution.decide(ids) == attribution.recorded(ids) == before
    assert [row["reason"] for row in before.values()][:3] == [
        "code_used",
        "code_used",
        "link_clicked",
    ]


def test_a_full_refund_gives_the_use_back_only_where_the_campaign_says_so(app: Flask) -> None:
    for frees, used in ((True, 0), (False, 1)):
        campaign = make_campaign(refund_frees_use=frees)
        code = make_code(f"ZOE{used}0", campaign_id=campaign.id, uses_limit=1)
        fact = purchase_fact(codes=(code.text,))
        take(fact)
        intake.take_refunds([refund_fact(fact, 4_000)])
        assert db.session.get_one(Code, code.id, populate_existing=True).used == 1
        intake.take_refunds([refund_fact(fact, 6_000)])
        assert db.session.get_one(Code, code.id, populate_existing=True).used == used
    assert verify.breaches() == []
    assert clock.now() == NOW
