"""Who a campaign reaches before it starts, and who is spared and why.

An ambassador is outside of the audience, or inside and spared by the guard (rule
27), or reached.  The reasons are looked at in the order of the lists below.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from ambassadors import audiences, guard, program
from ambassadors.audiences import Audience
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from core.db import db


class Outside(StrEnum):
    """Why an ambassador is not in an audience; the first that is true."""

    NOT_ACTIVE = "not_active"
    NOT_LISTED = "not_listed"
    OTHER_KIND = "other_kind"
    ELSEWHERE = "elsewhere"
    OTHER_LANGUAGE = "other_language"


REASONS = {
    Outside.NOT_ACTIVE: _l("not active now"),
    Outside.NOT_LISTED: _l("in none of these circles and segments"),
    Outside.OTHER_KIND: _l("of another kind"),
    Outside.ELSEWHERE: _l("live elsewhere"),
    Outside.OTHER_LANGUAGE: _l("read another language"),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How many ambassadors hear about a campaign, and how many do not, by reason."""

    reached: int
    outside: dict[Outside, int]
    guarded: dict[guard.Spared, int]  # in the audience, and not to be asked now

    @property
    def in_audience(self) -> int:
        """Return how many are meant, whether they may be asked this week or later."""
        return self.reached + sum(self.guarded.values())

    @property
    def spared(self) -> list[tuple[str, int]]:
        """Return why people are spared, in words, and how many."""
        told = [(str(REASONS[reason]), count) for reason, count in self.outside.items()]
        return told + [(str(guard.WORDS[word]), count) for word, count in self.guarded.items()]

    @property
    def spared_in_all(self) -> int:
        return sum(count for _words, count in self.spared)


def reach(audience: Audience) -> Reach:
    """Count whom an audience reaches among all ambassadors, in two statements."""
    why = _why(audience)
    counted = sa.select(why.label("why"), sa.func.count()).select_from(Ambassador).join(Member)
    counts = {row[0]: row[1] for row in db.session.execute(counted.group_by("why"))}
    inside = sa.select(Member.id).join(Ambassador, Ambassador.member_id == Member.id)
    weighed = guard.preview(inside.where(why == ""))
    return Reach(
        reached=weighed.pop(None, 0),
        outside={reason: counts[reason.value] for reason in Outside if reason.value in counts},
        guarded={word: weighed[word] for word in guard.Spared if word in weighed},
    )


def _why(audience: Audience) -> sa.ColumnElement[str]:
    """Return the column that says why somebody is outside, empty for who is in the audience."""
    cases: list[tuple[sa.ColumnElement[bool], str]] = [
        (Ambassador.status != AmbassadorStatus.ACTIVE, Outside.NOT_ACTIVE.value)
    ]
    is_listed = audiences.is_listed(audience)
    if is_listed is not None:
        cases.append((sa.not_(is_listed), Outside.NOT_LISTED.value))
    if audience.kinds:
        cases.append((Ambassador.kind.not_in(audience.kinds), Outside.OTHER_KIND.value))
    if audience.countries:
        country = sa.func.coalesce(Member.country, "")
        cases.append((country.not_in(audience.countries), Outside.ELSEWHERE.value))
    if audience.languages:
        locale = sa.func.coalesce(Member.locale, program.current().locale)
        cases.append((locale.not_in(audience.languages), Outside.OTHER_LANGUAGE.value))
    return sa.case(*cases, else_="")
