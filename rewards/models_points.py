"""Tables of points: those that people gave, and until when points last."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, MinorUnits, Model, PrimaryKey, UtcTime

_IS_OPEN = sa.text("over_at IS NULL")


class PointsTerm(Model):
    """Until when the points of one entry can be spent, frozen when they were given.

    Points without a row never expire.
    """

    __tablename__ = "points_term"
    __table_args__ = (
        sa.Index(
            "ix_points_term_open", "expires_at", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN
        ),
    )

    entry_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("ledger_entry.id"), primary_key=True, autoincrement=False
    )
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    expires_at: Mapped[UtcTime]  # the first instant at which they are gone
    warned_at: Mapped[UtcTime | None]  # when they were told of it, a month before
    reminded_at: Mapped[UtcTime | None]  # and a week before
    over_at: Mapped[UtcTime | None]  # when what was left of them was taken out of the balance


class PointsGrant(Model):
    """Points that a person gave, or took back to correct a mistake, and why."""

    __tablename__ = "points_grant"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    ambassador_id: Mapped[BigId] = mapped_column(sa.ForeignKey("ambassador.id"), index=True)
    points: Mapped[MinorUnits]
    reason: Mapped[str] = mapped_column(sa.String(500))
    created_at: Mapped[UtcTime]
