"""Whom a list of addresses reaches when it is invited, and who is spared and why.

A list comes as it was pasted: one person a line, a name beside the address or
none, a column of a file or a copied "To:".  Nothing is written here; the same
weighing is shown before the mails go and done again when they do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ambassadors import applications
from ambassadors.models import (
    Ambassador,
    AmbassadorStatus,
    CircleSeat,
    ContactChoice,
    Member,
    Suppression,
    SuppressionReason,
)
from ambassadors.models_recruiting import Application, ApplicationState
from campaigns.models import Campaign, CampaignStatus
from core import clock, emails
from core.db import db
from core.errors import Fault, InvalidInputError
from referrals.models import Code
from referrals.models_invitations import Invitation

MOST = 500  # people of one list
LATELY = timedelta(days=30)  # in which nobody is invited to the same thing again
_SPLIT = re.compile(r"[,;\t\s<>\"']+")


class Spared(StrEnum):
    """Why somebody of a list is not invited, in the order in which we look."""

    NO_ADDRESS = "no_address"
    TWICE = "twice"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    REPORTED = "reported"
    STOPPED = "stopped"
    APPLIED = "applied"
    MEMBER = "member"
    ACCEPTED = "accepted"
    INVITED = "invited"


WORDS = {
    Spared.NO_ADDRESS: _l("not an e-mail address"),
    Spared.TWICE: _l("twice in the list"),
    Spared.UNSUBSCRIBED: _l("wants no messages from us"),
    Spared.BOUNCED: _l("mail to them came back"),
    Spared.REPORTED: _l("reported a message as spam"),
    Spared.STOPPED: _l("suspended or has left"),
    Spared.APPLIED: _l("has applied: decide on that first"),
    Spared.MEMBER: _l("is in already"),
    Spared.ACCEPTED: _l("accepted this invitation already"),
    Spared.INVITED: _l("invited in the last 30 days"),
}
_OF_SUPPRESSION = {
    SuppressionReason.UNSUBSCRIBE: Spared.UNSUBSCRIBED,
    SuppressionReason.BOUNCE: Spared.BOUNCED,
    SuppressionReason.SPAM_REPORT: Spared.REPORTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What people are invited to; nothing named is the program itself."""

    campaign_id: int | None = None
    circle_id: int | None = None
    voucher_id: int | None = None  # the code that a person typed

    @property
    def key(self) -> str:
        """Return the target as one word."""
        named = {
            "voucher": self.voucher_id, "campaign": self.campaign_id, "circle": self.circle_id,
        }  # fmt: skip
        return next((f"{kind}:{known}" for kind, known in named.items() if known), "program")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitee:
    """One person of a list; `digest` is empty where the address is none."""

    email: str
    name: str = ""
    digest: str = ""
    spared: Spared | None = None


def read(text: str) -> list[Invitee]:
    """Return the people of a pasted list, in its order; a heading without an address is none.

    Any later line without an address stays, to be spared: it may be one that was mistyped.

    Raises:
        InvalidInputError: There is nobody, or there are more than 500.
    """
    lines = [line for line in text.replace("\0", "").splitlines() if line.strip()]
    found = [one for n, line in enumerate(lines) for one in _of_line(line, is_first=n == 0)]
    if not any("@" in one.email for one in found) or len(found) > MOST:
        detail = _("Write 1 to 500 e-mail addresses, one a line.")
        raise InvalidInputError(detail, faults=[Fault("/addresses", detail)])
    return found


def weigh(people: Sequence[Invitee], target: Target) -> list[Invitee]:
    """Return the people of a list with the reason of each who is spared; a few statements."""
    digests = {one.digest for one in people if one.digest}
    reasons = _lately(digests, target) | _applied(digests, target)
    reasons |= _inside(digests, target) | _unwilling(digests)
    seen: set[str] = set()
    weighed = []
    for one in people:
        why = reasons.get(one.digest)
        if not one.digest:
            why = Spared.NO_ADDRESS
        elif one.digest in seen:
            why = Spared.TWICE
        seen.add(one.digest)
        weighed.append(Invitee(email=one.email, name=one.name, digest=one.digest, spared=why))
    return weighed


def require_target(target: Target) -> None:
    """Refuse what nobody can be invited to.

    Raises:
        InvalidInputError: The campaign has ended.
    """
    campaign = db.session.get(Campaign, target.campaign_id) if target.campaign_id else None
    if target.campaign_id and (campaign is None or campaign.status is CampaignStatus.ENDED):
        detail = _("This campaign has ended: nobody can join it.")
        raise InvalidInputError(detail, faults=[Fault("/target", detail)])


def _of_line(line: str, *, is_first: bool) -> Iterator[Invitee]:
    """Return the people of a line; beside a single address its other words are the name."""
    words = [word for word in _SPLIT.split(line) if word]
    addresses = [word for word in words if "@" in word]
    name = " ".join(word for word in words if "@" not in word)[:200]
    if name and not addresses and not is_first:
        yield Invitee(email=name)
    for address in addresses:
        digest = emails.digest(address) if applications.has_full_domain(address) else None
        yield Invitee(
            email=address[:254], name=name if len(addresses) == 1 and name.isprintable() else "",
            digest=digest or "",
        )  # fmt: skip


def _unwilling(digests: Collection[str]) -> dict[str, Spared]:
    rows = db.session.execute(
        sa.select(Suppression.email_hash, Suppression.reason).where(
            Suppression.email_hash.in_(digests)
        )
    )
    found = {row.email_hash: _OF_SUPPRESSION[row.reason] for row in rows}
    chose = db.session.scalars(
        sa.select(Member.email_hash)
        .join(ContactChoice, ContactChoice.member_id == Member.id)
        .where(Member.email_hash.in_(digests), ContactChoice.unsubscribed_at.is_not(None))
    )
    return found | {str(digest): Spared.UNSUBSCRIBED for digest in chose}


def _inside(digests: Collection[str], target: Target) -> dict[str, Spared]:
    """Return who has what the invitation offers already, and who may not come back by one."""
    has_code = sa.exists().where(
        Code.ambassador_id == Ambassador.id, Code.campaign_id == target.campaign_id
    )
    has_seat = sa.exists().where(
        CircleSeat.member_id == Member.id, CircleSeat.circle_id == target.circle_id
    )
    inside: sa.ColumnElement[bool] = sa.true()
    if target.campaign_id:
        inside = has_code
    elif target.circle_id:
        inside = has_seat
    rows = db.session.execute(
        sa.select(Member.email_hash, Ambassador.status, inside.label("inside"))
        .join(Ambassador, Ambassador.member_id == Member.id)
        .where(Member.email_hash.in_(digests))
    )
    found: dict[str, Spared] = {}
    for known, status, is_inside in rows:
        digest = str(known)
        if status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
            found[digest] = Spared.STOPPED
        elif is_inside and status is AmbassadorStatus.ACTIVE:
            found[digest] = Spared.MEMBER
    return found


def _applied(digests: Collection[str], target: Target) -> dict[str, Spared]:
    """Return who asked to join and waits for an answer, which an invitation would forestall."""
    query = sa.select(Application.email_hash).where(
        Application.email_hash.in_(digests),
        Application.state.in_((ApplicationState.WAITING, ApplicationState.LISTED)),
    )
    if target.campaign_id:
        query = query.where(Application.campaign_id == target.campaign_id)
    return dict.fromkeys(db.session.scalars(query), Spared.APPLIED)


def _lately(digests: Collection[str], target: Target) -> dict[str, Spared]:
    rows = db.session.execute(
        sa.select(Invitation.email_hash, Invitation.accepted_at).where(
            Invitation.email_hash.in_(digests), Invitation.target == target.key, ~is_past()
        )
    )
    return {row[0]: Spared.ACCEPTED if row[1] else Spared.INVITED for row in rows}


def is_past() -> sa.ColumnElement[bool]:
    """Return the condition on an invitation to be sent anew: withdrawn, or sent long ago."""
    return sa.and_(
        Invitation.accepted_at.is_(None),
        sa.or_(
            Invitation.withdrawn_at.is_not(None), Invitation.sent_at <= clock.now() - LATELY
        ),
    )  # fmt: skip
