"""What other programs are told of money: credit decided, commissions earned and taken back.

Bodies hold ids of the shop and of ours, codes and amounts; no name and no address.
Nothing is looked up while nobody listens.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from accounts import endpoints
from accounts.endpoints import Event
from core import clock
from core.db import db
from referrals.models import Purchase
from rewards import credits
from rewards.credits import Credited
from rewards.ledger import Draft
from rewards.models import Account, Commission, EntryKind, PayoutMethod
from rewards.models_payouts import Payout

_EVENTS = {
    EntryKind.COMMISSION: "commission.created",
    EntryKind.CLAWBACK: "commission.reversed",
    EntryKind.REINSTATEMENT: "commission.reinstated",
}


def credited(purchase_ids: Collection[int]) -> None:
    """Tell of purchases whose credit is new or another; one without a winner is not told."""
    if not purchase_ids or not endpoints.is_wanted("purchase.attributed"):
        return
    now = clock.now().isoformat()
    found = credits.describe(sorted(purchase_ids))
    endpoints.tell(
        "purchase.attributed",
        [
            Event(key=f"{id_}:{now}", data=_credit(one))
            for id_, one in sorted(found.items())
            if one.attribution is not None and one.attribution.ambassador_id is not None
        ],
    )


def commissions(drafts: Sequence[Draft], of_draft: Sequence[Commission]) -> None:
    """Tell of the ledger's entries that change commissions.

    Args:
        drafts: The entries.
        of_draft: The commission of each.
    """
    wanted = {kind for kind, event in _EVENTS.items() if drafts and endpoints.is_wanted(event)}
    if not wanted:
        return
    names = _names({one.purchase_id for one in of_draft})
    for kind in sorted(wanted):
        endpoints.tell(
            _EVENTS[kind],
            [
                Event(key=draft.source, data=_commission(draft, one, names[one.purchase_id]))
                for draft, one in zip(drafts, of_draft, strict=True)
                if draft.kind is kind
            ],
        )


def paid(payout: Payout) -> None:
    """Tell of a payout that arrived; the code of store credit stays between us and the person."""
    is_credit = payout.method is PayoutMethod.STORE_CREDIT
    data = {
        "payout": payout.id, "batch": payout.batch_id, "ambassador": payout.ambassador_id,
        "amount": payout.amount, "currency": payout.currency, "method": payout.method.value,
        "reference": None if is_credit else payout.reference,
        "paid_at": payout.settled_at.isoformat() if payout.settled_at else None,
    }  # fmt: skip
    endpoints.tell("payout.paid", [Event(key=f"payout:{payout.id}", data=data)])


def _credit(one: Credited) -> dict[str, Any]:
    attribution, purchase = one.attribution, one.purchase
    return {
        **_purchase(purchase.source, purchase.external_id),
        "net_amount": purchase.net_amount,
        "currency": purchase.currency,
        "customer_status": one.customer_status,
        "ambassador": attribution.ambassador_id if attribution else None,
        "campaign": one.campaign,
        "code": one.code,
        "touch": attribution.touch.value if attribution and attribution.touch else None,
        "reason": attribution.reason if attribution else None,
    }


def _commission(draft: Draft, one: Commission, name: tuple[str, str]) -> dict[str, Any]:
    change = sum(leg.amount for leg in draft.legs if leg.account is Account.EXPENSE)
    return {
        **_purchase(*name),
        "commission": one.id,
        "ambassador": one.ambassador_id,
        "amount": abs(change),
        "currency": one.currency,
        "payable_at": one.payable_at.isoformat(),
        "occurred_at": draft.occurred_at.isoformat(),
    }


def _purchase(source: str, external_id: str) -> dict[str, Any]:
    return {"purchase": {"source": source, "external_id": external_id}}


def _names(purchase_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    rows = db.session.execute(
        sa.select(Purchase.id, Purchase.source, Purchase.external_id).where(
            Purchase.id.in_(purchase_ids)
        )
    )
    return {row.id: (row.source, row.external_id) for row in rows}
