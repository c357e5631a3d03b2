"""Segments: lists of members computed from a rule, saved under a name.

A rule's fields all hold at once; an empty field asks nothing.  What is told of
the person is decided here, at the moment of asking.  What people brought and
earned is known two rooms above (`rewards/segments.py`), which writes down who
is in such a segment; `condition` then reads those rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import tags
from ambassadors.models import (
    Ambassador,
    AmbassadorKind,
    AmbassadorStatus,
    CircleSeat,
    Member,
    MemberTag,
    SeatState,
    Segment,
    SegmentMember,
    Tag,
)
from core import clock, countries
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

LONGEST_DAYS = 3650


class SegmentError(ConflictError):
    """What is recorded of the segment does not allow this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who is in a segment."""

    kinds: tuple[str, ...] = ()  # any of these; members who are no ambassadors have none
    statuses: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    joined_from: str | None = None  # a day, inclusive
    joined_until: str | None = None
    circles: tuple[int, ...] = ()  # has a seat in any of these
    tags: tuple[str, ...] = ()  # has any of these
    brought_at_least: int | None = None  # purchases ...
    brought_days: int = 90  # ... in so many days until now
    earned_at_least: int | None = None  # minor units of the program's currency, in all
    silent_days: int | None = None  # brought no purchase for so many days

    @property
    def needs_facts(self) -> bool:
        """Tell whether it asks for what people brought or earned."""
        asked = (self.brought_at_least, self.earned_at_least, self.silent_days)
        return any(value is not None for value in asked)


def create(name: str, rule: Rule) -> Segment:
    """Save a segment.

    Raises:
        InvalidInputError: The name or the rule cannot be.
        SegmentError: Another segment has this name.
    """
    name, rule = _checked(name, rule)
    segment_id = db.session.scalar(
        upsert_dialect()
        .insert(Segment)
        .values(name=name, rule=written(rule), created_at=clock.now())
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(Segment.id)
    )
    if segment_id is None:
        raise _taken()
    audit.record("segment.create", "segment", segment_id, {"name": name, "rule": written(rule)})
    return db.session.get_one(Segment, segment_id)


def change(segment: Segment, name: str, rule: Rule) -> None:
    """Write another name or rule.

    Raises:
        InvalidInputError: The name or the rule cannot be.
        SegmentError: Another segment has this name.
    """
    name, rule = _checked(name, rule)
    same = sa.select(Segment.id).where(Segment.name == name, Segment.id != segment.id)
    if db.session.scalar(same):
        raise _taken()
    before = segment.rule
    segment.name, segment.rule = name, written(rule)
    db.session.flush()  # what is computed next follows the new rule
    details = {"before": before, "after": segment.rule}
    audit.record("segment.change", "segment", segment.id, details)


def find(segment_id: int) -> Segment:
    """Return a segment.

    Raises:
        NotFoundError: There is none of this id.
    """
    segment = db.session.get(Segment, segment_id)
    if segment is None:
        raise NotFoundError(_("There is no such segment."))
    return segment


def everything() -> list[Segment]:
    """Return all segments by name."""
    return list(db.session.scalars(sa.select(Segment).order_by(Segment.name)))


def names() -> dict[int, str]:
    """Return the names of all segments by their ids."""
    return {segment.id: segment.name for segment in everything()}


def rule_of(segment: Segment) -> Rule:
    """Return the rule of a saved segment."""
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in segment.rule.items()
    }
    return Rule(**told)


def written(rule: Rule) -> dict[str, Any]:
    """Return a rule as it is stored."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(rule).items()
    }


def conditions(rule: Rule) -> list[sa.ColumnElement[bool]]:
    """Return what a rule asks of the person, as conditions on `Member`."""
    found = _of_ambassador(rule)
    if rule.countries:
        found.append(Member.country.in_(rule.countries))
    if rule.languages:
        found.append(Member.locale.in_(rule.languages))
    if rule.joined_from:
        found.append(Member.joined_on >= date.fromisoformat(rule.joined_from))
    if rule.joined_until:
        found.append(Member.joined_on <= date.fromisoformat(rule.joined_until))
    if rule.circles:
        found.append(in_circles(rule.circles))
    if rule.tags:
        found.append(_has_tag(rule.tags))
    return found


def condition(segment: Segment) -> sa.ColumnElement[bool]:
    """Return the condition on `Member` to be in a saved segment."""
    rule = rule_of(segment)
    if not rule.needs_facts:
        return sa.and_(sa.true(), *conditions(rule))
    row = sa.exists().where(
        SegmentMember.segment_id == segment.id, SegmentMember.member_id == Member.id
    )
    return row.correlate(Member)


def in_circles(circle_ids: Iterable[int]) -> sa.ColumnElement[bool]:
    """Return the condition on `Member` to have a seat in any of these circles."""
    return (
        sa.exists()
        .where(
            CircleSeat.member_id == Member.id, CircleSeat.state == SeatState.SEATED,
            CircleSeat.circle_id.in_(list(circle_ids)),
        )
        .correlate(Member)
    )  # fmt: skip


def people(wanted: sa.ColumnElement[bool], *, after: int = 0, limit: int = 50) -> list[Member]:
    """Return the members who fulfil a condition, in the order of their ids."""
    query = sa.select(Member).where(Member.id > after, wanted).order_by(Member.id).limit(limit)
    return list(db.session.scalars(query.options(sa.orm.joinedload(Member.ambassador))))


def count(wanted: sa.ColumnElement[bool]) -> int:
    """Return how many members fulfil a condition."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Member).where(wanted)) or 0


def counts(conditions: Sequence[sa.ColumnElement[bool]]) -> list[int]:
    """Return how many members fulfil each of some conditions, in one statement."""
    numbers = [
        sa.select(sa.func.count()).select_from(Member).where(wanted).scalar_subquery()
        for wanted in conditions
    ]
    return list(db.session.execute(sa.select(*numbers)).one()) if numbers else []


def _of_ambassador(rule: Rule) -> list[sa.ColumnElement[bool]]:
    found = []
    if rule.kinds:
        found.append(_is_ambassador(Ambassador.kind.in_(map(AmbassadorKind, rule.kinds))))
    if rule.statuses:
        found.append(_is_ambassador(Ambassador.status.in_(map(AmbassadorStatus, rule.statuses))))
    return found


def _has_tag(names: Iterable[str]) -> sa.ColumnElement[bool]:
    known = sa.select(Tag.id).where(Tag.key.in_([tags.key(name) for name in names]))
    mine = MemberTag.member_id == Member.id
    return sa.exists().where(mine, MemberTag.tag_id.in_(known)).correlate(Member)


def _is_ambassador(wanted: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists().where(Ambassador.member_id == Member.id, wanted).correlate(Member)


def _checked(name: str, rule: Rule) -> tuple[str, Rule]:
    faults: list[Fault] = []
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        faults.append(Fault("/name", _("Write a name of 1 to 100 characters.")))
    places = _countries(rule.countries, faults)
    for field, value in (
        ("brought_at_least", rule.brought_at_least), ("silent_days", rule.silent_days),
        ("brought_days", rule.brought_days),
    ):  # fmt: skip
        if value is not None and not 1 <= value <= LONGEST_DAYS:
            faults.append(Fault(f"/{field}", _("Write a number from 1 to 3650.")))
    if rule.earned_at_least is not None and rule.earned_at_least < 0:
        faults.append(Fault("/earned_at_least", _("Write an amount of zero or more.")))
    if rule.joined_from and rule.joined_until and rule.joined_from > rule.joined_until:
        faults.append(Fault("/joined_until", _("The last day is before the first one.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return name, replace(rule, countries=places)


def _countries(codes: Iterable[str], faults: list[Fault]) -> tuple[str, ...]:
    try:
        return tuple(countries.require(code) for code in codes)
    except ValueError:
        detail = _("Write country codes of two letters such as CH.")
        faults.append(Fault("/countries", detail))
        return ()


def _taken() -> SegmentError:
    detail = _("Another segment has this name.")
    return SegmentError(detail, faults=[Fault("/name", detail)])
