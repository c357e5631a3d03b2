"""The staff's door of the reports: pages, files, and the purchases behind each figure."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import program
from campaigns.spend import COMMUNITY
from core import clock, i18n, sheets
from core.db import db, writing
from core.errors import NotFoundError
from reports import (
    acquisition,
    cac,
    catalogue,
    codes,
    engine,
    exports,
    figures,
    people,
    purchases,
    wording,
)
from reports.models import Period, Report, following, period

door = permissions.guard(
    Blueprint("reports", __name__, url_prefix="/console/reports"), permissions.STAFF
)

MOST_CODES = 500  # on the page; the files hold all
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
    kinds = [one for one in wording.KINDS if getattr(report.totals, one.name)]
    return _page(
        report, channels=cac.channels(report.rows), cost=figures.community_cost(report),
        lines=figures.cac_by_month(report), share=_made(acquisition.NAME).totals,
        community=COMMUNITY, unattributed=cac.UNATTRIBUTED, channel_words=wording.channel,
        kinds=[one.name for one in kinds], kind_heads=[(one.label, "n") for one in kinds],
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
    answer = Response(book.getvalue(), mimetype=exports.XLSX)
    kept = f'attachment; filename="{exports.filename(report, "xlsx")}"'
    answer.headers["Content-Disposition"] = kept
    return answer


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
        choices=_choices(span), as_of=copy.manifest.as_of, period=span,
        next_place=purchases.place_text(shown[-1]) if len(rows) > purchases.PAGE else None,
        customer_words=wording.CUSTOMER_STATUS, lede=_lede(span, wanted),
        campaigns=people.campaign_names(row.campaign for row in shown),
        address={name: value for name, value in request.args.items() if name != "after"},
    )  # fmt: skip


def _lede(span: Period, wanted: purchases.Filter) -> str:
    """Say in words which purchases these are."""
    parts = [figures.words(span)]
    if wanted.code:
        parts.append(_("code %(code)s", code=wanted.code))
    if wanted.with_code:
        parts.append(_("credited by a code"))
    if wanted.campaign:
        name = people.campaign_names([wanted.campaign]).get(wanted.campaign, wanted.campaign)
        parts.append(_("campaign %(name)s", name=name))
    if wanted.survey:
        parts.append(str(wording.SAID[wanted.survey]))
    if wanted.refunded:
        parts.append(_("with a refund"))
    if wanted.commission:
        parts.append(_("with a commission"))
    return ", ".join(parts) + "."


def _purchases_csv() -> Response:
    span, currency = catalogue.asked_period(request.args), catalogue.asked_currency(request.args)
    wanted = purchases.asked_filter(request.args)
    _audited(purchases.NAME, span, "csv")
    copy = engine.fresh()
    found = purchases.every(copy, span, currency, wanted)
    rows = exports.cells(purchases.COLUMNS, found, currency)
    lines = stream_with_context(sheets.lines(exports.heads(purchases.COLUMNS), rows))
    answer = Response(lines, mimetype="text/csv")
    name = f"purchases-{span.first}-{span.last}-{currency}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _made(name: str) -> Report:
    if name not in catalogue.REPORTS:
        raise NotFoundError(_("There is no such page."))
    return catalogue.make(name, request.args, most_rows=engine.MOST_ROWS)


def _page(report: Report, **more: Any) -> str:
    return render_template(
        f"reports/console/{report.name}.html", report=report, totals=report.totals,
        currency=report.currency, period_words=figures.words(report.period),
        choices=_choices(report.period), behind=_behind(report),
        about={one.name: one.definition for one in (*report.columns, *report.total_columns)},
        **more,
    )  # fmt: skip


def _behind(report: Report) -> Callable[..., str]:
    """Return a maker of addresses of the purchases behind a figure of this report."""

    def behind(month: str | None = None, **wanted: str | None) -> str:
        values: dict[str, Any] = {name: value for name, value in wanted.items() if value}
        values |= {
            "from": month or report.period.first, "to": month or report.period.last,
            "currency": report.currency,
        }  # fmt: skip
        return url_for("reports.show_purchases", **values)

    return behind


def _choices(span: Period) -> list[Choice]:
    """Return the usual periods, each as an address of this page."""
    present = clock.local_month(clock.now(), program.current().timezone)
    spans = [(period(following(present, 1 - months), present), months) for months in PRESETS]
    last_year = f"{int(present[:4]) - 1}"
    usual = [
        (known, i18n.month(present) if months == 1 else _("Last %(count)s months", count=months))
        for known, months in spans
    ]
    usual.append((period(f"{last_year}-01", f"{last_year}-12"), last_year))
    return [Choice(words, _address(known), known == span) for known, words in usual]


def _address(span: Period) -> str:
    left_out = {"from", "to", "after", "lang"}
    values: dict[str, Any] = {
        name: value for name, value in request.args.items() if name not in left_out
    }
    values |= {"from": span.first, "to": span.last}
    return url_for(request.endpoint or "reports.show_cac", **values)


def _audited(name: str, span: Period, kind: str) -> None:
    """Leave a line of an export; a GET only reads unless it says otherwise."""
    details = {"from": span.first, "to": span.last, "format": kind, "filters": dict(request.args)}
    with writing():
        audit.record("report.export", "report", name, details)
        db.session.commit()
