"""WooCommerce's orders: the Analytics export and the one of WebToffee's plugin.

WebToffee writes items as `key:value` pairs between bars and several items between
semicolons: `code:summer10|amount:5.00;code:ana|amount:2.00`.  `tax_total` includes the tax
on shipping.  Analytics knows neither currency nor e-mail and gives the net sales only.
Times are the shop's own and have no offset.
"""

from __future__ import annotations

import re

from flask_babel import gettext as _

from integrations import cells, facts
from integrations.cells import CellError
from integrations.order_files.shapes import Format, Record, sku, split_codes

STATUSES = {
    "": "paid", "completed": "paid", "processing": "paid", "refunded": "paid",
    "pending": "pending", "pending payment": "pending", "on hold": "pending",
    "checkout draft": "pending", "cancelled": "cancelled", "failed": "cancelled",
    "trash": "cancelled",
}  # fmt: skip
_LINE = re.compile(r"line_item_\d+")


def _status(record: Record) -> str:
    text = record.text("status").lower().removeprefix("wc-").replace("-", " ")
    if text not in STATUSES:
        raise CellError(_("“%(text)s” is not an order status of WooCommerce.", text=text))
    return STATUSES[text]


def items(text: str) -> list[dict[str, str]]:
    """Read WebToffee's list of items."""
    found = []
    for item in text.split(";"):
        pairs = [pair.partition(":") for pair in item.split("|")]
        if any(colon for _name, colon, _value in pairs):
            found.append({name.strip(): value.strip() for name, _colon, value in pairs})
    return found


def _codes(text: str) -> tuple[str, ...]:
    if "code:" in text:
        return tuple(code for item in items(text) if (code := item.get("code", "")))
    return split_codes(text)


def _lines(record: Record, currency: str) -> tuple[facts.Line, ...]:
    header, row = record.layout.header, record.rows[0].cells
    decimal = record.layout.notation.decimal
    lines = []
    for name, cell in zip(header, row, strict=True):
        for item in items(cell) if cell and _LINE.fullmatch(name) else ():
            name_of = item.get("sku") or item.get("product_id") or item.get("name", "")
            amount = cells.line_amount(item.get("total") or "0", 1, "", currency, decimal)
            pieces = cells.quantity(item.get("quantity") or "1")
            lines.append(facts.Line(sku=sku(name_of), quantity=pieces, amount=amount))
    return tuple(lines)


def _refunded(record: Record, currency: str) -> int:
    text, decimal = record.text("refunded"), record.layout.notation.decimal
    amounts = [item["amount"] for item in items(text) if item.get("amount")]
    if amounts:
        return sum(abs(cells.amount(amount, currency, decimal)) for amount in amounts)
    if text and ":" not in text:
        return abs(cells.amount(text, currency, decimal))
    is_refunded = record.text("status").lower().removeprefix("wc-") == "refunded"
    return record.amount("total", currency) if is_refunded else 0


FORMAT = Format(
    name="woocommerce",
    label="WooCommerce",
    proofs=(
        frozenset({"order_id", "order_date", "order_total"}),
        frozenset({"date", "order #", "coupon(s)"}),
    ),
    columns={
        "external_id": ("order_id", "Order #"), "alias": ("order_number",),
        "occurred_at": ("order_date", "Date"), "currency": ("order_currency",),
        "total": ("order_total", "Net Sales", "N. Revenue (formatted)"),
        "discount": ("discount_total",), "tax": ("tax_total",), "shipping": ("shipping_total",),
        "customer_external_id": ("customer_id", "customer_user"),
        "email": ("customer_email", "billing_email"),
        "country": ("shipping_country", "billing_country"),
        "codes": ("coupon_items", "Coupon(s)"), "status": ("status",),
        "refunded": ("refund_items",),
    },
    status=_status,
    codes=_codes,
    lines=_lines,
    refunded=_refunded,
)  # fmt: skip
