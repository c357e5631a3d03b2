"""Tables of the survey "How did you hear about us?": an answer an order, and what answers mean."""

from __future__ import annotations

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BigId, Model, PrimaryKey, UtcTime, choice


class ToldBy(StrEnum):
    """Where an answer came from; an order's `heard_from` is beside these."""

    LINK = "link"  # the customer, through the link in the order mail
    API = "api"
    FILE = "file"


class SurveyAnswer(Model):
    """What a customer answered about one order; it stands before the order's `heard_from`."""

    __tablename__ = "survey_answer"

    purchase_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("purchase.id"), primary_key=True, autoincrement=False
    )
    answer: Mapped[str] = mapped_column(sa.String(200))
    told_by: Mapped[ToldBy] = mapped_column(choice(ToldBy))
    answered_at: Mapped[UtcTime]
    changed_at: Mapped[UtcTime]


class AnswerChannel(Model):
    """The channel that a marketer gave an answer, for all orders past and future."""

    __tablename__ = "answer_channel"

    id: Mapped[PrimaryKey]
    folded: Mapped[str] = mapped_column(sa.String(200), unique=True)  # as `survey.fold` does
    channel: Mapped[str] = mapped_column(sa.String(60))
    changed_at: Mapped[UtcTime]
