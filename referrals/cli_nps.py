"""The operator's door of NPS: `flask import nps`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from accounts import audit, permissions
from core.db import db
from core.errors import DomainError
from integrations.rejected import RejectedFile
from integrations.tables import Table
from referrals import nps_files

door = permissions.guard(Blueprint("nps_cli", __name__, cli_group="import"), permissions.ADMIN)


@door.cli.command("nps")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", default="shopify", help="The shop of customers' ids, where none is told.")
@click.option("--dry-run", is_flag=True, help="Check every line, write nothing.")
def import_scores(file: Path, source: str, dry_run: bool) -> None:
    """Import NPS scores from FILE.

    Columns: email or customer, score (0 to 10), answered_on, and source where customers are of
    several shops.
    """
    try:
        table = Table(file)
        nps_files.places(table)
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    rejected = RejectedFile(file.with_name(f"{file.name}.rejected.csv"), table)
    end = db.session.rollback if dry_run else db.session.commit
    try:
        counts = nps_files.take(table, source=source, refuse=rejected.add, end=end)
    except BaseException:
        rejected.discard()
        raise
    if not dry_run and counts["created"]:
        audit.record("nps.import", "nps", file.name[:100], dict(counts))
        db.session.commit()
    words = ", ".join(f"{counts[word]:,} {word}" for word in ("created", "unchanged", "rejected"))
    click.echo(f"{'Would be: ' if dry_run else ''}{words}")
    if kept := rejected.finish():
        click.echo(f"Rejected lines with their reasons: {kept}")
