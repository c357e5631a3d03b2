"""The way of a campaign or a code: visit, purchase, new customer, repeat purchase.

With what it brought and cost, and two signs beside it: purchases of customers the brand had
already, and orders in which a code for new customers was used by somebody who is none.  The
definition is `sql/funnel.sql`; the second sign comes from the credits themselves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import sqlalchemy as sa

from ambassadors import program
from campaigns.models import Campaign
from core.db import BATCH_ROWS, db
from referrals.eligibility import Reason
from referrals.models import Attribution, Code, Purchase, PurchaseStatus
from reports import engine
from reports.models import SIX_PLACES, Period, intervals, share

NAME = "funnel"
MANY = Decimal("0.3")  # of purchases by customers the brand had already: a sign worth a look


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How far people came; amounts in minor units."""

    visits: int | None  # None for a code, which is typed and not followed
    purchases: int
    new_customers: int
    repeat_customers: int
    existing: int
    net: int
    net_later: int
    cost: int
    refused: int  # orders of existing customers with a code for new ones; nobody was credited

    @property
    def bought(self) -> Decimal | None:
        """Return purchases per visit."""
        return share(self.purchases, self.visits) if self.visits else None

    @property
    def repeat(self) -> Decimal | None:
        """Return the part of the new customers who bought again."""
        return share(self.repeat_customers, self.new_customers)

    @property
    def roi(self) -> Decimal | None:
        """Return (net - cost) / cost, None where it cost nothing; net is no margin."""
        if not self.cost:
            return None
        return (Decimal(self.net - self.cost) / self.cost).quantize(SIX_PLACES, ROUND_HALF_UP)

    @property
    def existing_share(self) -> Decimal | None:
        """Return the part of the purchases by customers whom the brand had already."""
        return share(self.existing, self.purchases)

    @property
    def is_cannibal(self) -> bool:
        """Tell whether so many of them were there already that it is worth a look."""
        return (self.existing_share or Decimal(0)) >= MANY


def of_campaign(copy: engine.Copy, slug: str, span: Period, currency: str) -> Funnel:
    """Return the funnel of a campaign."""
    names = refused(span, currency)
    counts = Counter[str]()
    for start in range(0, len(names), BATCH_ROWS):
        query = (
            sa.select(Code.text)
            .join(Campaign, Campaign.id == Code.campaign_id)
            .where(Campaign.slug == slug, Code.text.in_(list(names)[start : start + BATCH_ROWS]))
        )
        counts.update({text: names[text] for text in db.session.scalars(query)})
    return _funnel(copy, span, currency, slug, None, counts.total())


def of_code(copy: engine.Copy, code: str, span: Period, currency: str) -> Funnel:
    """Return the funnel of a code, which has no visits."""
    return _funnel(copy, span, currency, None, code, refused(span, currency)[code])


def refused(span: Period, currency: str) -> Counter[str]:
    """Return how often existing customers used each code that is for new ones."""
    zone = program.current().timezone
    ranges = (
        sa.and_(Purchase.occurred_at >= start, Purchase.occurred_at < end)
        for month in span.months
        for start, end in intervals(month, zone)
    )
    query = (
        sa.select(Attribution.lost)
        .join(Purchase, Purchase.id == Attribution.purchase_id)
        .where(
            sa.or_(*ranges), Purchase.currency == currency,
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
            sa.cast(Attribution.lost, sa.Text).contains(Reason.EXISTING_CUSTOMER.value),
        )
    )  # fmt: skip
    return Counter(
        lost["name"]
        for row in db.session.scalars(query)
        for lost in row
        if lost["reason"] == Reason.EXISTING_CUSTOMER and lost["touch"] == "code"
    )


def _funnel(
    copy: engine.Copy, span: Period, currency: str, campaign: str | None, code: str | None,
    count: int,
) -> Funnel:  # fmt: skip
    asked = {"currency": currency, "campaign": campaign, "code": code}
    (found,) = engine.run(copy, NAME, span, asked)
    visits = None if code is not None else found["visits"]
    return Funnel(**{**found, "visits": visits}, refused=count)
