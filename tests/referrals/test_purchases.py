"""Every order is recorded once, as it was told first, in as few statements as one order takes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import program
from core.changes import FactChange
from core.db import db
from integrations import facts
from referrals import eligibility, purchases, redemptions
from referrals.models import Purchase, PurchaseLine
from rewards import intake, verify
from tests.conftest import NOW
from tests.factories import make_code, purchase_fact, refund_fact
from tests.queries import counted


def states(*told: facts.Purchase, **how: Any) -> list[str]:
    return [one.state for one in intake.take_purchases(told, **how)]


def test_the_same_facts_change_nothing_and_other_facts_are_refused(app: Flask) -> None:
    fact = purchase_fact(lines=(facts.Line(sku="A", quantity=1, amount=100),))
    assert states(fact, fact) == ["created", "unchanged"]
    assert states(fact) == ["unchanged"]
    (refused,) = intake.take_purchases([dataclasses.replace(fact, total=1)])
    assert isinstance(refused.problem, purchases.OtherFactsError)
    assert db.session.scalars(sa.select(Purchase.total)).all() == [10_000]
    assert db.session.query(PurchaseLine).count() == 1


@pytest.mark.parametrize(
    ("first", "then", "state", "stays"),
    [
        ("pending", "paid", "updated", "paid"), ("paid", "pending", "unchanged", "paid"),
        ("paid", "cancelled", "updated", "cancelled"),
        ("cancelled", "paid", "unchanged", "cancelled"),
        ("pending", "cancelled", "updated", "cancelled"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [True, False])
def test_a_status_only_moves_forward(
    app: Flask, first: str, then: str, state: str, stays: str, at_once: bool
) -> None:
    one = purchase_fact(status=first)
    two = dataclasses.replace(one, status=then)
    said = states(one, two) if at_once else states(one) + states(two)
    assert said == ["created", state]
    assert db.session.scalars(sa.select(Purchase.status)).all() == [stays]


def test_where_a_shop_repeats_itself_amounts_stay_and_what_is_missing_is_added(app: Flask) -> None:
    make_code("ZOE10")
    fact = purchase_fact(email=None)
    richer = dataclasses.replace(fact, total=1, codes=("ZOE10",), email="ana@example.com")
    assert states(fact) == ["created"]
    assert states(richer, on_other_facts="keep") == ["updated"]
    assert states(richer, on_other_facts="keep") == ["unchanged"]
    row = db.session.scalars(sa.select(Purchase)).one()
    assert (row.total, row.codes) == (10_000, ["ZOE10"])
    assert row.customer_id is not None
    assert verify.breaches() == []


def test_a_currency_is_stored_as_iso_writes_it(app: Flask) -> None:
    states(purchase_fact(currency=" chf "))
    assert db.session.scalars(sa.select(Purchase.currency)).all() == ["CHF"]


def test_the_reports_are_told_which_months_changed(app: Flask) -> None:
    states(purchase_fact(occurred_at=NOW.replace(month=2, day=28, hour=23, minute=30)))
    assert set(db.session.scalars(sa.select(FactChange.month))) == {"2026-03"}  # in Paris


def test_two_hundred_orders_take_no_more_statements_than_one(app: Flask) -> None:
    make_code("ZOE10")
    make_code("BEA10", uses_per_customer=2)
    terms = eligibility.terms_of(["ZOE10", "BEA10"])
    program.current()  # read once a request
    counts = []
    for size in (1, 200):
        for n in range(size):
            redemptions.reserve(terms["ZOE10"], f"api:{size}-{n}", customer_key=None)
            redemptions.reserve(terms["BEA10"], f"api:{size}-{n}", customer_key="f" * 60 + f"{n}")
        told = [
            purchase_fact(
                external_id=f"{size}-{n}", codes=("ZOE10", "BEA10"),
                customer_external_id=f"{size}-{n}", aliases=(f"c-{size}-{n}",),
                lines=(facts.Line(sku="A", quantity=1, amount=10_000),),
            )
            for n in range(size)
        ]  # fmt: skip
        for act in (
            lambda told=told: intake.take_purchases(told),
            lambda told=told: intake.take_purchases(told),
            lambda told=told: intake.take_refunds([refund_fact(one, 1_000) for one in told]),
            lambda told=told: intake.take_purchases(
                [dataclasses.replace(one, status="cancelled") for one in told]
            ),
        ):
            db.session.expunge_all()
            with counted() as said:
                act()
                db.session.flush()
            counts.append(len(said))
        db.session.commit()
    assert counts[4:] == counts[:4]
    assert counts[0] <= 39  # each one more is paid for by every order of every shop
    assert verify.breaches() == []
