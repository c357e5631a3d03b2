"""What every operator's command does alike: one transaction, and a refusal told in a sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import sqlalchemy.exc

from core.db import db
from core.errors import DomainError

_UNKNOWN = frozenset({"42P01", "42703"})  # PostgreSQL, appendix A: no such table, no such column


@contextmanager
def committed() -> Iterator[None]:
    """Commit what the block did; say what was refused and exit 1 instead."""
    try:
        yield
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        raise click.ClickException(told(error)) from None


def told(error: DomainError) -> str:
    """Return a refusal with the fields that are wrong, on lines of their own."""
    faults = [f"  {fault.pointer.strip('/')}: {fault.detail}" for fault in error.faults]
    return "\n".join([error.detail, *faults])


def tell_troubles(group: click.Group) -> None:
    """Have every command of a group tell what ails the database in a sentence, with exit 1."""
    for command in group.commands.values():
        run = functools.partial(_invoke, type(command).invoke, command)
        command.invoke = run  # type: ignore[method-assign]


def _invoke(
    invoke: Callable[[Any, click.Context], Any], command: click.Command, ctx: click.Context
) -> Any:
    try:
        return invoke(command, ctx)
    except sqlalchemy.exc.DBAPIError as error:
        sentence = _trouble(error)
        if sentence is None:
            raise
        raise click.ClickException(sentence) from None


def _trouble(error: sqlalchemy.exc.DBAPIError) -> str | None:
    """Return what an operator can do about an error of the database; None if it is ours."""
    state, text = getattr(error.orig, "sqlstate", None), str(error.orig)
    if state in _UNKNOWN or text.startswith(("no such table", "no such column")):
        return "The database is not up to date with the program: run `flask db upgrade`."
    if isinstance(error, sqlalchemy.exc.OperationalError):
        return "The database is busy or away; run the same again, or `flask doctor` to see why."
    return None
