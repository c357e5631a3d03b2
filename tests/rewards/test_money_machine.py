"""Whatever happens, in whatever order: orders, refunds, disputes, rules, payouts, crashes, time.

A machine of hypothesis does thirty things one after the other, and after each of them every
money invariant holds, M1 to M13.  The runs are shared out over many tests, so that each worker
has its part.  `--machines 2000` for more of them; the summary names the seed, and
`--machine-seed` with it does the same runs again.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import hypothesis
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

from ambassadors import enrolment
from campaigns import campaigns, terms
from campaigns.terms import AmbassadorEarns
from core import clock
from core.db import db
from integrations import facts
from referrals import codes, eligibility, redemptions
from referrals.models import CodeStatus, Refund
from reports import checks, closing
from rewards import (
    books,
    contracts,
    erasure,
    intake,
    jobs,
    jobs_payouts,
    jobs_rates,
    payout_notes,
    payout_sending,
    payouts,
    rates,
    verify,
)
from rewards.models import PayoutMethod
from rewards.models_payouts import Payout, PayoutState
from rewards.rates import Told
from tests.conftest import MACHINES_EACH, NOW
from tests.money_world import CURRENCIES, EVERYBODY, METHODS, REWARDS, Killed, World

AMOUNTS = st.sampled_from([1, 99, 3_333, 10_000, 123_456, 400_000])
SOLD_IN = st.sampled_from(["EUR", "EUR", "EUR", *CURRENCIES])
CODE = BUYER = st.integers(0, 4)  # the last code is nobody's
WHO = st.sampled_from(EVERYBODY)
MOODS = st.sampled_from([
    "yes", "yes", "no", "lost before", "lost after", "lost after", "killed before", "killed after",
])  # fmt: skip
PICK = st.integers(0, 10**6)  # one of the rows there are
LATE = st.sampled_from([0, 0, 0, 10, 40])  # days after which the shop tells what happened
STEPS = 30
REPORTED = ("purchase", "attribution", "ledger_posting", "fact_change", "closed_", "books")


class Money(RuleBasedStateMachine):
    """What may happen to a program, its shop, its Stripe and its clock."""

    app: Flask
    wrote = told = True  # anything, and what reports tell, since the invariants were looked at

    @initialize(
        sold=st.lists(st.tuples(AMOUNTS, CODE, BUYER), min_size=3, max_size=6),
        is_due=st.sampled_from([True, True, False]),
    )
    def begin(self, sold: list[tuple[int, int, int]], is_due: bool) -> None:
        self.world = World(self.app)
        self.closed: dict[str, Any] = {}
        sa.event.listen(db.engine, "before_cursor_execute", self._notice)
        for total, code, buyer in sold:
            self.buy(total, code, buyer, "EUR")
        if is_due:
            self.time_passes(31)

    def teardown(self) -> None:
        if sa.event.contains(db.engine, "before_cursor_execute", self._notice):
            sa.event.remove(db.engine, "before_cursor_execute", self._notice)
        db.session.remove()
        clock.set_now(None)

    def check_invariants(self, *rest: Any) -> None:
        """Look only after something was written: what nobody touched still holds."""
        if self.wrote:
            super().check_invariants(*rest)
            self.wrote = self.told = False

    @invariant()
    def the_books_hold(self) -> None:
        assert [str(one) for one in verify.breaches()] == []  # M1 to M11
        db.session.rollback()

    @invariant()
    def reports_equal_the_books(self) -> None:
        if not self.told:
            return
        assert list(books.broken_seals()) == []  # M12
        assert [str(one) for one in checks.totals_equal_ledger()] == []
        db.session.rollback()

    @invariant()
    def closed_months_are_as_they_were(self) -> None:
        assert {month: self.world.kept(month) for month in self.closed} == self.closed

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        made = self.world.stripe.made.values()
        groups = [one.transfer_group for one in made if not one.reversed]
        assert len(groups) == len(set(groups))
        assert self.world.strays() == []
        db.session.rollback()

    @rule(total=AMOUNTS, code=CODE, buyer=BUYER, currency=SOLD_IN, late=LATE)
    def buy(self, total: int, code: int, buyer: int, currency: str, late: int = 0) -> None:
        self.world.orders += 1
        order = self.world.order(self.world.orders, total, code, buyer, currency=currency)
        self.world.take(order, late=late)

    @rule(pick=PICK)
    def the_shop_tells_an_order_twice(self, pick: int) -> None:
        self.world.take(self.world.told_again(self.world.purchase(pick)))

    @rule(pick=PICK, amount=AMOUNTS, kind=st.sampled_from(["refund", "dispute"]), late=LATE)
    def give_back(self, pick: int, amount: int, kind: str, late: int) -> None:
        self.world.take(self._refund_of(pick, amount, kind), late=late)

    @rule(pick=PICK, kind=st.sampled_from(["refund", "dispute"]))
    def give_all_back(self, pick: int, kind: str) -> None:
        known = self.world.purchase(pick)
        if known.total > known.refunded:
            self.world.take(self._refund_of(pick, known.total - known.refunded, kind))

    @rule(pick=PICK)
    def a_refund_fails_or_a_dispute_is_won(self, pick: int) -> None:
        told = db.session.scalars(sa.select(Refund).order_by(Refund.id)).all()
        if told:
            known = told[pick % len(told)]
            undone = self.world.refund(
                known.external_id, known.order_external_id, known.amount, known.kind.value
            )
            self.world.take(dataclasses.replace(undone, state="failed"))

    @rule(number=st.integers(1, 40), amount=AMOUNTS)
    def a_refund_comes_before_its_order(self, number: int, amount: int) -> None:
        self.world.refunds += 1
        name = f"r{self.world.refunds}"
        self.world.take(self.world.refund(name, str(number), amount, "refund"))

    @rule(days=st.sampled_from([0.05, 1, 4, 31]))
    def time_passes(self, days: float) -> None:
        self.world.pass_time(timedelta(days=days))
        self.wrote = True
        jobs.apply_parked_refunds()
        jobs.look_for_suspicions()
        jobs.expire_reservations()
        jobs.release_holds()

    @rule()
    def a_month_is_closed(self) -> None:
        month = f"{NOW:%Y-%m}"
        if self.closed:
            count = int(month[:4]) * 12 + int(month[5:]) + len(self.closed) - 1
            month = f"{count // 12:04d}-{count % 12 + 1:02d}"
        if self.world.do(lambda: closing.close(month, by="user:1")):
            self.closed[month] = self.world.kept(month)

    @rule(reward=st.sampled_from(REWARDS))
    def the_rule_changes(self, reward: AmbassadorEarns) -> None:
        campaign = self.world.campaign()
        new = dataclasses.replace(terms.of(campaign), reward=reward)
        self.world.do(lambda: campaigns.change(campaign, new))

    @rule(
        currency=st.sampled_from(CURRENCIES[1:]),
        value=st.sampled_from(["0.91", "1.0823", "162.35"]),
    )
    def a_rate_is_published(self, currency: str, value: str) -> None:
        day = clock.local_day(self.world.now, "Europe/Paris")
        rates.record([Told(day, "EUR", currency, Decimal(value), "ecb")])
        self.world.commit()
        jobs_rates.settle_waiting()

    @rule(pick=PICK, who=st.sampled_from([*EVERYBODY, None]))
    def a_person_decides(self, pick: int, who: int | None) -> None:
        known = self.world.purchase(pick).id
        chosen = None if who is None else self.world.ambassador(who).id
        self.world.do(lambda: intake.override(known, chosen, reason="looked at"))

    @rule(code=WHO, order=st.integers(1, 40))
    def a_checkout_holds_a_use(self, code: int, order: int) -> None:
        found = self.world.code(code)
        if found.status is CodeStatus.ACTIVE:
            applies = eligibility.terms_of([found.key])[found.key]
            self.world.do(
                lambda: redemptions.reserve(applies, f"api:{order}", customer_key="c" * 64)
            )

    @rule(
        pick=PICK,
        act=st.sampled_from([redemptions.confirm, redemptions.release, redemptions.roll_back]),
    )
    def a_use_is_decided(self, pick: int, act: Any) -> None:
        held = self.world.redemption(pick)
        if held is not None:
            self.world.do(lambda: act(held.id))

    @rule(code=WHO)
    def a_code_is_frozen(self, code: int) -> None:
        found = self.world.code(code).id
        self.world.do(lambda: codes.freeze(found, reason="leaked"))

    @rule(who=WHO)
    def an_ambassador_is_suspended(self, who: int) -> None:
        found = self.world.ambassador(who)
        self.world.do(lambda: enrolment.suspend(found, reason="a look is needed"))

    @rule(who=WHO)
    def an_ambassador_is_back(self, who: int) -> None:
        self.world.do(lambda: enrolment.reactivate(self.world.ambassador(who)))

    @rule(who=WHO)
    def a_contract_is_signed(self, who: int) -> None:
        ambassador = self.world.ambassador(who).id
        objective, year = self.world.campaign().objective, self.world.now.year
        self.world.do(lambda: contracts.prepare(ambassador, objective, year, by="user:1"))
        for one in contracts.of_ambassador(ambassador):
            act = partial(contracts.sign, one.id, ambassador, name="A. Person", seen=one.text_hash)
            self.world.do(act)

    @rule(who=WHO)
    def a_person_is_forgotten(self, who: int) -> None:
        before = self.world.totals()
        member = self.world.ambassador(who).member
        self.world.do(lambda: erasure.erase(member))
        assert self.world.totals() == before  # M13

    @rule(buyer=BUYER)
    def a_customer_is_forgotten(self, buyer: int) -> None:
        before = self.world.totals()
        self.world.do(lambda: erasure.erase_address(f"friend{buyer}@example.com") or True)
        assert self.world.totals() == before  # M13

    @rule(by_hand=st.booleans(), currency=SOLD_IN)
    def prepare(self, by_hand: bool, currency: str) -> None:
        key = f"{self.world.now}"
        self.world.do(lambda: payouts.prepare(currency, key=key, by="user:1", by_hand=by_hand))

    @rule(mood=MOODS, currency=SOLD_IN, hours=st.sampled_from([0, 2, 30]))
    def pay_day(self, mood: str, currency: str, hours: float) -> None:
        self.prepare(by_hand=True, currency=currency)
        self.approve(by="user:2")
        self.send(mood)
        if hours:
            self.the_worker_catches_up(hours)

    @rule(by=st.sampled_from(["user:1", "user:2"]))
    def approve(self, by: str) -> None:
        self.world.each(partial(payouts.approve, by=by), self.world.batches())

    @rule()
    def give_up(self) -> None:
        self.world.each(payouts.cancel, self.world.batches())

    @rule(mood=MOODS)
    def send(self, mood: str) -> None:
        self.world.stripe.mood = mood
        try:
            jobs_payouts.send_with(self.world.stripe.transfers())
        except Killed:
            db.session.rollback()
        credit = self.world.payouts(PayoutMethod.STORE_CREDIT, PayoutState.APPROVED)
        self.world.each(payout_sending.give_credit, credit)
        self.world.each(_export, self.world.batches())

    @rule(hours=st.sampled_from([0.1, 2, 30]))
    def the_worker_catches_up(self, hours: float) -> None:
        for _ in range(3):
            self.time_passes(hours / 24)
            self.send("yes")
        self.prove()

    @precondition(lambda self: self.world.stripe.made)
    @rule(pick=PICK)
    def stripe_takes_a_transfer_back(self, pick: int) -> None:
        made = self.world.stripe.made.values()
        groups = sorted(str(one.transfer_group) for one in made)
        group = groups[pick % len(groups)]
        if db.session.get_one(Payout, int(group.partition(":")[2])).state is PayoutState.SENT:
            self.world.stripe.reverse(group)
        db.session.rollback()

    @rule()
    def prove(self) -> None:
        jobs_payouts.prove_with(self.world.stripe.transfers())

    @rule(
        method=st.sampled_from([PayoutMethod.BANK, PayoutMethod.MANUAL]), has_arrived=st.booleans()
    )
    def the_team_tells(self, method: PayoutMethod, has_arrived: bool) -> None:
        stand = (PayoutState.SENT, PayoutState.APPROVED, PayoutState.PAID)
        ids = self.world.payouts(method, *stand)
        if has_arrived:
            self.world.each(partial(payout_notes.note_paid, reference="R-1"), ids)
        else:
            self.world.each(partial(payout_notes.give_back, reason="The account is closed."), ids)

    @rule(who=WHO, method=st.sampled_from(METHODS[:-1]))
    def somebody_says_where_to_pay(self, who: int, method: PayoutMethod) -> None:
        self.world.say_where(self.world.ambassador(who).id, method)
        self.world.commit()

    @rule(pick=PICK, amount=AMOUNTS, act=st.integers(0, 4))
    def the_process_dies_before_it_commits(self, pick: int, amount: int, act: int) -> None:
        before = self.world.standing()
        told = self._refund_of(pick, amount, "refund")
        if act == 0:
            intake.take_purchases([self.world.order(900 + self.world.orders, amount, 0, 1)])
        elif act == 1:
            intake.take_refunds([told])
        elif act == 2:
            intake.decide_again([self.world.purchase(pick).id])
        else:
            self._die_in_a_payout(is_approved=act == 3)
        db.session.rollback()
        assert self.world.standing() == before

    def _die_in_a_payout(self, *, is_approved: bool) -> None:
        drafts = self.world.batches(is_draft=True)
        if is_approved and drafts:
            payouts.approve(drafts[-1], by="user:2")
        for id_ in self.world.payouts(PayoutMethod.STORE_CREDIT, PayoutState.APPROVED)[:1]:
            payout_sending.give_credit(id_)

    def _refund_of(self, pick: int, amount: int, kind: str) -> facts.Refund:
        self.world.refunds += 1
        known = self.world.purchase(pick)
        return self.world.refund(f"r{self.world.refunds}", known.external_id, amount, kind)

    def _notice(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "SET", "PRAGMA")):
            self.wrote = True
            self.told |= any(table in statement for table in REPORTED)


def _export(batch_id: int) -> None:
    payout_sending.note_export(payout_sending.bank_file(payouts.batch_of(batch_id)))


def test_every_invariant_holds_after_every_step(
    app: Flask, machines: int, request: pytest.FixtureRequest
) -> None:
    """One part of the runs; `machines` is its number, and makes its seed."""
    runs = request.config.getoption("--machines") - machines * MACHINES_EACH
    seed = request.config.getoption("--machine-seed") + machines
    part = hypothesis.seed(seed)(type("Money", (Money,), {"app": app}))
    run_state_machine_as_test(
        part,
        settings=settings(
            max_examples=min(runs, MACHINES_EACH), stateful_step_count=STEPS, deadline=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None,
        ),
    )  # fmt: skip
