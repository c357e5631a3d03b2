"""What the money machine lives in: a shop, a Stripe that does as it is told, a clock, four people.

The machine's rules (`tests/rewards/test_money_machine.py`) act through these helpers, each of
which ends as a door would: with a commit, or with a rollback where the act was refused.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

from ambassadors import program
from ambassadors.models import Ambassador
from campaigns import campaigns
from campaigns.models import Campaign, CampaignStatus, RewardKind
from campaigns.models import Period as CapPeriod
from campaigns.terms import AmbassadorEarns, Case, Terms, Tier
from core import clock
from core.db import db
from core.errors import DomainError
from integrations import facts
from integrations.stripe_transfers import LostAnswer, Refused, Transfer, TransferOrder, Transfers
from referrals import codes
from referrals.models import Code, Purchase, Redemption
from reports import acquisition, cac
from reports.models import Period
from rewards import books, intake, ledger, payout_details
from rewards.models import Commission, PayoutDetail, PayoutMethod, Posting
from rewards.models_payouts import ConnectedAccount, Payout, PayoutBatch, PayoutState
from tests.conftest import NOW, _empty
from tests.factories import make_ambassador, make_member

METHODS = (PayoutMethod.STRIPE, PayoutMethod.STORE_CREDIT, PayoutMethod.BANK, None)
EVERYBODY = range(len(METHODS))  # the last named no destination: they are paid by hand
CURRENCIES = ("EUR", "USD", "JPY")
_BUDGET = 600_000


def percent(rate: int, **more: Any) -> AmbassadorEarns:
    """Return a share of each purchase, in basis points, held for ten days."""
    return AmbassadorEarns(kind=RewardKind.PERCENT, rate=rate, hold_days=10, **more)


REWARDS = (
    percent(0),
    percent(500),
    percent(3_000),
    percent(3_000, maximum=5_000),
    percent(2_000, ambassador_maximum=40_000),
    percent(
        2_000,
        ambassador_period=CapPeriod.MONTH,
        ambassador_period_maximum=30_000,
        campaign_period=CapPeriod.QUARTER,
        campaign_period_maximum=45_000,
    ),
    percent(1_000, months=0),
    percent(1_000, new_customers_only=True),
    percent(1_000, tiers=(Tier(start=2, rate=2_000),)),
    percent(1_000, cases=(Case(rate=2_500, countries=("FR",)),)),
    AmbassadorEarns(kind=RewardKind.FIXED, amount=777, hold_days=0),
)


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


class World:
    """A program of four ambassadors with a code each, and what stands in for all around it."""

    def __init__(self, app: Flask) -> None:
        db.session.remove()
        _empty(app)
        self.stripe = Stripe()
        self.now, self.orders, self.refunds = NOW, 0, 0
        clock.set_now(self.now)
        program.set_rules({"minimum_payout": "1.00", "payout_approval_above": "5.00"})
        program.set_rules({"sepa_name": "Cercle", "sepa_iban": "DE89370400440532013000"})
        made = Terms(name="Spring", reward=percent(1_500), budget=_BUDGET, refund_frees_use=True)
        campaign = campaigns.create("spring", made, status=CampaignStatus.RUNNING)
        for number, method in enumerate(METHODS):
            who = make_ambassador(member=make_member(email=f"a{number}@example.org")).id
            codes.create(
                f"CODE{number}", campaign_id=campaign.id, ambassador_id=who,
                uses_limit=3 if number == 1 else None,
            )  # fmt: skip
            if method is not None:
                self.say_where(who, method)
        self.commit()
        self.began = self.now

    def do(self, act: Callable[[], object]) -> bool:
        """Do an act that may be refused; a refusal changes nothing."""
        try:
            act()
        except DomainError:
            db.session.rollback()
            return False
        self.commit()
        return True

    def each(self, act: Callable[[int], object], ids: list[int]) -> None:
        """Do an act to one row after the other; each may be refused."""
        for id_ in ids:
            self.do(partial(act, id_))

    def commit(self) -> None:
        """End an act; the next one comes a second later."""
        db.session.commit()
        self.pass_time(timedelta(seconds=1))

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        clock.set_now(self.now)

    def take(self, fact: facts.Purchase | facts.Refund, *, late: int = 0) -> None:
        """Take what the shop tells, so many days after it happened."""
        at = max(fact.occurred_at - timedelta(days=late), self.began)
        fact = dataclasses.replace(fact, occurred_at=at)
        if isinstance(fact, facts.Purchase):
            intake.take_purchases([fact])
        else:
            intake.take_refunds([fact])
        self.commit()

    def order(
        self, number: int, total: int, code: int, buyer: int, *, at: datetime | None = None,
        currency: str = "EUR",
    ) -> facts.Purchase:  # fmt: skip
        """Return an order; the buyer's number also says where they live."""
        return facts.Purchase(
            source="api", external_id=str(number), occurred_at=at or self.now, currency=currency,
            total=total, codes=(f"CODE{code}",), email=f"friend{buyer}@example.com",
            country=("FR", "BE")[buyer % 2],
        )  # fmt: skip

    def told_again(self, known: Purchase) -> facts.Purchase:
        """Return a known order as the shop tells it once more, with another code and buyer."""
        return self.order(
            int(known.external_id), known.total, 9, 0, at=known.occurred_at,
            currency=known.currency,
        )  # fmt: skip

    def refund(self, name: str, order: str, amount: int, kind: str) -> facts.Refund:
        return facts.Refund(
            source="api", external_id=name, order_source="api", order_external_id=order,
            amount=amount, occurred_at=self.now, kind=kind,
        )  # fmt: skip

    def purchase(self, pick: int) -> Purchase:
        found = db.session.scalars(sa.select(Purchase).order_by(Purchase.id)).all()
        return found[pick % len(found)]

    def ambassador(self, who: int) -> Ambassador:
        return db.session.scalars(sa.select(Ambassador).order_by(Ambassador.id)).all()[who]

    def campaign(self) -> Campaign:
        return db.session.scalars(sa.select(Campaign)).one()

    def code(self, number: int) -> Code:
        return db.session.scalars(sa.select(Code).where(Code.key == f"CODE{number}")).one()

    def redemption(self, pick: int) -> Redemption | None:
        found = db.session.scalars(sa.select(Redemption).order_by(Redemption.id)).all()
        return found[pick % len(found)] if found else None

    def batches(self, *, is_draft: bool = False) -> list[int]:
        query = sa.select(PayoutBatch.id).order_by(PayoutBatch.id)
        if is_draft:
            query = query.where(
                PayoutBatch.approved_at.is_(None), PayoutBatch.cancelled_at.is_(None)
            )
        return list(db.session.scalars(query))

    def payouts(self, method: PayoutMethod, *states: PayoutState) -> list[int]:
        query = sa.select(Payout.id).where(Payout.method == method, Payout.state.in_(states))
        return list(db.session.scalars(query.order_by(Payout.id)))

    def say_where(self, ambassador_id: int, method: PayoutMethod) -> None:
        """Let an ambassador name where their money goes, and have an account at Stripe."""
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

    def standing(self) -> Any:
        """Return every commission and posting there is, without when it was written."""
        db.session.rollback()
        postings = sa.select(
            Posting.ambassador_id, Posting.account, Posting.currency, Posting.amount
        ).order_by(Posting.id)
        commissions = sa.select(
            Commission.purchase_id, Commission.ambassador_id, Commission.amount
        ).order_by(Commission.id)
        return list(db.session.execute(postings)), list(db.session.execute(commissions))

    def totals(self) -> Any:
        """Return what every ambassador has, every account holds and the reports come to."""
        db.session.rollback()
        settings = current_app.extensions["settings"]
        shutil.rmtree(settings.lake, ignore_errors=True)  # the reports read all of it anew
        people = [ledger.balances(self.ambassador(who).id) for who in EVERYBODY]
        accounts = books.trial_balance(NOW, self.now + timedelta(days=1))
        span = Period("2026-03", clock.local_month(self.now, "Europe/Paris"))
        reports = acquisition.report(span, "EUR"), cac.report(span, "EUR")
        told = [(one.rows, one.totals) for one in reports]
        return people, accounts, told

    def kept(self, month: str) -> Any:
        """Return all that a month was closed with."""
        papers = {name: books.document(month, name) for name in books.documents(month)}
        return books.closed_balance(month), papers

    def strays(self) -> list[str]:
        """Return transfers that stand at Stripe with no payout behind them, and the other way."""
        query = sa.select(Payout.id, Payout.state, Payout.currency, Payout.amount)
        known = {
            f"payout:{row.id}": row
            for row in db.session.execute(query.where(Payout.method == PayoutMethod.STRIPE))
        }
        standing = [one for one in self.stripe.made.values() if not one.reversed]
        found = [f"{one} has no payout" for one in standing if not _is_of(one, known)]
        made = {one.transfer_group for one in self.stripe.made.values()}
        paid = {group for group, row in known.items() if row.state is PayoutState.PAID}
        return found + [f"{group} was never sent" for group in sorted(paid - made)]


def _is_of(transfer: Transfer, payouts: dict[str, Any]) -> bool:
    row = payouts.get(str(transfer.transfer_group))
    return (
        row is not None
        and (row.currency, row.amount) == (transfer.currency.upper(), transfer.amount)
        and row.state not in {PayoutState.DRAFT, PayoutState.FAILED, PayoutState.CANCELLED}
    )
