"""Likeness of a mailbox and a person: zoe.martin@ and Zoé Martin have the same letters.

Only hashes are compared, so that nobody's address has to be kept.  They are
hashes of names, which a list of names can find again: they are as personal as
the address's own hash, and go where that goes.
"""

from __future__ import annotations

import hashlib
import unicodedata

from core import emails

SHORTEST = 6  # letters: shorter names, and words such as info or shop, are everybody's
EVERYBODYS = {  # mailboxes of that name, with a number or without, are no person's
    "accounts", "bonjour", "boutique", "client", "clients", "commande", "commandes", "compta",
    "contact", "customer", "customers", "factures", "famille", "family", "friend", "friends",
    "member", "members", "office", "orders", "person", "reception", "service", "support",
}  # fmt: skip


def of_mailbox(email: str | None) -> str | None:
    """Return the hash of the letters before the @, or None where they are too few to say much."""
    normal = emails.normalise(email)
    return _digest(_letters(normal.rpartition("@")[0])) if normal else None


def of_person(name: str, email: str | None) -> frozenset[str]:
    """Return the hashes of mailboxes that are like a person's name or own address.

    The name with its words in their order and turned round (Zoé Martin, Martin
    Zoé); their own mailbox, unless it is a single word of the name: many
    people are called Charlotte.
    """
    words = [letters for word in name.split() if (letters := _letters(word))]
    whole = ["".join(words[at:] + words[:at]) for at in range(len(words))] if words[1:] else []
    normal = emails.normalise(email)
    mailbox = _letters(normal.rpartition("@")[0]) if normal else ""
    if mailbox not in words:
        whole.append(mailbox)
    return frozenset(digest for text in whole if (digest := _digest(text)))


def _letters(text: str) -> str:
    """Return the letters of a text in lower case, without their accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalpha())


def _digest(letters: str) -> str | None:
    if len(letters) < SHORTEST or letters in EVERYBODYS:
        return None
    return hashlib.sha256(f"letters:{letters}".encode()).hexdigest()
