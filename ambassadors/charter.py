"""The charter: what an ambassador agrees to, in French and English, version by version.

A version is never edited.  An application keeps the one that its sender read.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors.models_recruiting import Charter
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError

LONGEST = 20_000  # letters of one text


def current() -> Charter | None:
    """Return the version in force, or None before the first."""
    return db.session.scalar(sa.select(Charter).order_by(Charter.version.desc()).limit(1))


def of_version(version: int) -> Charter | None:
    """Return a version, or None."""
    return db.session.scalar(sa.select(Charter).where(Charter.version == version))


def publish(*, text_en: str, text_fr: str) -> Charter:
    """Put a new version in force; the same texts again change nothing.

    Raises:
        InvalidInputError: A text is missing or too long.
        ConflictError: Somebody published another at this moment.
    """
    texts = {"text_en": _clean(text_en), "text_fr": _clean(text_fr)}
    faults = [
        Fault(f"/{name}", _("Write the charter in both languages, 20,000 letters at most."))
        for name, text in texts.items()
        if not text or len(text) > LONGEST
    ]
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    last = current()
    if last is not None and (last.text_en, last.text_fr) == (texts["text_en"], texts["text_fr"]):
        return last
    version = last.version + 1 if last else 1
    charter_id = db.session.scalar(
        upsert_dialect()
        .insert(Charter)
        .values(version=version, published_at=clock.now(), **texts)
        .on_conflict_do_nothing(index_elements=["version"])
        .returning(Charter.id)
    )
    if charter_id is None:
        raise ConflictError(_("Somebody published another version just now. Read it first."))
    audit.record("charter.publish", "charter", version, {})
    return db.session.get_one(Charter, charter_id)


def text_in(charter: Charter, locale: str) -> str:
    """Return the text in a language."""
    return charter.text_fr if locale == "fr" else charter.text_en


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\0", "").splitlines()).strip()
