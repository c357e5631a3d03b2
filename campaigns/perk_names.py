"""The perks that rewards speak of: that they exist, and their names in the reader's language."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from campaigns.models_perks import Perk
from campaigns.terms import AmbassadorEarns
from core import i18n
from core.db import db
from core.errors import Fault, InvalidInputError


def name(perk_id: int | None) -> str:
    """Return a perk's name in the reader's language."""
    perk = db.session.get(Perk, perk_id) if perk_id else None
    return i18n.words(en=perk.name_en, fr=perk.name_fr) if perk else str(_("nothing"))


def of(reward: AmbassadorEarns) -> set[int]:
    """Return the ids of the perks that a reward may give."""
    told = [reward.perk_id]
    told += [case.perk_id for case in reward.cases]
    told += [tier.perk_id for tier in reward.tiers]
    return {perk_id for perk_id in told if perk_id is not None}


def require(reward: AmbassadorEarns) -> None:
    """Refuse a reward that speaks of a perk that there is not.

    Raises:
        InvalidInputError: There is no such perk.
    """
    wanted = of(reward)
    if not wanted:
        return
    known = set(db.session.scalars(sa.select(Perk.id).where(Perk.id.in_(wanted))))
    if wanted - known:
        detail = _("There is no such perk.")
        raise InvalidInputError(detail, faults=[Fault("/perk", detail)])
