"""What stands between payable money and its payout, one word for each reason.

Source: trust.md of the house rules, M9: no payout below the minimum, with a suspicion that
nobody decided, to somebody suspended, to a destination that changed less than 72 hours ago, or
without the contract that rule 28 asks for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from core import clock
from core.db import db
from rewards import contract_meter, payout_details
from rewards.models import Account, PayoutDetail, PayoutMethod, Posting
from rewards.models_payouts import OPEN, ConnectedAccount, Payout


class Block(StrEnum):
    """Why somebody is not paid now."""

    MINIMUM = "minimum"
    UNDER_WAY = "under_way"  # an earlier payout is not over
    SUSPENDED = "suspended"
    CONTRACT = "contract"  # a year's threshold is reached and the contract is not signed
    UNDECIDED = "undecided"  # a suspicious purchase of theirs waits for a person
    NO_DESTINATION = "no_destination"
    CHANGED = "changed"  # the destination, less than 72 hours ago
    UNREADABLE = "unreadable"  # the account number was sealed under another secret
    NOT_EURO = "not_euro"
    NOT_READY = "not_ready"  # Stripe still asks them for something


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Somebody who has money to be paid."""

    ambassador_id: int
    name: str
    amount: int  # payable, minor units
    method: PayoutMethod
    holder: str
    sealed: str | None
    last4: str
    account: str | None
    blocks: tuple[Block, ...]


def candidates(
    currency: str, *, only: Collection[int] | None = None, by_hand: bool = False
) -> list[Candidate]:
    """Return who has payable money in a currency, with what keeps each from being paid.

    Args:
        currency: ISO 4217.
        only: Ambassadors to look at; all of them unless given.
        by_hand: Those without a destination are paid by hand.
    """
    payable, held = _balance(Account.PAYABLE), _balance(Account.HELD)
    query = (
        sa.select(
            Ambassador.id, Member.name, Ambassador.status, payable.label("payable"),
            held.label("held"), PayoutDetail.method, PayoutDetail.holder, PayoutDetail.sealed,
            PayoutDetail.last4, PayoutDetail.changed_at, ConnectedAccount.account,
            ConnectedAccount.is_ready, ConnectedAccount.created_at.label("connected_at"),
        )
        .join(Member, Member.id == Ambassador.member_id)
        .join(Posting, Posting.ambassador_id == Ambassador.id)
        .outerjoin(PayoutDetail, PayoutDetail.ambassador_id == Ambassador.id)
        .outerjoin(ConnectedAccount, ConnectedAccount.ambassador_id == Ambassador.id)
        .where(
            Posting.currency == currency, Posting.account.in_([Account.PAYABLE, Account.HELD])
        )
        .group_by(Ambassador.id, Member.id, PayoutDetail.id, ConnectedAccount.id)
        .having(payable > 0)
        .order_by(Ambassador.id)
    )  # fmt: skip
    if only is not None:
        query = query.where(Ambassador.id.in_(only))
    rows = db.session.execute(query).all()
    busy, unsigned = _busy(currency), contract_meter.unsigned([row.id for row in rows])
    return [
        _candidate(
            row, currency, by_hand=by_hand,
            first=[
                *([Block.UNDER_WAY] if row.id in busy else []),
                *([Block.CONTRACT] if row.id in unsigned else []),
            ],
        )
        for row in rows
    ]  # fmt: skip


def _balance(account: Account) -> sa.ColumnElement[int]:
    return -sa.func.sum(sa.case((Posting.account == account, Posting.amount), else_=0))


def _busy(currency: str) -> set[int]:
    query = sa.select(Payout.ambassador_id).where(
        Payout.currency == currency, Payout.state.in_(OPEN)
    )
    return set(db.session.scalars(query))


def _candidate(
    row: sa.Row,  # type: ignore[type-arg]
    currency: str,
    *,
    first: list[Block],
    by_hand: bool,
) -> Candidate:
    method = row.method or PayoutMethod.MANUAL
    blocks = first + _of_person(row, currency)
    if row.method is None:
        blocks += [] if by_hand else [Block.NO_DESTINATION]
    else:
        blocks += _of_destination(row, currency)
    return Candidate(
        ambassador_id=row.id, name=row.name, amount=int(row.payable), method=method,
        holder=row.holder or "", sealed=row.sealed, last4=row.last4 or "",
        account=row.account if method is PayoutMethod.STRIPE else None, blocks=tuple(blocks),
    )  # fmt: skip


def _of_person(row: sa.Row, currency: str) -> list[Block]:  # type: ignore[type-arg]
    rules = program.current()
    found = []
    if currency == rules.currency and row.payable < rules.minimum_payout:
        found.append(Block.MINIMUM)
    if row.status is AmbassadorStatus.SUSPENDED:
        found.append(Block.SUSPENDED)
    if row.held > 0:
        found.append(Block.UNDECIDED)
    return found


def _of_destination(row: sa.Row, currency: str) -> list[Block]:  # type: ignore[type-arg]
    found, since = [], row.changed_at
    if row.method is PayoutMethod.STRIPE and row.connected_at:  # it may be opened much later
        since = max(since, row.connected_at)
    if since + payout_details.HOLD > clock.now():
        found.append(Block.CHANGED)
    if row.method is PayoutMethod.BANK:
        if currency != "EUR":
            found.append(Block.NOT_EURO)
        if row.sealed is None or payout_details.opened(row.sealed) is None:
            found.append(Block.UNREADABLE)
    if row.method is PayoutMethod.STRIPE and not row.is_ready:
        found.append(Block.NOT_READY)
    return found
