"""NPS: how likely a person is to recommend the brand, from 0 to 10, asked by the brand's own tool.

A score belongs to a person who is known already, by the hash of an address or by a shop's id;
their latest one counts.  It pays nobody: it serves to find whom to invite.  An erasure
replaces the hash as everywhere, so the figures stay and nobody finds the person.

Source: F. Reichheld, "The One Number You Need to Grow", Harvard Business Review, 2003.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import InstrumentedAttribute

from ambassadors.models import Member
from core import clock, emails
from core.db import db, upsert_dialect
from core.errors import InvalidInputError
from referrals.models import CustomerIdentity
from referrals.models_nps import NpsScore
from referrals.models_survey import ToldBy

PROMOTER, DETRACTOR = 9, 6  # at least, at most
FEWEST = 30  # people, for a figure with its interval
_95 = 1.96  # standard errors


class State(StrEnum):
    """What became of a score that was told."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"  # another score of the same person and moment; nothing was written
    UNKNOWN = "unknown"  # nobody has this name; nothing was written


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A score as it comes in."""

    score: int
    answered_at: datetime
    email: str | None = None
    external_id: str | None = None
    source: str = "api"

    @property
    def name(self) -> str | None:
        """The name by which the person is known, or None."""
        digest = emails.digest(self.email)
        if digest:
            return f"email:{digest}"
        return f"id:{self.source}:{self.external_id}" if self.external_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The latest scores of everybody since an instant."""

    promoters: int
    passives: int
    detractors: int

    @property
    def people(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def nps(self) -> int | None:
        """Promoters less detractors of a hundred; None below `FEWEST` people."""
        return round(100 * self._mean()) if self.people >= FEWEST else None

    @property
    def margin(self) -> int:
        """Half of the 95 % interval around it, in points (normal approximation)."""
        if not self.people:
            return 100
        variance = (self.promoters + self.detractors) / self.people - self._mean() ** 2
        return math.ceil(100 * _95 * math.sqrt(variance / self.people))

    def _mean(self) -> float:
        return (self.promoters - self.detractors) / self.people


def checked(told: Told) -> Told:
    """Return a score that can be recorded.

    Raises:
        InvalidInputError: Not from 0 to 10, of the future, or of nobody.
    """
    if not 0 <= told.score <= 10:
        raise InvalidInputError(_("Give a whole number from 0 to 10."))
    if told.answered_at > clock.now() + timedelta(days=1):
        raise InvalidInputError(_("Give the day of the answer; it cannot lie ahead."))
    if told.name is None:
        raise InvalidInputError(_("Name the person by an e-mail address or an id."))
    return told


def record(scores: Sequence[Told], told_by: ToldBy) -> list[State]:
    """Record checked scores, in three statements; telling one again changes nothing."""
    known = _known({one.name for one in scores if one.name})
    rows = {
        (one.name, one.answered_at): {
            "person": one.name, "score": one.score, "answered_at": one.answered_at,
            "told_by": told_by,
        }
        for one in reversed(scores)
        if one.name in known
    }  # fmt: skip
    fresh: set[tuple[str, datetime]] = set()
    if rows:
        new = upsert_dialect().insert(NpsScore).on_conflict_do_nothing()
        made = db.session.execute(
            new.returning(NpsScore.person, NpsScore.answered_at), list(rows.values())
        )
        fresh = {(row.person, row.answered_at) for row in made}
    kept = _kept({one.name for one in scores if one.name in known})
    return [_state(one, known, kept, fresh) for one in scores]


def _state(
    told: Told,
    known: Collection[str],
    kept: dict[tuple[str, datetime], int],
    fresh: set[tuple[str, datetime]],
) -> State:
    if told.name not in known:
        return State.UNKNOWN
    key = (str(told.name), told.answered_at)
    if kept[key] != told.score:
        return State.CONFLICT
    if key in fresh:
        fresh.remove(key)  # told twice at once: the second changes nothing
        return State.CREATED
    return State.UNCHANGED


def _known(names: Collection[str]) -> set[str]:
    """Return the names that a customer or a member has."""
    query = sa.select(CustomerIdentity.key).where(CustomerIdentity.key.in_(sorted(names)))
    member = sa.literal("email:") + Member.email_hash
    digests = [name.removeprefix("email:") for name in names if name.startswith("email:")]
    of_members = sa.select(member).where(Member.email_hash.in_(sorted(digests)))
    return set(db.session.scalars(sa.union(query, of_members)))


def _kept(names: Collection[str | None]) -> dict[tuple[str, datetime], int]:
    query = sa.select(NpsScore).where(NpsScore.person.in_(sorted(str(name) for name in names)))
    return {(one.person, one.answered_at): one.score for one in db.session.scalars(query)}


def latest_of(customer_id: InstrumentedAttribute[int]) -> sa.ScalarSelect[int]:
    """Return the latest score of a customer of an outer query, None where they gave none."""
    return (
        sa.select(NpsScore.score)
        .join(CustomerIdentity, CustomerIdentity.key == NpsScore.person)
        .where(CustomerIdentity.customer_id == customer_id)
        .order_by(NpsScore.answered_at.desc(), NpsScore.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def figures(since: datetime) -> Figures:
    """Return how many promote, are passive and detract, each person by their latest score."""
    place = sa.func.row_number().over(
        partition_by=sa.func.coalesce(
            sa.cast(CustomerIdentity.customer_id, sa.String), NpsScore.person
        ),
        order_by=(NpsScore.answered_at.desc(), NpsScore.id.desc()),
    )
    ranked = (
        sa.select(NpsScore.score, place.label("place"))
        .outerjoin(CustomerIdentity, CustomerIdentity.key == NpsScore.person)
        .where(NpsScore.answered_at >= since)
        .subquery()
    )
    of_score = sa.select(ranked.c.score, sa.func.count()).where(ranked.c.place == 1)
    rows = db.session.execute(of_score.group_by(ranked.c.score)).all()
    counts = {row.score: int(row[1]) for row in rows}
    promoters = sum(count for score, count in counts.items() if score >= PROMOTER)
    detractors = sum(count for score, count in counts.items() if score <= DETRACTOR)
    passives = sum(counts.values()) - promoters - detractors
    return Figures(promoters=promoters, passives=passives, detractors=detractors)


def told(names: Collection[str]) -> list[dict[str, Any]]:
    """Return the scores of a person by their names, for themselves or for a page; latest first."""
    query = (
        sa.select(NpsScore)
        .where(NpsScore.person.in_(sorted(names)))
        .order_by(NpsScore.answered_at.desc(), NpsScore.id.desc())
    )
    return [
        {"score": one.score, "answered_at": one.answered_at, "told_by": one.told_by}
        for one in db.session.scalars(query)
    ]


def rename(old: str, new: str) -> None:
    """Put another hash in the place of one, when its person is erased; the figures stay."""
    theirs = NpsScore.person == f"email:{old}"
    db.session.execute(sa.update(NpsScore).where(theirs).values(person=f"email:{new}"))
