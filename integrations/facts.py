"""What outside systems tell us, in our own words: vendor formats end at these types.

Amounts are integers in minor units; instants are aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a purchase, after discount."""

    sku: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """An order of a shop.  `total` is what was charged: after discount, with tax and shipping."""

    source: str
    external_id: str
    occurred_at: datetime
    currency: str
    total: int
    discount: int = 0
    tax: int = 0
    shipping: int = 0
    customer_external_id: str | None = None
    email: str | None = None
    country: str | None = None
    codes: tuple[str, ...] = ()
    click_token: str | None = None
    heard_from: str | None = None
    lines: tuple[Line, ...] = ()
    subscription: str | None = None
    period_index: int | None = None
    status: str = "paid"  # paid, pending or cancelled
    is_test: bool = False
    promotion_codes: tuple[str, ...] = ()  # Stripe's ids of promotion codes
    accepts_mail: bool | None = None  # the customer agreed to be written to; None: nothing said
    aliases: tuple[str, ...] = ()  # other ids under which the shop speaks of this order


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that went back for one order."""

    source: str
    external_id: str
    order_source: str
    order_external_id: str
    amount: int
    occurred_at: datetime
    currency: str | None = None  # checked against the purchase when known
    kind: str = "refund"  # refund or dispute
    state: str = "succeeded"  # succeeded or failed: failed undoes an earlier one
    payment: str | None = None  # the charge it undoes, where a shop tells totals per charge


@dataclass(frozen=True, slots=True, kw_only=True)
class SameOrder:
    """Several names under which a shop speaks of one order, the one to prefer first."""

    source: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedTotal:
    """How much of one payment has gone back in all, by an instant; not a refund of its own."""

    source: str
    payment: str
    order_external_id: str
    total: int
    told_at: datetime
    currency: str


Fact = Purchase | Refund | SameOrder | RefundedTotal


class MailEventKind(StrEnum):
    """What became of a mail."""

    DELIVERED = "delivered"
    OPENED = "opened"
    BOUNCED = "bounced"
    UNSUBSCRIBED = "unsubscribed"
    REPORTED = "reported"  # as spam
    OTHER = "other"  # on its way: processed, deferred


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """What a mail provider says of one mail."""

    event_id: str
    kind: MailEventKind
    occurred_at: datetime
    email: str
    mail_key: str | None  # the outbox's key, if the mail carried it
