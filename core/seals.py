"""What must be read again but never lie open in the database: sealed with a key from SECRET_KEY.

Each use has a context of its own, so what was sealed for one opens nothing of another.
With another SECRET_KEY nothing opens any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app


def derived(context: bytes) -> bytes:
    """Return 32 bytes that follow from SECRET_KEY and a context."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, context, hashlib.sha256).digest()


def seal(context: bytes, text: str) -> str:
    """Return a text encrypted and signed."""
    return _box(context).encrypt(text.encode()).decode()


def opened(context: bytes, sealed: str) -> str | None:
    """Return the text, or None where it was sealed with another key."""
    try:
        return _box(context).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(context: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived(context)))
