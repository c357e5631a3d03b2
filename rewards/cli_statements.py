"""The operator's door of statements: `flask statements das2|nec|totals --year 2026`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
from flask import Blueprint

from accounts import audit, permissions
from core import sheets
from core.commands import committed
from rewards import wording_statements as words
from rewards import year_totals
from rewards.models_contracts import ThresholdKind

door = permissions.guard(
    Blueprint("statements_cli", __name__, cli_group="statements"), permissions.FINANCE
)
_year = click.option("--year", type=click.IntRange(2000, 2200), required=True)
_out = click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV, or a workbook if it ends with .xlsx; shown unless given.",
)


@door.cli.command("das2")
@_year
@_out
def das2(year: int, out: Path | None) -> None:
    """Write who is above the threshold of the French DAS2."""
    _declare(ThresholdKind.DAS2, year, out)


@door.cli.command("nec")
@_year
@_out
def nec(year: int, out: Path | None) -> None:
    """Write who is at the threshold of form 1099-NEC."""
    _declare(ThresholdKind.NEC, year, out)


@door.cli.command("totals")
@_year
@_out
def totals(year: int, out: Path | None) -> None:
    """Write the totals of a year for each ambassador."""
    rows = list(words.total_rows(year, year_totals.totals(year)))
    with committed():
        audit.record("year_totals.export", "year", year, {"count": len(rows)})
        _write(out, words.TOTAL_HEADS, rows)


def _declare(kind: ThresholdKind, year: int, out: Path | None) -> None:
    limit, found = year_totals.declared(kind, year)
    if limit is None:
        raise click.ClickException(f"No threshold is known for {year}. Add it to the settings.")
    rows = list(words.declared_rows(kind, year, limit, found))
    with committed():
        details = {"kind": kind.value, "count": len(rows)}
        audit.record("declaration.export", "year", year, details)
        _write(out, words.DECLARED_HEADS[kind], rows)


def _write(out: Path | None, heads: Mapping[str, object], rows: Iterable[Sequence[object]]) -> None:
    if out is None:
        text = "".join(sheets.lines(heads, rows))
        click.echo(text.removeprefix("\ufeff").replace("\r\n", "\n"), nl=False)
        return
    try:
        sheets.save(out, heads, rows)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {out}.")
