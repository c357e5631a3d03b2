"""Drafts: campaigns in the making, kept as they were written, finished or not.

What cannot be read is kept too: nobody types anything twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from campaigns import terms
from campaigns.models import Campaign, Draft
from core import clock
from core.db import affected, db
from core.errors import ConflictError, NotFoundError

Answers = dict[str, list[str]]
_MOST = 4000  # characters of one answer


class LaunchedError(ConflictError):
    """The draft became a campaign; its terms are changed there."""


def begin(answers: Mapping[str, Sequence[str]]) -> Draft:
    """Add a draft with what a template or another campaign says."""
    now = clock.now()
    draft = Draft(
        token=secrets.token_urlsafe(12), name=_name(answers), answers=_kept(answers),
        saved_at=now, created_at=now,
    )  # fmt: skip
    db.session.add(draft)
    db.session.flush()
    return draft


def change(campaign: Campaign, answers: Mapping[str, Sequence[str]]) -> Draft:
    """Return the draft that changes a campaign: the one that waits, if its terms are the same.

    Args:
        campaign: Which.
        answers: What its terms and brief say, for a new draft.
    """
    seen = terms.digest(terms.of(campaign))
    query = _WAITING.where(Draft.changes_id == campaign.id, Draft.seen == seen)
    known = db.session.scalar(query.order_by(Draft.saved_at.desc()).limit(1))
    if known is not None:
        return known
    draft = begin(answers)
    draft.changes_id, draft.seen = campaign.id, seen
    return draft


def save(draft: Draft, answers: Mapping[str, Sequence[str]]) -> None:
    """Keep the answers of a step beside those of the others.

    Raises:
        LaunchedError: It is a campaign by now, or was applied to one.
    """
    if draft.campaign_id is not None or draft.applied_at is not None:
        raise LaunchedError(_("This draft was launched: change the campaign itself."))
    draft.answers = draft.answers | _kept(answers)
    draft.name = _name(draft.answers)
    draft.saved_at = clock.now()


def get(token: str) -> Draft:
    """Return a draft; raises NotFoundError if there is none of this token."""
    draft = db.session.scalar(sa.select(Draft).where(Draft.token == token))
    if draft is None:
        raise NotFoundError(_("There is no such draft."))
    return draft


def waiting(*, limit: int = 20) -> list[Draft]:
    """Return the drafts not launched or applied yet, the last saved first."""
    return list(db.session.scalars(_WAITING.order_by(Draft.saved_at.desc()).limit(limit)))


def launched_as(draft: Draft) -> Campaign | None:
    """Return the campaign that a draft became, or was applied to, or None."""
    done = draft.campaign_id or (draft.changes_id if draft.applied_at else None)
    return db.session.get(Campaign, done) if done else None


def changed_by(draft: Draft) -> Campaign | None:
    """Return the campaign that a draft changes, or None for a new one."""
    return db.session.get(Campaign, draft.changes_id) if draft.changes_id else None


def become(draft: Draft, campaign: Campaign) -> None:
    """Say which campaign a draft became or was applied to, once.

    Raises:
        LaunchedError: It was launched before, or in another tab at this moment.
    """
    done = (
        {"applied_at": clock.now()} if draft.changes_id else {"campaign_id": campaign.id}
    )  # fmt: skip
    if not affected(db.session.execute(_this(sa.update(Draft), draft).values(**done))):
        raise LaunchedError(_("This draft was launched: change the campaign itself."))


def discard(draft: Draft) -> None:
    """Throw a draft away; raises LaunchedError if it is a campaign by now."""
    if not affected(db.session.execute(_this(sa.delete(Draft), draft))):
        raise LaunchedError(_("This draft was launched: change the campaign itself."))


_WAITING = sa.select(Draft).where(Draft.campaign_id.is_(None), Draft.applied_at.is_(None))


def _this(statement: Any, draft: Draft) -> Any:
    return statement.where(
        Draft.id == draft.id, Draft.campaign_id.is_(None), Draft.applied_at.is_(None)
    )


def _kept(answers: Mapping[str, Sequence[str]]) -> Answers:
    return {
        name: [text.replace("\x00", "")[:_MOST] for text in texts]
        for name, texts in answers.items()
    }


def _name(answers: Mapping[str, Sequence[str]]) -> str:
    return " ".join((answers.get("name") or [""])[0].split())[:120]
