"""Which messages leave a share of their audience out by lot, to read what a message changes.

Only who would be asked is drawn: whoever the guard spares hears nothing on either side, and
would blur the difference.  The holdout is made when the message starts, or chosen among those
that run: who was left out of one message of it is left out of the next.

Source: rule 23 of the program.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import guard, holdouts
from ambassadors.models_holdouts import Holdout
from campaigns.models import Campaign, Message
from campaigns.models_holdouts import MessageHoldout
from core.db import db
from core.errors import Fault

MOST_SHARE = 5_000  # basis points; with more, fewer people hear of it than do not


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """What one wishes to leave to the lot."""

    share: int = 0  # withheld of those who would be asked, basis points; 0: nobody
    holdout_id: int | None = None  # one that runs already; its share counts then
    campaign_id: int | None = None  # which the message is about


def faults(lot: Lot) -> list[Fault]:
    """Return what is wrong with a wish."""
    found = []
    if not 0 <= lot.share <= MOST_SHARE:
        found.append(Fault("/share", _("Use a percentage from 0 to 50, such as 20.")))
    if lot.holdout_id and not db.session.get(Holdout, lot.holdout_id):
        found.append(Fault("/holdout_id", _("There is no such holdout; create it first.")))
    if lot.campaign_id and not db.session.get(Campaign, lot.campaign_id):
        found.append(Fault("/campaign_id", _("There is no such campaign.")))
    return found


def write(message: Message, lot: Lot) -> None:
    """Keep what a draft leaves to the lot, in place of what it left before; `faults` has none."""
    known = db.session.get(Holdout, lot.holdout_id) if lot.holdout_id else None
    row = db.session.get(MessageHoldout, message.id) or MessageHoldout(message_id=message.id)
    row.withheld_share = known.withheld_share if known else lot.share
    row.holdout_id, row.campaign_id = lot.holdout_id, lot.campaign_id
    db.session.add(row)
    db.session.flush()


def kept(message_id: int) -> MessageHoldout | None:
    """Return what was written of a message's lot and campaign."""
    return db.session.get(MessageHoldout, message_id)


def of(message_id: int) -> MessageHoldout | None:
    """Return what a message leaves to the lot; None for one that leaves nobody out."""
    found = kept(message_id)
    return found if found and found.withheld_share else None


def begin(message: Message) -> None:
    """Make the holdout of a message that starts, unless it has one or needs none."""
    mine = of(message.id)
    if mine and mine.holdout_id is None:
        made = holdouts.create(_name(message), withheld_share=mine.withheld_share)
        mine.holdout_id = made.id
        db.session.flush()


def draw(message_id: int, member_ids: Sequence[int]) -> Collection[int]:
    """Draw at most 500 members who would be asked, and return who is left out."""
    mine = of(message_id)
    if mine is None or mine.holdout_id is None:
        return ()
    spared = guard.spared(member_ids)
    holdout = db.session.get_one(Holdout, mine.holdout_id)
    return holdouts.draw(holdout, [one for one in member_ids if one not in spared]).withheld


def of_campaign(campaign_id: int) -> Sequence[Holdout]:
    """Return the holdouts of the messages about a campaign, the newest first."""
    mine = sa.select(MessageHoldout.holdout_id).where(MessageHoldout.campaign_id == campaign_id)
    query = sa.select(Holdout).where(Holdout.id.in_(mine)).order_by(Holdout.id.desc())
    return db.session.scalars(query).all()


def messages_of(holdout_id: int) -> Sequence[tuple[Message, Campaign | None]]:
    """Return the messages that left people out by a holdout, and their campaigns, in order."""
    rows = db.session.execute(
        sa.select(Message, Campaign)
        .join(MessageHoldout, MessageHoldout.message_id == Message.id)
        .outerjoin(Campaign, Campaign.id == MessageHoldout.campaign_id)
        .where(MessageHoldout.holdout_id == holdout_id)
        .order_by(Message.id)
    )
    return [(row[0], row[1]) for row in rows]


def _name(message: Message) -> str:
    """Return the message's name, with its number where a holdout has that name already."""
    name = message.name[: holdouts.LONGEST_NAME]
    taken = sa.select(sa.exists().where(Holdout.name == name))
    return f"{name[:80]} ({message.id})" if db.session.scalar(taken) else name
