"""One person is one customer, new once, however and in whatever order shops tell it."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core import emails
from core.db import db
from integrations import facts
from referrals.models import Customer, CustomerIdentity, Purchase
from rewards import credits, intake, ledger, verify
from rewards.models import Account
from tests.conftest import NOW
from tests.factories import make_campaign, make_code, make_member, purchase_fact


def take(*told: facts.Purchase) -> None:
    assert [one.problem for one in intake.take_purchases(told)] == [None] * len(told)


def status(fact: facts.Purchase) -> str:
    query = db.select(Purchase.id).where(Purchase.external_id == fact.external_id)
    (found,) = credits.describe([db.session.scalars(query).one()]).values()
    return found.customer_status


def test_one_mailbox_in_many_spellings_is_one_customer(app: Flask) -> None:
    spellings = ("ana.b@gmail.com", "AnaB@GMAIL.com", "a.n.a.b+shop@googlemail.com")
    take(*(purchase_fact(email=email) for email in spellings))
    take(purchase_fact(email="ana.b@example.com"), purchase_fact(email="anab@example.com"))
    assert db.session.query(Customer).count() == 3


def test_a_customer_is_new_once_and_a_stranger_is_unknown(app: Flask) -> None:
    first, second = (purchase_fact(email="ana@example.com") for _ in range(2))
    stranger = purchase_fact(email=None)
    take(first, second, stranger)
    assert [status(one) for one in (first, second, stranger)] == ["new", "existing", "unknown"]


def test_the_same_id_of_two_shops_is_two_customers(app: Flask) -> None:
    take(*(purchase_fact(source=s, email=None, customer_external_id="7") for s in ("a", "b")))
    assert db.session.query(Customer).count() == 2


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_two_names_of_one_person_are_joined_in_any_order(
    app: Flask, order: tuple[int, ...], at_once: bool
) -> None:
    names: list[dict[str, Any]] = [
        {"email": "ana@example.com"},
        {"email": None, "customer_external_id": "7"},
        {"email": "ana@example.com", "customer_external_id": "7"},
    ]
    told = [
        purchase_fact(occurred_at=NOW + timedelta(hours=i), **name) for i, name in enumerate(names)
    ]
    for batch in [[told[i] for i in order]] if at_once else [[told[i]] for i in order]:
        take(*batch)
    assert db.session.query(Customer).count() == 1
    assert [status(one) for one in told] == ["new", "existing", "existing"]


def test_chains_of_names_in_one_batch_are_one_person(app: Flask) -> None:
    known = [
        purchase_fact(email=None, customer_external_id="1"),
        purchase_fact(email="c@example.com", customer_external_id="2"),
        purchase_fact(email="d@example.com"),
    ]
    take(*known)
    assert db.session.query(Customer).count() == 3
    take(
        purchase_fact(email="c@example.com", customer_external_id="1"),
        purchase_fact(email="d@example.com", customer_external_id="2"),
    )
    assert db.session.query(Customer).count() == 1
    owners = set(db.session.scalars(db.select(Purchase.customer_id)))
    assert owners == set(db.session.scalars(db.select(CustomerIdentity.customer_id)))
    assert len(owners) == 1
    assert [status(one) for one in known] == ["new", "existing", "existing"]


def test_a_merged_customer_keeps_the_member_of_either(app: Flask) -> None:
    member = make_member(email_hash=emails.digest("ana@example.com"))
    take(
        purchase_fact(email=None, customer_external_id="7"), purchase_fact(email="ana@example.com")
    )
    take(purchase_fact(email="ana@example.com", customer_external_id="7"))
    assert db.session.scalars(db.select(Customer.member_id)).all() == [member.id]


def test_of_two_orders_at_one_instant_the_first_to_arrive_is_new(app: Flask) -> None:
    told = [purchase_fact(email="ana@example.com") for _ in range(3)]
    for fact in told:
        take(fact)
    assert [status(one) for one in told] == ["new", "existing", "existing"]


@pytest.mark.parametrize("where", ["campaign", "rule"])
def test_history_that_comes_late_takes_back_what_was_paid_for_a_new_customer(
    app: Flask, where: str
) -> None:
    only: dict[str, Any] = {"new_customers_only": True}
    campaign = make_campaign(**only) if where == "campaign" else make_campaign(rule=only)
    code = make_code("ZOE10", campaign_id=campaign.id)
    fact = purchase_fact(email="ana@example.com", codes=("ZOE10",))
    take(fact)
    assert owed(code.ambassador_id) == 1_000
    earlier = purchase_fact(email="ana@example.com", occurred_at=NOW - timedelta(days=400))
    take(earlier)
    assert (status(earlier), status(fact)) == ("new", "existing")
    assert owed(code.ambassador_id) == 0
    take(dataclasses.replace(earlier, status="cancelled"))
    assert status(fact) == "new"
    assert owed(code.ambassador_id) == 1_000
    assert verify.breaches() == []


def owed(ambassador_id: int | None) -> int:
    return ledger.balances(ambassador_id or 0).get("EUR", {}).get(Account.PENDING, 0)


@pytest.mark.parametrize(
    "change", [{"is_test": True}, {"status": "pending"}, {"status": "cancelled"}]
)
def test_a_test_pending_or_cancelled_order_is_never_the_first(
    app: Flask, change: dict[str, Any]
) -> None:
    early = purchase_fact(email="ana@example.com", occurred_at=NOW - timedelta(days=1), **change)
    fact = purchase_fact(email="ana@example.com")
    take(early, fact)
    assert status(fact) == "new"


def test_a_pending_order_that_is_paid_later_becomes_the_first(app: Flask) -> None:
    pending = purchase_fact(
        email="ana@example.com", occurred_at=NOW - timedelta(days=1), status="pending"
    )
    fact = purchase_fact(email="ana@example.com")
    take(pending, fact)
    take(dataclasses.replace(pending, status="paid"))
    assert (status(pending), status(fact)) == ("new", "existing")
