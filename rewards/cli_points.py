"""The operator's door of points: `flask points show WHO`."""

from __future__ import annotations

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import members
from core.money import POINTS
from rewards import lots, purse

door = permissions.guard(
    Blueprint("points_cli", __name__, cli_group="points"), permissions.MARKETER
)  # fmt: skip


@door.cli.command("show")
@click.argument("who", metavar="EMAIL_OR_ID")
def show(who: str) -> None:
    """Print an ambassador's points and when they expire, the oldest first."""
    member = members.find(email=who, external_id=who)
    if member is None or member.ambassador is None:
        raise click.ClickException(f"No ambassador has the e-mail address or id {who!r}.")
    ambassador_id = member.ambassador.id
    click.echo(f"{purse.available(ambassador_id, POINTS)} points")
    for lot in lots.of_ambassador(ambassador_id):
        until = f"until {lots.last_day(lot.expires_at)}" if lot.expires_at else "without an end"
        click.echo(f"  {lot.left} {until}")
