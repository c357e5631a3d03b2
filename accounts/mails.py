"""What we mail to people who sign in: links, invitations, and word of what opens their account."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

from accounts import links
from accounts.models import LinkPurpose, Passkey, User
from core import clock, mails


def sign_in_link(user: User, *, next_path: str = "") -> None:
    """Mail a link that signs in once, and leads on to a page of ours."""
    link = links.create(user, LinkPurpose.SIGN_IN, lasts=links.SIGN_IN_FOR)
    if next_path:
        link += f"?next={quote(next_path)}"
    _send(user, "sign_in_link", link=link, minutes=links.SIGN_IN_FOR // timedelta(minutes=1))


def password_link(user: User) -> None:
    """Mail a link that sets a new password once."""
    link = links.create(user, LinkPurpose.SET_PASSWORD, lasts=links.RESET_FOR)
    _send(user, "password_link", link=link, minutes=links.RESET_FOR // timedelta(minutes=1))


def invitation(user: User) -> str:
    """Mail an invitation, and return its link for who invites to pass on."""
    link = links.create(user, LinkPurpose.SET_PASSWORD, lasts=links.INVITATION_FOR)
    _send(user, "invitation", link=link, days=links.INVITATION_FOR.days)
    return link


def password_changed(user: User) -> None:
    """Tell a person that their password was changed, in case it was not them."""
    _send(user, "password_changed", changed_at=clock.now())


def passkey_added(user: User, passkey: Passkey) -> None:
    """Tell a person that a passkey opens their account, in case it was not them."""
    _tell_passkey("passkey_added", user, passkey.id, passkey.name)


def passkey_removed(user: User, passkey_id: int, name: str) -> None:
    """Tell a person that a passkey no longer opens their account."""
    _tell_passkey("passkey_removed", user, passkey_id, name)


def _tell_passkey(message: str, user: User, passkey_id: int, name: str) -> None:
    _send(user, message, passkey=name, passkey_id=passkey_id, changed_at=clock.now())


def _send(user: User, message: str, **context: object) -> None:
    said = hashlib.sha256(repr(sorted(context.items())).encode()).hexdigest()[:20]
    mails.enqueue(
        message, to=user.email, locale=user.locale, key=f"{message}:{user.id}:{said}",
        name=user.name or user.email, **context,
    )  # fmt: skip
