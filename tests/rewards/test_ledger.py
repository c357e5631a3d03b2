"""The ledger adds up, says everything once, and never changes what it said."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from core.db import db
from rewards import ledger
from rewards.ledger import Draft, Leg, SourceReusedError, UnbalancedEntryError
from rewards.models import Account, Entry, EntryKind, Posting
from tests.conftest import NOW
from tests.factories import make_ambassador


def draft(who: int, amount: int = 500, *, source: str = "fact:1", currency: str = "EUR") -> Draft:
    legs = ledger.move(
        amount, currency, debit=Account.EXPENSE, credit=Account.PENDING, ambassador_id=who
    )
    return Draft(kind=EntryKind.COMMISSION, source=source, occurred_at=NOW, legs=legs)


def test_an_entry_balances_and_owes_the_ambassador(app: Flask) -> None:
    who = make_ambassador().id
    assert ledger.post([draft(who), draft(who, 70, source="fact:2", currency="JPY")]) == 2
    assert ledger.balances(who) == {"EUR": {Account.PENDING: 500}, "JPY": {Account.PENDING: 70}}
    assert ledger.owed(who, Account.PENDING, "EUR", as_of=NOW) == 500
    assert ledger.owed(who, Account.PENDING, "EUR", as_of=NOW - timedelta(seconds=1)) == 0
    assert db.session.scalar(sa.select(sa.func.sum(Posting.amount))) == 0


@pytest.mark.parametrize("same_call", [True, False])
def test_the_same_source_again_posts_nothing(app: Flask, same_call: bool) -> None:
    one = draft(make_ambassador().id)
    if same_call:
        assert ledger.post([one, one]) == 1
    else:
        assert (ledger.post([one]), ledger.post([one])) == (1, 0)
    assert db.session.query(Entry).count() == 1
    assert db.session.query(Posting).count() == 2


@pytest.mark.parametrize("same_call", [True, False])
def test_a_source_with_other_amounts_is_refused(app: Flask, same_call: bool) -> None:
    who = make_ambassador().id
    one, other = draft(who), draft(who, 501)
    if not same_call:
        ledger.post([one])
    with pytest.raises(SourceReusedError):
        ledger.post([one, other])


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
def test_the_database_refuses_to_change_or_empty_the_ledger(app: Flask, table: str) -> None:
    ledger.post([draft(make_ambassador().id)])
    db.session.commit()
    acts = [f"UPDATE {table} SET id = id + 1", f"DELETE FROM {table}"]
    if db.engine.dialect.name == "sqlite":
        acts.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        acts.append(f"TRUNCATE {table} CASCADE")
    for act in acts:
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(sa.text(act))
        db.session.rollback()


def test_legs_that_do_not_add_up_are_refused_before_anything_is_written(app: Flask) -> None:
    who = make_ambassador().id
    good = draft(who)
    lone = dataclasses.replace(good, source="fact:2", legs=good.legs[:1])
    mixed = (good.legs[0], dataclasses.replace(good.legs[1], currency="USD"))
    zero = (Leg(account=Account.CASH, amount=0, currency="EUR"),)
    for legs in (lone.legs, mixed, (), zero):
        with pytest.raises(UnbalancedEntryError):
            ledger.post([good, dataclasses.replace(lone, legs=legs)])
    assert db.session.query(Entry).count() == 0
