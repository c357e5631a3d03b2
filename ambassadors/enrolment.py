"""Enrolment: how a member becomes an ambassador, is suspended, comes back or leaves.

Codes earn only while the status is `active`.  Nothing is deleted: who left
keeps codes, history and what they are owed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, mails, users
from accounts.models import RoleName, User
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, InvalidInputError, NotFoundError

_MOVES = {  # from which states each state can be reached
    AmbassadorStatus.ACTIVE: {
        AmbassadorStatus.INVITED, AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT,
    },
    AmbassadorStatus.SUSPENDED: {AmbassadorStatus.INVITED, AmbassadorStatus.ACTIVE},
    AmbassadorStatus.LEFT: {
        AmbassadorStatus.INVITED, AmbassadorStatus.ACTIVE, AmbassadorStatus.SUSPENDED,
    },
}  # fmt: skip
_ACTS = {
    AmbassadorStatus.ACTIVE: "ambassador.activate",
    AmbassadorStatus.SUSPENDED: "ambassador.suspend",
    AmbassadorStatus.LEFT: "ambassador.leave",
}


class EnrolmentError(ConflictError):
    """An ambassador cannot move from this state to that one."""


def enrol(
    member: Member,
    *,
    kind: AmbassadorKind,
    status: AmbassadorStatus = AmbassadorStatus.ACTIVE,
    enrolled_at: datetime | None = None,
    invited_by_id: int | None = None,
) -> Ambassador:
    """Make a member an ambassador.

    Raises:
        EnrolmentError: They are one already.
        InvalidInputError: Nobody starts as suspended or gone.
    """
    if status not in {AmbassadorStatus.INVITED, AmbassadorStatus.ACTIVE}:
        raise InvalidInputError(_("An ambassador starts as invited or active."))
    ambassador_id = db.session.scalar(
        upsert_dialect()
        .insert(Ambassador)
        .values(
            member_id=member.id, kind=kind, status=status, enrolled_at=enrolled_at or clock.now(),
            invited_by_id=invited_by_id,
        )
        .on_conflict_do_nothing()
        .returning(Ambassador.id)
    )  # fmt: skip
    if ambassador_id is None:
        raise EnrolmentError(_("This member is an ambassador already."))
    db.session.expire(member, ["ambassador"])
    audit.record(
        "ambassador.enrol",
        "ambassador",
        ambassador_id,
        {"kind": kind.value, "status": status.value},
    )
    return db.session.get_one(Ambassador, ambassador_id)


def get(ambassador_id: int) -> Ambassador:
    """Return an ambassador.

    Raises:
        NotFoundError: There is none of this id.
    """
    ambassador = db.session.get(Ambassador, ambassador_id)
    if ambassador is None:
        raise NotFoundError(_("There is no such ambassador."))
    return ambassador


def of_user(user_id: int | None) -> Ambassador | None:
    """Return the ambassador who signs in with an account, or None."""
    return db.session.scalar(sa.select(Ambassador).where(Ambassador.user_id == user_id))


def names(ids: Collection[int]) -> dict[int, str]:
    """Return the names of ambassadors by their ids."""
    if not ids:
        return {}
    rows = db.session.execute(
        sa.select(Ambassador.id, Member.name).join(Member).where(Ambassador.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def change_kind(ambassador: Ambassador, kind: AmbassadorKind) -> None:
    """Write another kind."""
    if ambassador.kind is kind:
        return
    details = {"before": ambassador.kind.value, "after": kind.value}
    ambassador.kind = kind
    audit.record("ambassador.change", "ambassador", ambassador.id, details)


def suspend(ambassador: Ambassador, *, reason: str) -> None:
    """Stop an ambassador's codes from earning, for a reason that the audit log keeps.

    Raises:
        EnrolmentError: They are suspended already, or left.
    """
    _move(ambassador, AmbassadorStatus.SUSPENDED, reason)
    if ambassador.user_id is not None:
        users.end_sessions(users.load(ambassador.user_id))


def reactivate(ambassador: Ambassador, *, reason: str = "") -> None:
    """Let an invited, suspended or former ambassador's codes earn (again).

    Raises:
        EnrolmentError: They are active already.
    """
    _move(ambassador, AmbassadorStatus.ACTIVE, reason)


def leave(ambassador: Ambassador, *, reason: str = "") -> None:
    """End an ambassador's part in the program.

    Raises:
        EnrolmentError: They left already.
    """
    _move(ambassador, AmbassadorStatus.LEFT, reason)


def give_access(ambassador: Ambassador) -> str | None:
    """Let an ambassador into the portal and mail them the way in.

    Returns:
        The link that was mailed, to pass on by hand; None for somebody who has
        a password or works here, because their account is theirs alone.

    Raises:
        InvalidInputError: We know no e-mail address of theirs.
        EnrolmentError: Another ambassador signs in with this address.
    """
    user = link_account(ambassador)
    if has_own_account(user):
        mails.sign_in_link(user)
        return None
    return mails.invitation(user)


def link_account(ambassador: Ambassador) -> User:
    """Return the account with which an ambassador signs in, made and linked if need be.

    Raises:
        InvalidInputError: We know no e-mail address of theirs.
        EnrolmentError: Another ambassador signs in with this address.
    """
    member = ambassador.member
    if not member.email:
        raise InvalidInputError(_("Write their e-mail address first: the way in is mailed to it."))
    user = users.link_ambassador_user(member.email, name=member.name, locale=member.locale)
    taken = sa.select(Ambassador.id).where(
        Ambassador.user_id == user.id, Ambassador.id != ambassador.id
    )
    if db.session.scalar(taken) is not None:
        raise EnrolmentError(_("Another ambassador signs in with this e-mail address."))
    ambassador.user_id = user.id
    audit.record("ambassador.access", "ambassador", ambassador.id, {"user": user.id})
    return user


def has_own_account(user: User) -> bool:
    """Tell whether an account is its owner's alone: it has a password, or they work here."""
    return bool(user.password) or users.roles_of(user) != {RoleName.AMBASSADOR}


def _move(ambassador: Ambassador, to: AmbassadorStatus, reason: str) -> None:
    before = ambassador.status
    if before not in _MOVES[to]:
        raise EnrolmentError(_("This ambassador cannot do that in their present state."))
    now = clock.now()
    if before in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
        ambassador.breaks = (*ambassador.breaks, (ambassador.status_since, now))
    ambassador.status, ambassador.status_since = to, now
    db.session.flush()  # the act and its audit line stand together
    details = {"before": before.value, "after": to.value, "reason": reason.strip()[:500]}
    audit.record(_ACTS[to], "ambassador", ambassador.id, details)
