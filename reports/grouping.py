"""Acquisition and CAC by something other than the month: `group_by` of pages, API and commands.

Acquisition goes by quarter, channel, campaign, circle, country or kind of ambassador.  CAC goes
by quarter or channel alone: spend is recorded for a channel, and nobody knows which part of it
a campaign or a country cost.  An ambassador's circles and kind are those of today; who sits in
two circles counts in both, so circles may add up to more than the total.
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
from reports.models import Report, share

MONTH = "month"  # as the reports are without being asked
NONE = ""  # the group of purchases without an ambassador, a country or a circle
KNOWN: Mapping[str, tuple[str, ...]] = {
    acquisition.NAME: (MONTH, "quarter", "channel", "campaign", "circle", "country", "kind"),
    cac.NAME: (MONTH, "quarter", "channel"),
}
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
    made = _cac(plain, by) if plain.name == cac.NAME else _acquisition(plain, by, copy)
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
