"""Questions about purchases: one a purchase and ambassador, answered once by a person.

An ambassador asks about what is in their own list only.  The answer stands in
the portal and goes out by mail; who bought stays untold.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from accounts.models import User
from ambassadors.models import Ambassador, Member
from core import clock, limits, mails
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from referrals.models import Purchase
from rewards import earnings, intake
from rewards.models import PurchaseQuestion, QuestionKind

A_DAY = 10  # questions of one ambassador
LONGEST, LONGEST_ANSWER = 1000, 2000  # characters


class AnsweredError(ConflictError):
    """A colleague was quicker."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the queue shows it."""

    id: int
    kind: QuestionKind
    text: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None
    ambassador_id: int
    name: str
    purchase_id: int
    source: str
    external_id: str
    occurred_at: datetime
    total: int
    currency: str


def limit(ambassador_id: int) -> None:
    """Count a question.  Commits, so a door calls it before the work starts.

    Raises:
        TooManyError: More than `A_DAY` in a day.
    """
    per = timedelta(days=1)
    limits.hit("purchase_question", str(ambassador_id), limit=A_DAY, per=per)


def ask(ambassador_id: int, purchase_id: int, kind: QuestionKind, text: str) -> None:
    """Write a question down; the same purchase asked again changes nothing.

    Raises:
        NotFoundError: The purchase is not in this ambassador's list.
        InvalidInputError: The text is too long.
    """
    if not earnings.brought(ambassador_id, limit=1, only=purchase_id):
        raise NotFoundError(_("There is no such purchase."))
    if len(text.strip()) > LONGEST:
        said = _("Use at most %(n)s characters.", n=LONGEST)
        raise InvalidInputError(said, faults=[Fault("/text", said)])
    db.session.execute(
        upsert_dialect()
        .insert(PurchaseQuestion)
        .values(
            purchase_id=purchase_id, ambassador_id=ambassador_id, kind=kind, text=text.strip(),
            asked_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["purchase_id", "ambassador_id"])
    )  # fmt: skip


def answer(question_id: int, text: str, *, by: str, gives_credit: bool = False) -> None:
    """Answer an ambassador, in the portal and by mail; give them the credit if asked to.

    Args:
        question_id: The question.
        text: What they read.
        by: Who answers, as the audit log names people.
        gives_credit: The purchase is theirs from now on; the answer is kept as the reason.

    Raises:
        InvalidInputError: No answer, one that is too long, or a purchase that cannot be credited.
        AnsweredError: Somebody answered already.
        NotFoundError: There is no such question.
    """
    said = text.strip()
    if not said or len(said) > LONGEST_ANSWER:
        detail = _("Write an answer of 1 to %(n)s characters.", n=LONGEST_ANSWER)
        raise InvalidInputError(detail, faults=[Fault("/answer", detail)])
    question = get(question_id)
    answered = db.session.scalar(
        sa.update(PurchaseQuestion)
        .where(PurchaseQuestion.id == question_id, PurchaseQuestion.answered_at.is_(None))
        .values(answer=said, answered_at=clock.now(), answered_by=by)
        .returning(PurchaseQuestion.id)
    )
    if answered is None:
        raise AnsweredError(_("A colleague has answered this already."))
    if gives_credit:
        intake.override(question.purchase_id, question.ambassador_id, reason=said[:500])
    details = {"purchase": question.purchase_id, "gives_credit": gives_credit}
    audit.record("question.answer", "ambassador", question.ambassador_id, details)
    _mail(question, said)


def get(question_id: int) -> PurchaseQuestion:
    """Return a question.

    Raises:
        NotFoundError: There is none of this id.
    """
    question = db.session.get(PurchaseQuestion, question_id)
    if question is None:
        raise NotFoundError(_("There is no such question."))
    return question


def of_purchases(ambassador_id: int, purchase_ids: Collection[int]) -> dict[int, PurchaseQuestion]:
    """Return what an ambassador asked, by purchase."""
    if not purchase_ids:
        return {}
    query = sa.select(PurchaseQuestion).where(
        PurchaseQuestion.ambassador_id == ambassador_id,
        PurchaseQuestion.purchase_id.in_(purchase_ids),
    )
    return {one.purchase_id: one for one in db.session.scalars(query)}


def mark_read(ambassador_id: int) -> None:
    """Note that an ambassador opened the page of their answers."""
    db.session.execute(
        sa.update(PurchaseQuestion)
        .where(
            PurchaseQuestion.ambassador_id == ambassador_id,
            PurchaseQuestion.answered_at.is_not(None), PurchaseQuestion.read_at.is_(None),
        )
        .values(read_at=clock.now())
    )  # fmt: skip


def lately(
    ambassador_id: int, purchase_ids: Collection[int]
) -> tuple[dict[int, PurchaseQuestion], bool]:
    """Return what was asked about purchases, and whether any answer waits unread."""
    is_unread = sa.and_(
        PurchaseQuestion.answered_at.is_not(None), PurchaseQuestion.read_at.is_(None)
    )
    query = sa.select(PurchaseQuestion).where(
        PurchaseQuestion.ambassador_id == ambassador_id,
        sa.or_(PurchaseQuestion.purchase_id.in_(purchase_ids), is_unread),
    )
    found = list(db.session.scalars(query))
    has_answer = any(one.answered_at and not one.read_at for one in found)
    return {one.purchase_id: one for one in found}, has_answer


def everything(ambassador_id: int, *, limit: int = 100) -> list[Asked]:
    """Return an ambassador's questions, the latest first."""
    return _asked(
        _columns()
        .where(PurchaseQuestion.ambassador_id == ambassador_id)
        .order_by(PurchaseQuestion.id.desc())
        .limit(limit)
    )


def queue(*, is_open: bool, after: int | None = None, limit: int = 50) -> list[Asked]:
    """Return open questions, the oldest first, or answered ones, the latest first.

    Args:
        is_open: Which of the two.
        after: The id of the last one of the page before.
        limit: Rows at most.
    """
    number = PurchaseQuestion.id
    query = _columns().limit(limit)
    if is_open:
        query = query.where(PurchaseQuestion.answered_at.is_(None)).order_by(number)
        return _asked(query.where(number > after) if after else query)
    query = query.where(PurchaseQuestion.answered_at.is_not(None)).order_by(number.desc())
    return _asked(query.where(number < after) if after else query)


def one(question_id: int) -> Asked:
    """Return a question with its purchase and its ambassador's name.

    Raises:
        NotFoundError: There is none of this id.
    """
    found = _asked(_columns().where(PurchaseQuestion.id == question_id))
    if not found:
        raise NotFoundError(_("There is no such question."))
    return found[0]


def _columns() -> Any:
    columns = (
        PurchaseQuestion.id, PurchaseQuestion.kind, PurchaseQuestion.text,
        PurchaseQuestion.asked_at, PurchaseQuestion.answer, PurchaseQuestion.answered_at,
        PurchaseQuestion.ambassador_id, Member.name, PurchaseQuestion.purchase_id,
        Purchase.source, Purchase.external_id, Purchase.occurred_at, Purchase.total,
        Purchase.currency,
    )  # fmt: skip
    return (
        sa.select(*columns)
        .join(Purchase, Purchase.id == PurchaseQuestion.purchase_id)
        .join(Ambassador, Ambassador.id == PurchaseQuestion.ambassador_id)
        .join(Member, Member.id == Ambassador.member_id)
    )


def _asked(query: sa.Select[Any]) -> list[Asked]:
    return [Asked(**row._mapping) for row in db.session.execute(query)]


def _mail(question: PurchaseQuestion, said: str) -> None:
    """Send the answer to whom it is for, in their language, if we have an address."""
    ambassador = db.session.get_one(Ambassador, question.ambassador_id)
    member = ambassador.member
    user = db.session.get(User, ambassador.user_id) if ambassador.user_id else None
    if not member.email:
        return
    purchase = db.session.get_one(Purchase, question.purchase_id)
    mails.enqueue(
        "question_answered", to=member.email,
        locale=(user.locale if user else None) or member.locale,
        key=f"question_answered:{question.id}", name=member.name, answer=said,
        occurred_at=purchase.occurred_at,
    )  # fmt: skip
