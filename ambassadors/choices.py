"""What members decide about messages, and which addresses get none.

A mail carries a signed link that needs no sign-in: one click unsubscribes, as
RFC 8058 asks.  Whoever holds the link can only do what its owner may undo.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer

from accounts import audit
from ambassadors import timeline
from ambassadors.models import ContactChoice, Member, Suppression, SuppressionReason
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, NotFoundError

WORDS = {
    SuppressionReason.BOUNCE: _l("Came back"),
    SuppressionReason.SPAM_REPORT: _l("Reported as spam"),
    SuppressionReason.UNSUBSCRIBE: _l("Unsubscribed"),
}
NOT_NOW = timedelta(days=14)


class LinkError(NotFoundError):
    """The link was not made here, or its member is gone."""


def link(member_id: int) -> str:
    """Return the address that a message carries to unsubscribe."""
    token = _signer().dumps(member_id)
    return f"{current_app.extensions['settings'].base_url}/unsubscribe/{token}"


def owner(token: str) -> Member:
    """Return whose link this is.

    Raises:
        LinkError: Nobody's.
    """
    try:
        member_id = _signer().loads(token)
    except BadSignature:
        member_id = None
    member = db.session.get(Member, member_id) if isinstance(member_id, int) else None
    if member is None:
        raise LinkError(_("This link is not complete. Open it again from the message."))
    return member


def of_member(member_id: int) -> ContactChoice:
    """Return what a member decided; nothing yet is an empty choice."""
    known = db.session.get(ContactChoice, member_id, populate_existing=True)
    return known or ContactChoice(member_id=member_id, snoozed_until=None, unsubscribed_at=None)


def snooze(member: Member) -> None:
    """Send a member no messages for two weeks from now."""
    _choose(member.id, snoozed_until=clock.now() + NOT_NOW)
    _note("messages.snoozed", member.id)


def wake(member: Member) -> None:
    """End a "not now" before its time."""
    _choose(member.id, snoozed_until=None)


def unsubscribe(member: Member) -> None:
    """Send a member no messages any more, at this address or another; again changes nothing."""
    if of_member(member.id).unsubscribed_at is not None:
        return
    _choose(member.id, unsubscribed_at=clock.now())
    if member.email_hash:
        suppress(member.email_hash, SuppressionReason.UNSUBSCRIBE)
    _note("messages.unsubscribed", member.id)


def subscribe(member: Member) -> None:
    """Send a member messages again, because they ask for it."""
    _choose(member.id, unsubscribed_at=None, snoozed_until=None)
    db.session.execute(
        sa.delete(Suppression).where(
            Suppression.email_hash == member.email_hash,
            Suppression.reason != SuppressionReason.BOUNCE,  # an address that fails, fails
        )
    )
    _note("messages.subscribed", member.id)


def suppress(email_hash: str, reason: SuppressionReason) -> None:
    """Keep an address from getting messages; the first reason stays."""
    db.session.execute(
        upsert_dialect()
        .insert(Suppression)
        .values(email_hash=email_hash, reason=reason, since=clock.now())
        .on_conflict_do_nothing(index_elements=["email_hash"])
    )


def lift(suppression_id: int) -> None:
    """Let an address that bounced get messages again.

    Raises:
        NotFoundError: It is not in the list.
        ConflictError: Its owner unsubscribed or reported spam: only they can undo it.
    """
    row = db.session.get(Suppression, suppression_id)
    if row is None:
        raise NotFoundError(_("This address is not in the list."))
    if row.reason is not SuppressionReason.BOUNCE:
        raise ConflictError(_("They decided this themselves, and only they can change it."))
    db.session.delete(row)
    audit.record("suppression.lift", "suppression", suppression_id, {"reason": row.reason.value})


def suppressions(
    reason: SuppressionReason | None = None, *, before: int | None = None, limit: int = 50
) -> list[tuple[Suppression, Member | None]]:
    """Return addresses that get no messages, the newest first, with their member if known."""
    query = sa.select(Suppression, Member).outerjoin(
        Member, Member.email_hash == Suppression.email_hash
    )
    if reason:
        query = query.where(Suppression.reason == reason)
    if before:
        query = query.where(Suppression.id < before)
    rows = db.session.execute(query.order_by(Suppression.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _choose(member_id: int, **values: object) -> None:
    columns = {"snoozed_until": None, "unsubscribed_at": None} | values
    db.session.execute(
        upsert_dialect()
        .insert(ContactChoice)
        .values(member_id=member_id, **columns)
        .on_conflict_do_update(index_elements=["member_id"], set_=values)
    )


def _note(kind: str, member_id: int) -> None:
    timeline.add(kind, [member_id], key=f"{kind}:{clock.now().isoformat()}")


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.extensions["settings"].secret_key, salt="unsubscribe")
