"""Who a campaign reaches before it starts, and who is spared and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from ambassadors import program
from ambassadors.audiences import Audience
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from core.db import db


class Spared(StrEnum):
    """Why an ambassador does not hear about a campaign; the first that is true."""

    NOT_ACTIVE = "not_active"
    OTHER_KIND = "other_kind"
    ELSEWHERE = "elsewhere"
    OTHER_LANGUAGE = "other_language"
    NO_ADDRESS = "no_address"


REASONS = {
    Spared.NOT_ACTIVE: _l("not active now"),
    Spared.OTHER_KIND: _l("of another kind"),
    Spared.ELSEWHERE: _l("live elsewhere"),
    Spared.OTHER_LANGUAGE: _l("read another language"),
    Spared.NO_ADDRESS: _l("without an e-mail address"),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How many ambassadors hear about a campaign, and how many do not, by reason."""

    reached: int
    spared: dict[Spared, int]

    @property
    def spared_in_all(self) -> int:
        return sum(self.spared.values())


def reach(audience: Audience) -> Reach:
    """Count whom an audience reaches among all ambassadors, in one statement."""
    why = _why(audience).label("why")
    query = sa.select(why, sa.func.count()).select_from(Ambassador).join(Member).group_by(why)
    counts = {row[0]: row[1] for row in db.session.execute(query)}
    spared = {reason: counts[reason.value] for reason in Spared if reason.value in counts}
    return Reach(counts.get("", 0), spared)


def _why(audience: Audience) -> sa.ColumnElement[str]:
    """Return the column that says why somebody is spared, empty for who is reached."""
    cases: list[tuple[sa.ColumnElement[bool], str]] = [
        (Ambassador.status != AmbassadorStatus.ACTIVE, Spared.NOT_ACTIVE.value)
    ]
    if audience.kinds:
        cases.append((Ambassador.kind.not_in(audience.kinds), Spared.OTHER_KIND.value))
    if audience.countries:
        country = sa.func.coalesce(Member.country, "")
        cases.append((country.not_in(audience.countries), Spared.ELSEWHERE.value))
    if audience.languages:
        locale = sa.func.coalesce(Member.locale, program.current().locale)
        cases.append((locale.not_in(audience.languages), Spared.OTHER_LANGUAGE.value))
    cases.append((Member.email.is_(None), Spared.NO_ADDRESS.value))
    return sa.case(*cases, else_="")
