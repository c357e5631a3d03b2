"""The list of purchases: searched, narrowed and cut into pages by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from core.db import db
from referrals import codes
from referrals.models import Attribution, Purchase
from rewards.models import Account, Posting


class Narrow(StrEnum):
    """Which purchases to show."""

    CREDITED = "credited"
    LOST = "lost"  # somebody's code or link was there, and nobody got the credit
    HELD = "held"  # a commission waits for a decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What one looks for; an empty field asks nothing."""

    text: str = ""  # an order's id, or a code
    narrow: Narrow | None = None
    ambassador_id: int | None = None
    customer_id: int | None = None


def page(
    search: Search, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> list[tuple[datetime, int]]:
    """Return time and id of purchases, the latest first, going on before one."""
    query = (
        sa.select(Purchase.occurred_at, Purchase.id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .order_by(Purchase.occurred_at.desc(), Purchase.id.desc())
        .limit(limit)
        .where(*_conditions(search))
    )
    if before is not None:
        query = query.where(sa.tuple_(Purchase.occurred_at, Purchase.id) < before)
    return [(row[0], row[1]) for row in db.session.execute(query)]


def _conditions(search: Search) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    text = search.text.strip().replace("\x00", "")
    if text:
        code = codes.find(text)
        by_id = Purchase.external_id == text
        found.append(sa.or_(by_id, Attribution.code_id == code.id) if code else by_id)
    if search.narrow is Narrow.CREDITED:
        found.append(Attribution.ambassador_id.is_not(None))
    if search.narrow is Narrow.LOST:
        found += [Attribution.id.is_not(None), Attribution.ambassador_id.is_(None)]
    if search.narrow is Narrow.HELD:
        found.append(Purchase.id.in_(_held()))
    if search.ambassador_id is not None:
        found.append(Attribution.ambassador_id == search.ambassador_id)
    if search.customer_id is not None:
        found.append(Purchase.customer_id == search.customer_id)
    return found


def _held() -> sa.Select[int | None]:
    return (
        sa.select(Posting.purchase_id)
        .where(Posting.account == Account.HELD)
        .group_by(Posting.purchase_id)
        .having(sa.func.sum(Posting.amount) < 0)
    )
