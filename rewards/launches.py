"""Launching a draft: its campaign, its brief and its code, or its changes; all at once and once."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from flask_babel import gettext as _

from ambassadors import enrolment
from campaigns import briefs, campaigns, drafts
from campaigns.briefs import Told
from campaigns.models import Campaign, Draft
from campaigns.terms import Terms
from core.errors import DomainError, Fault, InvalidInputError, NotFoundError
from referrals import codes

_LONGEST = 50  # of a slug, so that a number fits behind it


def launch(draft: Draft, terms: Terms, brief: Told, *, code: str, owner_id: int | None) -> Campaign:
    """Make a draft a running campaign.

    Args:
        draft: Which.
        terms: As its answers were read.
        brief: Likewise.
        code: One code for all readers, or nothing.
        owner_id: The ambassador who gets the credit of the code.

    Raises:
        LaunchedError: It was launched before; the campaign made here must not be kept.
        InvalidInputError: The code cannot be, or is taken.
        NotFoundError: There is no such ambassador.
    """
    campaign = campaigns.create(free_slug(terms.name), terms)
    drafts.become(draft, campaign)
    briefs.write(campaign, brief)
    if code:
        _make_code(code, campaign, owner_id)
    campaigns.start(campaign)
    return campaign


def apply(draft: Draft, terms: Terms, brief: Told, *, effective_on: date | None) -> Campaign:
    """Write what a draft changes into its campaign, once; its codes stay as they are.

    Args:
        draft: Which.
        terms: As its answers were read.
        brief: Likewise.
        effective_on: From when a changed reward counts; None: from now on.

    Raises:
        LaunchedError: It was applied before.
        CampaignError: The campaign was changed since, or has ended, or a limit is too low.
        InvalidInputError: A term cannot be.
    """
    campaign = drafts.changed_by(draft)
    if campaign is None:
        raise NotFoundError(_("There is no such draft."))
    drafts.become(draft, campaign)
    campaigns.change(campaign, terms, seen=draft.seen or "", effective_on=effective_on)
    briefs.write(campaign, brief)
    return campaign


def free_slug(name: str) -> str:
    """Return a name in addresses that no campaign has: `Thé d’hiver` gives `the-d-hiver`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "campaign"
    number, free = 1, slug if slug != "new" else "new-1"
    while campaigns.find(free) is not None:
        number += 1
        free = f"{slug}-{number}"
    return free


def _make_code(text: str, campaign: Campaign, owner_id: int | None) -> None:
    if owner_id is not None:
        enrolment.get(owner_id)
    try:
        codes.create(text, campaign_id=campaign.id, ambassador_id=owner_id)
    except DomainError as error:
        raise InvalidInputError(error.detail, faults=[Fault("/code", error.detail)]) from None


def code_fault(text: str) -> Fault | None:
    """Return what is wrong with a code before it is made, or None."""
    if not text:
        return None
    try:
        key = codes.require_key(text)
    except codes.InvalidCodeError as error:
        return Fault("/code", error.detail)
    if codes.find(key) is not None:
        return Fault("/code", _("The code %(code)s exists already.", code=key))
    return None
