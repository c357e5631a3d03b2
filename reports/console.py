"""The staff's door of the reports: pages, files, and the purchases behind each figure."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import holdouts, program
from ambassadors.forms import KINDS
from ambassadors.models import AmbassadorKind
from campaigns.spend import COMMUNITY
from core import clock, countries, i18n, pages, sheets
from core.db import db, writing
from core.errors import InvalidInputError, NotFoundError
from core.money import BASIS_POINTS
from reports import (
    acquisition,
    cac,
    catalogue,
    codes,
    cohorts,
    drill,
    engine,
    exports,
    figures,
    grouping,
    heat,
    lift,
    members,
    people,
    prediction,
    purchases,
    views,
    what_if,
    wording,
    wording_members,
)
from reports.grouping import MONTH
from reports.models import Period, Report, following, last_quarter, period

door = permissions.guard(
    Blueprint("reports", __name__, url_prefix="/console/reports"), permissions.STAFF
)

MOST_CODES = 500  # on the page; the files hold all
MOST_HOLDOUTS = 10  # on the page; the command tells any
PRESETS = (1, 3, 6, 12, 24)  # months up to the present one


class Choice(NamedTuple):
    """A period to choose."""

    words: str
    url: str
    is_current: bool


@door.get("/acquisition")
def show_acquisition() -> str:
    """Show new customers by month and the share of the community."""
    report = _made(acquisition.NAME)
    if request.args.get("group_by", MONTH) not in ("", MONTH):
        return _grouped(report, request.args["group_by"])
    return _page(
        report, share=figures.share_by_month(report), customers=figures.new_customers(report)
    )


@door.get("/codes")
def show_codes() -> str:
    """Show what each code brought."""
    report = _made(codes.NAME)
    shown = report.rows[:MOST_CODES]
    return _page(
        report, shown=shown, names=people.names({row.ambassador_id for row in shown}),
        campaigns=people.campaign_names(row.campaign for row in shown),
    )  # fmt: skip


@door.get("/cac")
def show_cac() -> str:
    """Show what a new customer cost, by channel and month."""
    report = _made(cac.NAME)
    if request.args.get("group_by", MONTH) not in ("", MONTH):
        return _grouped(report, request.args["group_by"])
    kinds = [one for one in wording.KINDS if getattr(report.totals, one.name)]
    assumed = what_if.asked(request.args, report.currency)
    return _page(
        report, channels=cac.channels(report.rows), cost=figures.community_cost(report),
        lines=figures.cac_by_month(report), share=_made(acquisition.NAME).totals,
        community=COMMUNITY, unattributed=cac.UNATTRIBUTED, channel_words=wording.channel,
        kinds=[one.name for one in kinds], kind_heads=[(one.label, "n") for one in kinds],
        assumed=assumed, otherwise=what_if.totals(report, assumed) if assumed else None,
    )  # fmt: skip


def _grouped(report: Report, by: str) -> str:
    """Show a report with a row for each group."""
    return _page(
        report, template="grouped", by=by, heads=wording.GROUPS, link=_links(report, by),
        titles=wording.TITLES, group_words=_group_words(report, by),
        is_direct=wording.CAC_DIRECT in report.columns,
    )  # fmt: skip


def _links(report: Report, by: str) -> Callable[[str, str | None], str | None]:
    """Return a maker of addresses of what stands behind a figure of a group, or of all of them."""

    def link(figure: str, group: str | None = None) -> str | None:
        span = report.period
        if group and by == "quarter":
            span, group = grouping.months_of(group, span), None
        endpoint, wanted = drill.behind(figure, by, group)
        if wanted is None:
            return None
        values: dict[str, Any] = {"from": span.first, "to": span.last, "currency": report.currency}
        return url_for(endpoint, **values | dict(wanted))

    return link


def _group_words(report: Report, by: str) -> dict[str, str]:
    """Return the groups in words."""
    names: list[str] = [row.group for row in report.rows]
    words = {name: name for name in names}
    if by == "campaign":
        words |= people.campaign_names(names)
    elif by == "channel":
        words |= {name: wording.channel(name) for name in names}
    elif by == "country":
        words |= {name: countries.name(name) for name in names}
    elif by == "kind":
        words |= {kind.value: str(said) for kind, said in KINDS.items()}
    return words | {grouping.NONE: _("None"), grouping.NOT_TOLD: _("Spent for channels")}


@door.get("/cohorts")
def show_cohorts() -> str:
    """Show who still buys, by month of the first purchase."""
    report = _made(cohorts.NAME)
    segment = _asked_segment()
    rows = [row for row in report.rows if row.segment == segment] if segment else report.rows
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    return _page(
        report, heat=heat.table(cohorts.merged(rows)), segment=segment,
        parts=cohorts.segments(copy, report.period, report.currency),
        segment_words=wording.SEGMENT_WORDS,
    )  # fmt: skip


@door.get("/ltv")
def show_ltv() -> str:
    """Show what a customer has brought by each age, and when that passes what they cost."""
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    copy = engine.fresh(most_rows=engine.MOST_ROWS)  # one state for the three of them
    report = cohorts.ltv_report(span, currency, copy=copy)
    margin = _asked_margin()
    over = cohorts.finished(report.rows)
    lines = {name: cohorts.at_equal_age(over, name) for name in cohorts.SEGMENTS}
    spent = cac.report(span, currency, copy=copy).totals
    ahead = prediction.report(span, currency, copy=copy)
    return _page(
        report, ahead=ahead, about_ahead=_about(ahead), margin=margin,
        lines=lines, chart_of=figures.ltv_by_age(lines, report),
        ages=sorted({point.age_months for line in lines.values() for point in line}),
        cac_community=spent.cac_community, cac_paid=spent.cac_paid,
        paid_back=cohorts.payback(lines["community"], spent.cac_community, margin=margin),
        segment_words=wording.SEGMENT_WORDS,
    )  # fmt: skip


@door.get("/members")
def show_members() -> str:
    """Show members against others: observed, estimated with a control, and what may be said."""
    report = _made(members.NAME)
    held = [
        (one, lift.read(one, most_rows=engine.MOST_ROWS))
        for one in holdouts.everything()[:MOST_HOLDOUTS]
    ]
    return _page(
        report, holdouts=held, measures=wording_members.MEASURES, verdicts=wording_members.VERDICTS,
        looks=wording_members.LOOKS, traits=wording_members.TRAITS,
        lasting=members.lasting(report.totals), verdict_words=wording_members.VERDICT_RULE,
    )  # fmt: skip


@door.get("/<name>.csv")
def download_csv(name: str) -> Response:
    """Give a report's rows as CSV."""
    if name == purchases.NAME:
        return _purchases_csv()
    report = _made(name)
    _audited(report.name, report.period, "csv")
    rows = exports.cells(report.columns, report.rows, report.currency)
    return sheets.download(exports.filename(report, "csv"), exports.heads(report.columns), rows)


@door.get("/<name>.xlsx")
def download_xlsx(name: str) -> Response:
    """Give a report as a workbook with its definitions."""
    report = _made(name)
    _audited(report.name, report.period, "xlsx")
    book = io.BytesIO()
    exports.to_xlsx(report, book)
    answer = Response(book.getvalue(), mimetype=sheets.XLSX)
    return sheets.attached(answer, exports.filename(report, "xlsx"))


@door.get("/purchases")
def show_purchases() -> str:
    """Show the purchases behind a figure."""
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    wanted = purchases.asked_filter(request.args)
    after = purchases.asked_place(request.args.get("after"))
    copy = engine.fresh(most_rows=engine.MOST_ROWS)
    rows = purchases.page(copy, span, currency, wanted, after=after, limit=purchases.PAGE + 1)
    shown = rows[: purchases.PAGE]
    return render_template(
        "reports/console/purchases.html", rows=shown, wanted=wanted, currency=currency,
        totals=purchases.totals(copy, span, currency, wanted), period_words=figures.words(span),
        choices=choices(span), as_of=copy.manifest.as_of, period=span,
        next_place=purchases.place_text(shown[-1]) if len(rows) > purchases.PAGE else None,
        customer_words=wording.CUSTOMER_STATUS, lede=_lede(span, wanted),
        campaigns=people.campaign_names(row.campaign for row in shown),
        address={name: value for name, value in request.args.items() if name != "after"},
    )  # fmt: skip


def _lede(span: Period, wanted: purchases.Filter) -> str:
    """Say in words which purchases these are."""
    name, cohort = wanted.campaign or "", wanted.cohort
    campaign = people.campaign_names([name]).get(name, name) if name else None
    told = (
        figures.words(span),
        wanted.code and _("code %(code)s", code=wanted.code),
        wanted.with_code and _("credited by a code"),
        wanted.country and _("country %(name)s", name=countries.name(wanted.country)),
        campaign and _("campaign %(name)s", name=campaign),
        wanted.kind and str(KINDS[AmbassadorKind(wanted.kind)]),
        wanted.circle and _("circle %(name)s", name=wanted.circle),
        wanted.survey and wording.SAID[wanted.survey],
        cohort and _("customers who first bought in %(month)s", month=i18n.month(cohort)),
        wanted.segment and wording.CAME[wanted.segment],
        wanted.refunded and _("with a refund"),
        wanted.commission and _("with a commission"),
    )
    return ", ".join(str(part) for part in told if part) + "."


def _purchases_csv() -> Response:
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    wanted = purchases.asked_filter(request.args)
    _audited(purchases.NAME, span, "csv")
    copy = engine.fresh()
    found = purchases.every(copy, span, currency, wanted)
    rows = exports.cells(purchases.COLUMNS, found, currency)
    lines = stream_with_context(sheets.lines(exports.heads(purchases.COLUMNS), rows))
    name = f"purchases-{span.first}-{span.last}-{currency}.csv"
    return sheets.attached(Response(lines, mimetype="text/csv"), name)


def _made(name: str) -> Report:
    if name not in catalogue.REPORTS:
        raise NotFoundError(_("There is no such page."))
    return catalogue.make(name, request.args, most_rows=engine.MOST_ROWS)


def _page(report: Report, *, template: str = "", **more: Any) -> str:
    return render_template(
        f"reports/console/{template or report.name}.html", report=report, totals=report.totals,
        currency=report.currency, period_words=figures.words(report.period),
        choices=choices(report.period), behind=behind(report), group_choices=_groups(report),
        views=views.listed(), about=_about(report), **more,
    )  # fmt: skip


def _about(report: Report) -> dict[str, Any]:
    """Return the definition of each figure."""
    return {one.name: one.definition for one in (*report.columns, *report.total_columns)}


def behind(report: Report) -> Callable[..., str]:
    """Return a maker of addresses of the purchases behind a figure of this report."""
    return to_purchases(report.period, report.currency)


def to_purchases(span: Period, currency: str) -> Callable[..., str]:
    """Return a maker of addresses of purchases in a period, or in one month of it."""

    def address(month: str | None = None, **wanted: str | None) -> str:
        values: dict[str, Any] = {name: value for name, value in wanted.items() if value}
        values |= {"from": month or span.first, "to": month or span.last, "currency": currency}
        return url_for("reports.show_purchases", **values)

    return address


def choices(span: Period) -> list[Choice]:
    """Return the usual periods, each as an address of this page."""
    present = clock.local_month(clock.now(), program.current().timezone)
    spans = [(period(following(present, 1 - months), present), months) for months in PRESETS]
    last_year = f"{int(present[:4]) - 1}"
    usual = [
        (known, i18n.month(present) if months == 1 else _("Last %(count)s months", count=months))
        for known, months in spans
    ]
    usual.append((last_quarter(present), _("Last quarter")))
    usual.append((period(f"{last_year}-01", f"{last_year}-12"), last_year))
    return [Choice(words, _address(known), known == span) for known, words in usual]


def _groups(report: Report) -> list[Choice]:
    """Return what the rows of this report can stand for, each as an address."""
    present = request.args.get("group_by") or MONTH
    return [
        Choice(str(wording.GROUPS[by]), pages.url_with(group_by=by), by == present)
        for by in grouping.KNOWN.get(report.name, ())
    ]


def _address(span: Period) -> str:
    left_out = {"from", "to", "after", "lang"}
    values: dict[str, Any] = {
        name: value for name, value in request.args.items() if name not in left_out
    }
    values |= {"from": span.first, "to": span.last}
    return url_for(request.endpoint or "reports.show_cac", **values)


def _asked_segment() -> str | None:
    segment = request.args.get("segment") or None
    if segment not in (None, *cohorts.SEGMENTS):
        raise InvalidInputError(_("segment: use community or other, or leave it out."))
    return segment


def _asked_margin() -> int:
    """Return the margin asked for, in basis points; all of net unless given."""
    text = request.args.get("margin") or "100"
    try:
        margin = int(Decimal(text.replace(",", ".")) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        margin = 0
    if not 0 < margin <= BASIS_POINTS:
        raise InvalidInputError(_("margin: use a percentage above 0 and up to 100, such as 55."))
    return margin


def _audited(name: str, span: Period, kind: str) -> None:
    """Leave a line of an export; a GET only reads unless it says otherwise."""
    details = {"from": span.first, "to": span.last, "format": kind, "filters": dict(request.args)}
    with writing():
        audit.record("report.export", "report", name, details)
        db.session.commit()
