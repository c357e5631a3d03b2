"""`flask demo load`: the demo brand, once."""

from __future__ import annotations

import time

import click
from flask import Blueprint, current_app

from core import clock
from core.commands import committed
from demo import brand, story

door = Blueprint("demo", __name__, cli_group="demo")


@door.cli.command("load")
def load() -> None:
    """Load a year of the demo brand into an empty database, and print its sign-ins."""
    if current_app.extensions["settings"].is_production:
        raise click.ClickException("CERCLE_ENV=production takes no demo: its passwords are public.")
    if story.is_loaded():
        click.echo(f"{brand.PROGRAM['name']} is there already; nothing was added.")
    else:
        _tell()
    click.echo(f"\nSign in with the password “{brand.PASSWORD}” as")
    for one in story.sign_ins():
        click.echo(f"  {one.role:<11} {one.email}  ({one.name})")


def _tell() -> None:
    began, today = time.monotonic(), clock.local_day(clock.now(), brand.TIMEZONE)
    label = f"Telling a year of {brand.PROGRAM['name']}"
    with committed(), click.progressbar(length=100, label=label) as bar:
        for done in story.load(today):
            bar.update(int(done * 100) - bar.pos)
    click.echo(f"{brand.PROGRAM['name']} is loaded ({time.monotonic() - began:.0f} s).")
