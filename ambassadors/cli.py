"""The operator's door of the program's rules: `flask program ...`."""

from __future__ import annotations

import click
from flask import Blueprint

from accounts import permissions
from ambassadors import program
from core import commands

door = permissions.guard(Blueprint("program_cli", __name__, cli_group="program"), permissions.ADMIN)


@door.cli.command("show")
def show() -> None:
    """Print every rule as KEY=VALUE."""
    for name, text in program.texts().items():
        click.echo(f"{name}={text}")


@door.cli.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE ...")
def change(pairs: tuple[str, ...]) -> None:
    """Change rules, all or none, such as currency=GBP hold_days=30."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise click.BadParameter(f"write KEY=VALUE instead of {wrong[0]!r}")
    texts = dict(pair.split("=", 1) for pair in pairs)
    with commands.committed():
        program.set_rules(texts)
    for name, text in program.texts().items():
        if name in texts:
            click.echo(f"{name}={text}")
