"""Whether the database has the tables that this version of the program knows."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa
from alembic.script import ScriptDirectory

from core.config import ROOT
from core.db import db


@lru_cache(maxsize=1)
def head() -> str | None:
    """Return the newest migration of the program."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def at() -> str | None:
    """Return the newest migration of the database; None if it never saw one."""
    if not sa.inspect(db.session.connection()).has_table("alembic_version"):
        return None
    found: str | None = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found
