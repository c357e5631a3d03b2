"""The operator's door of the reports: `flask report ...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, current_app

from accounts import audit
from core.db import db
from core.errors import DomainError
from core.money import to_major
from reports import catalogue, checks, exports, lake
from reports.models import Column, Kind, Report

door = Blueprint("reports_cli", __name__, cli_group="report")
FORMATS = ("table", "json", "csv", "xlsx")


def _command(name: str, about: str) -> None:
    """Add the command of one report."""

    @door.cli.command(name, help=about)
    @click.option("--from", "first", metavar="YYYY-MM", help="The first month.")
    @click.option("--to", "last", metavar="YYYY-MM", help="The last month.")
    @click.option("--currency", help="ISO 4217; the program's unless given.")
    @click.option("--group-by", "by", help="Of acquisition, cac: quarter, channel, campaign, ...")
    @click.option("--format", "kind", type=click.Choice(FORMATS), default="table")
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file.")
    def show(
        first: str | None,
        last: str | None,
        currency: str | None,
        by: str | None,
        kind: str,
        out: Path | None,
    ) -> None:
        try:
            asked = {"from": first, "to": last, "currency": currency, "group_by": by}
            report = catalogue.make(name, asked)
        except DomainError as error:
            raise click.ClickException(error.detail) from None
        _give(report, kind, out)


_command("acquisition", "New customers and the share that came through the community.")
_command("codes", "What each promo code brought.")
_command("cac", "What a new customer cost, by month and channel.")
_command("cohorts", "Who still buys, by month of the first purchase.")
_command("ltv", "What a customer has brought by each age, by month of the first purchase.")
_command(
    "prediction", "What a customer will have brought at twelve months, or why it cannot be told."
)
_command("prediction_segments", "The same, for those who came through the community and others.")
_command("members", "Members against others: what was observed, and an estimate with a control.")


@door.cli.command("refresh")
def refresh() -> None:
    """Bring the copy that reports are read from up to date."""
    manifest = lake.refresh(current_app.extensions["settings"].lake)
    rows = sum(file.rows for files in manifest.facts.values() for file in files.values())
    click.echo(f"{rows} rows, as of {manifest.as_of:%Y-%m-%d %H:%M:%S} UTC")


@door.cli.command("verify")
def verify() -> None:
    """Compare the reports with the ledger (M12); exit 1 where they differ."""
    found = checks.totals_equal_ledger()
    for difference in found:
        click.echo(str(difference))
    if found:
        raise click.exceptions.Exit(1)
    click.echo("The reports agree with the ledger.")


def _give(report: Report, kind: str, out: Path | None) -> None:
    if kind == "xlsx" and out is None:
        raise click.ClickException("A workbook needs a file: add --out report.xlsx")
    if out is not None:
        try:
            _write(report, kind, out)
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
        audit.record(
            "report.export", "report", report.name,
            {"from": report.period.first, "to": report.period.last, "format": kind},
        )  # fmt: skip
        db.session.commit()
        click.echo(f"{len(report.rows)} rows written to {out}")
        return
    click.echo(_text(report, kind), nl=kind != "csv")


def _write(report: Report, kind: str, out: Path) -> None:
    if kind == "xlsx":
        with out.open("wb") as file:
            exports.to_xlsx(report, file)
    else:
        out.write_text(_text(report, kind), encoding="utf-8", newline="")


def _text(report: Report, kind: str) -> str:
    if kind == "json":
        return exports.to_json(report).decode()
    if kind == "csv":
        return exports.to_csv(report)
    return _table(report)


def _table(report: Report) -> str:
    """Return the rows and totals as aligned text, amounts in major units."""
    heading = [str(column.label) for column in report.columns]
    body = [_cells(row, report.columns, report.currency) for row in report.rows]
    widths = [max(map(len, cells)) for cells in zip(heading, *body, strict=True)]
    is_text = [column.kind in {Kind.TEXT, Kind.MONTH} for column in report.columns]
    lines = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(cells, widths, is_text, strict=True)
        ).rstrip()
        for cells in (heading, *body)
    ]
    values = _cells(report.totals, report.total_columns, report.currency)
    totals = [
        f"{column.label}: {value}"
        for column, value in zip(report.total_columns, values, strict=True)
    ]
    return "\n".join([*lines, "", f"({report.currency})", *totals])


def _cells(row: Any, columns: Sequence[Column], currency: str) -> list[str]:
    return [
        _cell(getattr(row, column.name), exports.kind_in(row, column), currency)
        for column in columns
    ]


def _cell(value: Any, kind: Kind, currency: str) -> str:
    if value is None:
        return "–"
    return str(to_major(value, currency)) if kind is Kind.MONEY else str(value)
