"""M11: one winner for each order, and deciding again says the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from accounts.models import AuditLine
from ambassadors import program
from campaigns.models import Campaign
from core.db import db
from referrals import attribution
from referrals.models import Attribution, Code, CreditTouch, Purchase, PurchaseStatus
from referrals.suspicions import Signal
from rewards.breach import MOST_SHOWN, Breach, pages
from rewards.models import Commission


def one_winner() -> Iterator[Breach]:
    """M11: one winner per order, who alone earns; deciding again says the same.

    Rows decided under earlier rules of the program, or before the terms of a
    campaign they name were changed, stay as they were decided; so does the likeness of a
    name that was written otherwise since.
    """
    double = (
        sa.select(Commission.purchase_id, sa.func.count().label("winners"))
        .outerjoin(Attribution, Attribution.purchase_id == Commission.purchase_id)
        .where(Commission.is_active.is_(True))
        .group_by(Commission.purchase_id)
        .having(
            sa.or_(
                sa.func.count() > 1,
                sa.func.max(sa.func.coalesce(Attribution.ambassador_id, 0))
                != sa.func.max(Commission.ambassador_id),
            )
        )
    )
    for row in db.session.execute(double.limit(MOST_SHOWN)):
        detail = f"pays {row.winners} ambassadors, or another than the one who has the credit"
        yield Breach("M11", f"purchase {row.purchase_id}", detail)
    for ids in _id_pages():
        decided, written = attribution.decide(ids), attribution.recorded(ids)
        for id_ in ids:
            is_same = _is_same(decided.get(id_), written.get(id_))
            if not is_same and not _terms_changed(id_, decided.get(id_), written.get(id_)):
                yield Breach("M11", f"purchase {id_}", "would be credited in another way now")


def _is_same(decided: dict[str, Any] | None, written: dict[str, Any] | None) -> bool:
    if written is None:
        return decided is None
    if written["touch"] is CreditTouch.MANUAL:
        return True
    if written["rule_version"] != program.current().rule_version:
        return True
    return decided is not None and _less_namesake(decided) == _less_namesake(written)


def _less_namesake(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the one signal that may change with no order: names do."""
    words = (row["suspicion"] or "").split()
    return row | {"suspicion": [word for word in words if word != Signal.SIMILAR_NAME]}


def _terms_changed(purchase_id: int, *rows: dict[str, Any] | None) -> bool:
    """Tell whether a campaign that an order's touches belong to changed after it was recorded."""
    said = [row for row in rows if row is not None]
    names = {one["name"] for row in said for one in row["lost"]}
    of_codes = sa.select(Code.campaign_id).where(Code.text.in_(sorted(names)))
    campaigns = {row["campaign_id"] for row in said} | set(db.session.scalars(of_codes))
    slugs = sa.select(Campaign.slug).where(Campaign.id.in_([i for i in campaigns if i]))
    recorded_at = sa.select(Purchase.recorded_at).where(Purchase.id == purchase_id)
    changed = sa.select(AuditLine.id).where(
        AuditLine.act == "campaign.change",
        AuditLine.object_kind == "campaign",
        AuditLine.object_id.in_(slugs),
        AuditLine.occurred_at >= recorded_at.scalar_subquery(),
    )
    return db.session.scalar(changed.limit(1)) is not None


def _id_pages() -> Iterator[list[int]]:
    """Yield the paid purchases that could have credit, by pages."""
    has_touch = sa.or_(
        Attribution.id.is_not(None), Purchase.click_token.is_not(None),
        Purchase.subscription.is_not(None), sa.cast(Purchase.codes, sa.Text) != "[]",
    )  # fmt: skip
    query = (
        sa.select(Purchase.id)
        .outerjoin(Attribution, Attribution.purchase_id == Purchase.id)
        .where(Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False), has_touch)
    )
    for page in pages(query, Purchase.id, size=500):
        yield [row.id for row in page]
