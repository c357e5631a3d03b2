"""E-mail addresses as identities: two spellings of one mailbox give one hash.

Limits per customer, "new or existing" and "the same person" compare these hashes,
never the addresses.  The normal form is only for comparing: mail always goes
to the address as its owner wrote it.
"""

from __future__ import annotations

import hashlib
import re

LONGEST = 254  # RFC 5321, 4.5.3.1.3
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_ADDRESS = re.compile(  # no separators, controls or lone surrogates
    r"[^\s@,;:<>()\[\]\\\"\x00-\x20\x7f\ud800-\udfff]+"
    r"@[^\s@,;:<>()\[\]\\\"/\x00-\x20\x7f\ud800-\udfff]+"
)


def normalise(email: str | None) -> str | None:
    """Return the normal form of an address, or None if it cannot be one.

    Lower case, without what follows a plus in the mailbox, and for Gmail
    without dots and under one name of its two domains.

    Source: rule 6 of the program; for Gmail, "Dots don't matter in Gmail
    addresses" (support.google.com/mail/answer/7436150).
    """
    text = email.strip().lower() if email else ""
    if not text or len(text) > LONGEST or not _ADDRESS.fullmatch(text):
        return None
    mailbox, _, domain = text.rpartition("@")
    mailbox = mailbox.partition("+")[0] or mailbox
    domain = domain.rstrip(".")
    if domain in _GMAIL:
        mailbox, domain = mailbox.replace(".", "") or mailbox, "gmail.com"
    return f"{mailbox}@{domain}"


def digest(email: str | None) -> str | None:
    """Return the SHA-256 of the normal form in hexadecimal, or None without an address."""
    normal = normalise(email)
    return None if normal is None else hashlib.sha256(normal.encode()).hexdigest()
