"""M10: a code counts the uses that its redemptions hold, in all and of each customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from core.db import db
from referrals.models import Code, CodeCustomerUse, Redemption, RedemptionState
from rewards.breach import MOST_SHOWN, Breach


def uses_within_limits() -> Iterator[Breach]:
    """M10: a code's uses are its redemptions that hold one, within its limits."""
    holds = Redemption.state.in_([RedemptionState.RESERVED, RedemptionState.REDEEMED])
    held = (
        sa.select(Redemption.code_id, sa.func.count().label("uses"))
        .where(holds)
        .group_by(Redemption.code_id)
        .subquery()
    )
    uses = sa.func.coalesce(held.c.uses, 0)
    codes = (
        sa.select(Code.key, Code.used, Code.uses_limit, uses.label("uses"))
        .outerjoin(held, held.c.code_id == Code.id)
        .where(sa.or_(Code.used != uses, uses > Code.uses_limit, Code.used < 0))
    )
    for row in db.session.execute(codes.limit(MOST_SHOWN)):
        limit = "none" if row.uses_limit is None else row.uses_limit
        detail = f"counts {row.used} uses and has {row.uses}, its limit is {limit}"
        yield Breach("M10", f"code {row.key}", detail)
    yield from _wrong_customer_uses(holds)


def _wrong_customer_uses(holds: Any) -> Iterator[Breach]:
    held = (
        sa.select(Redemption.code_id, Redemption.customer_key, sa.func.count().label("uses"))
        .join(Code, Code.id == Redemption.code_id)
        .where(holds, Redemption.customer_key.is_not(None), Code.uses_per_customer.is_not(None))
        .group_by(Redemption.code_id, Redemption.customer_key)
        .subquery()
    )
    rows = db.session.execute(
        sa.select(Code.key, Code.uses_per_customer, held.c.uses, CodeCustomerUse.used)
        .select_from(held)
        .join(Code, Code.id == held.c.code_id)
        .outerjoin(
            CodeCustomerUse,
            sa.and_(
                CodeCustomerUse.code_id == held.c.code_id,
                CodeCustomerUse.customer_key == held.c.customer_key,
            ),
        )
        .where(
            sa.or_(
                sa.func.coalesce(CodeCustomerUse.used, 0) != held.c.uses,
                held.c.uses > Code.uses_per_customer,
            )
        )
        .limit(MOST_SHOWN)
    )
    for row in rows:
        detail = (
            f"counts {row.used} uses of a customer who has {row.uses} of {row.uses_per_customer}"
        )
        yield Breach("M10", f"code {row.key}", detail)
    same_customer = sa.and_(
        holds, Redemption.code_id == CodeCustomerUse.code_id,
        Redemption.customer_key == CodeCustomerUse.customer_key,
    )  # fmt: skip
    forgotten = (
        sa.select(Code.key, CodeCustomerUse.used)
        .join(Code, Code.id == CodeCustomerUse.code_id)
        .outerjoin(Redemption, same_customer)
        .where(CodeCustomerUse.used > 0, Redemption.id.is_(None))
    )
    for row in db.session.execute(forgotten.limit(MOST_SHOWN)):
        detail = f"counts {row.used} uses of a customer who has none"
        yield Breach("M10", f"code {row.key}", detail)
