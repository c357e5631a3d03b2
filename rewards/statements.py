"""Statements: what an ambassador had when a month began, what moved it, and what was left.

A statement is read from the ledger and from nothing else, by the day on which things
happened, so that its closing balances are the ledger's at the end of the month.  What was
told only after the month is marked with the day on which it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from campaigns.models import Campaign
from core import clock, i18n
from core.db import db
from core.errors import NotFoundError
from core.money import POINTS
from rewards.models import Account, Commission, Entry, EntryKind, Posting
from rewards.models_missions import Mission, MissionTake

STANDS = (Account.PENDING, Account.HELD, Account.PAYABLE, Account.TRANSIT)  # until it is paid


@dataclass(frozen=True, slots=True)
class Amounts:
    """Where an ambassador's money stands, or what an entry changed of it; minor units."""

    pending: int = 0
    held: int = 0
    payable: int = 0
    transit: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.pending + self.held + self.payable + self.transit

    def __add__(self, other: Amounts) -> Amounts:
        """Return both together."""
        return Amounts(
            self.pending + other.pending, self.held + other.held, self.payable + other.payable,
            self.transit + other.transit,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of the ledger."""

    entry_id: int
    kind: EntryKind
    occurred_at: datetime
    told_at: datetime | None  # if it was told after the month was over
    about: str  # the campaign or the mission, if there is one
    purchase_id: int | None
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A month of an ambassador in one currency."""

    month: str
    currency: str
    opening: Amounts
    lines: list[Line]

    @property
    def closing(self) -> Amounts:
        """What was left at the end of the month."""
        return sum((line.amounts for line in self.lines), self.opening)


def months(ambassador_id: int) -> list[str]:
    """Return the months of which there is a statement, the latest first."""
    zone = program.current().timezone
    first = db.session.scalar(
        sa.select(sa.func.min(Entry.occurred_at))
        .join(Posting, Posting.entry_id == Entry.id)
        .where(Posting.ambassador_id == ambassador_id, Posting.currency != POINTS)
    )
    if first is None:
        return []
    found, month = [], clock.local_month(clock.now(), zone)
    while month >= clock.local_month(first, zone):
        found.append(month)
        month = _before(month)
    return found


def before(ambassador_id: int, month: str) -> str | None:
    """Return the month whose statement closes with what this one opens with, if there is one."""
    earlier = _before(month)
    return earlier if earlier in months(ambassador_id) else None


def of_month(ambassador_id: int, month: str) -> list[Statement]:
    """Return the statement of a month for each currency, the program's first.

    Raises:
        NotFoundError: Nothing had happened by then, or it is no month.
    """
    if month not in months(ambassador_id):
        raise NotFoundError(_("There is no statement of this month."))
    start, end = clock.month_bounds(month, program.current().timezone)
    opening, lines = _opening(ambassador_id, start), _lines(ambassador_id, start, end)
    own = program.current().currency
    return [
        Statement(
            month=month, currency=currency, opening=opening.get(currency, Amounts()),
            lines=lines.get(currency, []),
        )
        for currency in sorted({*opening, *lines}, key=lambda code: (code != own, code))
    ]  # fmt: skip


def _before(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year}-{number - 1:02}" if number > 1 else f"{year - 1}-12"


def _sums() -> list[Any]:
    """Return what stands on each account, the sign turned for owed money."""
    return [
        sa.func.coalesce(-sa.func.sum(sa.case((Posting.account == one, Posting.amount))), 0).label(
            one.value
        )
        for one in STANDS
    ]


def _amounts(row: Any) -> Amounts:
    return Amounts(*(int(getattr(row, one.value)) for one in STANDS))


def _opening(ambassador_id: int, start: datetime) -> dict[str, Amounts]:
    rows = db.session.execute(
        sa.select(Posting.currency, *_sums())
        .join(Entry, Entry.id == Posting.entry_id)
        .where(
            Posting.ambassador_id == ambassador_id, Posting.account.in_(STANDS),
            Entry.occurred_at < start,
        )
        .group_by(Posting.currency)
    )  # fmt: skip
    return {row.currency: _amounts(row) for row in rows}


def _lines(ambassador_id: int, start: datetime, end: datetime) -> dict[str, list[Line]]:
    columns = (Entry.id, Entry.kind, Entry.occurred_at, Entry.recorded_at, Posting.currency)
    of_mission = sa.literal("mission:") + sa.cast(MissionTake.id, sa.String)
    mission = Mission.name_fr if i18n.language() == "fr" else Mission.name_en
    rows = db.session.execute(
        sa.select(
            *columns, *_sums(), sa.func.max(Posting.purchase_id).label("purchase_id"),
            sa.func.max(sa.func.coalesce(Campaign.name, mission)).label("about"),
        )
        .join(Posting, Posting.entry_id == Entry.id)
        .outerjoin(
            Commission,
            sa.and_(
                Commission.purchase_id == Posting.purchase_id,
                Commission.ambassador_id == Posting.ambassador_id,
            ),
        )
        .outerjoin(Campaign, Campaign.id == Commission.campaign_id)
        .outerjoin(MissionTake, Entry.source.in_([of_mission + ":bonus", of_mission + ":back"]))
        .outerjoin(Mission, Mission.id == MissionTake.mission_id)
        .where(
            Posting.ambassador_id == ambassador_id, Posting.account.in_(STANDS),
            Entry.occurred_at >= start, Entry.occurred_at < end,
        )
        .group_by(*columns)
        .order_by(Entry.occurred_at, Entry.id)
    )  # fmt: skip
    found: dict[str, list[Line]] = {}
    for row in rows:
        told_at = row.recorded_at if row.recorded_at >= end else None
        line = Line(
            entry_id=row.id, kind=row.kind, occurred_at=row.occurred_at, told_at=told_at,
            about=row.about or "", purchase_id=row.purchase_id, amounts=_amounts(row),
        )  # fmt: skip
        found.setdefault(row.currency, []).append(line)
    return found
