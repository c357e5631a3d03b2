"""Audiences: whom something is for, told by what one may tick on a form.

Kinds, countries and languages narrow; nothing ticked is everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind, Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom something is for; an empty field asks nothing."""

    kinds: tuple[AmbassadorKind, ...] = ()
    countries: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    languages: tuple[str, ...] = ()  # en, fr; a member without one counts as the program's


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
    return wanted


def told(audience: Audience) -> dict[str, Any]:
    """Return an audience as it is stored beside what is for it."""
    return {
        "kinds": [kind.value for kind in audience.kinds],
        "countries": list(audience.countries),
        "languages": list(audience.languages),
    }


def read(stored: dict[str, Any]) -> Audience:
    """Return the audience that `told` wrote."""
    return Audience(
        kinds=tuple(AmbassadorKind(kind) for kind in stored.get("kinds", [])),
        countries=tuple(stored.get("countries", [])),
        languages=tuple(stored.get("languages", [])),
    )


def _speaks(languages: tuple[str, ...]) -> sa.ColumnElement[bool]:
    own = Member.locale.in_(languages)
    return sa.or_(own, Member.locale.is_(None)) if program.current().locale in languages else own
