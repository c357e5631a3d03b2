"""Audiences: whom something is for, told by what one may tick on a form.

Kinds, countries and languages narrow; circles and segments add up: who is in
any of them is in the audience.  Nothing ticked is everybody.  An audience says
who is meant; who may be asked now is the guard's word (`ambassadors/guard.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import circles, program, segments
from ambassadors.models import Ambassador, AmbassadorKind, Member, Segment
from core import countries
from core.db import db
from core.errors import Fault, InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom something is for; an empty field asks nothing."""

    kinds: tuple[AmbassadorKind, ...] = ()
    countries: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    languages: tuple[str, ...] = ()  # en, fr; a member without one counts as the program's
    circle_ids: tuple[int, ...] = ()
    segment_ids: tuple[int, ...] = ()


def member_ids(audience: Audience, *, after: int = 0, limit: int | None = None) -> list[int]:
    """Return the members an audience reaches, in the order of their ids.

    Args:
        audience: Whom.
        after: The id of the last one known, to go on page by page.
        limit: How many at most; None: all.
    """
    wanted = query(audience).where(Member.id > after).order_by(Member.id)
    return list(db.session.scalars(wanted.limit(limit)))


def count(audience: Audience) -> int:
    """Return how many members an audience reaches."""
    inner = query(audience).subquery()
    return db.session.scalar(sa.select(sa.func.count()).select_from(inner)) or 0


def query(audience: Audience) -> sa.Select[int]:
    """Return the query of the ids of an audience's members."""
    wanted = sa.select(Member.id)
    if audience.kinds:
        mine = Ambassador.member_id == Member.id
        is_kind = sa.exists().where(mine, Ambassador.kind.in_(audience.kinds)).correlate(Member)
        wanted = wanted.where(is_kind)
    if audience.countries:
        wanted = wanted.where(Member.country.in_(audience.countries))
    if audience.languages:
        wanted = wanted.where(_speaks(audience.languages))
    if lists := _lists(audience):
        wanted = wanted.where(sa.or_(*lists))
    return wanted


def is_listed(audience: Audience) -> sa.ColumnElement[bool] | None:
    """Return the condition that a member is in a list of an audience; None where it has none."""
    if not (audience.circle_ids or audience.segment_ids):
        return None
    lists = Audience(circle_ids=audience.circle_ids, segment_ids=audience.segment_ids)
    inside = query(lists).subquery()  # its own, whatever the outer query joins
    return Member.id.in_(sa.select(inside.c[0]))


def checked(audience: Audience) -> Audience:
    """Return an audience with its countries in capitals.

    Raises:
        InvalidInputError: A country, language, circle or segment that is none.
    """
    faults: list[Fault] = []
    places: tuple[str, ...] = ()
    try:
        places = tuple(dict.fromkeys(countries.require(code) for code in audience.countries))
    except ValueError:
        detail = _("Write country codes of two letters such as CH.")
        faults.append(Fault("/countries", detail))
    if set(audience.languages) - {"en", "fr"}:
        faults.append(Fault("/languages", _("Choose en or fr.")))
    if set(audience.circle_ids) - circles.names().keys():
        faults.append(Fault("/circle_ids", _("There is no such circle.")))
    if set(audience.segment_ids) - segments.names().keys():
        faults.append(Fault("/segment_ids", _("There is no such segment.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return Audience(
        kinds=audience.kinds, countries=places, languages=audience.languages,
        circle_ids=audience.circle_ids, segment_ids=audience.segment_ids,
    )  # fmt: skip


def told(audience: Audience) -> dict[str, Any]:
    """Return an audience as it is stored beside what is for it."""
    return {
        "kinds": [kind.value for kind in audience.kinds],
        "countries": list(audience.countries),
        "languages": list(audience.languages),
        "circle_ids": list(audience.circle_ids),
        "segment_ids": list(audience.segment_ids),
    }


def read(stored: dict[str, Any]) -> Audience:
    """Return the audience that `told` wrote."""
    return Audience(
        kinds=tuple(AmbassadorKind(kind) for kind in stored.get("kinds", [])),
        countries=tuple(stored.get("countries", [])),
        languages=tuple(stored.get("languages", [])),
        circle_ids=tuple(stored.get("circle_ids", [])),
        segment_ids=tuple(stored.get("segment_ids", [])),
    )


def _lists(audience: Audience) -> list[sa.ColumnElement[bool]]:
    lists = []
    if audience.circle_ids:
        lists.append(segments.in_circles(audience.circle_ids))
    if audience.segment_ids:
        known = db.session.scalars(sa.select(Segment).where(Segment.id.in_(audience.segment_ids)))
        lists += [segments.condition(segment) for segment in known] or [sa.false()]
    return lists


def _speaks(languages: tuple[str, ...]) -> sa.ColumnElement[bool]:
    own = Member.locale.in_(languages)
    return sa.or_(own, Member.locale.is_(None)) if program.current().locale in languages else own
