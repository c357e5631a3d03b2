"""How long clicks are kept (rule 29): 13 months, and the hash of an address for 90 days.

A click that a purchase names stays, without its address and where it came from: it is what
the credit was decided on, and deciding again must find the same (M11).
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ambassadors import program
from core import changes, clock
from core.db import affected, db
from referrals.models import Attribution, Click, Purchase

MONTHS = 13
ADDRESS_KEPT = timedelta(days=90)


def over() -> list[int]:
    """Return the clicks whose time is over and that no purchase names; reads them all once."""
    is_old = Click.clicked_at < _months_before(clock.now(), MONTHS)
    has_credit = sa.exists().where(Attribution.click_id == Click.id)
    is_named = sa.exists().where(Purchase.click_token == Click.token)
    query = sa.select(Click.id, Click.token).where(is_old, ~has_credit, ~is_named)
    beside_others = _tokens_of_several()
    return [row.id for row in db.session.execute(query) if row.token not in beside_others]


def delete(ids: Sequence[int]) -> int:
    """Delete clicks, and mark their months for the reports; return how many."""
    gone = db.session.scalars(
        sa.delete(Click).where(Click.id.in_(ids)).returning(Click.clicked_at)
    ).all()
    zone = clock.zone(program.current().timezone)
    changes.mark("clicks", {f"{at.astimezone(zone):%Y-%m}" for at in gone})
    return len(gone)


def with_old_address() -> list[int]:
    """Return the clicks that still tell an address or an origin, and should no longer."""
    now = clock.now()
    has_address = sa.and_(Click.ip_hash.is_not(None), Click.clicked_at < now - ADDRESS_KEPT)
    has_origin = sa.and_(
        Click.referrer_host.is_not(None), Click.clicked_at < _months_before(now, MONTHS)
    )
    return list(db.session.scalars(sa.select(Click.id).where(sa.or_(has_address, has_origin))))


def forget_address(ids: Sequence[int]) -> int:
    """Forget what clicks tell of an address, and of an origin after 13 months; return how many."""
    is_old = Click.clicked_at < _months_before(clock.now(), MONTHS)
    values = {
        "ip_hash": None,
        "referrer_host": sa.case((is_old, sa.null()), else_=Click.referrer_host),
    }
    return affected(db.session.execute(sa.update(Click).where(Click.id.in_(ids)).values(**values)))


def _tokens_of_several() -> set[str]:
    """Return the tokens of purchases that name more than one click: few, and found by no index."""
    told = sa.select(Purchase.click_token).where(Purchase.click_token.contains(" "))
    return {token for text in db.session.scalars(told) for token in (text or "").split()}


def _months_before(instant: datetime, months: int) -> datetime:
    """Return the same day and hour so many calendar months earlier, or that month's last day."""
    index = instant.year * 12 + instant.month - 1 - months
    year, month = divmod(index, 12)
    day = min(instant.day, calendar.monthrange(year, month + 1)[1])
    return instant.replace(year=year, month=month + 1, day=day)
