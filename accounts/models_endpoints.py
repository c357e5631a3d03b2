"""Tables of outgoing webhooks: the addresses we tell what happened, and what each was told."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, PrimaryKey, UtcTime, Words, choice


class EndpointState(StrEnum):
    """Whether an endpoint is told what happens."""

    ACTIVE = "active"
    PAUSED = "paused"  # by a person: what happens waits
    OFF = "off"  # by us, after it failed for long: what happens is not kept for it


class Endpoint(Model):
    """An address of another program that is told what happens here."""

    __tablename__ = "endpoint"

    id: Mapped[PrimaryKey]
    url: Mapped[str] = mapped_column(sa.String(2000))
    events: Mapped[Words]
    state: Mapped[EndpointState] = mapped_column(choice(EndpointState))
    secret: Mapped[str] = mapped_column(sa.Text)  # sealed
    old_secret: Mapped[str | None] = mapped_column(sa.Text)  # sealed; signs as well until then
    old_until: Mapped[UtcTime | None]
    failing_since: Mapped[UtcTime | None]
    created_at: Mapped[UtcTime]


class EndpointMessage(Model):
    """One event as one endpoint is told it; how far it has come, the outbox knows by its key."""

    __tablename__ = "endpoint_message"

    id: Mapped[PrimaryKey]
    endpoint_id: Mapped[int] = mapped_column(sa.ForeignKey("endpoint.id"), index=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)  # the header webhook-id
    event: Mapped[str] = mapped_column(sa.String(40))
    body: Mapped[str | None] = mapped_column(sa.Text)  # None after its 90 days
    created_at: Mapped[UtcTime] = mapped_column(index=True)
    answered: Mapped[int | None]  # the last answer's HTTP status; None while there was none
    tried_at: Mapped[UtcTime | None]
