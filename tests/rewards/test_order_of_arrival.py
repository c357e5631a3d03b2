"""Whatever shops tell, in whatever order and batches, the books come out the same."""

from __future__ import annotations

import dataclasses
import random
from datetime import timedelta
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import clock, emails
from core.db import db
from integrations import facts
from referrals.models import Attribution, Customer, Purchase, Refund
from rewards import intake, jobs, ledger, verify
from tests.conftest import NOW, _empty
from tests.factories import make_ambassador, make_campaign, make_code, make_member

CODES = ("ZOE10", "BEA10", "OLD10", "NOBODY", "UNKNOWN")
ORDERS = st.fixed_dictionaries(
    {
        "total": st.sampled_from([0, 1, 5, 9_999, 10_000, 33_333]),
        "codes": st.lists(st.sampled_from(CODES), max_size=3, unique=True).map(tuple),
        "email": st.sampled_from(
            [
                None,
                "a@example.com",
                "b@example.com",
                "A@example.com",
                "zoe@example.com",
                "martin.zoe@example.com",
                "c@mailinator.com",
            ]
        ),
        "customer_external_id": st.sampled_from([None, None, "1", "2"]),
        "day": st.integers(0, 6),
        "subscription": st.sampled_from([None, None, "s1", "s2"]),
        "end": st.sampled_from(["", "", "", "cancel", "test"]),
        "refunds": st.lists(st.tuples(st.integers(1, 20_000), st.booleans()), max_size=3),
    }
)
Fact = facts.Purchase | facts.Refund


def told(orders: list[dict[str, Any]]) -> list[list[Fact]]:
    """Return for each order what is said of it; each order's own messages have an order."""
    said: list[list[Fact]] = []
    for number, one in enumerate(orders):
        bought = facts.Purchase(
            source="api", external_id=str(number), currency="EUR", total=one["total"],
            occurred_at=NOW + timedelta(days=one["day"], seconds=number), codes=one["codes"],
            email=one["email"], customer_external_id=one["customer_external_id"],
            subscription=one["subscription"], is_test=one["end"] == "test",
        )  # fmt: skip
        stream: list[Fact] = [bought]
        if one["end"] == "cancel":
            stream.append(dataclasses.replace(bought, status="cancelled"))
        said.append(stream)
        left = one["total"]
        for part, (amount, has_failed) in enumerate(one["refunds"]):
            if amount <= left:
                left -= amount
                said.append(_refund(bought, f"{number}-{part}", amount, has_failed=has_failed))
    return said


def _refund(bought: facts.Purchase, name: str, amount: int, *, has_failed: bool) -> list[Fact]:
    refund = facts.Refund(
        source="api", external_id=name, order_source="api", amount=amount, currency="EUR",
        order_external_id=bought.external_id, occurred_at=bought.occurred_at + timedelta(hours=1),
    )  # fmt: skip
    return [refund, dataclasses.replace(refund, state="failed")] if has_failed else [refund]


def shuffled(said: list[list[Fact]], dice: random.Random) -> list[Fact]:
    """Return all messages in some order that keeps the order of each stream."""
    turns = [index for index, stream in enumerate(said) for _ in stream]
    dice.shuffle(turns)
    streams = [iter(stream) for stream in said]
    return [next(streams[index]) for index in turns]


def take(messages: list[Fact], dice: random.Random | None) -> None:
    """Take messages one at a time, or in batches of any size; holds are released on the way."""
    at = 0
    while at < len(messages):
        size = dice.randint(1, 6) if dice else 1
        batch, at = messages[at : at + size], at + size
        intake.take_purchases([one for one in batch if isinstance(one, facts.Purchase)])
        intake.take_refunds([one for one in batch if isinstance(one, facts.Refund)])
        if dice and dice.random() < 0.3:
            with clock.frozen(NOW + timedelta(days=33)):
                jobs.release_holds()
    jobs.apply_parked_refunds()
    with clock.frozen(NOW + timedelta(days=60)):
        jobs.release_holds()


def outcome() -> dict[str, Any]:
    """Return all that must not depend on the order of arrival, without ids."""
    db.session.expire_all()
    query = db.select(
        Purchase.external_id, Attribution.ambassador_id, Attribution.touch, Attribution.reason,
        Attribution.lost, Attribution.suspicion,
    ).join(Attribution, Attribution.purchase_id == Purchase.id)  # fmt: skip
    credit = {name: tuple(decided) for name, *decided in db.session.execute(query)}
    first = db.select(Purchase.external_id).join(
        Customer, Customer.first_purchase_id == Purchase.id
    )
    owners = {one[0] for one in credit.values() if one[0]}
    return {
        "credit": {k: v for k, v in credit.items() if v[0] is not None},
        "firsts": sorted(db.session.scalars(first)),
        "refunded": sorted(db.session.execute(db.select(Purchase.external_id, Purchase.refunded))),
        "refunds": sorted(db.session.execute(db.select(Refund.external_id, Refund.state))),
        "money": {owner: ledger.balances(owner) for owner in owners},
    }


def names(seen: dict[str, Any], owners: dict[int, str]) -> dict[str, Any]:
    """Put the owners' codes where their ids, and customers' numbers, would be."""
    credit = {}
    for order, (who, touch, reason, lost, suspicion) in seen["credit"].items():
        lost_by = [(one["touch"], one["reason"]) for one in lost]
        credit[order] = (owners[who], touch, reason, lost_by, suspicion)
    money = {
        owners[who]: sorted(
            (currency, account, amount)
            for currency, of in by.items()
            for account, amount in of.items()
            if amount
        )
        for who, by in seen["money"].items()
    }
    return seen | {"credit": credit, "money": money}


def play(messages: list[Fact], dice: random.Random | None) -> dict[str, Any]:
    zoe = make_member(  # buys with her own code too
        name="Zoé Martin", email_hash=emails.digest("zoe@example.com")
    )
    new_only = make_campaign(rule={"new_customers_only": True})
    old = make_code("OLD10", ends_at=NOW + timedelta(days=3))
    owners = {
        code.ambassador_id: code.text
        for code in (
            make_code("ZOE10", ambassador_id=make_ambassador(member=zoe).id),
            make_code("BEA10", campaign_id=new_only.id),
            old,
        )
    }
    make_code("NOBODY", ambassador_id=None)
    take(messages, dice)
    assert verify.breaches() == []
    return names(outcome(), owners)  # type: ignore[arg-type]  # these codes have owners


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(orders=st.lists(ORDERS, min_size=1, max_size=8), seed=st.integers(0, 2**32))
def test_any_order_and_any_batches_give_the_same_books(
    app: Flask, orders: list[dict[str, Any]], seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  a shuffle that hypothesis can repeat
    said = told(orders)
    seen = []
    for messages, batches in (
        ([one for stream in said for one in stream], None),
        (shuffled(said, dice), None),
        (shuffled(said, dice), dice),
    ):
        seen.append(play(messages, batches))
        db.session.rollback()
        db.session.remove()
        _empty(app)
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]
