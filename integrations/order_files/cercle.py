"""Our own file of purchases, and any other once its columns are named.

Header: `source,external_id,occurred_at,currency,total,discount,tax,shipping,
customer_external_id,email,country,codes,status,refunded`, in any order; all but
`external_id`, `occurred_at` and `total` may be left out.  Codes stand between spaces.
`accepts_mail` (yes or no) says whether the customer may be written to.
"""

from __future__ import annotations

from flask_babel import gettext as _

from integrations.cells import CellError
from integrations.order_files.shapes import FIELDS, Format, Record, priced_lines, refunded_in_all

STATUSES = {"": "paid", "paid": "paid", "pending": "pending", "cancelled": "cancelled"}


def _status(record: Record) -> str:
    text = record.text("status").lower()
    if text not in STATUSES:
        raise CellError(_("“%(text)s” is not a status: use paid, pending or cancelled.", text=text))
    return STATUSES[text]


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").replace(";", " ").replace("|", " ").split())


FORMAT = Format(
    name="cercle",
    label="Cercle",
    proofs=(frozenset({"external_id", "occurred_at", "total"}),),
    columns={field: (field,) for field in FIELDS},
    status=_status,
    codes=_codes,
    lines=priced_lines,
    refunded=refunded_in_all,
)
