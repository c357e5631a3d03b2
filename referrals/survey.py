"""The survey "How did you hear about us?": one question, one answer an order, for the reports.

An answer never pays anybody (rule 9).  It comes with the order (`heard_from`), through the
signed link of the order mail, by the API or in a file.  What the customer says through
the link stands before all others; one that was told otherwise never replaces another.

Free answers count for a channel once a marketer gave them one.  A channel belongs to a folded
text, so it holds for past and future answers alike; the orders keep the words as they were.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from accounts import audit
from campaigns import spend
from core import clock, emails, seals
from core.db import db, upsert_dialect
from core.errors import InvalidInputError, NotFoundError
from referrals import purchases
from referrals.models import Customer, CustomerIdentity, Purchase
from referrals.models_survey import AnswerChannel, SurveyAnswer, ToldBy

LONGEST = 200  # characters of an answer
OPEN = timedelta(days=60)  # after the order: so long it can be answered, and the answer changed
_CONTEXT = b"survey link"

# What the page offers, with its channel; kept as these words in every language.
CHOICES = {
    "friend or family": spend.COMMUNITY,
    "ambassador": spend.COMMUNITY,
    "social network": "organic_social",
    "search engine": "organic_search",
    "advertisement": "advertising",
    "press or blog": "press",
    "shop or event": "shop",
}
# Words that name the community wherever an answer comes from; a marketer may say otherwise.
FRIENDLY_ANSWERS = (
    "a friend", "ambassador", "ambassadeur", "ambassadrice", "ami", "amie", "amis",
    "bouche à oreille", "bouche-à-oreille", "communauté", "community", "famille", "family",
    "friend", "friend or family", "friends", "friends and family", "recommandation",
    "recommendation", "referral", "un ami", "un ami ou une amie", "une amie", "word of mouth",
)  # fmt: skip


class State(StrEnum):
    """What became of an answer that was told."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    CONFLICT = "conflict"  # the order has another answer already; nothing was written


def link(purchase_id: int) -> str:
    """Return the address for the order mail: no name, no number, and nobody can guess another."""
    token = seals.sealed_number(_CONTEXT, purchase_id)
    return f"{current_app.extensions['settings'].base_url}/heard/{token}"


def asked(token: str) -> Purchase:
    """Return the order of a link.

    Raises:
        NotFoundError: We never made this link, or its time is over.
    """
    number = seals.opened_number(_CONTEXT, token)
    purchase = db.session.get(Purchase, number) if number is not None else None
    if purchase is None or purchase.occurred_at + OPEN < clock.now():
        raise NotFoundError(_("This link is not valid any more."))
    return purchase


def answer_of(purchase_id: int) -> SurveyAnswer | None:
    """Return the answer that was told about an order, or None."""
    return db.session.get(SurveyAnswer, purchase_id, populate_existing=True)


def first_purchase(*, email: str | None, external_id: str | None, source: str) -> int | None:
    """Return the first paid purchase of a customer, the one that an answer is about; or None."""
    digest = emails.digest(email)
    keys = [f"email:{digest}"] if digest else []
    if external_id:
        keys.append(f"id:{source}:{external_id}")
    query = (
        sa.select(Customer.first_purchase_id)
        .join(CustomerIdentity, CustomerIdentity.customer_id == Customer.id)
        .where(CustomerIdentity.key.in_(keys), Customer.first_purchase_id.is_not(None))
        .limit(1)
    )
    return db.session.scalar(query) if keys else None


def answer(purchase_id: int, text: str, told_by: ToldBy) -> State:
    """Record what was answered about an order; only the customer's own link changes an answer.

    Raises:
        InvalidInputError: Nothing, or more than 200 characters.
    """
    words = clean(text)
    now = clock.now()
    row = {
        "purchase_id": purchase_id, "answer": words, "told_by": told_by, "answered_at": now,
        "changed_at": now,
    }  # fmt: skip
    new = upsert_dialect().insert(SurveyAnswer).values(row)
    fresh = db.session.scalar(
        new.on_conflict_do_nothing(index_elements=["purchase_id"]).returning(
            SurveyAnswer.purchase_id
        )
    )
    state = State.CREATED if fresh is not None else _told_again(purchase_id, words, told_by)
    if state in {State.CREATED, State.CHANGED}:
        purchases.mark_changed([purchase_id])
    return state


def _told_again(purchase_id: int, words: str, told_by: ToldBy) -> State:
    same = sa.select(SurveyAnswer.answer).where(SurveyAnswer.purchase_id == purchase_id)
    if db.session.scalar(same) == words:
        return State.UNCHANGED
    if told_by is not ToldBy.LINK:
        return State.CONFLICT
    db.session.execute(
        sa.update(SurveyAnswer)
        .where(SurveyAnswer.purchase_id == purchase_id)
        .values(answer=words, told_by=told_by, changed_at=clock.now())
    )
    return State.CHANGED


def clean(text: str) -> str:
    """Return an answer as it is kept: one line, without blanks around it.

    Raises:
        InvalidInputError: Nothing, or more than 200 characters.
    """
    words = " ".join(text.replace("\0", " ").split())
    if not 0 < len(words) <= LONGEST:
        raise InvalidInputError(_("Write an answer of at most %(n)s characters.", n=LONGEST))
    return words


def fold(text: str) -> str:
    """Return an answer as the reports compare it; in SQL, `lower(trim(...))`."""
    return text.strip(" ").lower()


def channels() -> dict[str, str]:
    """Return the channel of every folded answer that has one; the marketer's word stands last."""
    known = dict.fromkeys(FRIENDLY_ANSWERS, spend.COMMUNITY) | CHOICES
    rows = db.session.execute(sa.select(AnswerChannel.folded, AnswerChannel.channel))
    return known | {row.folded: row.channel for row in rows}


def give_channel(text: str, channel: str) -> str:
    """Give an answer a channel, for all orders past and future; return the channel's name.

    Raises:
        InvalidInputError: No answer, or no name of a channel.
    """
    folded, name = fold(text.replace("\0", "")), spend.channel_name(channel)
    if not 0 < len(folded) <= LONGEST:
        raise InvalidInputError(_("Write an answer of at most %(n)s characters.", n=LONGEST))
    values = {"folded": folded, "channel": name, "changed_at": clock.now()}
    new = upsert_dialect().insert(AnswerChannel).values(values)
    db.session.execute(
        new.on_conflict_do_update(
            index_elements=["folded"], set_={"channel": name, "changed_at": values["changed_at"]}
        )
    )
    audit.record("survey.map", "answer", folded[:100], {"channel": name})
    return name
