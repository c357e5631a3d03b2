"""What an order says alone against its credit holds the commission, and only that."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from ambassadors import program
from ambassadors.models import Ambassador
from core import emails
from core.db import db
from referrals import attribution, disposable
from referrals.models import Attribution, Purchase
from referrals.suspicions import Signal
from rewards import intake, ledger, verify
from rewards.models import Account
from tests.factories import make_ambassador, make_code, make_member, must, purchase_fact


def zoe_with_a_code() -> int:
    """Make Zoé Martin an ambassador with the code ZOE10 and return her number."""
    member = make_member(
        name="Zoé Martin", email="zoe@example.com", email_hash=emails.digest("zoe@example.com")
    )
    owner = make_ambassador(member=member)
    make_code("ZOE10", ambassador_id=owner.id)
    return owner.id


def bought(email: str, **overrides: object) -> Purchase:
    """Take an order with Zoé's code."""
    fact = purchase_fact(**{"codes": ("ZOE10",), "email": email} | overrides)
    (outcome,) = intake.take_purchases([fact])
    return db.session.get_one(Purchase, must(outcome.purchase_id))


def suspicion_of(purchase: Purchase) -> str | None:
    """Return the words that hold a commission."""
    query = sa.select(Attribution.suspicion).where(Attribution.purchase_id == purchase.id)
    return db.session.scalar(query)


@pytest.mark.parametrize(
    ("email", "word"),
    [
        ("martin.zoe@gmail.com", "namesake"),
        ("someone@mailinator.com", "disposable"),
        ("someone@eu.mailinator.com", "disposable"),
        ("zoe.martin@yopmail.com", "namesake disposable"),
    ],
)
def test_an_order_that_looks_like_the_ambassador_s_own_is_credited_but_held(
    app: Flask, email: str, word: str
) -> None:
    owner_id = zoe_with_a_code()
    purchase = bought(email)
    assert suspicion_of(purchase) == word
    assert ledger.balances(owner_id)["EUR"] == {Account.HELD: 1_000}
    assert attribution.attribute([purchase.id]) == set(), "deciding again says the same"
    assert verify.breaches() == []


def test_nobody_s_address_is_kept(app: Flask) -> None:
    zoe_with_a_code()
    purchase = bought("martin.zoe@mailinator.com")
    kept = db.session.execute(sa.select(Purchase.__table__)).one()
    assert purchase.name_key
    assert purchase.is_disposable
    assert not any("martin" in str(value).lower() for value in kept)
    assert "mailinator" not in str(kept)


def test_a_friend_s_order_is_not_held(app: Flask) -> None:
    owner_id = zoe_with_a_code()
    for email in ("ana.keller@gmail.com", "zoe@other.example", "martin@other.example"):
        assert suspicion_of(bought(email)) is None
    assert ledger.balances(owner_id)["EUR"] == {Account.PENDING: 3_000}


def test_a_program_adds_providers_of_its_own(app: Flask) -> None:
    assert not disposable.is_disposable("a@trash.example")
    program.set_rules({"disposable_domains": "trash.example bin.example"})
    assert disposable.is_disposable("a@mail.trash.example")
    assert not disposable.is_disposable("a@nottrash.example")
    assert not disposable.is_disposable(None)


def test_the_list_names_only_domains_once_each() -> None:
    lines = disposable.LIST.read_text().splitlines()
    domains = [line for line in lines if not line.startswith("#")]
    assert any(line.startswith("# Source: ") for line in lines)
    assert domains == sorted(set(domains))
    assert all("." in domain and domain == domain.lower().strip() for domain in domains)


def test_an_address_told_later_is_looked_at_and_moves_what_is_pending(app: Flask) -> None:
    owner_id = zoe_with_a_code()
    fact = purchase_fact(codes=("ZOE10",), email=None)
    intake.take_purchases([fact])
    assert ledger.balances(owner_id)["EUR"] == {Account.PENDING: 1_000}
    again = purchase_fact(
        codes=("ZOE10",), email="zoe.martin@example.org", external_id=fact.external_id,
        occurred_at=fact.occurred_at,
    )  # fmt: skip
    intake.take_purchases([again], on_other_facts="keep")
    balances = ledger.balances(owner_id)["EUR"]
    assert (balances[Account.HELD], balances[Account.PENDING]) == (1_000, 0)
    assert verify.breaches() == []


def test_a_name_that_is_written_otherwise_later_breaks_no_book(app: Flask) -> None:
    owner_id = zoe_with_a_code()
    held, free = bought("zoe.martin@example.org"), bought("zoe.favre@example.org")
    db.session.get_one(Ambassador, owner_id).member.name = "Zoé Favre"
    db.session.flush()
    assert verify.breaches() == []
    intake.decide_again([held.id, free.id])
    assert (suspicion_of(held), suspicion_of(free)) == (None, "namesake")
    assert ledger.balances(owner_id)["EUR"] == {Account.HELD: 1_000, Account.PENDING: 1_000}
    assert verify.breaches() == []


def test_a_decision_on_the_first_order_of_a_subscription_frees_its_renewals(app: Flask) -> None:
    owner_id = zoe_with_a_code()
    email = "martin.zoe@example.org"
    first, second = (bought(email, subscription="s1") for _ in range(2))
    assert suspicion_of(second) == "namesake"
    intake.override(first.id, owner_id, reason="Her mother has the same initials.")
    assert suspicion_of(second) is None
    third = bought(email, subscription="s1")
    assert suspicion_of(third) is None
    balances = ledger.balances(owner_id)["EUR"]
    assert (balances.get(Account.HELD, 0), balances[Account.PENDING]) == (0, 3_000)
    assert verify.breaches() == []


def test_every_signal_fits_beside_the_others() -> None:
    assert len(" ".join(Signal)) <= 100
