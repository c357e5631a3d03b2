"""The machines' door of the survey: an answer to "How did you hear about us?"."""

from __future__ import annotations

from flask import Blueprint, Response

from accounts import idempotency, permissions
from accounts.models import Scope
from core import api
from core.api import Struct
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals import purchases, survey
from referrals.models import Purchase
from referrals.models_survey import ToldBy

door = permissions.guard(
    Blueprint("survey_api", __name__, url_prefix="/api/v1"), permissions.key_with(Scope.PURCHASES)
)


class AnsweredOrder(Struct):
    """The order that an answer is about."""

    external_id: str
    source: str = "api"


class AnsweringCustomer(Struct):
    """Who answered; the answer is about their first paid purchase."""

    email: str | None = None
    external_id: str | None = None
    source: str = "api"


class SurveyAnswerIn(Struct):
    """An answer, about an order or by a customer."""

    answer: str
    question: str = "heard_from"
    purchase: AnsweredOrder | None = None
    customer: AnsweringCustomer | None = None


class SurveyAnswerOut(Struct):
    """An answer as it is recorded."""

    source: str
    external_id: str
    question: str
    answer: str


@door.post("/survey-answers")
@idempotency.honoured
@api.operation(
    "Record what a customer answered to “How did you hear about us?”; never pays anybody.",
    body=SurveyAnswerIn,
    answers={201: SurveyAnswerOut, 200: SurveyAnswerOut},
)
def record_answer() -> Response:
    """Record one answer: 201 if it is new, 200 if it was told before."""
    body = api.read(SurveyAnswerIn)
    if body.question != "heard_from":
        raise InvalidInputError("question: use heard_from, the one question there is.")
    purchase_id = _purchase_id(body)
    words = survey.clean(body.answer)
    state = survey.answer(purchase_id, words, ToldBy.API)
    if state is survey.State.CONFLICT:
        raise ConflictError("This order has another answer already; an answer is not replaced.")
    purchase = db.session.get_one(Purchase, purchase_id)
    answer = SurveyAnswerOut(
        source=purchase.source, external_id=purchase.external_id, question=body.question,
        answer=words,
    )  # fmt: skip
    db.session.commit()
    return api.answer(answer, 201 if state is survey.State.CREATED else 200)


def _purchase_id(body: SurveyAnswerIn) -> int:
    """Return the purchase that a body is about.

    Raises:
        InvalidInputError: It names neither or both.
        NotFoundError: There is no such order or customer.
    """
    if (body.purchase is None) == (body.customer is None):
        raise InvalidInputError("Name the order or the customer, one of both.")
    found: int | None = None
    if body.purchase is not None:
        known = purchases.find(body.purchase.source, body.purchase.external_id)
        found = known.id if known else None
    elif body.customer is not None:
        who = body.customer
        found = survey.first_purchase(
            email=who.email, external_id=who.external_id, source=who.source
        )
    if found is None:
        raise NotFoundError("There is no such purchase; report it first.")
    return found
