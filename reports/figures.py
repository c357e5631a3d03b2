"""The charts of the reports: their series, titles and findings, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from campaigns.spend import COMMUNITY
from core import charts, i18n
from reports import acquisition, cac, cohorts, wording
from reports.models import Column, Period, Report

_PARTS: tuple[tuple[Column, int], ...] = (
    (wording.DISCOUNTS, 2),
    (wording.COMMISSIONS, 1),
    (wording.SPEND, 3),
    (wording.PEOPLE, 4),
    (wording.BOXES, 5),
    (wording.EVENTS, 6),
    (wording.PERKS, 7),
    (wording.TOOLS, 3),
    (wording.OTHER, 4),
)


def community_cost(report: Report) -> charts.Chart:
    """Draw what the community cost by kind and month; friends' discounts hatched."""
    rows = {row.month: row for row in report.rows if row.channel == COMMUNITY}
    months = report.period.months
    series = [
        charts.Series(
            str(column.label), [getattr(rows[month], column.name) for month in months],
            hue=hue, is_hatched=column is wording.DISCOUNTS,
        )
        for column, hue in _PARTS
        if any(getattr(rows[month], column.name) for month in months)
    ]  # fmt: skip
    whole = sum(row.cost for row in rows.values())
    return charts.stacked(
        "community-cost", _labels(months), series,
        title=_("Community cost by kind, %(period)s", period=words(report.period)),
        finding=_("%(cost)s in all.", cost=i18n.money(whole, report.currency)),
        show=_amounts(report.currency), head=str(wording.MONTH.label),
    )  # fmt: skip


def cac_by_month(report: Report) -> charts.Chart:
    """Draw the community, paid and blended CAC over the months."""
    rows: Sequence[cac.MonthTotals] = report.by_month
    kinds: tuple[tuple[Column, int, Any, Any], ...] = (
        (wording.CAC_COMMUNITY, 1, "", "circle"),
        (wording.CAC_PAID, 2, "dash", "square"),
        (wording.CAC_BLENDED, 3, "dots", "diamond"),
    )
    series = [
        charts.Series(
            str(column.label), [getattr(row, column.name) for row in rows],
            hue=hue, dash=dash, marker=marker,
        )
        for column, hue, dash, marker in kinds
    ]  # fmt: skip
    total: cac.Totals = report.totals
    finding = _(
        "Over the whole period: community %(community)s, paid %(paid)s, blended %(blended)s.",
        community=i18n.money(total.cac_community, report.currency),
        paid=i18n.money(total.cac_paid, report.currency),
        blended=i18n.money(total.cac_blended, report.currency),
    )
    return charts.line(
        "cac-by-month", _labels(report.period.months), series,
        title=_("CAC by month, %(period)s", period=words(report.period)), finding=finding,
        show=_amounts(report.currency), head=str(wording.MONTH.label),
    )  # fmt: skip


def share_by_month(report: Report) -> charts.Chart:
    """Draw the share of acquisition over the months."""
    rows: Sequence[acquisition.Row] = report.rows
    values = [None if row.share_tracked is None else float(row.share_tracked) for row in rows]
    total: acquisition.Totals = report.totals
    return charts.line(
        "share", _labels(report.period.months),
        [charts.Series(_("Tracked by code or link"), values)],
        title=_("Share of acquisition, %(period)s", period=words(report.period)),
        finding=_(
            "%(share)s of the new customers came through the community: %(part)s of %(whole)s.",
            share=i18n.percent(total.share_tracked),
            part=i18n.number(total.new_customers_community),
            whole=i18n.number(total.new_customers),
        ),
        show=i18n.percent, head=str(wording.MONTH.label),
    )  # fmt: skip


def new_customers(report: Report) -> charts.Chart:
    """Draw new customers by month, those of the community apart."""
    rows: Sequence[acquisition.Row] = report.rows
    inside = [row.new_customers_community for row in rows]
    others = [row.new_customers - row.new_customers_community for row in rows]
    return charts.stacked(
        "new-customers", _labels(report.period.months),
        [charts.Series(_("Through the community"), inside, hue=1),
         charts.Series(_("Others"), others, hue=7)],
        title=_("New customers by month, %(period)s", period=words(report.period)),
        finding=_("%(count)s new customers in all.",
                  count=i18n.number(report.totals.new_customers)),
        show=i18n.number, head=str(wording.MONTH.label),
    )  # fmt: skip


def ltv_by_age(lines: Mapping[str, Sequence[cohorts.Point]], report: Report) -> charts.Chart:
    """Draw LTV by age, customers of the community beside the others."""
    ages = range(1 + max((one.age_months for line in lines.values() for one in line), default=-1))
    looks: Mapping[str, tuple[int, Any, Any]] = {
        cohorts.COMMUNITY: (1, "", "circle"), cohorts.OTHER: (7, "dash", "square"),
    }  # fmt: skip
    series = []
    for name, line in lines.items():
        known = {one.age_months: one.ltv for one in line}
        hue, dash, marker = looks[name]
        series.append(
            charts.Series(
                str(wording.SEGMENT_WORDS[name]), [known.get(age) for age in ages],
                hue=hue, dash=dash, marker=marker,
            )
        )  # fmt: skip
    return charts.line(
        "ltv", [str(age) for age in ages], series,
        title=_("LTV by age, first purchases of %(period)s", period=words(report.period)),
        finding=_ltv_finding(report), show=_amounts(report.currency),
        head=str(wording.AGE.label),
    )  # fmt: skip


def _ltv_finding(report: Report) -> str:
    told: cohorts.LtvTotals = report.totals
    if told.age_months is None:
        return str(_("Too early: no month since a first purchase is over yet."))
    return str(
        _(
            "At %(age)s months: community %(community)s, others %(others)s.",
            age=told.age_months, community=i18n.money(told.ltv_community, report.currency),
            others=i18n.money(told.ltv_other, report.currency),
        )
    )  # fmt: skip


def words(period: Period) -> str:
    """Return a period in words."""
    if period.first == period.last:
        return i18n.month(period.first)
    first, last = i18n.month(period.first), i18n.month(period.last)
    return str(_("%(first)s to %(last)s", first=first, last=last))


def _labels(months: Sequence[str]) -> list[str]:
    return [i18n.month(month) for month in months]


def _amounts(currency: str) -> Callable[[float], str]:
    return lambda minor: i18n.amount(round(minor), currency)
