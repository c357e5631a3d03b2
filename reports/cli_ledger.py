"""The operator's door of the books: `flask ledger verify|balance|close|journal`.

It stands here because M12 holds the reports against the ledger, and only the
reports know both.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Blueprint

from core import sheets
from core.commands import committed
from core.money import to_major
from reports import closing, ledger_checks
from reports import wording_books as words
from reports.models import period
from rewards import books
from rewards.journal import Wanted

door = Blueprint("ledger_cli", __name__, cli_group="ledger")


@door.cli.command("verify")
@click.option("--json", "is_json", is_flag=True, help="For programs.")
def verify_ledger(is_json: bool) -> None:
    """Check every money invariant; exit 1 on a breach, naming it."""
    found = ledger_checks.breaches()
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


@door.cli.command("balance")
@click.argument("month", metavar="YYYY-MM")
def balance(month: str) -> None:
    """Print the trial balance of a month."""
    with committed():
        start, end = closing.bounds(period(month, month).first)
        for one in books.closed_balance(month) or books.trial_balance(start, end):
            amounts = (one.opening, one.debit, one.credit, one.closing)
            told = "".join(f"{to_major(amount, one.currency):>16}" for amount in amounts)
            click.echo(f"{one.currency} {one.account.value:<13}{told}")
        for proof in books.proofs(end):
            off = to_major(proof.difference, proof.currency)
            click.echo(f"{proof.currency} {'difference':<13}{off:>16}")


@door.cli.command("close")
@click.argument("month", metavar="YYYY-MM")
def close(month: str) -> None:
    """Close a month for good: its figures never change again."""
    with committed():
        made = closing.close(period(month, month).first, by="operator")
        digest = made.digest
    click.echo(f"{month} is closed; seal {digest}.")


@door.cli.command("journal")
@click.argument("month", metavar="YYYY-MM")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def journal(month: str, out: Path) -> None:
    """Write the journal of a month as CSV, or as a workbook if the file ends with .xlsx."""
    with committed():
        start, end = closing.bounds(period(month, month).first)
        rows = words.journal_rows(Wanted(start=start, end=end))
        try:
            sheets.save(out, words.HEADS, rows)
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {out}.")
