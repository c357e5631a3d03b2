"""The operator's door of holdouts: `flask holdout ...`."""

from __future__ import annotations

import csv
from pathlib import Path

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import audiences, holdouts
from ambassadors.audiences import Audience
from core import commands

door = permissions.guard(Blueprint("holdout_cli", __name__, cli_group="holdout"), permissions.ADMIN)


@door.cli.command("create")
@click.argument("name")
@click.option("--share", type=click.FloatRange(0, 100), default=20.0, show_default=True)
def create(name: str, share: float) -> None:
    """Leave a share of people (percent) out of what NAME says, by lot."""
    with commands.committed():
        holdouts.create(name, withheld_share=round(share * 100))
    click.echo(f"{name}: {share:g} % are left out of whom you draw.")


@door.cli.command("draw")
@click.argument("name")
@click.option("--segment", "segments", type=int, multiple=True, help="A segment's id.")
@click.option("--circle", "circles", type=int, multiple=True, help="A circle's id.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="A CSV file for the ids of members to invite; those left out are not in it.",
)  # fmt: skip
def draw(name: str, segments: tuple[int, ...], circles: tuple[int, ...], out: Path) -> None:
    """Draw lots among members: of segments and circles, or all of them."""
    with commands.committed():
        audience = audiences.checked(Audience(segment_ids=segments, circle_ids=circles))
        drawn = holdouts.draw(holdouts.find(name), audiences.member_ids(audience))
        try:
            with out.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(
                    [("member",), *((one,) for one in drawn.invited)]
                )
        except OSError as error:
            raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"{len(drawn.invited)} to invite in {out}, {len(drawn.withheld)} left out.")
