"""The marketers' door of customers: a list to search, and one with orders, credit and consents.

Only who animates the program needs a person's history beside what they agreed to; finance has
the purchases.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from accounts import permissions
from core.db import db
from core.web import row_asked
from referrals.models import Purchase
from rewards import credits, customer_list, purchase_list, wording
from rewards.customer_list import Narrow, Search

PAGE = 50

door = permissions.guard(
    Blueprint("customers_console", __name__, url_prefix="/console/customers"),
    permissions.MARKETER,
)

NARROWS = {
    Narrow.BROUGHT: _l("Came through an ambassador"),
    Narrow.MEMBERS: _l("Members"),
    Narrow.ERASED: _l("Erased"),
}


@door.get("")
def everybody() -> ResponseReturnValue:
    """Show customers: searched, narrowed, page by page."""
    asked = request.args.get("narrow")
    search = Search(
        text=request.args.get("q", "")[:200],
        narrow=Narrow(asked) if asked in set(Narrow) else None,
    )
    before = row_asked("before")
    found = customer_list.page(search, before=before, limit=PAGE + 1)
    return render_template(
        "rewards/console/customers.html",
        rows=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=before, search=search, narrows=NARROWS,
    )  # fmt: skip


@door.get("/<int:customer_id>")
def one(customer_id: int) -> ResponseReturnValue:
    """Show a customer: orders page by page, the first credit with its why, consents."""
    known = customer_list.one(customer_id)
    search = purchase_list.Search(customer_id=customer_id)
    found = purchase_list.page(search, before=_before(customer_id), limit=PAGE + 1)
    ids = [purchase_id for _at, purchase_id in found[:PAGE]]
    first_id = known.customer.first_purchase_id
    described = credits.describe([*ids, first_id] if first_id else ids)
    return render_template(
        "rewards/console/customer.html",
        known=known, rows=[described[purchase_id] for purchase_id in ids],
        first=described.get(first_id) if first_id else None,
        reason=wording.reason, touches=wording.TOUCHES,
        next_before=ids[-1] if len(found) > PAGE else None, before=request.args.get("before"),
    )  # fmt: skip


def _before(customer_id: int) -> tuple[datetime, int] | None:
    purchase_id = row_asked("before")
    known = db.session.get(Purchase, purchase_id) if purchase_id else None
    if known is None or known.customer_id != customer_id:
        return None
    return known.occurred_at, known.id
