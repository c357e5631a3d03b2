"""Briefs: for whom a campaign is and what ambassadors share, with the mention that the law asks.

Mentions are rows with the day from which they count and their source; the law
changes, and what was right on a day stays known.

Words to share know two variables, {code} and {link}; each ambassador reads their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import audiences
from ambassadors.audiences import Audience
from campaigns.models import Brief, Campaign, Format, Mention
from core.db import db, upsert_dialect
from core.errors import Fault, InvalidInputError

VARIABLES = ("code", "link")
LONGEST = 2000  # characters of the words to share
_VARIABLE = re.compile(r"\{([^{}\n]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A brief as a person writes it."""

    audience: Audience
    format: Format = Format.COMMISSION
    text_en: str = ""
    text_fr: str = ""
    goal: int | None = None  # purchases


def write(campaign: Campaign, told: Told) -> Brief:
    """Write the brief of a campaign, in place of an earlier one."""
    brief = db.session.get(Brief, campaign.id) or Brief(campaign_id=campaign.id)
    brief.audience = audiences.told(told.audience)
    brief.format, brief.goal = told.format, told.goal
    brief.text_en, brief.text_fr = told.text_en, told.text_fr
    db.session.add(brief)
    return brief


def write_words(campaign: Campaign, *, text_en: str, text_fr: str, kind: Format) -> None:
    """Write other words to share; for whom the campaign is stays as it was.

    Raises:
        InvalidInputError: A text is too long, or has a variable that we do not know.
    """
    faults = faults_of({"text_en": text_en, "text_fr": text_fr})
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    brief = of(campaign) or Brief(
        campaign_id=campaign.id, audience=audiences.told(Audience()), goal=None
    )
    brief.text_en, brief.text_fr, brief.format = text_en.strip(), text_fr.strip(), kind
    db.session.add(brief)
    details = {"text_en": brief.text_en, "text_fr": brief.text_fr, "format": kind.value}
    audit.record("campaign.brief", "campaign", campaign.slug, details)


def faults_of(texts: dict[str, str]) -> list[Fault]:
    """Return what is wrong with words to share, by field."""
    known = ", ".join(f"{{{name}}}" for name in VARIABLES)
    faults = []
    for field, text in texts.items():
        if len(text) > LONGEST or "\x00" in text:
            detail = _("Write at most %(count)s characters.", count=LONGEST)
            faults.append(Fault(f"/{field}", detail))
        for name in sorted(set(_VARIABLE.findall(text)) - set(VARIABLES))[:1]:
            detail = _("“%(name)s” is no variable; use %(known)s.", name=name, known=known)
            faults.append(Fault(f"/{field}", detail))
    return faults


def filled(text: str, *, code: str | None, link: str | None) -> str | None:
    """Return words with a person's own code and link; what they do not say stands below.

    None where the words ask for something that the person does not have yet.
    """
    values = {"code": code, "link": link}
    asked = set(_VARIABLE.findall(text)) & set(VARIABLES)
    if any(values[name] is None for name in asked):
        return None
    said = _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], text)
    below = [value for name, value in values.items() if value and name not in asked]
    return "\n".join([said, " ".join(below)]).strip() if below else said


def of(campaign: Campaign) -> Brief | None:
    """Return the brief of a campaign, or None."""
    return db.session.get(Brief, campaign.id)


def format_of(campaign: Campaign) -> Format:
    """Return how a campaign is shared; without a brief, for a commission."""
    brief = of(campaign)
    return brief.format if brief else Format.COMMISSION


def mention(kind: Format, on: date) -> Mention | None:
    """Return the mention that a format asks on a day, or None where none is set.

    Source: rule 28; loi 2023-451, ordonnance 2024-978.
    """
    query = sa.select(Mention).where(Mention.format == kind, Mention.effective_on <= on)
    return db.session.scalar(query.order_by(Mention.effective_on.desc()).limit(1))


def mentions() -> Sequence[Mention]:
    """Return every mention, format by format, the newest first."""
    query = sa.select(Mention).order_by(Mention.format, Mention.effective_on.desc())
    return db.session.scalars(query).all()


def set_mention(
    kind: Format, *, effective_on: date, text_fr: str, text_en: str, source: str
) -> None:
    """Say the mention of a format from a day on; the same day again replaces it.

    Raises:
        InvalidInputError: A text is missing or too long.
    """
    told = {"text_fr": text_fr.strip(), "text_en": text_en.strip(), "source": source.strip()}
    longest = {"text_fr": 200, "text_en": 200, "source": 300}
    faults = [
        Fault(f"/{name}", _("Write some words, at most %(most)s characters.", most=longest[name]))
        for name, text in told.items()
        if not 0 < len(text) <= longest[name] or not text.isprintable()
    ]
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    statement = upsert_dialect().insert(Mention).values(
        format=kind, effective_on=effective_on, **told
    )  # fmt: skip
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["format", "effective_on"], set_=told)
    )
    audit.record("mention.set", "mention", kind.value, {"effective_on": str(effective_on), **told})
