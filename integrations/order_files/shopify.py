"""Shopify's orders export, of 79 columns or the older 72.

An order's first line carries its amounts; the lines below it with the same Name hold only
Name, Email and Lineitem columns and become lines of that order.  `Name` (#1001) is the
order's id here, because people and refunds speak of it; the shop's own long `Id` is kept as
an alias, and so as text: it is beyond 2^53.

`Total` includes tax and shipping and stays what was charged; `Refunded Amount` is the sum of
all refunds so far.  A cancelled or voided order counts nowhere.
"""

from __future__ import annotations

from flask_babel import gettext as _

from integrations.cells import CellError
from integrations.order_files.shapes import (
    Format,
    Record,
    priced_lines,
    refunded_in_all,
    split_codes,
)  # fmt: skip

STATUSES = {
    "paid": "paid", "partially_refunded": "paid", "refunded": "paid",
    "pending": "pending", "authorized": "pending", "partially_paid": "pending", "unpaid": "pending",
    "": "pending", "voided": "cancelled", "expired": "cancelled",
}  # fmt: skip


def _status(record: Record) -> str:
    text = record.text("status").lower().replace(" ", "_")
    if text not in STATUSES:
        raise CellError(_("“%(text)s” is not a financial status of Shopify.", text=text))
    return "cancelled" if record.text("cancelled_at") else STATUSES[text]


FORMAT = Format(
    name="shopify",
    label="Shopify",
    proofs=(frozenset({"name", "financial status", "created at", "total"}),),
    columns={
        "external_id": ("Name",), "alias": ("Id",), "occurred_at": ("Created at",),
        "currency": ("Currency",), "total": ("Total",), "discount": ("Discount Amount",),
        "tax": ("Taxes",), "shipping": ("Shipping",), "email": ("Email",),
        "country": ("Shipping Country", "Billing Country"), "codes": ("Discount Code",),
        "status": ("Financial Status",), "cancelled_at": ("Cancelled at",),
        "refunded": ("Refunded Amount",), "line_sku": ("Lineitem sku", "Lineitem name"),
        "line_quantity": ("Lineitem quantity",), "line_price": ("Lineitem price",),
        "line_discount": ("Lineitem discount",), "accepts_mail": ("Accepts Marketing",),
    },
    status=_status,
    codes=split_codes,
    lines=priced_lines,
    refunded=refunded_in_all,
    has_continuations=True,
)  # fmt: skip
