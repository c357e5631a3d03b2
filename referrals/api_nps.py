"""The machines' door of NPS: how likely somebody is to recommend the brand."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response

from accounts import idempotency, permissions
from accounts.models import Scope
from core import api, clock
from core.api import Struct
from core.db import db
from core.errors import ConflictError, NotFoundError
from referrals import nps
from referrals.models_survey import ToldBy

door = permissions.guard(
    Blueprint("nps_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.PURCHASES)
)


class ScoringCustomer(Struct):
    """Who answered, by e-mail address or by the id that a shop knows them by."""

    email: str | None = None
    external_id: str | None = None
    source: str = "api"


class NpsScoreIn(Struct):
    """A score from 0 to 10."""

    customer: ScoringCustomer
    score: int
    answered_at: str | None = None


class NpsScoreOut(Struct):
    """A score as it is recorded."""

    score: int
    answered_at: datetime


@door.post("/nps-scores")
@idempotency.honoured
@api.operation(
    "Record how likely a customer is to recommend the brand, from 0 to 10; never pays anybody.",
    body=NpsScoreIn,
    answers={201: NpsScoreOut, 200: NpsScoreOut},
)
def record_score() -> Response:
    """Record one score: 201 if it is new, 200 if it was told before."""
    body = api.read(NpsScoreIn)
    who = body.customer
    told = nps.checked(
        nps.Told(
            score=body.score, email=who.email, external_id=who.external_id, source=who.source,
            answered_at=api.instant(body.answered_at, "/answered_at")
            if body.answered_at
            else clock.now(),
        )
    )  # fmt: skip
    (state,) = nps.record([told], ToldBy.API)
    if state is nps.State.UNKNOWN:
        raise NotFoundError("Nobody is known by this address or id; report a purchase first.")
    if state is nps.State.CONFLICT:
        raise ConflictError("This person has another score of that moment.")
    db.session.commit()
    answer = NpsScoreOut(score=told.score, answered_at=told.answered_at)
    return api.answer(answer, 201 if state is nps.State.CREATED else 200)
