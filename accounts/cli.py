"""The operator's door of the accounts: `flask user ...` and `flask apikey ...`."""

from __future__ import annotations

import click
from flask import Blueprint
from rich.console import Console
from rich.table import Table

from accounts import keys, mails, users
from accounts.models import RoleName, Scope
from core.db import db
from core.errors import DomainError
from core.i18n import LANGUAGES

door = Blueprint("user_cli", __name__, cli_group="user")
keys_door = Blueprint("apikey_cli", __name__, cli_group="apikey")

_STAFF = [role.value for role in users.STAFF_ROLES]
_ROLES = [role.value for role in RoleName]
_SCOPES = [scope.value for scope in Scope]


@door.cli.command("create")
@click.argument("email")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(_STAFF))
@click.option("--name", default="", help="As colleagues see it.")
@click.option("--locale", type=click.Choice(LANGUAGES), help="Language of pages and mail.")
def create_user(email: str, roles: tuple[str, ...], name: str, locale: str | None) -> None:
    """Add a colleague and print a one-time link that sets their password."""
    try:
        user = users.create(email, roles=set(map(RoleName, roles)), name=name, locale=locale)
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    link = mails.invitation(user)
    db.session.commit()
    click.echo(f"Created {user.email} ({', '.join(sorted(users.roles_of(user)))}).")
    click.echo(f"To set the password, once, within 7 days: {link}")


@door.cli.command("list")
@click.option("--role", type=click.Choice(_ROLES), help="Only this role; else the staff.")
def list_users(role: str | None) -> None:
    """Show who can sign in."""
    table = Table("id", "e-mail", "name", "roles", "state", title="Users")
    for user in users.everyone(role=RoleName(role) if role else None):
        roles = ", ".join(sorted(users.roles_of(user)))
        state = "suspended" if not user.active else "active" if user.password else "invited"
        table.add_row(str(user.id), user.email, user.name, roles, state)
    _show(table, "Nobody yet: flask user create EMAIL --role admin")


@keys_door.cli.command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(_SCOPES))
def create_key(name: str, scopes: tuple[str, ...]) -> None:
    """Make an API key and print it; it cannot be shown again."""
    try:
        secret = keys.create(name, frozenset(map(Scope, scopes)))
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    db.session.commit()
    click.echo(secret)
    click.echo("Keep it safe: it is not shown again.", err=True)


@keys_door.cli.command("list")
def list_keys() -> None:
    """Show the API keys by their beginnings."""
    table = Table("id", "begins", "name", "scopes", "created", "state", title="API keys")
    for key in keys.every():
        state = "revoked" if key.revoked_at else "active"
        created = f"{key.created_at:%Y-%m-%d}"
        table.add_row(str(key.id), key.prefix, key.name, " ".join(key.scopes), created, state)
    _show(table, "No key yet: flask apikey create NAME --scope read")


@keys_door.cli.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """End a key at once."""
    try:
        keys.revoke(key_id)
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    db.session.commit()
    click.echo(f"Key {key_id} is revoked.")


def _show(table: Table, when_empty: str) -> None:
    if not table.row_count:
        click.echo(when_empty)
        return
    console = Console()
    with console.capture() as shown:
        console.print(table)
    click.echo(shown.get())
