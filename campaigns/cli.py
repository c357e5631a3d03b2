"""The operator's door of the campaigns: `flask campaign ...`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from campaigns import campaigns, reward_text, terms, wording
from campaigns.models import Campaign, CampaignStatus, Objective
from campaigns.terms import AmbassadorEarns, Terms
from core import commands
from core.forms import words

door = permissions.guard(
    Blueprint("campaigns_cli", __name__, cli_group="campaign"), permissions.ADMIN
)

_DAY = click.DateTime(["%Y-%m-%d"])


@door.cli.command("create")
@click.argument("slug")
@click.option("--name", help="As people read it; the slug unless given.")
@click.option(
    "--objective", type=click.Choice([word.value for word in Objective]), default="acquisition",
    show_default=True,
)  # fmt: skip
@click.option(
    "--commission", default="10%", show_default=True,
    help="For each purchase: 10% of net, 5.00, '50 points' or perk:3 (its number).",
)  # fmt: skip
@click.option(
    "--case", "cases", multiple=True,
    help="Another reward: '20%; products=TEA,POT; countries=FR; buyer=new', or '15%; circle=3' "
    "for ambassadors in a circle (its number). The first that fits counts.",
)  # fmt: skip
@click.option("--tier", "tiers", multiple=True, help="From a purchase on: '10: 15%'.")
@click.option("--months", type=int, help="A customer's purchases earn so long; 0: the first.")
@click.option("--maximum", help="Of one commission, at most.")
@click.option("--ambassador-maximum", help="For one ambassador in all, at most.")
@click.option("--ambassador-period", help="For one ambassador: '10.00/month', /quarter or /year.")
@click.option("--campaign-period", help="For all of them together: '500.00/month', ...")
@click.option("--benefit", "benefits", multiple=True, help="25%, 5.00, free_shipping, ...")
@click.option("--countries", default="", help="Two letters each, such as US,GB; all unless given.")
@click.option("--new-customers-only", is_flag=True, help="The codes are for new customers.")
@click.option("--starts", type=_DAY, help="First day, in the program's time zone.")
@click.option("--ends", type=_DAY, help="Last day, included.")
@click.option("--budget", help="Commissions in all at most, such as 5000.00.")
@click.option("--rewarded", type=int, help="Purchases that are rewarded in all, at most.")
@click.option("--uses-per-code", type=int, help="Uses of each code, at most.")
@click.option("--uses-per-customer", type=int, help="Uses by each customer, at most.")
@click.option(
    "--hold-days", type=int, help="Days before it is payable or given; the program's unless given."
)
def create(slug: str, **told: Any) -> None:
    """Set up a campaign that runs at once."""
    with commands.committed():
        decided = _decided(slug, told, program.current())
        campaign = campaigns.create(slug, decided, status=CampaignStatus.RUNNING)
    _tell(campaign)


def _decided(slug: str, told: dict[str, Any], rules: program.Rules) -> Terms:
    starts, ends = told["starts"], told["ends"]
    starts_at, ends_at = terms.window(
        starts.date() if starts else None, ends.date() if ends else None, rules.timezone
    )
    return Terms(
        name=told["name"] or slug, objective=Objective(told["objective"]),
        starts_at=starts_at, ends_at=ends_at,
        benefits=tuple(terms.benefit(text, rules.currency) for text in told["benefits"]),
        reward=_reward(told, rules), countries=tuple(map(str.upper, words(told["countries"]))),
        new_customers_only=told["new_customers_only"], uses_per_code=told["uses_per_code"],
        uses_per_customer=told["uses_per_customer"], budget=_minor(told, "budget", rules),
        rewarded_limit=told["rewarded"],
    )  # fmt: skip


def _reward(told: dict[str, Any], rules: program.Rules) -> AmbassadorEarns:
    earns = reward_text.read(
        told["commission"], rules.currency, cases=told["cases"], tiers=told["tiers"]
    )
    days = told["hold_days"]
    return replace(
        earns, hold_days=rules.hold_days if days is None else days, months=told["months"],
        maximum=_minor(told, "maximum", rules),
        ambassador_maximum=_minor(told, "ambassador_maximum", rules),
        **_period(told, "ambassador_period", rules), **_period(told, "campaign_period", rules),
    )  # fmt: skip


def _period(told: dict[str, Any], name: str, rules: program.Rules) -> dict[str, Any]:
    if not told[name]:
        return {}
    period, maximum = reward_text.period_cap(told[name], rules.currency, f"/{name}")
    return {name: period, f"{name}_maximum": maximum}


def _minor(told: dict[str, Any], name: str, rules: program.Rules) -> int | None:
    return terms.minor(told[name], rules.currency, f"/{name}") if told[name] else None


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


def _tell(campaign: Campaign) -> None:
    click.echo(f"{campaign.slug} ({campaign.status.value}): {campaign.name}")
    for sentence in wording.of_campaign(campaign):
        click.echo(f"  {sentence}")
