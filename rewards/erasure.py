"""Erasure: the person goes, their figures stay.

Name, addresses and ids are taken away; the hash of an e-mail address, by which
limits and "the same person" are known, becomes a random one everywhere at once,
so that no balance, no report and no earlier decision changes (M13, M11) and
nobody finds the person by their address again.  Codes and ends of links stay
used, for they are never given to somebody else.

Source: GDPR, article 17; rules 2 and 29 of the program.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit, passkeys, users
from accounts.models import RoleName, User
from ambassadors import enrolment, personal
from ambassadors.models import Ambassador, AmbassadorStatus, Member
from core import emails, mails
from core.db import db
from core.errors import NotFoundError
from core.outbox import MessageState, OutboxMessage
from referrals import codes, consents, content_links, invitations, nps
from referrals.models import (
    Code,
    CodeCustomerUse,
    CodeStatus,
    Customer,
    CustomerIdentity,
    Purchase,
    Redemption,
)  # fmt: skip
from rewards import (
    connected,
    contracts,
    invitation_codes,
    mission_takes,
    payout_details,
    payouts,
    self_billing,
    tax_details,
)  # fmt: skip
from rewards.models import DataExport, PurchaseQuestion

REASON = "erased"
ACT = "privacy.erase"  # as the audit log calls it
_NOWHERE = "erased.invalid"  # RFC 2606: no mail is ever delivered there


def erase_address(address: str) -> bool:
    """Erase whoever has an e-mail address; True for a member, False for a customer or applicant.

    Raises:
        NotFoundError: Nobody has it.
    """
    digest = emails.digest(address)
    member = db.session.scalar(sa.select(Member).where(Member.email_hash == digest))
    if member is not None:
        erase(member)
        return True
    identity = db.session.get(CustomerIdentity, f"email:{digest}") if digest else None
    has_applied = bool(digest) and _forget_asked({str(digest)})
    if identity is None and not has_applied:
        raise NotFoundError(_("Nobody is known by this e-mail address."))
    consents.forget({str(digest)})
    _replace({str(digest)})
    audit.record(ACT, "customer", identity.customer_id if identity else 0, {})
    return False


def erase(member: Member) -> None:
    """Take everything away that says who a member is; they get word of it by mail."""
    address, locale, name = member.email, member.locale, member.name
    digests = {member.email_hash} if member.email_hash else set()
    ambassador = member.ambassador
    if ambassador is not None:
        _end_part(ambassador)
    digests |= digests_of_customers(member.id)
    _forget_messages(address)
    personal.forget(member.id, digests)
    invitations.forget(digests)
    consents.forget(digests)
    new = _replace(digests)
    member.name, member.email, member.external_id = f"#{member.id}", None, None
    member.country = member.locale = None
    member.email_hash = new.get(member.email_hash or "")
    db.session.execute(sa.delete(DataExport).where(DataExport.member_id == member.id))
    db.session.flush()  # a clash shows here
    audit.record(ACT, "member", member.id, {})
    if address:
        mails.enqueue(
            "data_erased", to=address, locale=locale, key=f"data_erased:{member.id}", name=name
        )


def _forget_asked(digests: set[str]) -> bool:
    """Take away applications and invitations of some addresses; tell whether there were any."""
    return personal.forget_applications(digests) + invitations.forget(digests) > 0


def _end_part(ambassador: Ambassador) -> None:
    """End an ambassador's part, stop their codes, empty their words, close their account."""
    if ambassador.status is not AmbassadorStatus.LEFT:
        enrolment.leave(ambassador, reason=REASON)
    ambassador.shows_name = False
    active = sa.select(Code.id).where(
        Code.ambassador_id == ambassador.id, Code.status == CodeStatus.ACTIVE
    )
    for code_id in list(db.session.scalars(active)):
        codes.freeze(code_id, reason=REASON)
    db.session.execute(
        sa.update(PurchaseQuestion)
        .where(PurchaseQuestion.ambassador_id == ambassador.id)
        .values(text="", answer=sa.case((PurchaseQuestion.answered_at.is_not(None), "")))
    )
    payout_details.forget(ambassador.id)
    connected.forget(ambassador.id)
    payouts.forget(ambassador.id)
    contracts.forget(ambassador.id)
    self_billing.forget(ambassador.id)
    tax_details.forget(ambassador.id)
    content_links.forget(ambassador.id)
    mission_takes.forget(ambassador.id)
    invitation_codes.forget_notes(ambassador.id)
    if ambassador.user_id is not None:
        _close_account(ambassador, users.load(ambassador.user_id))


def _close_account(ambassador: Ambassador, user: User) -> None:
    """Empty the account; a colleague's stays theirs, without the ambassador's role."""
    roles = users.roles_of(user)
    if roles != {RoleName.AMBASSADOR}:
        ambassador.user_id = None
        users.set_roles(user, roles - {RoleName.AMBASSADOR})
        return
    users.revoke(user)
    passkeys.forget(user.id)
    user.fs_webauthn_user_handle = None
    _forget_messages(user.email)
    user.email, user.name = f"erased-{user.id}@{_NOWHERE}", ""
    user.password = user.locale = user.confirmed_at = None
    user.active = False


def digests_of_customers(member_id: int) -> set[str]:
    """Return the hashes of addresses with which a member bought."""
    keys = db.session.scalars(
        sa.select(CustomerIdentity.key)
        .join(Customer, Customer.id == CustomerIdentity.customer_id)
        .where(Customer.member_id == member_id, CustomerIdentity.key.startswith("email:"))
    )
    return {key.removeprefix("email:") for key in keys}


def _replace(digests: set[str]) -> dict[str, str]:
    """Put a random hash in the place of each one, wherever it stands; return the pairs."""
    new = {old: secrets.token_hex(32) for old in sorted(digests)}
    for old, other in new.items():
        key = f"email:{old}"
        of_customer = sa.select(CustomerIdentity.customer_id).where(CustomerIdentity.key == key)
        db.session.execute(
            sa.update(Purchase)
            .where(Purchase.customer_id.in_(of_customer), Purchase.customer_key == old)
            .values(customer_key=other, name_key=None)
        )
        for table in (Redemption, CodeCustomerUse):
            db.session.execute(
                sa.update(table).where(table.customer_key == old).values(customer_key=other)
            )
        db.session.execute(
            sa.update(CustomerIdentity)
            .where(CustomerIdentity.key == key)
            .values(key=f"email:{other}")
        )
        nps.rename(old, other)
    return new


def _forget_messages(address: str | None) -> None:
    """Take back mails to this address that have not gone out."""
    if not address:
        return
    waiting = sa.select(OutboxMessage).where(
        OutboxMessage.kind == "email",
        OutboxMessage.state.in_([MessageState.WAITING, MessageState.FAILED]),
    )
    wanted = address.strip().lower()
    for message in db.session.scalars(waiting.execution_options(yield_per=500)):
        if str(message.payload.get("to", "")).strip().lower() == wanted:
            db.session.delete(message)
