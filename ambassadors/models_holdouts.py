"""Tables of holdouts: who was left out of an invitation by lot, and when."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BasisPoints, BigId, Model, PrimaryKey, UtcTime


class Holdout(Model):
    """A lot that leaves a share of the people out of something, to see what it changes."""

    __tablename__ = "holdout"
    __table_args__ = (
        sa.CheckConstraint("withheld_share > 0 AND withheld_share < 10000", name="a_share"),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)
    salt: Mapped[str] = mapped_column(sa.String(32))  # with a member's id, it draws the lot
    withheld_share: Mapped[BasisPoints]
    created_at: Mapped[UtcTime]


class HoldoutMember(Model):
    """A member's lot, drawn once."""

    __tablename__ = "holdout_member"

    holdout_id: Mapped[BigId] = mapped_column(sa.ForeignKey("holdout.id"), primary_key=True)
    member_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("member.id"), primary_key=True, index=True
    )
    is_withheld: Mapped[bool]
    drawn_at: Mapped[UtcTime]
