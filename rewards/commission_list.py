"""The list of commissions: narrowed, cut into pages by key, and summed by currency.

The state is read from the ledger, as everywhere.  A payout pays a balance and not single
commissions, so what was paid out stays `payable` here; statements tell what was paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core.db import db
from referrals.models import Purchase
from rewards.models import Account, Commission, Posting

BLOCK = 5_000  # rows at a time on the way into a file


class State(StrEnum):
    """Where the money of one commission stands."""

    PENDING = "pending"
    HELD = "held"
    PAYABLE = "payable"
    REVERSED = "reversed"  # nothing is left of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # in the ambassador's name
    state: State | None = None
    campaign_id: int | None = None
    ambassador_id: int | None = None
    since: datetime | None = None  # of the order
    until: datetime | None = None  # the first instant after


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One commission; amounts in minor units."""

    id: int
    purchase_id: int
    source: str
    external_id: str
    ambassador_id: int
    ambassador: str
    campaign: str  # slug
    campaign_name: str
    currency: str
    earned_at: datetime  # when the order was placed
    payable_at: datetime
    accrued: int  # before any refund
    amount: int  # as the ledger has it now
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """All that fits, in one currency; amounts in minor units."""

    currency: str
    count: int
    accrued: int
    amount: int


def page(
    search: Search, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> list[Row]:
    """Return commissions, those of the latest orders first, in one statement.

    Args:
        search: Which ones.
        before: Time and id of the last commission of the page before.
        limit: Rows at most.
    """
    query = (
        sa.select(
            Commission.id, Commission.purchase_id, Commission.ambassador_id, Commission.currency,
            Commission.earned_at, Commission.payable_at, Commission.amount.label("accrued"),
            Purchase.source, Purchase.external_id, Member.name.label("ambassador"),
            Campaign.slug.label("campaign"), Campaign.name.label("campaign_name"),
            _stands(Account.EXPENSE).label("amount"), _state().label("state"),
        )
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .join(Ambassador, Ambassador.id == Commission.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
        .join(Campaign, Campaign.id == Commission.campaign_id)
        .where(*_conditions(search))
        .order_by(Commission.earned_at.desc(), Commission.id.desc())
        .limit(limit)
    )  # fmt: skip
    if before is not None:
        query = query.where(sa.tuple_(Commission.earned_at, Commission.id) < before)
    return [_row(dict(row._mapping)) for row in db.session.execute(query)]


def every(search: Search) -> Iterator[Row]:
    """Yield all that `page` would give, page after page."""
    found = page(search, limit=BLOCK)
    while found:
        yield from found
        last = found[-1]
        found = page(search, before=(last.earned_at, last.id), limit=BLOCK)


def totals(search: Search) -> list[Total]:
    """Return the sums of all that fits, by currency."""
    rows = (
        sa.select(
            Commission.currency, Commission.amount.label("accrued"),
            _stands(Account.EXPENSE).label("amount"),
        )
        .where(*_conditions(search))
        .subquery()
    )  # fmt: skip
    query = (
        sa.select(
            rows.c.currency, sa.func.count().label("count"),
            sa.func.sum(rows.c.accrued).label("accrued"),
            sa.func.sum(rows.c.amount).label("amount"),
        )
        .group_by(rows.c.currency)
        .order_by(rows.c.currency)
    )  # fmt: skip
    return [
        Total(currency=row.currency, count=row[1], accrued=int(row.accrued), amount=int(row.amount))
        for row in db.session.execute(query)
    ]


def _row(columns: dict[str, Any]) -> Row:
    amount, state = int(columns.pop("amount")), State(columns.pop("state"))
    return Row(**columns, amount=amount, state=state)


def _stands(account: Account) -> sa.ScalarSelect[int]:
    """Return what a commission has on an account, signed; the purchase's postings are few."""
    return (
        sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0))
        .where(
            Posting.purchase_id == Commission.purchase_id,
            Posting.ambassador_id == Commission.ambassador_id,
            Posting.account == account,
        )
        .correlate(Commission)
        .scalar_subquery()
    )


def _state() -> sa.Case[str]:
    """Return the state in a word, as `credits.state_of` reads it from balances."""
    return sa.case(
        (_stands(Account.EXPENSE) == 0, State.REVERSED.value),
        (_stands(Account.HELD) < 0, State.HELD.value),
        (_stands(Account.PENDING) < 0, State.PENDING.value),
        else_=State.PAYABLE.value,
    )


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    text = search.text.strip().replace("\x00", "")
    if text:
        named = Member.name.icontains(text, autoescape=True)
        owners = sa.select(Ambassador.id).join(Member, Member.id == Ambassador.member_id)
        found.append(Commission.ambassador_id.in_(owners.where(named)))
    if search.campaign_id is not None:
        found.append(Commission.campaign_id == search.campaign_id)
    if search.ambassador_id is not None:
        found.append(Commission.ambassador_id == search.ambassador_id)
    if search.since is not None:
        found.append(Commission.earned_at >= search.since)
    if search.until is not None:
        found.append(Commission.earned_at < search.until)
    if search.state is not None:
        found.append(_state() == search.state.value)
    return found
