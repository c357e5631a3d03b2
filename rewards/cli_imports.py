"""`flask import purchases|customers|ambassadors`: files of any size, in batches that last.

What was understood of a file is shown before anything is written.  An import that is
stopped ends after its present batch; running it again goes on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from flask import Blueprint
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from accounts import audit, permissions
from ambassadors import program
from core import db as database
from core.db import db
from core.errors import DomainError
from integrations.order_files import formats, reading
from integrations.order_files.shapes import Found, Layout
from integrations.rejected import RejectedFile
from integrations.tables import Table
from rewards import imports, imports_people, jobs_imports
from rewards.imports import Counts
from rewards.jobs_imports import Run, StoppedError

STOPPED = 143  # the exit status of what a SIGTERM ended

door = permissions.guard(Blueprint("imports_cli", __name__, cli_group="import"), permissions.ADMIN)


@door.cli.command("purchases")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "name", default=formats.AUTO, show_default=True,
              type=click.Choice([formats.AUTO, *formats.FORMATS]))  # fmt: skip
@click.option("--source", help="The shop's name in our books; the format's by default.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=COLUMN",
              help="Which column holds a field; may be repeated.")  # fmt: skip
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign of the file.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="The order of day and month.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def purchases(
    file: Path,
    name: str,
    source: str | None,
    pairs: tuple[str, ...],
    decimal: str | None,
    dates: str | None,
    dry_run: bool,
) -> None:
    """Import orders from FILE: our own CSV, or an export of Shopify, WooCommerce or Stripe."""
    with _told():
        table = Table(file)
        with database.reading():  # no lock is held while the file is looked through
            rules = program.current()
            db.session.rollback()
        layout = formats.recognise(
            table, timezone=rules.timezone, currency=rules.currency, name=name, source=source,
            mapping=_mapping(pairs), decimal=decimal, dates=dates,
        )  # fmt: skip
        formats.require_clear(layout)
        _show(table, layout)
        _import("purchases", table, reading.read(table, layout), imports.take, is_dry=dry_run)


@door.cli.command("ambassadors")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--campaign", help="Slug of the campaign of codes whose line names none.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def ambassadors(file: Path, campaign: str | None, dry_run: bool) -> None:
    """Import ambassadors and their codes from FILE.

    Columns: external_id, email, name, kind, country, locale, joined_on, codes, campaign.
    """
    with _told():
        table = Table(file)
        found = imports_people.ambassador_rows(table, campaign=campaign)
        _import("ambassadors", table, found, imports_people.take_ambassadors, is_dry=dry_run)


@door.cli.command("customers")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", required=True, help="The shop whose ids the file holds.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def customers(file: Path, source: str, dry_run: bool) -> None:
    """Import customers from FILE and link them to members.

    Columns: external_id, email, country, member_external_id.
    """
    with _told():
        table = Table(file)
        found = imports_people.customer_rows(table, source=source)
        _import("customers", table, found, imports_people.take_customers, is_dry=dry_run)


@contextmanager
def _told() -> Iterator[None]:
    """Tell what failed in a sentence, with exit status 1."""
    try:
        yield
    except DomainError as error:
        raise click.ClickException(imports.reason(error)) from None


def _mapping(pairs: tuple[str, ...]) -> dict[str, list[str]]:
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise click.BadParameter(f"write FIELD=COLUMN instead of {wrong!r}", param_hint="--map")
    split = [pair.partition("=") for pair in pairs]
    return {field.strip(): [column] if column else [] for field, _, column in split}


def _show(table: Table, layout: Layout) -> None:
    shape, notation = table.shape, layout.notation
    sign = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[shape.delimiter]
    example = "12,50" if notation.decimal == "," else "12.50"
    click.echo(f"{table.path.name}: {layout.format.label}, source {layout.source}")
    click.echo(f"  {shape.encoding}, {sign} between cells, amounts as {example}")
    click.echo(f"  dates {notation.dates}, times without an offset in {notation.timezone}")
    if "currency" not in layout.columns:
        click.echo(f"  no currency in the file: {layout.currency}")
    columns = (
        f"{field}={'/'.join(layout.header[place] for place in places)}"
        for field, places in layout.columns.items()
    )
    click.echo(f"  {', '.join(columns)}")


def _import(
    what: str,
    table: Table,
    found: Iterator[Found],
    take: Callable[..., imports.Taken],
    *,
    is_dry: bool,
) -> None:
    """Run an import with a progress bar, say what became of it, and leave an audit line."""
    run = Run(RejectedFile(jobs_imports.rejected_path(table.path), table), take=take, is_dry=is_dry)
    is_stopped = False
    with _stoppable() as stop, _bar(table) as advance:
        run.on_commit = lambda run: _go_on(run, advance, stop)
        try:
            run.go(found)
        except StoppedError:
            is_stopped = True
        except BaseException:
            run.rejected.discard()
            raise
    _finish(what, table, run, is_stopped=is_stopped)


def _go_on(run: Run, advance: Callable[[Counts], None], stop: list[int]) -> None:
    advance(run.counts)
    if stop:
        raise StoppedError


def _finish(what: str, table: Table, run: Run, *, is_stopped: bool) -> None:
    kept = run.rejected.finish()
    counts = run.counts.as_dict()
    if not run.is_dry:
        details = {"file": table.path.name, "stopped": is_stopped, **counts}
        audit.record(f"{what}.import", "file", table.path.name[:100], details)
        db.session.commit()
    words = ", ".join(f"{n:,} {name}" for name, n in counts.items() if n or name != "skipped")
    click.echo(f"{'Would be: ' if run.is_dry else ''}{words}")
    if kept:
        click.echo(f"Rejected lines with their reasons: {kept}")
    if is_stopped:
        click.echo("Stopped between two batches. Run the same command again to go on.", err=True)
        raise SystemExit(STOPPED)


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Turn SIGTERM and Ctrl-C into a wish that is read between batches."""
    wishes: list[int] = []

    def wish(number: int, frame: FrameType | None) -> None:
        if wishes:  # asked twice: at once, losing the batch in hand
            raise KeyboardInterrupt
        wishes.append(number)

    before = {number: signal.signal(number, wish) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield wishes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(table: Table) -> Iterator[Callable[[Counts], None]]:
    """Show how much of the file was read, on a terminal only."""
    columns: list[Any] = [
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
    ]  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=table.size)

        def advance(counts: Counts) -> None:
            progress.update(task, completed=table.position, description=f"{counts.all:,} recorded")

        yield advance
