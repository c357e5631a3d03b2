"""Acquisition and CAC by something other than the month: `group_by` of pages, API and commands.

Both go by quarter, channel, campaign, circle, country or kind of ambassador.  Commissions and
discounts stand on a purchase, and so on its campaign, country and ambassador; a perk stands on
the ambassador who took it.  Media, hours, boxes, events and tools are recorded for a channel, and
nobody knows which part of them a campaign or a country cost: they make a row of their own, so
that the rows add up to the report as it is, to the minor unit.  Nothing is split by a key.

An ambassador's circles and kind are those of today; who sits in two circles counts in both, so
circles may add up to more than the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors.models import Ambassador, Circle, CircleSeat, SeatState
from core.db import BATCH_ROWS, db
from core.errors import InvalidInputError
from reports import acquisition, cac, engine, wording
from reports.models import Period, Report, following, share

MONTH = "month"  # as the reports are without being asked
NONE = ""  # the group of purchases without an ambassador, a country or a circle
NOT_TOLD = "not_told"  # the row of costs that belong to no group
_BY_COST = ("campaign", "circle", "country", "kind")  # groups that have direct costs alone
KNOWN: Mapping[str, tuple[str, ...]] = {
    acquisition.NAME: (MONTH, "quarter", "channel", "campaign", "circle", "country", "kind"),
    cac.NAME: (MONTH, "quarter", "channel", *_BY_COST),
}
_COSTS = tuple(column.name for column in cac.COSTS)
_ASKED = {"quarter": "month", "circle": "ambassador", "kind": "ambassador"}  # of the SQL


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquisitionRow(acquisition.Totals):
    """Acquisition of one group."""

    group: str
    part: Decimal | None  # of all new customers


@dataclass(frozen=True, slots=True, kw_only=True)
class CacRow(cac.Totals):
    """Costs and CAC of one group; a channel has `cac` alone."""

    group: str
    cac: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRow(cac.Costs):
    """What can be told of the costs of one group, and who it brought."""

    group: str
    new_customers_community: int
    cac_direct: int | None


def asked(name: str, by: str | None) -> str | None:
    """Return what to group by, None for the report as it is.

    Raises:
        InvalidInputError: This report cannot be grouped so.
    """
    if not by:
        return None
    known = KNOWN.get(name, ())
    if by not in known:
        if not known:
            raise InvalidInputError(_("group_by: this report has one order of rows; leave it out."))
        raise InvalidInputError(
            _("group_by: use one of %(known)s.", known=", ".join(known))
        )  # fmt: skip
    return None if by == MONTH else by


def report(plain: Report, by: str, copy: engine.Copy) -> Report:
    """Return a report with a row for each group instead of each month.

    Args:
        plain: The report as it is.
        by: From `asked`.
        copy: The state that `plain` was read from.
    """
    if plain.name == acquisition.NAME:
        made = _acquisition(plain, by, copy)
    else:
        made = _cac_direct(plain, by, copy) if by in _BY_COST else _cac(plain, by)
    return replace(made, by=by)


def _acquisition(plain: Report, by: str, copy: engine.Copy) -> Report:
    parameters = {"currency": plain.currency, "by": _ASKED.get(by, by)}
    found = engine.run(copy, "acquisition_by", plain.period, parameters)
    sums = _merged(found, _groups(by, [row["part"] for row in found]))
    rows = [_acquisition_row(name, counts, plain.totals) for name, counts in sums.items()]
    rows.sort(key=lambda row: row.group if by == "quarter" else (-row.new_customers, row.group))
    columns = (wording.GROUP, *plain.total_columns[:1], wording.PART, *plain.total_columns[1:])
    return replace(
        plain, rows=rows, columns=columns, by_month=(), sql=engine.definition("acquisition_by")
    )


def _acquisition_row(
    name: str, counts: Mapping[str, Any], totals: acquisition.Totals
) -> AcquisitionRow:
    part = share(counts["new_customers"], totals.new_customers)
    return AcquisitionRow(group=name, part=part, **acquisition.figures_of(counts))


def _merged(
    found: Sequence[Mapping[str, Any]], groups: Mapping[str | None, Sequence[str]]
) -> dict[str, dict[str, int]]:
    """Return the sums of each group; every figure of the rows adds up."""
    sums: dict[str, dict[str, int]] = {}
    for row in found:
        counts = {name: value for name, value in row.items() if name != "part"}
        for group in groups[row["part"]]:
            known = sums.setdefault(group, dict.fromkeys(counts, 0))
            for name, value in counts.items():
                known[name] += value
    return sums


def _groups(by: str, parts: Sequence[str | None]) -> dict[str | None, list[str]]:
    """Return the groups that each part of the SQL's answer belongs to."""
    if by == "quarter":
        return {part: [quarter(part or "")] for part in parts}
    if by not in {"circle", "kind"}:
        return {part: [part or NONE] for part in parts}
    ids = [int(part) for part in parts if part]
    known = _circles(ids) if by == "circle" else _kinds(ids)
    return {part: known.get(int(part), [NONE]) if part else [NONE] for part in parts}


def quarter(month: str) -> str:
    """Return the quarter of a month: `2026-03` is in `2026-Q1`."""
    return f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}"


def months_of(name: str, within: Period) -> Period:
    """Return the months of a quarter such as `2026-Q1` that are in a period."""
    last = f"{name[:4]}-{int(name[-1]) * 3:02d}"
    return Period(max(following(last, -2), within.first), min(last, within.last))


def _kinds(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), BATCH_ROWS):
        query = sa.select(Ambassador.id, Ambassador.kind).where(
            Ambassador.id.in_(ids[start : start + BATCH_ROWS])
        )
        found |= {row.id: [row.kind.value] for row in db.session.execute(query)}
    return found


def _circles(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), BATCH_ROWS):
        query = (
            sa.select(Ambassador.id, Circle.name)
            .join(CircleSeat, CircleSeat.member_id == Ambassador.member_id)
            .join(Circle, Circle.id == CircleSeat.circle_id)
            .where(
                CircleSeat.state == SeatState.SEATED,
                Ambassador.id.in_(ids[start : start + BATCH_ROWS]),
            )
        )
        for row in db.session.execute(query):
            found.setdefault(row.id, []).append(row.name)
    return found


def _cac(plain: Report, by: str) -> Report:
    names = {row: row.channel if by == "channel" else quarter(row.month) for row in plain.rows}
    order = dict.fromkeys(names.values())
    if by == "channel":
        order = dict.fromkeys(row.channel for row in cac.channels(plain.rows))
    rows = []
    for name in order:
        told = cac.totals_of([row for row in plain.rows if names[row] == name])
        per = None if name == cac.UNATTRIBUTED else told["cac_blended"]
        rows.append(CacRow(group=name, cac=per, **told))
    columns = (*cac.COLUMNS[2:],) if by == "channel" else cac.TOTAL_COLUMNS
    return replace(plain, rows=rows, columns=(wording.GROUP, *columns), by_month=())


def _cac_direct(plain: Report, by: str, copy: engine.Copy) -> Report:
    parameters = {"currency": plain.currency, "by": _ASKED.get(by, by)}
    found = engine.run(copy, "cac_by", plain.period, parameters)
    sums = _merged(found, _groups(by, [row["part"] for row in found]))
    rows = [_direct_row(name, counts) for name, counts in sums.items()]
    rows.sort(key=lambda row: (row.group == NONE, -row.new_customers_community, row.group))
    rows.append(_not_told(plain.totals, sum(row["perks"] for row in found)))
    columns = (wording.GROUP, *cac.COSTS, wording.NEW_COMMUNITY, wording.CAC_DIRECT)
    return replace(
        plain, rows=rows, columns=columns, by_month=(), sql=engine.definition("cac_by")
    )  # fmt: skip


def _direct_row(name: str, told: Mapping[str, int]) -> DirectRow:
    cost = told["commissions"] + told["discounts"] + told["perks"]
    came = told["new_customers_community"]
    costs = dict.fromkeys(_COSTS, 0) | {key: told[key] for key in _COSTS if key in told}
    return DirectRow(
        **costs | {"cost": cost}, group=name, new_customers_community=came,
        cac_direct=cac.cac(cost, came),
    )  # fmt: skip


def _not_told(totals: cac.Totals, perks: int) -> DirectRow:
    """Return the row of what was spent for channels, less the perks that groups have."""
    kinds = (wording.SPEND, *wording.KINDS)
    spent = {column.name: getattr(totals, column.name) for column in kinds}
    spent["perks"] -= perks
    costs = dict.fromkeys(_COSTS, 0) | spent | {"cost": sum(spent.values())}
    return DirectRow(**costs, group=NOT_TOLD, new_customers_community=0, cac_direct=None)
