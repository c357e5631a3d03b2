"""The audit log: who did what to money, roles, policies, codes, keys and exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context

from accounts.models import AuditLine
from core import clock
from core.db import db

PAGE = 50  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines to show; empty words leave a side open."""

    act: str = ""  # an act, or its first part: `code` finds code.freeze
    actor: str = ""  # user:7, key:3, operator
    object_kind: str = ""
    object_id: str = ""


def record(act: str, object_kind: str, object_id: object, details: dict[str, Any]) -> None:
    """Add a line to the caller's transaction.

    Args:
        act: A word with a dot, such as `code.freeze`.
        object_kind: What was acted on: `code`, `user`, `payout`, `report`.
        object_id: Its id, or another name that finds it.
        details: What changed, without secrets or e-mail addresses.
    """
    line = AuditLine(
        occurred_at=clock.now(), actor=_actor(), act=act, object_kind=object_kind,
        object_id=str(object_id), details=details, request_id=_request_id(),
    )  # fmt: skip
    db.session.add(line)


def page(wanted: Filter, *, before: int | None = None, limit: int = PAGE) -> list[AuditLine]:
    """Return lines, newest first.

    Args:
        wanted: Which ones.
        before: The id above the first line of this page.
        limit: How many at most.
    """
    query = _lines(wanted).limit(limit)
    if before is not None:
        query = query.where(AuditLine.id < before)
    return list(db.session.scalars(query))


def every(wanted: Filter) -> Iterator[AuditLine]:
    """Return all lines, newest first, a page at a time."""
    before = None
    while found := page(wanted, before=before, limit=500):
        yield from found
        before = found[-1].id


def acts() -> list[str]:
    """Return the acts that occur, for a choice."""
    return list(db.session.scalars(sa.select(AuditLine.act).distinct().order_by(AuditLine.act)))


def _lines(wanted: Filter) -> sa.Select[AuditLine]:
    query = sa.select(AuditLine).order_by(AuditLine.id.desc())
    if wanted.act:
        is_one = AuditLine.act == wanted.act
        query = query.where(
            is_one | AuditLine.act.startswith(f"{wanted.act.rstrip('.')}.", autoescape=True)
        )
    for column, value in (
        (AuditLine.actor, wanted.actor),
        (AuditLine.object_kind, wanted.object_kind),
        (AuditLine.object_id, wanted.object_id),
    ):
        if value:
            query = query.where(column == value)
    return query


def _actor() -> str:
    if not has_request_context():
        return "operator"
    identity = g.get("caller")
    return identity.name if identity else "anonymous"


def _request_id() -> str | None:
    return g.get("request_id") if has_request_context() else None
