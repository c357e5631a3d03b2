"""Invitations by e-mail: a single-use link that makes somebody an ambassador.

The link's token is stored as its hash only.  Sending it again makes a new one,
so the newest mail counts.  A mailbox is invited to one thing once; whoever
opens the mail decides, and may say that we shall not write again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from accounts import audit
from accounts.sessions import hash_token
from ambassadors import choices
from ambassadors.models import AmbassadorKind, Circle, SuppressionReason
from campaigns.models import Campaign
from core import clock, emails, mails, outbox
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, NotFoundError
from referrals import invitees
from referrals.invitees import Invitee, Target
from referrals.models_invitations import Invitation, Standing

LASTS = timedelta(days=14)  # an invitation of the team
ASKED_LASTS = timedelta(days=1)  # a link that somebody asked for with a code
MOST_SENDS = 3  # of one invitation
PAUSE = timedelta(days=2)  # before it is sent again
KEPT_FOR = timedelta(days=183)  # what was not accepted is deleted then


class OverError(NotFoundError):
    """The link was used, is too old, was withdrawn, or a newer one took its place."""

    status = 410


class SendsError(ConflictError):
    """This invitation cannot be sent again, or not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How people are invited."""

    locale: str  # en or fr
    kind: AmbassadorKind = AmbassadorKind.CUSTOMER
    brand: str


def send(people: Sequence[Invitee], target: Target, manner: Manner) -> list[Invitee]:
    """Invite the people of a list; sending it again reaches nobody twice.

    Returns:
        The list as it was weighed at this moment.

    Raises:
        InvalidInputError: The campaign has ended.
    """
    invitees.require_target(target)
    weighed = invitees.weigh(people, target)
    wanted = [one for one in weighed if one.spared is None]
    what, now = title(target), clock.now()
    sent = 0
    for one in wanted:
        token = secrets.token_urlsafe(32)
        said = _mail(one.name, token, manner.locale, brand=manner.brand, what=what, at=now)
        if _write(one, target, manner, token):
            _enqueue(one.email, said, token)
            sent += 1
    if sent:
        details = {"count": sent, "target": target.key, "spared": len(weighed) - sent}
        audit.record("invitation.send", "invitation", target.key, details)
    return weighed


def ask(person: Invitee, voucher_id: int, *, locale: str, charter_id: int | None) -> str | None:
    """Keep that somebody wants to join with a code, and return the link to mail them.

    Returns:
        The link's token; None for a mailbox that joined with this code before.
    """
    token = secrets.token_urlsafe(32)
    target = Target(voucher_id=voucher_id)
    manner = Manner(locale=locale, brand="")
    is_new = _write(
        person, target, manner, token, lasts=ASKED_LASTS, charter_id=charter_id,
        again=Invitation.accepted_at.is_(None),
    )  # fmt: skip
    return token if is_new else None


def send_again(invitation: Invitation, *, brand: str) -> None:
    """Mail a new link in the place of the old one, at most three mails in all, days apart.

    Raises:
        SendsError: It was accepted or withdrawn, mailed often enough or just now, or its
            reader wants no messages.
    """
    target = Target(campaign_id=invitation.campaign_id, circle_id=invitation.circle_id)
    invitees.require_target(target)
    (one,) = invitees.weigh([_invitee(invitation)], target)
    if one.spared not in {None, invitees.Spared.INVITED}:
        raise SendsError(
            _("They are spared: %(why)s.", why=invitees.WORDS[one.spared or invitees.Spared.MEMBER])
        )
    token, now = secrets.token_urlsafe(32), clock.now()
    said = _mail(invitation.name, token, invitation.locale, brand=brand, what=title(target), at=now)
    moved = db.session.scalar(
        sa.update(Invitation)
        .where(
            Invitation.id == invitation.id, Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None), Invitation.voucher_id.is_(None),
            Invitation.sends < MOST_SENDS, Invitation.sent_at <= now - PAUSE,
        )
        .values(
            token_hash=hash_token(token), sends=Invitation.sends + 1, sent_at=now,
            expires_at=now + LASTS, opened_at=None,
        )
        .returning(Invitation.id)
    )  # fmt: skip
    if moved is None:
        raise SendsError(
            _("An invitation is mailed three times at most, two days apart, until it is accepted.")
        )
    _enqueue(invitation.email, said, token)
    audit.record("invitation.send_again", "invitation", invitation.id, {})


def withdraw(invitation: Invitation) -> None:
    """End an invitation's link, and take back its mail if it has not gone out.

    Raises:
        ConflictError: It was accepted or withdrawn already.
    """
    if not _end(invitation.id):
        raise ConflictError(_("This invitation was accepted or withdrawn already."))
    outbox.withdraw(_key(invitation.token_hash))
    audit.record("invitation.withdraw", "invitation", invitation.id, {})


def decline(token: str) -> None:
    """End an invitation as its reader asks, who gets no more messages from us.

    Raises:
        OverError: The link does not lead anywhere any more.
    """
    invitation = of_token(token)
    _end(invitation.id)
    choices.suppress(invitation.email_hash, SuppressionReason.UNSUBSCRIBE)
    audit.record("invitation.decline", "invitation", invitation.id, {})


def of_token(token: str) -> Invitation:
    """Return the open invitation of a link.

    Raises:
        OverError: There is none.
    """
    found = db.session.scalar(sa.select(Invitation).where(*_is_open(token)))
    if found is None:
        raise _over()
    return found


def note_opened(invitation: Invitation) -> None:
    """Keep the first moment at which the link was opened."""
    db.session.execute(
        sa.update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.opened_at.is_(None))
        .values(opened_at=clock.now())
    )


def take(token: str) -> Invitation:
    """Use the link of an invitation up; of two at once, one gets it.

    Raises:
        OverError: It was used, is too old or was withdrawn.
    """
    taken = db.session.scalar(
        sa.update(Invitation)
        .where(*_is_open(token))
        .values(accepted_at=clock.now())
        .returning(Invitation.id)
    )
    if taken is None:
        raise _over()
    return db.session.get_one(Invitation, taken, populate_existing=True)


def get(invitation_id: int) -> Invitation:
    """Return an invitation.

    Raises:
        NotFoundError: There is none of this id.
    """
    found = db.session.get(Invitation, invitation_id)
    if found is None:
        raise NotFoundError(_("There is no such invitation."))
    return found


def standing(invitation: Invitation) -> Standing:
    """Return how far an invitation came."""
    if invitation.accepted_at:
        return Standing.ACCEPTED
    if invitation.withdrawn_at:
        return Standing.WITHDRAWN
    if invitation.expires_at <= clock.now():
        return Standing.EXPIRED
    return Standing.OPENED if invitation.opened_at else Standing.SENT


def may_be_sent_again(invitation: Invitation) -> bool:
    """Tell whether `send_again` would, as far as the invitation itself goes."""
    return (
        standing(invitation) in {Standing.SENT, Standing.OPENED, Standing.EXPIRED}
        and invitation.sends < MOST_SENDS
        and invitation.sent_at <= clock.now() - PAUSE
    )


def of_team(
    wanted: Standing | None = None, *, before: int | None = None, limit: int = 50
) -> list[Invitation]:
    """Return the invitations that the team sent, the newest first."""
    query = sa.select(Invitation).where(Invitation.voucher_id.is_(None))
    if wanted:
        query = query.where(_stands(wanted))
    if before:
        query = query.where(Invitation.id < before)
    return list(db.session.scalars(query.order_by(Invitation.id.desc()).limit(limit)))


def counts() -> dict[Standing, int]:
    """Return how many invitations of the team stand where, in one statement."""
    numbers = [
        sa.select(sa.func.count())
        .select_from(Invitation)
        .where(Invitation.voucher_id.is_(None), _stands(one))
        .scalar_subquery()
        for one in Standing
    ]
    return dict(zip(Standing, db.session.execute(sa.select(*numbers)).one(), strict=True))


def title(target: Target) -> str:
    """Return the name of what one is invited to; empty for the program."""
    if target.campaign_id:
        return db.session.get_one(Campaign, target.campaign_id).name
    return db.session.get_one(Circle, target.circle_id).name if target.circle_id else ""


def link(token: str) -> str:
    """Return the address that a mail carries."""
    return f"{current_app.extensions['settings'].base_url}/invitation/{token}"


def sweep() -> int:
    """Delete what nobody accepted within half a year; return how many."""
    old = clock.now() - KEPT_FOR
    unused = sa.delete(Invitation).where(
        Invitation.accepted_at.is_(None), Invitation.sent_at < old
    )  # fmt: skip
    return affected(db.session.execute(unused))


def told(digests: Collection[str]) -> list[dict[str, Any]]:
    """Return what we hold of the invitations of some addresses, for their owner."""
    rows = db.session.execute(
        sa.select(
            Invitation.email, Invitation.name, Invitation.target, Invitation.sent_at,
            Invitation.accepted_at,
        ).where(Invitation.email_hash.in_(sorted(digests)))
    )  # fmt: skip
    return [dict(row._mapping) for row in rows]


def forget(digests: Collection[str]) -> int:
    """Delete the invitations of some addresses, and empty those that were accepted."""
    theirs = Invitation.email_hash.in_(sorted(digests))
    gone = db.session.execute(sa.delete(Invitation).where(theirs, Invitation.accepted_at.is_(None)))
    kept = list(db.session.scalars(sa.select(Invitation).where(theirs)))
    for one in kept:
        one.email, one.name, one.email_hash = "", "", secrets.token_hex(32)
    return affected(gone) + len(kept)


def _write(
    one: Invitee, target: Target, manner: Manner, token: str, *, lasts: timedelta = LASTS,
    charter_id: int | None = None, again: sa.ColumnElement[bool] | None = None,
) -> bool:  # fmt: skip
    """Write an invitation, or open a past one anew; False if somebody just did."""
    now = clock.now()
    values = {
        "email": one.email, "name": one.name, "locale": manner.locale, "kind": manner.kind,
        "token_hash": hash_token(token), "sends": 1, "sent_at": now, "expires_at": now + lasts,
        "opened_at": None, "withdrawn_at": None, "charter_id": charter_id,
    }  # fmt: skip
    made = upsert_dialect().insert(Invitation).values(
        email_hash=one.digest, target=target.key, campaign_id=target.campaign_id,
        circle_id=target.circle_id, voucher_id=target.voucher_id, **values,
    )  # fmt: skip
    written = made.on_conflict_do_update(
        index_elements=["email_hash", "target"], set_=values,
        where=invitees.is_past() if again is None else again,
    ).returning(Invitation.id)  # fmt: skip
    return db.session.scalar(written) is not None


def _mail(
    name: str, token: str, locale: str, *, brand: str, what: str, at: datetime
) -> dict[str, str]:
    return mails.render(
        "invitation_to_join", locale=locale, name=name, brand=brand, what=what, link=link(token),
        until=at + LASTS,
    )  # fmt: skip


def _enqueue(email: str, said: dict[str, str], token: str) -> None:
    outbox.enqueue("email", {"to": email, **said}, key=_key(hash_token(token)))


def _key(token_hash: str) -> str:
    return f"invitation:{token_hash}"


def _end(invitation_id: int) -> bool:
    ended = db.session.execute(
        sa.update(Invitation)
        .where(
            Invitation.id == invitation_id, Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=clock.now())
    )  # fmt: skip
    return affected(ended) > 0


def _invitee(invitation: Invitation) -> Invitee:
    digest = emails.digest(invitation.email) or ""
    return Invitee(email=invitation.email, name=invitation.name, digest=digest)


def _is_open(token: str) -> list[sa.ColumnElement[bool]]:
    return [
        Invitation.token_hash == hash_token(token), Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None), Invitation.expires_at > clock.now(),
    ]  # fmt: skip


def _stands(wanted: Standing) -> sa.ColumnElement[bool]:
    is_open = sa.and_(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
    lasts = sa.and_(is_open, Invitation.expires_at > clock.now())
    return {
        Standing.ACCEPTED: Invitation.accepted_at.is_not(None),
        Standing.WITHDRAWN: sa.and_(
            Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_not(None)
        ),
        Standing.EXPIRED: sa.and_(is_open, Invitation.expires_at <= clock.now()),
        Standing.OPENED: sa.and_(lasts, Invitation.opened_at.is_not(None)),
        Standing.SENT: sa.and_(lasts, Invitation.opened_at.is_(None)),
    }[wanted]


def _over() -> OverError:
    return OverError(
        _("This invitation was used already, it is too old, or a newer mail took its place.")
    )
