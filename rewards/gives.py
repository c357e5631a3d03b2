"""What an ambassador gets counts as a give for the guard: it earns the next asks (rule 27)."""

from __future__ import annotations

import sqlalchemy as sa

from ambassadors import guard, program
from ambassadors.models import Ambassador
from core.db import db
from rewards.models import Perk, VoucherBatch
from rewards.models_missions import Mission


def count(ambassador_id: int, *, what: str, key: str) -> None:
    """Count a give, once a key; `what` is read by the team."""
    guard.gave([_member_of(ambassador_id)], what=what, key=key)


def take_back(ambassador_id: int, *, key: str) -> None:
    """Forget a give that was taken back."""
    guard.take_back([_member_of(ambassador_id)], key=key)


def name_of(offer: Perk | VoucherBatch | Mission) -> str:
    """Return the name of a perk, a set of vouchers or a mission as the team reads it."""
    return offer.name_fr if program.current().locale == "fr" else offer.name_en


def _member_of(ambassador_id: int) -> int:
    query = sa.select(Ambassador.member_id).where(Ambassador.id == ambassador_id)
    return db.session.scalars(query).one()
