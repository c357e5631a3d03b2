"""The operator's door of currency: `flask rates import|waiting|settle`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from core.db import reading
from core.errors import DomainError
from integrations.rejected import RejectedFile
from integrations.tables import Table
from rewards import jobs_rates, rate_files, rate_imports, rate_queue, rates
from rewards.rate_files import Layout
from rewards.rate_imports import Outcome

door = permissions.guard(Blueprint("rates_cli", __name__, cli_group="rates"), permissions.ADMIN)


@door.cli.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="Where the rates of a file with date,currency,rate come from.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign of the file.")
@click.option("--turned", is_flag=True,
              help="Its lines tell what one unit of their own currency is worth.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def import_rates(
    file: Path, source: str | None, decimal: str | None, turned: bool, dry_run: bool
) -> None:
    """Import rates of currency from FILE, and pay what awaited them.

    Reads eurofxref.csv and eurofxref-hist.csv of the European Central Bank, or the columns
    date, currency, rate: what one unit of the program's currency was worth.
    """
    try:
        table = Table(file)
        layout = rate_files.recognise(
            table, currency=program.current().currency, source=source, decimal=decimal,
            is_turned=turned,
        )  # fmt: skip
        rejected = RejectedFile(file.with_name(f"{file.name}.rejected.csv"), table)
        try:
            outcome = _take(table, layout, rejected, is_dry=dry_run)
        except BaseException:
            rejected.discard()
            raise
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    kept = rejected.finish()
    _tell(layout, outcome, is_dry=dry_run)
    if kept:
        click.echo(f"Rejected lines with their reasons: {kept}")
    if not dry_run:
        click.echo(f"{jobs_rates.settle_waiting():,} purchases that awaited a rate are settled")


def _take(table: Table, layout: Layout, rejected: RejectedFile, *, is_dry: bool) -> Outcome:
    if not is_dry:
        return jobs_rates.import_file(table, layout, name=table.path.name, refuse=rejected.add)
    with reading():
        found = rate_files.read(table, layout)
        return rate_imports.take(found, rates.compare, rejected.add)


def _tell(layout: Layout, outcome: Outcome, *, is_dry: bool) -> None:
    days = f"{outcome.first} to {outcome.last}" if outcome.first else "no rate"
    click.echo(f"Source {layout.source}, {days}")
    for one in outcome.newest[:5]:
        click.echo(f"  1 {one.base} = {one.value:f} {one.quote}")
    if layout.left_out:
        click.echo(f"  left out, as they exist no longer: {' '.join(layout.left_out)}")
    words = ", ".join(f"{count:,} {name}" for name, count in outcome.counts().items())
    click.echo(f"{'Would be: ' if is_dry else ''}{words}")


@door.cli.command("waiting")
def waiting() -> None:
    """Print which rates purchases await."""
    found = rate_queue.missing()
    for one in found:
        click.echo(f"{one.count:,} await {one.base}/{one.quote} of {one.first} to {one.last}")
    if not found:
        click.echo("No purchase awaits a rate.")


@door.cli.command("settle")
def settle() -> None:
    """Look again at every purchase that awaits a rate, and pay those that have one."""
    left = jobs_rates.settle(rate_queue.everybody())
    click.echo(f"{left:,} left the queue, {rate_queue.size():,} wait")
