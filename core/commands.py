"""What every operator's command does alike: one transaction, and a refusal told in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import sqlalchemy.exc

from core.db import db
from core.errors import DomainError


@contextmanager
def committed() -> Iterator[None]:
    """Commit what the block did; say what was refused and exit 1 instead."""
    try:
        yield
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        raise click.ClickException(told(error)) from None
    except sqlalchemy.exc.OperationalError:
        db.session.rollback()
        raise click.ClickException("The database is busy or away; run the same again.") from None


def told(error: DomainError) -> str:
    """Return a refusal with the fields that are wrong, on lines of their own."""
    faults = [f"  {fault.pointer.strip('/')}: {fault.detail}" for fault in error.faults]
    return "\n".join([error.detail, *faults])
