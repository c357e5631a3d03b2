"""Whatever happens, in whatever order: orders, refunds, disputes, rules, payouts, crashes, time.

A machine of hypothesis does up to thirty things one after the other, and after each of them
every money invariant holds.  `--machines 2000` for more runs; hypothesis prints how to repeat
one that fails.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ambassadors import enrolment, program
from ambassadors.models import Ambassador
from campaigns import campaigns, terms
from campaigns.models import Campaign, CampaignStatus, RewardKind
from campaigns.terms import AmbassadorEarns, Terms
from core import clock
from core.db import db
from core.errors import DomainError
from integrations import facts
from integrations.stripe_transfers import LostAnswer, Refused, Transfer, TransferOrder, Transfers
from referrals import codes
from referrals.models import Code, Purchase
from rewards import (
    erasure,
    intake,
    jobs,
    jobs_payouts,
    ledger,
    payout_details,
    payout_notes,
    payout_sending,
    payouts,
    verify,
)
from rewards.models import PayoutDetail, PayoutMethod
from rewards.models_payouts import ConnectedAccount, Payout, PayoutBatch, PayoutState
from tests.conftest import NOW, _empty
from tests.factories import make_ambassador, make_member

AMOUNTS = st.sampled_from([1, 99, 3_333, 10_000, 123_456])
METHODS = (PayoutMethod.STRIPE, PayoutMethod.STORE_CREDIT, PayoutMethod.BANK)
MOODS = st.sampled_from(
    ["yes", "yes", "no", "lost before", "lost after", "killed before", "killed after"]
)
PICK = st.integers(0, 10**6)  # one of the rows there are


class Killed(BaseException):
    """The process ends here: nothing after it runs."""


class Stripe:
    """A Stripe that does as it is told, and never twice under one key."""

    def __init__(self) -> None:
        self.mood = "yes"
        self.made: dict[str, Transfer] = {}

    def send(self, order: TransferOrder) -> Transfer:
        if order.key in self.made:
            return self.made[order.key]
        if self.mood == "no":
            raise Refused("The account is closed.")
        if self.mood == "lost before":
            raise LostAnswer("cut")
        if self.mood == "killed before":
            raise Killed
        made = Transfer(
            id=f"tr_{order.key}", amount=order.amount, currency=order.currency,
            destination=order.destination_account, transfer_group=order.transfer_group,
            reversed=False,
        )  # fmt: skip
        self.made[order.key] = made
        if self.mood == "lost after":
            raise LostAnswer("cut")
        if self.mood == "killed after":
            raise Killed
        return made

    def find(self, group: str) -> list[Transfer]:
        return [one for one in self.made.values() if one.transfer_group == group]

    def reverse(self, group: str) -> None:
        for key, one in self.made.items():
            if one.transfer_group == group:
                self.made[key] = dataclasses.replace(one, reversed=True)

    def transfers(self) -> Transfers:
        return Transfers(self.send, self.find)


class Money(RuleBasedStateMachine):
    """A program of three ambassadors, its shop, its Stripe and its clock."""

    app: Flask

    @initialize(
        sold=st.lists(st.tuples(AMOUNTS, st.integers(0, 2), st.integers(0, 4)), min_size=3),
        is_due=st.sampled_from([True, True, False]),
    )
    def begin(self, sold: list[tuple[int, int, int]], is_due: bool) -> None:
        db.session.remove()
        _empty(self.app)
        self.stripe = Stripe()
        self.now, self.orders, self.refunds = NOW, 0, 0
        clock.set_now(self.now)
        program.set_rules({"minimum_payout": "1.00", "payout_approval_above": "5.00"})
        program.set_rules({"sepa_name": "Cercle", "sepa_iban": "DE89370400440532013000"})
        reward = AmbassadorEarns(kind=RewardKind.PERCENT, rate=1_500)
        made = Terms(name="Spring", reward=reward, budget=60_000)
        campaign = campaigns.create("spring", made, status=CampaignStatus.RUNNING)
        for number, method in enumerate(METHODS):
            member = make_member(email=f"a{number}@example.org")
            who = make_ambassador(member=member)
            codes.create(f"CODE{number}", campaign_id=campaign.id, ambassador_id=who.id)
            self._say_where(who.id, method)
        self._commit()
        for total, code, buyer in sold[:6]:
            self.buy(total, code, buyer)
        if is_due:
            self.time_passes(31)

    def teardown(self) -> None:
        db.session.remove()
        clock.set_now(None)

    @invariant()
    def the_books_hold(self) -> None:
        assert [str(one) for one in verify.breaches()] == []
        db.session.rollback()

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        groups = [one.transfer_group for one in self.stripe.made.values() if not one.reversed]
        assert len(groups) == len(set(groups))

    @rule(total=AMOUNTS, code=st.integers(0, 3), buyer=st.integers(0, 4))
    def buy(self, total: int, code: int, buyer: int) -> None:
        self.orders += 1
        self._take(self._order(self.orders, total, code, buyer))

    @rule(pick=PICK, total=AMOUNTS)
    def the_shop_tells_an_order_twice(self, pick: int, total: int) -> None:
        if self.orders:
            known = self._purchase(pick)
            self._take(self._order(int(known.external_id), known.total, 9, 0, at=known.occurred_at))

    @rule(pick=PICK, amount=AMOUNTS, kind=st.sampled_from(["refund", "dispute"]))
    def give_back(self, pick: int, amount: int, kind: str) -> None:
        if not self.orders:
            return
        known = self._purchase(pick)
        self.refunds += 1
        self._take(self._refund(f"r{self.refunds}", known.external_id, amount, kind))

    @rule(pick=PICK)
    def a_refund_fails_or_a_dispute_is_won(self, pick: int) -> None:
        if not self.refunds:
            return
        number = pick % self.refunds + 1
        known = db.session.execute(
            sa.text("SELECT kind, amount, external_id FROM refund WHERE external_id = :name"),
            {"name": f"r{number}"},
        ).first()
        if known is not None:
            order = db.session.scalar(
                sa.text(
                    "SELECT p.external_id FROM purchase p JOIN refund r ON r.purchase_id = p.id "
                    "WHERE r.external_id = :name"
                ),
                {"name": f"r{number}"},
            )
            if order is not None:
                undone = self._refund(f"r{number}", order, known.amount, known.kind)
                self._take(dataclasses.replace(undone, state="failed"))

    @rule(number=st.integers(1, 40), amount=AMOUNTS)
    def a_refund_comes_before_its_order(self, number: int, amount: int) -> None:
        self.refunds += 1
        self._take(self._refund(f"r{self.refunds}", str(number), amount, "refund"))

    @rule(days=st.sampled_from([0.05, 1, 4, 31]))
    def time_passes(self, days: float) -> None:
        self.now += timedelta(days=days)
        clock.set_now(self.now)
        jobs.apply_parked_refunds()
        jobs.look_for_suspicions()
        jobs.release_holds()

    @rule(rate=st.sampled_from([0, 500, 3_000]))
    def the_rule_changes(self, rate: int) -> None:
        campaign = db.session.scalars(sa.select(Campaign)).one()
        reward = AmbassadorEarns(kind=RewardKind.PERCENT, rate=rate, hold_days=10)
        self._do(
            lambda: campaigns.change(
                campaign, dataclasses.replace(terms.of(campaign), reward=reward)
            )
        )

    @rule(pick=PICK, who=st.integers(0, 3))
    def a_person_decides(self, pick: int, who: int) -> None:
        if self.orders:
            known = self._purchase(pick)
            chosen = None if who == 3 else self._ambassador(who).id
            self._do(lambda: intake.override(known.id, chosen, reason="looked at"))

    @rule(code=st.integers(0, 2))
    def a_code_is_frozen(self, code: int) -> None:
        found = db.session.scalar(sa.select(Code).where(Code.key == f"CODE{code}"))
        if found is not None:
            self._do(lambda: codes.freeze(found.id, reason="leaked"))

    @rule(who=st.integers(0, 2))
    def an_ambassador_is_suspended(self, who: int) -> None:
        self._do(lambda: enrolment.suspend(self._ambassador(who), reason="a look is needed"))

    @rule(who=st.integers(0, 2))
    def an_ambassador_is_back(self, who: int) -> None:
        self._do(lambda: enrolment.reactivate(self._ambassador(who)))

    @rule(who=st.integers(0, 2))
    def a_person_is_forgotten(self, who: int) -> None:
        ambassador = self._ambassador(who)
        id_, before = ambassador.id, ledger.balances(ambassador.id)
        self._do(lambda: erasure.erase(ambassador.member))
        assert ledger.balances(id_) == before  # M13

    @rule(by_hand=st.booleans())
    def prepare(self, by_hand: bool) -> None:
        key = f"{self.now}"
        self._do(lambda: payouts.prepare("EUR", key=key, by="user:1", by_hand=by_hand))

    @rule(mood=MOODS)
    def pay_day(self, mood: str) -> None:
        self.prepare(by_hand=True)
        self.approve(by="user:2")
        self.send(mood)

    @rule(by=st.sampled_from(["user:1", "user:2"]))
    def approve(self, by: str) -> None:
        for id_ in db.session.scalars(sa.select(PayoutBatch.id)).all():
            self._do(lambda id_=id_: payouts.approve(id_, by=by))

    @rule()
    def give_up(self) -> None:
        for id_ in db.session.scalars(sa.select(PayoutBatch.id)).all():
            self._do(lambda id_=id_: payouts.cancel(id_))

    @rule(mood=MOODS)
    def send(self, mood: str) -> None:
        self.stripe.mood = mood
        try:
            jobs_payouts.send_with(self.stripe.transfers())
        except Killed:
            db.session.rollback()
        for id_ in self._payouts(PayoutMethod.STORE_CREDIT, PayoutState.APPROVED):
            self._do(lambda id_=id_: payout_sending.give_credit(id_))
        for batch in db.session.scalars(sa.select(PayoutBatch)).all():
            self._do(
                lambda batch=batch: payout_sending.note_export(payout_sending.bank_file(batch))
            )

    @precondition(lambda self: self.stripe.made)
    @rule(pick=PICK)
    def stripe_takes_a_transfer_back(self, pick: int) -> None:
        groups = sorted(str(one.transfer_group) for one in self.stripe.made.values())
        group = groups[pick % len(groups)]
        if db.session.get_one(Payout, int(group.partition(":")[2])).state is PayoutState.SENT:
            self.stripe.reverse(group)
        db.session.rollback()

    @rule()
    def prove(self) -> None:
        jobs_payouts.prove_with(self.stripe.transfers())

    @rule(has_arrived=st.booleans())
    def the_bank_tells(self, has_arrived: bool) -> None:
        for id_ in self._payouts(PayoutMethod.BANK, PayoutState.SENT):
            if has_arrived:
                self._do(lambda id_=id_: payouts.settle(payouts.locked(id_)))
            else:
                self._do(lambda id_=id_: payout_notes.give_back(id_, "The account is closed."))

    @rule(who=st.integers(0, 2), method=st.sampled_from(METHODS))
    def somebody_says_where_to_pay(self, who: int, method: PayoutMethod) -> None:
        self._say_where(self._ambassador(who).id, method)
        self._commit()

    @rule()
    def the_process_dies_before_it_commits(self) -> None:
        order = self._order(900 + self.orders, 10_000, 0, 1)
        intake.take_purchases([order])
        db.session.rollback()

    def _do(self, act: Any) -> None:
        """Do an act that may be refused; a refusal changes nothing."""
        try:
            act()
        except DomainError:
            db.session.rollback()
        else:
            self._commit()

    def _commit(self) -> None:
        """End an act; the next one comes a second later."""
        db.session.commit()
        self.now += timedelta(seconds=1)
        clock.set_now(self.now)

    def _take(self, fact: facts.Purchase | facts.Refund) -> None:
        if isinstance(fact, facts.Purchase):
            intake.take_purchases([fact])
        else:
            intake.take_refunds([fact])
        self._commit()

    def _order(
        self, number: int, total: int, code: int, buyer: int, *, at: Any = None
    ) -> facts.Purchase:
        return facts.Purchase(
            source="api", external_id=str(number), occurred_at=at or self.now, currency="EUR",
            total=total, codes=(f"CODE{code}",), email=f"friend{buyer}@example.com",
        )  # fmt: skip

    def _refund(self, name: str, order: str, amount: int, kind: str) -> facts.Refund:
        return facts.Refund(
            source="api", external_id=name, order_source="api", order_external_id=order,
            amount=amount, occurred_at=self.now, kind=kind,
        )  # fmt: skip

    def _purchase(self, pick: int) -> Purchase:
        found = db.session.scalars(sa.select(Purchase).order_by(Purchase.id)).all()
        return found[pick % len(found)]

    def _ambassador(self, who: int) -> Ambassador:
        found = db.session.scalars(sa.select(Ambassador).order_by(Ambassador.id)).all()
        return found[who]

    def _payouts(self, method: PayoutMethod, state: PayoutState) -> list[int]:
        query = sa.select(Payout.id).where(Payout.method == method, Payout.state == state)
        return list(db.session.scalars(query.order_by(Payout.id)))

    def _say_where(self, ambassador_id: int, method: PayoutMethod) -> None:
        db.session.execute(
            sa.delete(PayoutDetail).where(PayoutDetail.ambassador_id == ambassador_id)
        )
        sealed = payout_details.closed("DE89370400440532013000")
        db.session.add(
            PayoutDetail(
                ambassador_id=ambassador_id, method=method, holder="A. Person", last4="3000",
                sealed=sealed if method is PayoutMethod.BANK else None, changed_at=self.now,
            )
        )  # fmt: skip
        has_account = sa.select(ConnectedAccount.id).where(
            ConnectedAccount.ambassador_id == ambassador_id
        )
        if db.session.scalar(has_account) is None:
            db.session.add(
                ConnectedAccount(
                    ambassador_id=ambassador_id, account=f"acct_{ambassador_id}", is_ready=True,
                    created_at=self.now, changed_at=self.now,
                )
            )  # fmt: skip
        db.session.flush()


def test_every_invariant_holds_after_every_step(app: Flask, request: pytest.FixtureRequest) -> None:
    runs = request.config.getoption("--machines")
    Money.app = app
    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=runs, stateful_step_count=30, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate],
        ),
    )  # fmt: skip
