"""Passkeys: signing in with a finger or a face instead of a password or a mail.

The device keeps the secret; we keep a public key.  A challenge lives five
minutes in the browser's session and is accepted once.  A passkey belongs to
the host of BASE_URL, so an address of numbers cannot have any.

Source: W3C Web Authentication, Level 3, sections 7.1 and 7.2.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts import audit, mails
from accounts.models import Passkey, User
from core import clock, limits
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError

LASTS = timedelta(minutes=5)  # of a challenge
MOST = 10  # passkeys of a person
_CHALLENGE = "passkey"  # the name of the session's entry


class PasskeyError(InvalidInputError):
    """The device's answer does not prove what it should."""


def is_possible() -> bool:
    """Tell whether browsers make passkeys for our address: a name, not numbers."""
    host = _host()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(host)
    return False


def of(user_id: int) -> list[Passkey]:
    """Return a person's passkeys, the oldest first."""
    query = sa.select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)
    return list(db.session.scalars(query))


def options_to_add(user: User, session: MutableMapping[str, Any], *, brand: str) -> str:
    """Return what the browser needs to make a passkey, as JSON; remembers the challenge."""
    if not user.fs_webauthn_user_handle:
        user.fs_webauthn_user_handle = secrets.token_hex(32)
    options = generate_registration_options(
        rp_id=_host(), rp_name=brand, user_id=user.fs_webauthn_user_handle.encode(),
        user_name=user.email, user_display_name=user.name or user.email,
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id))
            for one in of(user.id)
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )  # fmt: skip
    _remember(session, options.challenge)
    return options_to_json(options)


def add(user: User, session: MutableMapping[str, Any], credential: Any, name: str) -> None:
    """Keep a passkey that the browser made.

    Raises:
        PasskeyError: The answer is not to our challenge, or not from our page.
        ConflictError: This passkey is known, or there are `MOST` already.
    """
    try:
        proof = verify_registration_response(
            credential=credential, expected_challenge=_challenge(session), expected_rp_id=_host(),
            expected_origin=_origin(), require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyError(_("This passkey could not be made. Please try again.")) from None
    if len(of(user.id)) >= MOST:
        raise ConflictError(_("Remove a passkey first: one may have %(n)s.", n=MOST))
    label = name.strip()[:60] or _("Passkey")
    passkey = Passkey(
        user_id=user.id, credential_id=bytes_to_base64url(proof.credential_id),
        public_key=bytes_to_base64url(proof.credential_public_key),
        sign_count=proof.sign_count, name=str(label), created_at=clock.now(),
    )  # fmt: skip
    db.session.add(passkey)
    try:
        db.session.flush()  # the same passkey twice shows here
    except sa.exc.IntegrityError:
        raise ConflictError(_("This passkey is known already.")) from None
    audit.record("passkey.add", "user", user.id, {})
    mails.passkey_added(user, passkey)


def remove(user: User, passkey_id: int) -> None:
    """Forget one of a person's passkeys.

    Raises:
        NotFoundError: It is not theirs.
    """
    which = (Passkey.id == passkey_id, Passkey.user_id == user.id)
    name = db.session.scalar(sa.delete(Passkey).where(*which).returning(Passkey.name))
    if name is None:
        raise NotFoundError(_("There is no such passkey."))
    audit.record("passkey.remove", "user", user.id, {})
    mails.passkey_removed(user, passkey_id, name)


def forget(user_id: int) -> None:
    """Forget all passkeys of a person."""
    db.session.execute(sa.delete(Passkey).where(Passkey.user_id == user_id))


def options_to_sign_in(session: MutableMapping[str, Any]) -> str:
    """Return what the browser needs to sign in, as JSON; remembers the challenge."""
    options = generate_authentication_options(
        rp_id=_host(), user_verification=UserVerificationRequirement.REQUIRED
    )
    _remember(session, options.challenge)
    return options_to_json(options)


def verify(session: MutableMapping[str, Any], credential: Any) -> User:
    """Return whose passkey answered our challenge.

    Raises:
        PasskeyError: Unknown, not to our challenge, a copy of another, or of somebody kept out.
    """
    refused = PasskeyError(_("This passkey does not open the door. Sign in another way."))
    challenge = _challenge(session)
    known_by = credential.get("id") if isinstance(credential, dict) else None
    query = sa.select(Passkey).where(Passkey.credential_id == str(known_by)[:1400])
    passkey = db.session.scalar(query.with_for_update())
    user = db.session.get(User, passkey.user_id) if passkey else None
    if passkey is None or user is None or not user.active:
        raise refused
    try:
        proof = verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=_host(),
            expected_origin=_origin(), require_user_verification=True,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise refused from None
    passkey.sign_count, passkey.used_at = proof.new_sign_count, clock.now()
    return user


def _remember(session: MutableMapping[str, Any], challenge: bytes) -> None:
    session[_CHALLENGE] = [bytes_to_base64url(challenge), clock.now().isoformat()]


def _challenge(session: MutableMapping[str, Any]) -> bytes:
    """Return the challenge of this session, once.  Commits.

    Raises:
        PasskeyError: There is none, or it is too old.
        TooManyError: It was used already.
    """
    kept = session.pop(_CHALLENGE, None)
    if not kept or clock.now() - datetime.fromisoformat(kept[1]) > LASTS:
        raise PasskeyError(_("This took too long. Please try again."))
    limits.hit("passkey_challenge", kept[0], limit=1, per=2 * LASTS)
    return base64url_to_bytes(kept[0])


def _origin() -> str:
    parts = urlsplit(current_app.extensions["settings"].base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _host() -> str:
    return urlsplit(current_app.extensions["settings"].base_url).hostname or ""
