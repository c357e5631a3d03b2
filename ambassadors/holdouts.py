"""Leave a random share of people out of an invitation, a box or a message, and know who.

Fans select themselves, so only a lot tells what an invitation causes.  Whoever is drawn is
drawn once: the lot is a hash of the holdout's salt and the member's id, so the same person gets
the same lot whenever they are drawn again, and nobody can foresee it who does not know the salt.

Source: rule 23 of the program.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models_holdouts import Holdout, HoldoutMember
from core import clock
from core.db import BATCH_ROWS, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.money import BASIS_POINTS

LONGEST_NAME = 100
_LOTS = 2**64


@dataclass(frozen=True, slots=True)
class Drawn:
    """Who is invited and who is left out, members' ids in ascending order."""

    invited: tuple[int, ...]
    withheld: tuple[int, ...]


def create(name: str, *, withheld_share: int) -> Holdout:
    """Add a holdout.

    Args:
        name: What people are left out of.
        withheld_share: Of those drawn, basis points.

    Raises:
        InvalidInputError: No name, or a share that leaves nobody on one side.
        ConflictError: The name is taken.
    """
    name = " ".join(name.split())
    faults = []
    if not 0 < len(name) <= LONGEST_NAME:
        faults.append(Fault("/name", _("Write a name of up to %(n)s letters.", n=LONGEST_NAME)))
    if not 0 < withheld_share < BASIS_POINTS:
        faults.append(Fault("/share", _("Use a percentage above 0 and below 100, such as 20.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    holdout_id = db.session.scalar(
        upsert_dialect()
        .insert(Holdout)
        .values(
            name=name, salt=secrets.token_hex(16), withheld_share=withheld_share,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(Holdout.id)
    )  # fmt: skip
    if holdout_id is None:
        raise ConflictError(_("There is a holdout of this name; choose another name."))
    audit.record("holdout.create", "holdout", str(holdout_id), {"share": withheld_share})
    return db.session.get_one(Holdout, holdout_id)


def find(name: str) -> Holdout:
    """Return a holdout by its name.

    Raises:
        NotFoundError: There is none.
    """
    found = db.session.scalar(sa.select(Holdout).where(Holdout.name == " ".join(name.split())))
    if found is None:
        raise NotFoundError(_("There is no such holdout; create it first."))
    return found


def get(holdout_id: int) -> Holdout:
    """Return a holdout.

    Raises:
        NotFoundError: There is none of this id.
    """
    found = db.session.get(Holdout, holdout_id)
    if found is None:
        raise NotFoundError(_("There is no such holdout; create it first."))
    return found


def everything() -> Sequence[Holdout]:
    """Return every holdout, the newest first."""
    return db.session.scalars(sa.select(Holdout).order_by(Holdout.id.desc())).all()


def draw(holdout: Holdout, member_ids: Iterable[int]) -> Drawn:
    """Draw the lot of each member, and keep it with the moment of the first drawing."""
    ids = sorted(set(member_ids))
    lots = {one: is_withheld(holdout, one) for one in ids}
    now = clock.now()
    for start in range(0, len(ids), BATCH_ROWS):
        rows = [
            {"holdout_id": holdout.id, "member_id": one, "is_withheld": lots[one], "drawn_at": now}
            for one in ids[start : start + BATCH_ROWS]
        ]
        db.session.execute(
            upsert_dialect().insert(HoldoutMember).values(rows).on_conflict_do_nothing()
        )
    audit.record("holdout.draw", "holdout", str(holdout.id), {"people": len(ids)})
    return Drawn(tuple(one for one in ids if not lots[one]), tuple(one for one in ids if lots[one]))


def is_withheld(holdout: Holdout, member_id: int) -> bool:
    """Tell whether the lot leaves a member out; the same answer every time."""
    digest = hashlib.sha256(f"{holdout.salt}:{member_id}".encode()).digest()
    lot = int.from_bytes(digest[:8], "big")
    return lot * BASIS_POINTS < holdout.withheld_share * _LOTS


def lots(holdout: Holdout) -> Sequence[HoldoutMember]:
    """Return everybody drawn."""
    return db.session.scalars(
        sa.select(HoldoutMember)
        .where(HoldoutMember.holdout_id == holdout.id)
        .order_by(HoldoutMember.member_id)
    ).all()
