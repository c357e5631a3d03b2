"""What an ambassador may spend: points, and money that is payable.

Who gives or spends takes the ambassador's row first, so that two acts of one
person come one after the other; the balance read after that is the true one.
A payout takes the same row.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors.models import Ambassador, AmbassadorStatus
from core.db import db
from core.errors import ConflictError, NotFoundError
from core.money import POINTS
from rewards.models import Account, Posting

_MAY_TAKE = {AmbassadorStatus.ACTIVE, AmbassadorStatus.INVITED}


class RestingError(ConflictError):
    """The ambassador is suspended or has left."""


def lock(ambassador_id: int, *, needs_active: bool = True) -> None:
    """Wait until no other act of this ambassador is under way, and keep others out.

    Raises:
        NotFoundError: There is no such ambassador.
        RestingError: They are suspended or have left, and may not take anything now.
    """
    status = db.session.scalar(
        sa.select(Ambassador.status)
        .where(Ambassador.id == ambassador_id)
        .with_for_update(key_share=True)  # rows that point at it may come meanwhile
    )
    if status is None:
        raise NotFoundError(_("There is no such ambassador."))
    if needs_active and status not in _MAY_TAKE:
        raise RestingError(_("Your part in the program rests, so nothing can be taken now."))


def available(ambassador_id: int, unit: str) -> int:
    """Return what can be spent: points for the unit PTS, payable minor units for a currency."""
    account = Account.POINTS if unit == POINTS else Account.PAYABLE
    total = sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0)).where(
        Posting.ambassador_id == ambassador_id,
        Posting.account == account,
        Posting.currency == unit,
    )
    return -int(db.session.scalars(total).one())
