"""Health of the process, for whoever watches it: counts only, nothing of anybody."""

from __future__ import annotations

import sqlalchemy.exc
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from accounts import permissions
from core import metrics, migrations, outbox
from core.db import db
from integrations import inbox

door = permissions.guard(Blueprint("health", __name__), permissions.PUBLIC)


@door.get("/healthz")
def alive() -> ResponseReturnValue:
    """Answer as long as the process can."""
    return {"status": "alive"}


@door.get("/readyz")
def ready() -> ResponseReturnValue:
    """Tell whether this process can serve: its database answers and is migrated."""
    try:
        is_migrated = migrations.at() == migrations.head()
        age = outbox.oldest_age() if is_migrated else None
    except sqlalchemy.exc.SQLAlchemyError:
        db.session.rollback()
        return _readiness(database=False, migrations=False, outbox_oldest_seconds=None)
    return _readiness(database=True, migrations=is_migrated, outbox_oldest_seconds=age)


@door.get("/metrics")
def measure() -> ResponseReturnValue:
    """Return counts in Prometheus' format."""
    gauges = {
        "cercle_outbox_messages": ("Messages that must go out, by state.", outbox.counts()),
        "cercle_outbox_oldest_seconds": (
            "Age of the oldest message that is due.", {"waiting": outbox.oldest_age()}
        ),
        "cercle_inbox_deliveries": ("Webhooks that came in, by state.", inbox.counts()),
    }  # fmt: skip
    return Response(metrics.text(gauges), content_type=metrics.CONTENT_TYPE)


def _readiness(
    *, database: bool, migrations: bool, outbox_oldest_seconds: int | None
) -> ResponseReturnValue:
    is_ready = database and migrations
    body = {
        "status": "ready" if is_ready else "not ready",
        "database": database,
        "migrations": migrations,
        "outbox_oldest_seconds": outbox_oldest_seconds,
    }
    return body, 200 if is_ready else 503, {} if is_ready else {"Retry-After": "5"}
