"""The operator's door of data protection: `flask privacy export|erase EMAIL|sweep`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from accounts import audit, permissions
from ambassadors import members
from core.commands import committed
from core.errors import NotFoundError
from rewards import erasure, jobs_privacy, person_data

door = permissions.guard(Blueprint("privacy_cli", __name__, cli_group="privacy"), permissions.ADMIN)


@door.cli.command("export")
@click.argument("email")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file.")
def export(email: str, out: Path | None) -> None:
    """Print all we hold of a member as JSON, or write it to a file."""
    with committed():
        member = members.find(email=email)
        if member is None:
            raise NotFoundError("No member has this e-mail address.")
        body = person_data.text(member)
        audit.record("privacy.export", "member", member.id, {})
        if out is None:
            click.echo(body)
            return
        try:
            out.write_text(body, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {out}.")


@door.cli.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(email: str, yes: bool) -> None:
    """Take away all that says who a person is; no balance and no report changes."""
    if not yes:
        click.confirm("This cannot be undone. Erase the person of this address?", abort=True)
    with committed():
        is_member = erasure.erase_address(email)
    kind = "member" if is_member else "customer"
    click.echo(f"The {kind} is erased. Balances and reports are as they were.")


@door.cli.command("sweep")
@click.option("--dry-run", is_flag=True, help="Count only; nothing is forgotten.")
def sweep(*, dry_run: bool) -> None:
    """Forget what is kept for a term that is over, and say how much of each."""
    swept = jobs_privacy.sweep_all(is_trial=dry_run)
    for name, count in swept.items():
        click.echo(f"{count:>8}  {name}")
    click.echo("Nothing was forgotten: this was a dry run." if dry_run else "Forgotten.")
