"""Payouts: the ledger says of each what its own row says, and none was approved against M9.

M8 one entry each for setting aside, arriving and coming back, and what stands in transit is
what is under way; M9 nobody was approved while their destination was new or the batch's maker
alone where two are needed, or they lacked the contract that the law asks for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from core.db import db
from rewards import contract_meter, contracts, payout_details
from rewards.breach import MOST_SHOWN, Breach
from rewards.models import Account, Entry, PayoutDetail, PayoutMethod, Posting
from rewards.models_billing import Invoice
from rewards.models_contracts import Contract
from rewards.models_payouts import ConnectedAccount, Payout, PayoutBatch, PayoutState

_ASIDE = (PayoutState.APPROVED, PayoutState.SENDING, PayoutState.UNKNOWN, PayoutState.SENT)


def ledger_says_the_same() -> Iterator[Breach]:
    """M8: each payout moved what its state says, once; nothing else stands in transit."""
    moved = _moved()
    wanted = sa.case((Payout.state.in_(_ASIDE), Payout.amount), else_=0)
    is_credit = Payout.method == PayoutMethod.STORE_CREDIT
    arrived = sa.case((Payout.state == PayoutState.PAID, Payout.amount), else_=0)
    query = (
        sa.select(
            Payout.id, Payout.state, wanted.label("wanted"), arrived.label("arrived"),
            sa.func.coalesce(moved.c.transit, 0).label("transit"),
            sa.func.coalesce(
                sa.case((is_credit, moved.c.credit), else_=moved.c.cash), 0
            ).label("paid"),
            sa.func.coalesce(
                sa.case((is_credit, moved.c.cash), else_=moved.c.credit), 0
            ).label("astray"),
        )
        .outerjoin(moved, moved.c.payout == sa.cast(Payout.id, sa.String))
        .order_by(Payout.id)
    )  # fmt: skip
    off = sa.select(query.subquery()).where(
        sa.or_(
            sa.column("wanted") != sa.column("transit"),
            sa.column("arrived") != sa.column("paid"),
            sa.column("astray") != 0,
        )
    )
    for row in db.session.execute(off.limit(MOST_SHOWN)):
        detail = f"is {row.state} with {row.transit} in transit and {row.paid} paid"
        yield Breach("M8", f"payout {row.id}", detail)


def nothing_else_is_paid() -> Iterator[Breach]:
    """M8: money leaves through payouts only, of the ambassador and the amount they name."""
    query = (
        sa.select(Entry.source, Posting.account, Posting.amount)
        .join(Entry, Entry.id == Posting.entry_id)
        .outerjoin(
            Payout,
            sa.and_(
                sa.cast(Payout.id, sa.String) == _payout_id(),
                Payout.ambassador_id == Posting.ambassador_id,
                Payout.currency == Posting.currency,
                sa.func.abs(Posting.amount) == Payout.amount,
            ),
        )
        .where(Posting.account.in_(_WAYS), Payout.id.is_(None))
        .order_by(Posting.id)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"moves {row.amount} on {row.account.value} with no such payout behind it"
        yield Breach("M8", f"entry {row.source}", detail)


def approved_by_the_rules() -> Iterator[Breach]:
    """M9: no payout to a destination that was new, or approved by its maker above the limit."""
    connected = ConnectedAccount.created_at.label("connected_at")
    query = (
        sa.select(Payout.id, Payout.approved_at, PayoutDetail.changed_at, connected)
        .join(PayoutDetail, PayoutDetail.ambassador_id == Payout.ambassador_id)
        .outerjoin(ConnectedAccount, ConnectedAccount.account == Payout.account)
        .where(Payout.approved_at.is_not(None), Payout.method != PayoutMethod.MANUAL)
        .order_by(Payout.id.desc())
    )
    for row in db.session.execute(query):
        since = [at for at in (row.changed_at, row.connected_at) if at and at <= row.approved_at]
        if any(row.approved_at < at + payout_details.HOLD for at in since):
            yield Breach("M9", f"payout {row.id}", "was approved to a destination under 72 h old")
    summed = (
        sa.select(PayoutBatch.id, sa.func.sum(Payout.amount).label("total"))
        .join(Payout, Payout.batch_id == PayoutBatch.id)
        .where(PayoutBatch.approved_by == PayoutBatch.created_by, Payout.approved_at.is_not(None))
        .group_by(PayoutBatch.id)
        .having(sa.func.sum(Payout.amount) > PayoutBatch.alone_up_to)
    )
    for batch_id, total in db.session.execute(summed.limit(MOST_SHOWN)):
        yield Breach("M9", f"payout batch {batch_id}", f"of {total} was approved by its maker")


def contracts_were_signed() -> Iterator[Breach]:
    """M9: nobody was approved above the threshold of a year without the contract signed."""
    query = (
        sa.select(Payout.approved_at, Payout.id, Payout.ambassador_id)
        .where(Payout.approved_at.is_not(None))
        .order_by(Payout.approved_at, Payout.id)
    )
    for at, some in itertools.groupby(db.session.execute(query), lambda row: row.approved_at):
        who = {row.ambassador_id: row.id for row in some}
        for ambassador_id in sorted(contract_meter.unsigned(who, known_at=at)):
            what = "was approved above the threshold without a signed contract"
            yield Breach("M9", f"payout {who[ambassador_id]}", what)


def contracts_are_as_signed() -> Iterator[Breach]:
    """M9: the text of a signed contract is the one whose hash was signed."""
    query = sa.select(Contract).where(Contract.signed_at.is_not(None)).order_by(Contract.id)
    for one in db.session.scalars(query.execution_options(yield_per=500)):
        if contracts.hash_of(one.text) != one.text_hash:
            yield Breach("M9", f"contract {one.id}", "has another text than its hash says")


def invoices_have_no_gap() -> Iterator[Breach]:
    """M3: the numbers of each supplier's invoices run from 1 without a gap."""
    last, count = sa.func.max(Invoice.number), sa.func.count(Invoice.id)
    query = (
        sa.select(Invoice.ambassador_id, last.label("last"), count.label("count"))
        .group_by(Invoice.ambassador_id)
        .having(sa.or_(last != count, sa.func.min(Invoice.number) != 1))
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"has {row.count} invoices and the last number {row.last}"
        yield Breach("M3", f"ambassador {row.ambassador_id}", detail)


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    ledger_says_the_same,
    nothing_else_is_paid,
    approved_by_the_rules,
    contracts_were_signed,
    contracts_are_as_signed,
    invoices_have_no_gap,
)

_WAYS = (Account.TRANSIT, Account.CASH, Account.STORE_CREDIT)


def _payout_id() -> Any:
    """Return the number in an entry's source: `payout:17` and `payout:17:settled` give 17."""
    rest = sa.func.substr(Entry.source, len("payout:") + 1)
    for step in (":settled", ":returned"):
        rest = sa.func.replace(rest, step, "")
    return rest


def _moved() -> Any:
    """Return what the ledger holds of each payout by account, the sign turned for owed money."""

    def on(account: Account) -> Any:
        return -sa.func.sum(sa.case((Posting.account == account, Posting.amount), else_=0))

    payout = _payout_id()
    return (
        sa.select(
            payout.label("payout"), on(Account.TRANSIT).label("transit"),
            on(Account.CASH).label("cash"), on(Account.STORE_CREDIT).label("credit"),
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .where(Entry.source.startswith("payout:"))
        .group_by(payout)
        .subquery()
    )  # fmt: skip
