"""Invitations by code: vouchers that lead in, made by the team or by an ambassador.

A code of the team has a number of places and a last day.  An ambassador's has
one place and is theirs to pass on: we never write to the people they know.
How many they may make in a month is a rule of the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorKind, Circle, Member
from campaigns.models import Campaign, CampaignStatus
from core import clock
from core.db import db
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from referrals import codes, invitees
from referrals.invitees import Target
from referrals.models import Code, CodeStatus
from rewards import purse, vouchers
from rewards.models import OfferStatus, Voucher, VoucherBatch, VoucherKind
from rewards.vouchers import Terms

LASTS = timedelta(days=30)  # an ambassador's invitation
LONGEST_NOTE = 60
_ALL_IN = {AmbassadorKind.CUSTOMER, AmbassadorKind.MICRO_CREATOR}  # whose campaign is for friends


class InviteLimitError(ConflictError):
    """The ambassador has made as many invitations as one may in a month."""


class InviteState(StrEnum):
    """How far an ambassador's invitation came, which is all its maker learns."""

    OPEN = "open"
    JOINED = "joined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Mine:
    """An invitation as the ambassador who made it sees it."""

    batch_id: int
    text: str
    note: str
    state: InviteState
    made_at: datetime
    ends_at: datetime | None


def check(text: str) -> Voucher:
    """Return the open invitation that a code stands for, to somebody who is not in yet.

    Raises:
        NoVoucherError: It is none, or cannot be taken now; the same words for all of them.
    """
    row = db.session.execute(
        sa.select(Voucher, Campaign.status.label("campaign"))
        .join(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .outerjoin(Campaign, Campaign.id == VoucherBatch.campaign_id)
        .where(Voucher.key == codes.fold(text)[:60])
    ).one_or_none()
    if row is None or row.Voucher.batch.kind is not VoucherKind.INVITATION:
        raise vouchers.nothing()
    if not vouchers.can_be_taken(row.Voucher, row.campaign):
        raise vouchers.nothing()
    found: Voucher = row.Voucher
    return found


def create(target: Target, *, text: str, places: int, ends_at: datetime | None) -> VoucherBatch:
    """Make a code of the team with a number of places.

    Raises:
        InvalidInputError: The campaign has ended, or a term cannot be.
        InvalidCodeError: The text cannot be a code.
        CodeTakenError: There is a voucher of this text.
    """
    invitees.require_target(target)
    if ends_at is not None and ends_at <= clock.now():
        detail = _("The last day is over already.")
        raise InvalidInputError(detail, faults=[Fault("/ends_on", detail)])
    english, french = _names(target)
    terms = Terms(
        kind=VoucherKind.INVITATION, name_en=english, name_fr=french, ends_at=ends_at,
        campaign_id=target.campaign_id, circle_id=target.circle_id,
    )  # fmt: skip
    return vouchers.create(terms, text=text, takes_limit=places)


def of_team(*, limit: int = 100) -> list[Any]:
    """Return the team's invitation codes, the newest first: the set, its code, limit and takes."""
    return list(
        db.session.execute(
            sa.select(VoucherBatch, Voucher.text, Voucher.taken, Voucher.takes_limit)
            .join(Voucher, Voucher.batch_id == VoucherBatch.id)
            .where(
                VoucherBatch.kind == VoucherKind.INVITATION, VoucherBatch.inviter_id.is_(None)
            )
            .order_by(Voucher.id.desc())
            .limit(limit)
        )
    )  # fmt: skip


def of_ambassadors(*, limit: int = 100) -> list[Any]:
    """Return ambassadors' invitations, the newest first: the set, its takes, and who invites."""
    return list(
        db.session.execute(
            sa.select(VoucherBatch, Voucher.taken, Ambassador.id.label("who"), Member.name)
            .join(Voucher, Voucher.batch_id == VoucherBatch.id)
            .join(Ambassador, Ambassador.id == VoucherBatch.inviter_id)
            .join(Member, Member.id == Ambassador.member_id)
            .order_by(VoucherBatch.id.desc())
            .limit(limit)
        )
    )


def invite(inviter: Ambassador, *, note: str) -> VoucherBatch:
    """Make an ambassador's invitation for one person they know.

    Args:
        inviter: Who invites.
        note: Their own, to know it by; nobody else reads it.

    Raises:
        InviteLimitError: They made as many this month as one may.
        RestingError: They are suspended or have left.
        InvalidInputError: The note is too long.
    """
    said = " ".join(note.split())
    if len(said) > LONGEST_NOTE or not said.isprintable():
        detail = _("Write at most 60 letters.")
        raise InvalidInputError(detail, faults=[Fault("/note", detail)])
    purse.lock(inviter.id)  # two at once come one after the other, and count each other
    if left(inviter.id) <= 0:
        raise InviteLimitError(
            _("You have made your invitations of this month. New ones come next month.")
        )
    target = Target(campaign_id=_campaign_of(inviter))
    english, french = _names(target)
    terms = Terms(
        kind=VoucherKind.INVITATION, name_en=english, name_fr=french, note=said,
        campaign_id=target.campaign_id, inviter_id=inviter.id, ends_at=clock.now() + LASTS,
    )  # fmt: skip
    return vouchers.create(terms, takes_limit=1)


def left(ambassador_id: int) -> int:
    """Return how many invitations an ambassador may still make this month; withdrawn ones count."""
    zone = ZoneInfo(program.current().timezone)
    start = clock.now().astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    made = db.session.scalar(
        sa.select(sa.func.count())
        .select_from(VoucherBatch)
        .where(VoucherBatch.inviter_id == ambassador_id, VoucherBatch.created_at >= start)
    )
    return max(0, program.current().invitations_per_month - (made or 0))


def mine(ambassador_id: int, *, limit: int = 50) -> list[Mine]:
    """Return the invitations of an ambassador, the newest first, without who came."""
    rows = db.session.execute(
        sa.select(VoucherBatch, Voucher.text, Voucher.taken)
        .join(Voucher, Voucher.batch_id == VoucherBatch.id)
        .where(VoucherBatch.inviter_id == ambassador_id)
        .order_by(VoucherBatch.id.desc())
        .limit(limit)
    )
    return [
        Mine(
            one.id, text, one.note, state_of(one, taken), made_at=one.created_at,
            ends_at=one.ends_at,
        )
        for one, text, taken in rows
    ]  # fmt: skip


def state_of(batch: VoucherBatch, taken: int) -> InviteState:
    """Return how far an ambassador's invitation came."""
    if taken:
        return InviteState.JOINED
    if batch.status is OfferStatus.FROZEN:
        return InviteState.WITHDRAWN
    is_over = batch.ends_at is not None and batch.ends_at <= clock.now()
    return InviteState.EXPIRED if is_over else InviteState.OPEN


def withdraw(batch_id: int, inviter_id: int) -> None:
    """End an ambassador's own invitation.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    batch = db.session.get(VoucherBatch, batch_id)
    if batch is None or batch.inviter_id != inviter_id:
        raise NotFoundError(_("There is nothing at this address."))
    vouchers.freeze(batch, reason="withdrawn by its inviter")


def forget_notes(inviter_id: int) -> None:
    """Empty what an ambassador who is erased wrote of the people they invited."""
    theirs = sa.update(VoucherBatch).where(VoucherBatch.inviter_id == inviter_id)
    db.session.execute(theirs.values(note=""))


def _campaign_of(inviter: Ambassador) -> int | None:
    """Return the running campaign in which an ambassador has shared the longest, or None.

    A partner's or a colleague's campaign is for their readers or customers, so whom
    they invite joins the program and the team gives the code.
    """
    if inviter.kind not in _ALL_IN:
        return None
    return db.session.scalar(
        sa.select(Code.campaign_id)
        .join(Campaign, Campaign.id == Code.campaign_id)
        .where(
            Code.ambassador_id == inviter.id, Code.status == CodeStatus.ACTIVE,
            Campaign.status == CampaignStatus.RUNNING,
        )
        .order_by(Code.id)
        .limit(1)
    )  # fmt: skip


def _names(target: Target) -> list[str]:
    """Return the name of an invitation in English and in French."""
    if target.campaign_id:
        return [db.session.get_one(Campaign, target.campaign_id).name[:120]] * 2
    if target.circle_id:
        return [db.session.get_one(Circle, target.circle_id).name] * 2
    named, brand = [], program.current().name
    for locale in ("en", "fr"):
        with force_locale(locale):
            named.append(_("The ambassadors of %(brand)s", brand=brand)[:120])
    return named
