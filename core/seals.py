"""What must be read again but never lie open in the database: sealed with a key from SECRET_KEY.

Each use has a context of its own, so what was sealed for one opens nothing of another.
With another SECRET_KEY nothing opens any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import current_app

_SEALED_NUMBER = 22  # characters


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


def sealed_number(context: bytes, number: int) -> str:
    """Return a number as 22 characters that tell nothing of it; the same number gives the same.

    One block of AES over eight zero bytes and the number.  A guess opens only where those
    bytes come out zero again, once in 2^64.
    """
    block = bytes(8) + number.to_bytes(8)
    made = _cipher(context).encryptor().update(block)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def opened_number(context: bytes, sealed: str) -> int | None:
    """Return the number, or None where `sealed_number` did not make this text."""
    if len(sealed) != _SEALED_NUMBER or not sealed.isascii():
        return None
    try:
        block = base64.b64decode(f"{sealed}==", altchars=b"-_", validate=True)
    except ValueError:
        return None
    plain = _cipher(context).decryptor().update(block)
    number = int.from_bytes(plain[8:])
    return number if plain[:8] == bytes(8) and number < 2**63 else None


def _cipher(context: bytes) -> Cipher[modes.ECB]:
    # ECB is sound for the one block that each number makes.
    return Cipher(algorithms.AES(derived(context)), modes.ECB())  # noqa: S305
