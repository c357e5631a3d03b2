"""Payouts: decided once, approved by the right person, sent once, and explained when they fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts import endpoints
from accounts.models import AuditLine
from accounts.models_endpoints import EndpointMessage
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from core import clock, outbox
from core.db import db
from core.outbox import OutboxMessage
from integrations import stripe_codes
from integrations.stripe_codes import Maker
from integrations.stripe_transfers import LostAnswer, Refused, Transfer, TransferOrder, Transfers
from rewards import (
    erasure,
    intake,
    jobs_payouts,
    jobs_perks,
    ledger,
    payout_blocks,
    payout_details,
    payout_sending,
    payouts,
    person_data,
    rates,
    verify,
)
from rewards.commissions import due, release
from rewards.ledger import Draft
from rewards.models import Account, Entry, EntryKind, PayoutDetail, PayoutMethod
from rewards.models_payouts import ConnectedAccount, Payout, PayoutBatch, PayoutState
from rewards.payout_blocks import Block
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_code,
    make_member,
    must,
    purchase_fact,
    refund_fact,
)
from tests.rewards.test_vouchers import at_once

LATER = NOW + timedelta(days=31)
IBAN = "DE89370400440532013000"


@pytest.fixture(autouse=True)
def rules(app: Flask) -> None:
    """Pay from 5.00 on, two people above 50.00."""
    told = {"minimum_payout": "5.00", "payout_approval_above": "50.00", "currency": "EUR"}
    program.set_rules(told | {"sepa_name": "Maison Givre", "sepa_iban": IBAN})
    db.session.commit()


@contextmanager
def later(**more: float) -> Iterator[None]:
    with clock.frozen(LATER + timedelta(**more)):
        yield


def earner(total: int = 10_000, *, method: PayoutMethod | None = PayoutMethod.STRIPE) -> int:
    """Return an ambassador with 10 % of a purchase payable since NOW + 30 days."""
    who = make_ambassador(member=make_member(email=f"zoe{total}@example.org")).id
    code = make_code(f"EARN{who}", ambassador_id=who)
    intake.take_purchases([purchase_fact(codes=(code.text,), total=total, external_id=f"e{who}")])
    with later():
        release(due())
    if method is not None:
        sealed = payout_details.closed(IBAN)
        db.session.add(
            PayoutDetail(
                ambassador_id=who, method=method, holder="Zoé Martin", last4="3000",
                sealed=sealed if method is PayoutMethod.BANK else None, changed_at=NOW,
            )
        )  # fmt: skip
    if method is PayoutMethod.STRIPE:
        db.session.add(
            ConnectedAccount(
                ambassador_id=who, account=f"acct_{who}", is_ready=True, created_at=NOW,
                changed_at=NOW,
            )
        )  # fmt: skip
    db.session.commit()
    return who


def approved(*, by: str = "user:2", by_hand: bool = False) -> list[Payout]:
    """Return the payouts of a batch that was prepared and approved."""
    batch = payouts.prepare("EUR", key=f"b{by}", by="user:1", by_hand=by_hand)
    payouts.approve(batch.id, by=by)
    db.session.commit()
    return payouts.of_batch(batch.id)


def stands(who: int) -> dict[str, int]:
    """Return where an ambassador's money stands, without zeros."""
    found = ledger.balances(who).get("EUR", {})
    return {account.value: amount for account, amount in found.items() if amount}


def blocks(who: int) -> tuple[Block, ...]:
    return next(one.blocks for one in payout_blocks.candidates("EUR") if one.ambassador_id == who)


def holds() -> None:
    assert [str(one) for one in verify.breaches()] == []


def exported(payout: Payout) -> bytes:
    """Return the file of a payout's batch, noted as exported."""
    file = payout_sending.bank_file(payout.batch)
    payout_sending.note_export(file)
    return file.body


class Provider:
    """A Stripe whose answers a test decides; it keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.orders: list[TransferOrder] = []
        self.made: dict[str, Transfer] = {}
        self.forgets: set[str] = set()

    def send(self, order: TransferOrder) -> Transfer:
        self.orders.append(order)
        answer = self.answers.pop(0) if self.answers else "yes"
        if answer == "no":
            raise Refused("The account is closed.")
        if answer == "before":  # nothing was done, and nobody told us
            raise LostAnswer("cut before")
        transfer = Transfer(
            id=f"tr_{order.key}", amount=order.amount, currency=order.currency,
            destination=order.destination_account, transfer_group=order.transfer_group,
            reversed=False,
        )  # fmt: skip
        self.made.setdefault(order.key, transfer)
        if answer == "after":  # it was done, and nobody told us
            raise LostAnswer("cut after")
        return self.made[order.key]

    def find(self, group: str) -> list[Transfer]:
        return [one for one in self.made.values() if one.transfer_group == group]

    def transfers(self) -> Transfers:
        return Transfers(self.send, self.find)

    def run(self) -> int:
        return jobs_payouts.send_with(self.transfers())


def state(payout: Payout) -> PayoutState:
    db.session.refresh(payout)
    return payout.state


def test_a_payout_moves_from_payable_over_transit_to_cash(app: Flask) -> None:
    who, provider = earner(), Provider()
    with later():
        batch = payouts.prepare("EUR", key="march", by="user:1")
        assert stands(who) == {"payable": 1000}  # a draft moves nothing
        payouts.approve(batch.id, by="user:2")
        db.session.commit()
        assert stands(who) == {"transit": 1000}
        assert provider.run() == 1
        (payout,) = payouts.of_batch(batch.id)
        assert (state(payout), payout.reference) == (PayoutState.SENT, f"tr_payout:{payout.id}:1")
    with later(hours=1):
        assert jobs_payouts.prove_with(provider.transfers()) == 1
        assert state(payout) is PayoutState.PAID
    assert stands(who) == {"cash": 1000}
    mail = db.session.scalars(sa.select(OutboxMessage.key)).all()
    assert f"payout_paid:{payout.id}" in mail
    holds()


def test_the_same_key_prepares_one_batch(app: Flask) -> None:
    earner()
    with later():
        first = payouts.prepare("EUR", key="march", by="user:1")
        assert payouts.prepare("EUR", key="march", by="user:1").id == first.id
        with pytest.raises(payouts.NothingToPayError):  # all of them are in an open payout
            payouts.prepare("EUR", key="again", by="user:1")


def test_two_batches_at_once_never_draft_somebody_twice(app: Flask) -> None:
    for total in (10_000, 20_000, 30_000):
        earner(total)

    def make(number: int) -> None:
        with later():
            payouts.prepare("EUR", key=f"b{number}", by="user:1")

    at_once(app, [partial(make, number) for number in range(6)])
    assert db.session.scalar(sa.select(sa.func.count(Payout.id))) == 3


def test_twenty_approvals_at_once_set_the_money_aside_once(app: Flask) -> None:
    who = earner()
    with later():
        batch_id = payouts.prepare("EUR", key="march", by="user:1").id
        db.session.commit()

    def say_yes() -> None:
        with later():
            payouts.approve(batch_id, by="user:2")

    ends = at_once(app, [say_yes] * 20)
    assert (ends["done"], ends["PayoutStateError"]) == (1, 19)
    assert stands(who) == {"transit": 1000}
    holds()


def test_a_batch_above_the_limit_needs_somebody_else(app: Flask) -> None:
    earner(60_000)
    with later():
        batch = payouts.prepare("EUR", key="march", by="user:1")
        with pytest.raises(payouts.FourEyesError):
            payouts.approve(batch.id, by="user:1")
        payouts.approve(batch.id, by="user:2")
        holds()


def test_a_batch_below_the_limit_needs_one_person(app: Flask) -> None:
    earner(50_000)  # exactly 50.00
    with later():
        batch = payouts.prepare("EUR", key="march", by="user:1")
        assert payouts.approve(batch.id, by="user:1").approved_by == "user:1"
        program.set_rules({"payout_approval_above": "0"})
        holds()  # a stricter rule is for the batches that come


def test_verify_names_a_batch_that_its_maker_approved_above_the_limit(app: Flask) -> None:
    earner(60_000)
    with later():
        batch = payouts.prepare("EUR", key="march", by="user:1")
        payouts.approve(batch.id, by="user:2")
        batch.approved_by = "user:1"
        db.session.flush()
        program.set_rules({"payout_approval_above": "100.00"})
        assert [one.invariant for one in verify.breaches()] == ["M9"]


def test_verify_names_a_payout_to_an_account_that_was_new(app: Flask) -> None:
    earner()
    with later():
        approved()
        db.session.execute(sa.update(ConnectedAccount).values(created_at=LATER))
        assert [one.invariant for one in verify.breaches()] == ["M9"]


def test_each_reason_not_to_pay_is_told(app: Flask) -> None:
    small, nobody = earner(4_000), earner(10_000, method=None)
    changed, suspended = earner(11_000), earner(12_000)
    closed = earner(13_000)
    with later():
        db.session.scalars(
            sa.select(PayoutDetail).where(PayoutDetail.ambassador_id == changed)
        ).one().changed_at = LATER - timedelta(hours=71)
        db.session.get_one(Ambassador, suspended).status = AmbassadorStatus.SUSPENDED
        db.session.scalars(
            sa.select(ConnectedAccount).where(ConnectedAccount.ambassador_id == closed)
        ).one().is_ready = False
        db.session.flush()
        assert blocks(small) == (Block.MINIMUM,)
        assert blocks(nobody) == (Block.NO_DESTINATION,)
        assert blocks(changed) == (Block.CHANGED,)
        assert blocks(suspended) == (Block.SUSPENDED,)
        assert blocks(closed) == (Block.NOT_READY,)
        with pytest.raises(payouts.NothingToPayError):
            payouts.prepare("EUR", key="march", by="user:1")
    with later(hours=1, minutes=1):
        assert blocks(changed) == ()


def test_a_refund_between_draft_and_approval_leaves_the_line_out(app: Flask) -> None:
    who = make_ambassador().id
    make_code("ZOE10", ambassador_id=who)
    fact = purchase_fact(codes=("ZOE10",), total=10_000)
    intake.take_purchases([fact])
    other = earner(20_000)
    with later():
        release(due())
        batch = payouts.prepare("EUR", key="march", by="user:1", by_hand=True)
        intake.take_refunds([refund_fact(fact, 10)])
        payouts.approve(batch.id, by="user:2")
        db.session.commit()
        by = {one.ambassador_id: one for one in payouts.of_batch(batch.id)}
    assert (by[who].state, by[who].reason) == (PayoutState.CANCELLED, "less")
    assert by[other].state is PayoutState.APPROVED
    assert stands(who) == {"payable": 999}
    holds()


def test_a_refund_after_the_payout_is_carried_and_nobody_is_debited(app: Flask) -> None:
    who = make_ambassador().id
    make_code("ZOE10", ambassador_id=who)
    fact = purchase_fact(codes=("ZOE10",), total=10_000)
    intake.take_purchases([fact])
    with later():
        release(due())
        (payout,) = approved(by_hand=True)
        payouts.settle(payouts.locked(payout.id), reference="by hand 1")
        intake.take_refunds([refund_fact(fact, 10_000)])
        db.session.commit()
    assert stands(who) == {"cash": 1000, "payable": -1000}
    holds()


def test_a_refusal_makes_the_money_payable_again_and_the_next_batch_pays_it(app: Flask) -> None:
    who, provider = earner(), Provider("no")
    with later():
        (payout,) = approved()
        provider.run()
        assert (state(payout), payout.reason) == (PayoutState.FAILED, "The account is closed.")
        assert stands(who) == {"payable": 1000}
        holds()
        (again,) = approved(by="user:3")
        provider.run()
        assert state(again) is PayoutState.SENT
    assert len(provider.made) == 1


@pytest.mark.parametrize("answer", ["before", "after"])
def test_a_lost_answer_is_asked_again_under_the_same_key(app: Flask, answer: str) -> None:
    earner()
    provider = Provider(answer)
    with later():
        (payout,) = approved()
        provider.run()
        assert state(payout) is PayoutState.UNKNOWN
        assert provider.run() == 0  # not at once
    with later(minutes=1):
        provider.run()
        assert state(payout) is PayoutState.SENT
    assert [one.key for one in provider.orders] == [f"payout:{payout.id}:1"] * 2
    assert len(provider.made) == 1
    holds()


def test_a_transfer_that_is_found_after_twenty_hours_is_not_sent_again(app: Flask) -> None:
    earner()
    provider = Provider("after")
    with later():
        (payout,) = approved()
        provider.run()
    with later(hours=20):
        provider.run()
        assert state(payout) is PayoutState.SENT
    assert (len(provider.orders), len(provider.made)) == (1, 1)


def test_a_transfer_that_is_absent_twice_an_hour_apart_is_tried_under_a_new_key(app: Flask) -> None:
    earner()
    provider = Provider("before")
    with later():
        (payout,) = approved()
        provider.run()
    with later(hours=20):
        provider.run()
        assert (state(payout), len(provider.orders)) == (PayoutState.UNKNOWN, 1)
    with later(hours=20, minutes=59):
        assert provider.run() == 0
    with later(hours=21):
        provider.run()
        assert state(payout) is PayoutState.SENT
    assert [one.key for one in provider.orders] == [f"payout:{payout.id}:{n}" for n in (1, 2)]
    act = AuditLine.act == "payout.new_key"
    assert db.session.scalar(sa.select(sa.func.count(AuditLine.id)).where(act)) == 1


def test_a_no_to_a_repeated_call_is_believed_only_if_no_transfer_is_there(app: Flask) -> None:
    earner()
    provider = Provider("after", "no")
    with later():
        (payout,) = approved()
        provider.run()
    with later(minutes=1):
        provider.run()
        assert state(payout) is PayoutState.SENT
    holds()


def test_a_worker_that_was_killed_leaves_its_payout_to_the_next(app: Flask) -> None:
    earner()
    provider = Provider()
    with later():
        (payout,) = approved()
        claimed = must(payout_sending.claim())
        db.session.commit()
        provider.send(claimed.order)  # and killed before the answer was noted
        assert provider.run() == 0  # the lease holds
    with later(minutes=2):
        provider.run()
        assert state(payout) is PayoutState.SENT
        late = payout_sending.Outcome(refusal="late")
        assert not payout_sending.note(claimed, late)  # the first worker has lost it
    assert len(provider.made) == 1
    holds()


def test_a_transfer_that_went_back_makes_the_money_payable_again(app: Flask) -> None:
    who, provider = earner(), Provider()
    with later():
        (payout,) = approved()
        provider.run()
    key, sent = next(iter(provider.made.items()))
    provider.made[key] = Transfer(
        id=sent.id, amount=sent.amount, currency=sent.currency, destination=sent.destination,
        transfer_group=sent.transfer_group, reversed=True,
    )  # fmt: skip
    with later(hours=1):
        jobs_payouts.prove_with(provider.transfers())
    assert state(payout) is PayoutState.FAILED
    assert stands(who) == {"payable": 1000}
    holds()


def test_what_stands_under_another_key_was_paid_and_is_not_paid_again(app: Flask) -> None:
    who, provider = earner(), Provider()
    with later():
        (payout,) = approved()
        provider.run()
    (sent,) = provider.made.values()
    provider.made = {
        "1": dataclasses.replace(sent, reversed=True), "2": dataclasses.replace(sent, id="tr_late"),
    }  # fmt: skip
    with later(hours=1):
        jobs_payouts.prove_with(provider.transfers())
    assert (state(payout), payout.reference) == (PayoutState.PAID, "tr_late")
    assert stands(who) == {"cash": 1000}
    holds()


def test_a_stripe_that_hangs_is_asked_once_a_run_and_the_others_have_their_turn(
    app: Flask,
) -> None:
    for total in (10_000, 20_000, 30_000):
        earner(total)
    provider, asked = Provider(), list[str]()

    def hangs_for_the_first(group: str) -> list[Transfer]:
        asked.append(group)
        if group == asked[0]:
            raise LostAnswer("no answer in time")
        return provider.find(group)

    transfers = Transfers(provider.send, hangs_for_the_first)
    with later():
        approved()
        provider.run()
    with later(hours=1):
        assert jobs_payouts.prove_with(transfers) == 0
        assert len(asked) == 1
        assert jobs_payouts.prove_with(transfers) == 2


def test_a_file_that_somebody_else_exported_meanwhile_is_not_noted(app: Flask) -> None:
    earner(method=PayoutMethod.BANK)
    with later():
        (payout,) = approved()
        batch = payout.batch
        file = payout_sending.bank_file(batch)
        others = sa.update(PayoutBatch).values(exported_at=LATER - timedelta(minutes=1))
        db.session.execute(others.execution_options(synchronize_session=False))
        with pytest.raises(payout_sending.NotPossibleError):
            payout_sending.note_export(file)


def test_an_account_at_stripe_that_is_new_waits_as_any_new_destination(app: Flask) -> None:
    who = earner()
    with later():
        db.session.execute(sa.update(ConnectedAccount).values(created_at=LATER))
    with later(hours=71):
        assert blocks(who) == (Block.CHANGED,)
    with later(hours=72):
        assert blocks(who) == ()


def test_the_bank_file_holds_each_payout_once_and_is_the_same_again(app: Flask) -> None:
    who = earner(method=PayoutMethod.BANK)
    with later():
        (payout,) = approved()
        first = exported(payout)
        db.session.commit()
        assert first.count(b"<EndToEndId>") == 1
        assert b'<InstdAmt Ccy="EUR">10.00</InstdAmt>' in first
        assert IBAN.encode() in first
        assert state(payout) is PayoutState.SENT
    with later(hours=5):
        payouts.fail(payouts.locked(payout.id), "The bank sent it back.")
        assert exported(payout) == first
    assert stands(who) == {"payable": 1000}
    holds()


def test_money_paid_by_bank_that_comes_back_is_reversed(app: Flask) -> None:
    who = earner(method=PayoutMethod.BANK)
    with later():
        (payout,) = approved()
        exported(payout)
        payouts.settle(payouts.locked(payout.id))
        assert stands(who) == {"cash": 1000}
        payouts.fail(payouts.locked(payout.id), "The account is closed.")
        assert state(payout) is PayoutState.REVERSED
    assert stands(who) == {"payable": 1000}
    holds()


def test_store_credit_is_one_code_that_nobody_can_guess(app: Flask) -> None:
    who = earner(method=PayoutMethod.STORE_CREDIT)
    with later():
        (payout,) = approved()
        code = payout_sending.give_credit(payout.id)
        assert payout_sending.give_credit(payout.id) is None
        db.session.commit()
        assert (state(payout), payout.reference) == (PayoutState.PAID, code)
    line = db.session.scalars(sa.select(AuditLine).where(AuditLine.act == "payout.credit")).one()
    assert (line.object_id, must(code) in str(line.details)) == (str(payout.id), False)
    assert must(code).startswith("CREDIT-")
    assert stands(who) == {"store_credit": 1000}
    holds()


def test_other_programs_learn_that_a_payout_arrived_and_never_its_code(app: Flask) -> None:
    endpoints.create("https://books.example/hooks", ["payout.paid"])
    who = earner(method=PayoutMethod.STORE_CREDIT)
    with later():
        (payout,) = approved()
        payout_sending.give_credit(payout.id)
        db.session.commit()
    said = db.session.scalars(sa.select(EndpointMessage.body)).all()
    assert len(said) == 1
    body = str(said[0])
    assert all(word in body for word in ("payout.paid", "store_credit", f"{who}"))
    assert str(payout.reference) not in body


def test_a_cancelled_batch_frees_everybody_for_the_next(app: Flask) -> None:
    earner()
    with later():
        batch = payouts.prepare("EUR", key="one", by="user:1")
        payouts.cancel(batch.id)
        with pytest.raises(payouts.PayoutStateError):
            payouts.approve(batch.id, by="user:2")
        assert len(payouts.of_batch(payouts.prepare("EUR", key="two", by="user:1").id)) == 1


def test_the_copy_of_ones_data_holds_what_was_paid_and_where_to(app: Flask) -> None:
    who = earner()
    with later():
        approved()
        told = person_data.collect(db.session.get_one(Ambassador, who).member)
    (payout,) = told["payouts"]
    assert (payout["amount"], payout["state"], payout["account"]) == (
        1000,
        "approved",
        f"acct_{who}",
    )
    assert told["account_at_stripe"]["account"] == f"acct_{who}"


@pytest.mark.parametrize("has_arrived", [True, False])
def test_whoever_is_erased_while_a_payout_is_under_way_is_forgotten_at_its_end(
    app: Flask, *, has_arrived: bool
) -> None:
    who = earner(method=PayoutMethod.BANK)
    db.session.add(
        ConnectedAccount(
            ambassador_id=who, account="acct_old", is_ready=True, created_at=NOW, changed_at=NOW
        )
    )
    with later():
        (payout,) = approved()
        exported(payout)
        erasure.erase(payout.ambassador.member)
        db.session.commit()
        assert payout.holder == "Zoé Martin"  # the bank may still ask for it
        if has_arrived:
            payouts.settle(payouts.locked(payout.id))
        else:
            payouts.fail(payouts.locked(payout.id), "The account is closed.")
        db.session.commit()
    assert (payout.holder, payout.sealed, payout.last4) == ("", None, "")
    assert db.session.scalar(sa.select(ConnectedAccount.id)) is None
    holds()


def test_verify_names_a_payout_that_the_ledger_does_not_know(app: Flask) -> None:
    earner()
    with later():
        (payout,) = approved()
        payout.state = PayoutState.PAID
        db.session.flush()
        assert [one.invariant for one in verify.breaches()] == ["M8"]


def test_verify_names_money_that_left_without_a_payout(app: Flask) -> None:
    who = earner()
    legs = ledger.move(300, "EUR", debit=Account.PAYABLE, credit=Account.CASH, ambassador_id=who)
    with later():
        ledger.post(
            [ledger.Draft(kind="payout", source="payout:999", occurred_at=LATER, legs=legs)]  # type: ignore[arg-type]
        )
        assert "M8" in {one.invariant for one in verify.breaches()}
    assert db.session.scalar(sa.select(Entry.id).where(Entry.source == "payout:999"))


def refusing(_payload: dict[str, object], _key: str) -> str:
    raise RuntimeError("No such coupon.")


def noting(asked: list[object]) -> Maker:
    """Return a Stripe that does all it is asked, and writes it down."""

    def make(payload: dict[str, object], _key: str) -> str:
        asked.append(payload["act"])
        return "promo_1"

    return make


def credit_under_way(app: Flask, monkeypatch: pytest.MonkeyPatch, make: Maker) -> Payout:
    """Return a payout as store credit whose code waits to be made at Stripe as `make` does."""
    monkeypatch.setattr(stripe_codes, "maker", lambda _settings: make)
    (payout,) = approved()
    payout_sending.give_credit(payout.id)
    db.session.commit()
    assert payout.state is PayoutState.SENT
    return payout


def test_store_credit_that_stripe_refuses_for_good_is_payable_again_and_says_why(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    earner(method=PayoutMethod.STORE_CREDIT)
    with later():
        payout = credit_under_way(app, monkeypatch, refusing)
        last = outbox.MAX_ATTEMPTS - 1
        db.session.execute(sa.update(OutboxMessage).values(attempts=last))
        jobs_perks.prepare_codes()
        db.session.refresh(payout)
        assert payout.state is PayoutState.FAILED
        assert "No such coupon." in (payout.reason or "")
        assert stands(payout.ambassador_id) == {"payable": 1000}
        holds()
        asked: list[object] = []  # the last answer may have been lost: what is there is stopped
        monkeypatch.setattr(stripe_codes, "maker", lambda _settings: noting(asked))
        db.session.execute(sa.update(OutboxMessage).values(due_at=clock.now()))
        jobs_perks.prepare_codes()
        key = f"payout-code:{payout.id}"
        query = sa.select(OutboxMessage.id).where(OutboxMessage.key == key)
        assert outbox.retry(db.session.scalars(query).one())  # somebody tries the code once more
        db.session.commit()
        jobs_perks.prepare_codes()
        assert asked == ["withdraw"]
        db.session.refresh(payout)
        assert payout.state is PayoutState.FAILED


@pytest.mark.parametrize(("rate", "limit"), [("160", 8_000), (None, 0), ("0.5", 25)])
def test_the_limit_of_one_person_is_converted_with_the_rate_of_the_day(
    app: Flask, rate: str | None, limit: int
) -> None:
    with later():
        today = clock.local_day(clock.now(), "Europe/Paris")
        if rate:
            rates.record([rates.Told(today, "EUR", "JPY", Decimal(rate), "ecb")])
            db.session.commit()
        assert payouts.alone_up_to("JPY") == limit  # of EUR 50.00; the yen has no decimals
        assert payouts.alone_up_to("EUR") == 5_000


def test_a_batch_in_yen_above_the_converted_limit_needs_somebody_else(app: Flask) -> None:
    with later():
        today = clock.local_day(clock.now(), "Europe/Paris")
        rates.record([rates.Told(today, "EUR", "JPY", Decimal("160"), "ecb")])
        for number, amount in enumerate((8_000, 8_001)):
            who = earner(10_000 + number)
            legs = ledger.move(
                amount, "JPY", debit=Account.BONUS, credit=Account.PAYABLE, ambassador_id=who
            )
            draft = Draft(kind=EntryKind.BONUS, source=f"y{who}", occurred_at=NOW, legs=legs)
            ledger.post([draft])
            db.session.commit()
            batch = payouts.prepare("JPY", key=f"yen{number}", by="user:1")
            assert payouts.needs_another(batch, by="user:1") is (amount > 8_000)
            assert payouts.approve(batch.id, by=f"user:{number + 1}").alone_up_to == 8_000
            db.session.commit()
    assert not [one for one in verify.breaches() if one.invariant == "M9"]
