"""M4 for the caps of months, quarters and years: each within its cap, each commission in each.

What a commission took is frozen with the cap as it was, so neither a later version of the
rule nor another time zone of the program changes the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from campaigns.models import RewardRule
from core.db import db
from rewards.breach import MOST_SHOWN, Breach
from rewards.models import (
    OF_COMMISSION,
    Commission,
    Conversion,
)  # fmt: skip
from rewards.models_periods import PeriodCount, PeriodTake
from rewards.period_caps import ALL

_OF_TAKE = sa.and_(
    PeriodTake.purchase_id == Commission.purchase_id,
    PeriodTake.ambassador_id == Commission.ambassador_id,
)


def periods_within_caps() -> Iterator[Breach]:
    """M4: a period has given what its commissions took, and no more than its cap."""
    taken = sa.func.coalesce(sa.func.sum(PeriodTake.counted), 0)
    most = sa.func.max(sa.case((PeriodTake.counted > 0, PeriodTake.maximum), else_=0))
    query = (
        sa.select(PeriodCount, taken.label("taken"), sa.func.coalesce(most, 0).label("most"))
        .outerjoin(PeriodTake, PeriodTake.count_id == PeriodCount.id)
        .group_by(PeriodCount.id)
        .having(sa.or_(PeriodCount.committed != taken, PeriodCount.committed > most))
        .order_by(PeriodCount.id)
    )
    for count, took, cap in db.session.execute(query.limit(MOST_SHOWN)):
        whose = f", ambassador {count.ambassador_id}" if count.ambassador_id != ALL else ""
        subject = f"campaign {count.campaign_id}{whose}, {count.period} of {count.starts_on}"
        detail = f"counts {count.committed} of at most {cap}, its commissions took {took}"
        yield Breach("M4", subject, detail)


def commissions_count_in_their_periods() -> Iterator[Breach]:
    """M4: a commission counts as what it is in each period that its rule caps."""
    counted = sa.func.coalesce(Conversion.counted, Commission.amount)
    is_right = sa.and_(
        PeriodTake.counted == counted,
        sa.or_(
            PeriodTake.counted == 0,
            PeriodTake.before + PeriodTake.counted <= PeriodTake.maximum,
        ),
        PeriodCount.campaign_id == Commission.campaign_id,
        PeriodCount.ambassador_id.in_([Commission.ambassador_id, ALL]),
    )
    wanted = sum(
        (sa.case((period.is_not(None), 1), else_=0)
         for period in (RewardRule.ambassador_period, RewardRule.campaign_period)),
        sa.literal(0),
    )  # fmt: skip
    right = sa.func.sum(sa.case((is_right, 1), else_=0))
    query = (
        sa.select(Commission.id, right.label("right"), wanted.label("wanted"))
        .join(RewardRule, RewardRule.id == Commission.rule_id)
        .outerjoin(PeriodTake, _OF_TAKE)
        .outerjoin(PeriodCount, PeriodCount.id == PeriodTake.count_id)
        .outerjoin(Conversion, OF_COMMISSION)
        .where(wanted > 0)
        .group_by(Commission.id, RewardRule.id)
        .having(right != wanted)
        .order_by(Commission.id)
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"counts in {row.right} of the {row.wanted} periods that its rule caps"
        yield Breach("M4", f"commission {row.id}", detail)


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    periods_within_caps,
    commissions_count_in_their_periods,
)
