"""What became of purchases: customer, credit with its why, and the money, as values to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, Member
from campaigns.models import Campaign
from core import clock
from core.db import db
from referrals.models import Attribution, Code, Customer, Purchase
from rewards import ledger
from rewards.models import Account, Commission, PurchaseReward, RateWait
from rewards.rates import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionState:
    """A commission as the ledger has it now."""

    amount: int  # minor units, after refunds
    accrued: int  # before any refund; 0: a limit was reached, or the rule gives nothing
    currency: str
    state: str  # pending, held, payable, paid or reversed
    payable_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """A purchase with what was decided about it."""

    purchase: Purchase
    customer_status: str  # new, existing or unknown
    attribution: Attribution | None
    ambassador: str | None  # the member's external id, else their name
    ambassador_name: str | None
    campaign: str | None  # slug
    campaign_name: str | None
    code: str | None
    commission: CommissionState | None
    awaits: Wanted | None  # the rate of currency without which nothing is paid yet
    reward: PurchaseReward | None  # points or a perk


def describe(purchase_ids: Sequence[int]) -> dict[int, Credited]:
    """Return purchases with their credit and commission, in three statements."""
    rows = db.session.execute(
        sa.select(Purchase, Attribution, Customer.first_purchase_id)
        .add_columns(
            Campaign.slug,
            Campaign.name.label("campaign_name"),
            Code.text,
            Member.external_id,
            Member.name,
            Commission,
            Campaign.currency.label("campaign_currency"),
            RateWait.since.label("waits_since"),
            PurchaseReward,
        )
        .outerjoin(Customer, Customer.id == Purchase.customer_id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .outerjoin(Campaign, Campaign.id == Attribution.campaign_id)
        .outerjoin(RateWait, RateWait.purchase_id == Purchase.id)
        .outerjoin(Code, Code.id == Attribution.code_id)
        .outerjoin(Ambassador, Ambassador.id == Attribution.ambassador_id)
        .outerjoin(Member, Member.id == Ambassador.member_id)
        .outerjoin(
            Commission,
            sa.and_(
                Commission.purchase_id == Purchase.id,
                Commission.ambassador_id == Attribution.ambassador_id,
            ),
        )
        .outerjoin(
            PurchaseReward,
            sa.and_(
                PurchaseReward.purchase_id == Purchase.id,
                PurchaseReward.ambassador_id == Attribution.ambassador_id,
            ),
        )
        .where(Purchase.id.in_(purchase_ids))
        .execution_options(populate_existing=True)
    ).all()
    balances = ledger.by_purchase(purchase_ids)
    return {row.Purchase.id: _credited(row, balances) for row in rows}


def state_of(standing: dict[Account, int]) -> str:
    """Return in a word where a commission's money stands, from its signed balances."""
    if not standing.get(Account.EXPENSE):
        return "reversed"
    for account in (Account.HELD, Account.PENDING, Account.PAYABLE):
        if standing.get(account, 0) < 0:
            return account.value
    return "paid"


def _credited(row: Any, balances: dict[tuple[int, int], dict[Account, int]]) -> Credited:
    attribution: Attribution | None = row.Attribution
    has_winner = attribution is not None and attribution.ambassador_id is not None
    return Credited(
        purchase=row.Purchase,
        customer_status=_customer_status(row),
        attribution=attribution,
        ambassador=(row.external_id or row.name) if has_winner else None,
        ambassador_name=row.name if has_winner else None,
        campaign=row.slug,
        campaign_name=row.campaign_name,
        code=row.text,
        commission=commission_state(row.Commission, balances) if row.Commission else None,
        awaits=awaited(row.Purchase, row.campaign_currency) if row.waits_since else None,
        reward=row.PurchaseReward,
    )


def awaited(purchase: Purchase, currency: str) -> Wanted:
    """Return the rate that a purchase of the queue awaits, for a campaign in a currency."""
    day = clock.local_day(purchase.occurred_at, program.current().timezone)
    return Wanted(currency, purchase.currency, day)


def _customer_status(row: Any) -> str:
    if row.Purchase.customer_id is None:
        return "unknown"
    return "new" if row.first_purchase_id == row.Purchase.id else "existing"


def commission_state(
    commission: Commission, balances: dict[tuple[int, int], dict[Account, int]]
) -> CommissionState:
    """Return a commission as the ledger has it, from `ledger.by_purchase`."""
    standing = balances.get((commission.purchase_id, commission.ambassador_id), {})
    return CommissionState(
        amount=standing.get(Account.EXPENSE, 0), accrued=commission.amount,
        currency=commission.currency, state=state_of(standing), payable_at=commission.payable_at,
    )  # fmt: skip
