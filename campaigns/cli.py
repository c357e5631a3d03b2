"""The operator's door of the campaigns: `flask campaign ...`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from campaigns import campaigns, terms, wording
from campaigns.models import Campaign, CampaignStatus
from campaigns.terms import AmbassadorEarns, Terms
from core import commands

door = permissions.guard(
    Blueprint("campaigns_cli", __name__, cli_group="campaign"), permissions.ADMIN
)

_DAY = click.DateTime(["%Y-%m-%d"])


@door.cli.command("create")
@click.argument("slug")
@click.option("--name", help="As people read it; the slug unless given.")
@click.option("--commission", default="10%", show_default=True, help="10% of net, or 5.00 each.")
@click.option("--benefit", "benefits", multiple=True, help="25%, 5.00, free_shipping, ...")
@click.option("--countries", default="", help="Two letters each, such as US,GB; all unless given.")
@click.option("--starts", type=_DAY, help="First day, in the program's time zone.")
@click.option("--ends", type=_DAY, help="Last day, included.")
@click.option("--budget", help="Commissions in all at most, such as 5000.00.")
@click.option(
    "--hold-days", type=int, help="Days before money is payable; the program's unless given."
)
def create(
    slug: str,
    name: str | None,
    commission: str,
    benefits: tuple[str, ...],
    countries: str,
    starts: datetime | None,
    ends: datetime | None,
    budget: str | None,
    hold_days: int | None,
) -> None:
    """Set up a campaign that runs at once."""
    with commands.committed():
        rules = program.current()
        starts_at, ends_at = terms.window(
            starts.date() if starts else None, ends.date() if ends else None, rules.timezone
        )
        decided = Terms(
            name=name or slug,
            starts_at=starts_at,
            ends_at=ends_at,
            benefits=tuple(terms.benefit(text, rules.currency) for text in benefits),
            reward=_reward(commission, rules.hold_days if hold_days is None else hold_days),
            countries=tuple(word.strip().upper() for word in countries.split(",") if word.strip()),
            budget=terms.minor(budget, rules.currency, "/budget") if budget else None,
        )
        campaign = campaigns.create(slug, decided, status=CampaignStatus.RUNNING)
    _tell(campaign)


@door.cli.command("list")
def list_() -> None:
    """Print every campaign: slug, state and name."""
    found = campaigns.after(0, status=None, limit=10_000)
    for campaign in found:
        click.echo(f"{campaign.slug}\t{campaign.status.value}\t{campaign.name}")
    if not found:
        click.echo("No campaign yet: `flask campaign create SLUG` makes one.")


@door.cli.command("show")
@click.argument("slug")
def show(slug: str) -> None:
    """Print the terms of a campaign."""
    with commands.committed():
        _tell(campaigns.get(slug))


def _reward(commission: str, hold_days: int) -> AmbassadorEarns:
    earns = terms.commission(commission, program.current().currency)
    return replace(earns, hold_days=hold_days)


def _tell(campaign: Campaign) -> None:
    click.echo(f"{campaign.slug} ({campaign.status.value}): {campaign.name}")
    for sentence in wording.of_campaign(campaign):
        click.echo(f"  {sentence}")
