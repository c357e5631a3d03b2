"""The operator's door of the books: `flask ledger verify`.

It stands here because M12 holds the reports against the ledger, and only the
reports know both.
"""

from __future__ import annotations

import json

import click
from flask import Blueprint

from core.db import db, reading
from reports import checks
from rewards import verify
from rewards.breach import Breach

door = Blueprint("ledger_cli", __name__, cli_group="ledger")


@door.cli.command("verify")
@click.option("--json", "is_json", is_flag=True, help="For programs.")
def verify_ledger(is_json: bool) -> None:
    """Check every money invariant; exit 1 on a breach, naming it."""
    with reading():
        db.session.rollback()
        found = verify.breaches()
        db.session.rollback()
    found += [
        Breach("M12", f"{one.month} {one.currency}", str(one))
        for one in checks.totals_equal_ledger()
    ]
    if is_json:
        rows = [
            {"invariant": one.invariant, "subject": one.subject, "detail": one.detail}
            for one in found
        ]
        click.echo(json.dumps({"ok": not found, "breaches": rows}))
    else:
        for breach in found:
            click.echo(str(breach))
    if found:
        raise click.exceptions.Exit(1)
    if not is_json:
        click.echo("Every money invariant holds.")
