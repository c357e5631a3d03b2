"""Which customers agreed to be written to, as orders and files of customers tell it.

The latest word counts, in whatever order the facts arrive.  An address is kept
only while its owner agrees; a customer who never said so is known by a hash and
cannot be written to at all.

Source: GDPR, articles 6 and 7; e-privacy directive, article 13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import emails
from core.db import db, upsert_dialect
from integrations import facts
from referrals.models_invitations import MailConsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody said about being written to."""

    email: str
    may_write: bool
    said_at: datetime
    told_by: str


def of_purchases(told: Iterable[facts.Purchase]) -> list[Word]:
    """Return what the customers of purchases said, those that said anything."""
    return [
        Word(
            email=fact.email, may_write=fact.accepts_mail, said_at=fact.occurred_at,
            told_by=f"{fact.source}:{fact.external_id}",
        )
        for fact in told
        if fact.email and fact.accepts_mail is not None and not fact.is_test
    ]  # fmt: skip


def of_customers(told: Iterable[facts.Purchase]) -> list[Word]:
    """Return what the lines of a file of customers say, those that say anything."""
    return [replace(word, told_by="file") for word in of_purchases(told)]


def record(words: Iterable[Word]) -> None:
    """Keep what was said; an older word than the one we know changes nothing."""
    latest: dict[str, Word] = {}
    for word in words:
        digest = emails.digest(word.email)
        if digest and (digest not in latest or latest[digest].said_at <= word.said_at):
            latest[digest] = word
    if not latest:
        return
    rows = [
        {
            "email_hash": digest, "email": word.email.strip() if word.may_write else "",
            "may_write": word.may_write, "said_at": word.said_at, "told_by": word.told_by[:200],
        }
        for digest, word in sorted(latest.items())
    ]  # fmt: skip
    made = upsert_dialect().insert(MailConsent).values(rows)
    said = made.excluded
    db.session.execute(
        made.on_conflict_do_update(
            index_elements=["email_hash"], where=MailConsent.said_at <= said.said_at,
            set_={
                "email": said.email, "may_write": said.may_write, "said_at": said.said_at,
                "told_by": said.told_by,
            },
        )
    )  # fmt: skip


def known(digests: Collection[str]) -> dict[str, MailConsent]:
    """Return what the owners of some addresses said, by hash; nothing for who never did."""
    query = sa.select(MailConsent).where(MailConsent.email_hash.in_(sorted(digests)))
    return {one.email_hash: one for one in db.session.scalars(query)}


def told(digests: Collection[str]) -> list[dict[str, Any]]:
    """Return what we hold of this for its owner."""
    return [
        {"may_write": one.may_write, "said_at": one.said_at, "told_by": one.told_by}
        for one in known(digests).values()
    ]


def forget(digests: Collection[str]) -> None:
    """Delete what the owners of some addresses said."""
    theirs = MailConsent.email_hash.in_(sorted(digests))
    db.session.execute(sa.delete(MailConsent).where(theirs))
