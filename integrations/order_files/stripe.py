"""Stripe's payments export: one line an attempt to pay, in major units of lower-case currencies.

The payment intent names an order, as it does in webhooks; charge and invoice are other names
of it.  Attempts that failed are no orders.  `Amount Refunded` is the sum of all refunds so far; a
lost dispute took its amount too.  Codes come from a column such as `promo_code (metadata)`,
if the shop wrote them there.
"""

from __future__ import annotations

from flask_babel import gettext as _

from integrations import facts
from integrations.cells import CellError
from integrations.order_files.shapes import Format, Record, split_codes

STATUSES: dict[str, str | None] = {
    "paid": "paid", "succeeded": "paid", "refunded": "paid", "partially refunded": "paid",
    "partial refund": "paid", "disputed": "paid", "uncaptured": "pending", "pending": "pending",
    "processing": "pending", "requires capture": "pending", "failed": None, "canceled": None,
    "cancelled": None, "blocked": None, "incomplete": None, "expired": None,
    "requires payment method": None, "requires confirmation": None, "requires action": None,
}  # fmt: skip


def _status(record: Record) -> str | None:
    text = record.text("status").lower().replace("_", " ")
    if text not in STATUSES:
        raise CellError(_("“%(text)s” is not a payment status of Stripe.", text=text))
    return STATUSES[text]


def _lines(record: Record, currency: str) -> tuple[facts.Line, ...]:
    return ()


def _refunded(record: Record, currency: str) -> int:
    amount = record.amount("refunded", currency)
    if record.text("dispute_status").lower() == "lost":
        amount += record.amount("disputed", currency)
    return amount


_CODE_NAMES = (
    "promo_code", "promotion_code", "discount_code", "coupon_code", "coupon", "code", "codes",
)  # fmt: skip

FORMAT = Format(
    name="stripe",
    label="Stripe",
    proofs=(
        frozenset({"id", "amount", "amount refunded", "created (utc)"}),
        frozenset({"id", "amount", "amount refunded", "created date (utc)"}),
    ),
    columns={
        "external_id": ("PaymentIntent ID", "id"), "alias": ("id",), "alias_2": ("Invoice ID",),
        "occurred_at": ("Created (UTC)", "Created date (UTC)"), "currency": ("Currency",),
        "total": ("Amount",), "tax": ("Tax",), "customer_external_id": ("Customer ID",),
        "email": ("Customer Email",), "country": ("Card Address Country", "Card Issue Country"),
        "status": ("Status",), "refunded": ("Amount Refunded",), "test": ("Mode",),
        "disputed": ("Disputed Amount",), "dispute_status": ("Dispute Status",),
        "codes": tuple(f"{name} (metadata)" for name in _CODE_NAMES) + _CODE_NAMES,
    },
    status=_status,
    codes=split_codes,
    lines=_lines,
    refunded=_refunded,
    timezone="UTC",
)  # fmt: skip
