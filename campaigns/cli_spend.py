"""The operator's door of spend: `flask import spend`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from campaigns import spend, spend_files
from core.db import BATCH_ROWS, db
from core.errors import DomainError
from integrations.rejected import RejectedFile
from integrations.tables import Table

door = permissions.guard(Blueprint("spend_cli", __name__, cli_group="import"), permissions.ADMIN)

OTHER_FACTS = "This line was recorded before with other facts; add a line that corrects it."


@door.cli.command("spend")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--channel", help="Instead of the usual channel of an advertising export.")
@click.option("--currency", help="Of a file that names none; the program's unless given.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign of the file.")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="The order of day and month.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def import_spend(
    file: Path,
    channel: str | None,
    currency: str | None,
    decimal: str | None,
    dates: str | None,
    dry_run: bool,
) -> None:
    """Import spend from FILE.

    Columns: channel, on, amount, currency, kind; or an export of Meta, Google or TikTok Ads.
    """
    try:
        table = Table(file)
        rules = program.current()
        layout = spend_files.recognise(
            table, currency=currency or rules.currency, timezone=rules.timezone, channel=channel,
            decimal=decimal, dates=dates,
        )  # fmt: skip
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    _show(table, layout)
    rejected = RejectedFile(file.with_name(f"{file.name}.rejected.csv"), table)
    try:
        counts = _take(list(spend_files.read(table, layout)), rejected, is_dry=dry_run)
    except BaseException:
        rejected.discard()
        raise
    kept = rejected.finish()
    words = ", ".join(f"{counts[word]:,} {word}" for word in ("created", "unchanged", "rejected"))
    click.echo(f"{'Would be: ' if dry_run else ''}{words}")
    if kept:
        click.echo(f"Rejected lines with their reasons: {kept}")


def _show(table: Table, layout: spend_files.Layout) -> None:
    """Say what was understood of a file, before anything is written."""
    notation = layout.notation
    example = "12,50" if notation.decimal == "," else "12.50"
    click.echo(f"{table.path.name}: {layout.name}, {table.shape.encoding}")
    click.echo(f"  amounts as {example}, dates {notation.dates}")
    if "currency" not in layout.columns:
        click.echo(f"  no currency in the file: {layout.currency}")


def _take(
    found: Sequence[spend_files.Found], rejected: RejectedFile, *, is_dry: bool
) -> Counter[str]:
    """Record what can be recorded, in batches that last; return how many became what."""
    counts: Counter[str] = Counter()
    for start in range(0, len(found), BATCH_ROWS):
        batch = found[start : start + BATCH_ROWS]
        states = iter(spend.record([one.line for one in batch if one.line]))
        for one in batch:
            state = next(states) if one.line else None
            if state in {spend.State.CREATED, spend.State.UNCHANGED}:
                counts[str(state)] += 1
                continue
            counts["rejected"] += len(one.rows)
            for row in one.rows:
                rejected.add(row._replace(problem=row.problem or OTHER_FACTS))
        if is_dry:
            db.session.rollback()
        else:
            db.session.commit()
    return counts
