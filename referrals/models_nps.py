"""Table of NPS scores: what a person answered to "Would you recommend us?", from 0 to 10."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, PrimaryKey, UtcTime, choice
from referrals.models_survey import ToldBy


class NpsScore(Model):
    """One score of one person, known by a name of `CustomerIdentity`: a hash or a shop's id."""

    __tablename__ = "nps_score"
    __table_args__ = (
        sa.UniqueConstraint("person", "answered_at"),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name="score_from_0_to_10"),
    )

    id: Mapped[PrimaryKey]
    person: Mapped[str] = mapped_column(sa.String(300))  # email:<hash>, id:<source>:<id>
    score: Mapped[int]
    answered_at: Mapped[UtcTime]
    told_by: Mapped[ToldBy] = mapped_column(choice(ToldBy))
