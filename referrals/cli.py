"""The operator's door of codes: `flask codes ...`."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from accounts import permissions
from campaigns import campaigns
from core import commands
from core.errors import DomainError
from referrals import code_list, codes
from referrals.code_list import Search

_IN_ONE_PART = 10_000

door = permissions.guard(Blueprint("codes_cli", __name__, cli_group="codes"), permissions.MARKETER)


@door.cli.command("generate")
@click.option("--campaign", "slug", required=True, help="Slug of the campaign.")
@click.option("--count", type=click.IntRange(1, 5_000_000), required=True)
@click.option("--pattern", default=codes.DEFAULT_PATTERN, show_default=True,
              help="Each # is a random symbol.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, one a line.")
def generate(slug: str, count: int, pattern: str, out: Path | None) -> None:
    """Make unique codes in bulk."""
    if out is not None and out.exists():
        raise click.ClickException(f"{out} exists already; name another file.")
    if out is not None and not out.parent.is_dir():  # said before there are codes to lose
        raise click.ClickException(f"There is no folder {out.parent}.")
    made: list[str] = []
    with commands.committed():
        codes.require_pattern(pattern, count)  # the space is measured against all of them
        campaign_id = campaigns.get(slug).id
    while len(made) < count:
        with commands.committed():  # in parts, so that others write in between
            part = min(count - len(made), _IN_ONE_PART)
            made += codes.generate(part, campaign_id=campaign_id, pattern=pattern)
        if out is not None and len(made) < count:
            click.echo(f"{len(made):,} of {count:,}", err=True)
    if out is None:
        for text in made:
            click.echo(text)
        return
    out.write_text("".join(f"{text}\n" for text in made), encoding="utf-8")
    click.echo(f"{len(made)} codes of {slug} written to {out}")


@door.cli.command("list")
@click.option("--campaign", "slug", help="Only those of a campaign.")
@click.option("--search", "text", default="", help="Only those that hold this text.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
def show(slug: str | None, text: str, limit: int) -> None:
    """Print codes, the newest first: code, campaign, ambassador, state, uses."""
    try:
        campaign_id = campaigns.get(slug).id if slug else None
    except DomainError as error:
        raise click.ClickException(error.detail) from None
    for row in code_list.page(Search(text=text, campaign_id=campaign_id), limit=limit):
        owner = row.ambassador or "-"
        click.echo(f"{row.text}\t{row.campaign}\t{owner}\t{row.status.value}\t{row.used}")
