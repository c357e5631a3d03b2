"""The operator's door of what a holdout shows: `flask lift ...`."""

from __future__ import annotations

import click
from flask import Blueprint

from ambassadors import holdout_size, holdouts, program
from core import commands, i18n
from reports import lift
from reports.estimates import Estimate

door = Blueprint("lift_cli", __name__, cli_group="lift")


@door.cli.command("needed")
@click.option("--base", type=float, required=True, help="Percent who would buy anyhow.")
@click.option("--lift", "more", type=float, required=True, help="Points more that you hope for.")
@click.option("--share", type=float, default=20.0, show_default=True, help="Percent left out.")
def needed(base: float, more: float, share: float) -> None:
    """Print how many people to draw, to see a lift in 80 of 100 cases."""
    try:
        number = holdout_size.needed(base / 100, more / 100, share / 100)
    except ValueError:
        raise click.ClickException(
            "Use percentages between 0 and 100, and a lift that is not zero."
        ) from None
    click.echo(f"{number} people, of whom {round(number * share / 100)} are left out.")


@door.cli.command("show")
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 730), default=lift.DAYS, show_default=True)
def show(name: str, days: int) -> None:
    """Print what people invited did in the days after the lot, beside those left out."""
    with commands.committed():
        found = lift.read(holdouts.find(name), days=days)
    currency = program.current().currency
    for words, side in (("invited", found.invited), ("left out", found.withheld)):
        net = i18n.money(round(side.net), currency)
        click.echo(f"{words}: {side.people} people, {side.buyers} bought, {net} a head")
    click.echo(f"bought, difference: {_told(found.buying, 100, ' points')}")
    click.echo(f"net a head, difference in minor units: {_told(found.net, 1, '')}")
    click.echo(f"verdict: {found.verdict.value.replace('_', ' ')}")
    if found.waiting:
        click.echo(f"{found.waiting} people wait: their {days} days are not over.")


def _told(found: Estimate, times: int, unit: str) -> str:
    if found.value is None or found.low is None or found.high is None:
        return f"not told with fewer than {holdout_size.FEWEST} people on a side"
    value, low, high = (one * times for one in (found.value, found.low, found.high))
    return f"{value:+.2f}{unit}, {low:+.2f} to {high:+.2f} at 95 %"
