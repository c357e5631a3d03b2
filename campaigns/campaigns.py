"""Campaigns: set up, changed, started, paused and ended.

A changed reward never rewrites history: it adds a version that applies from
now or a later day on, and purchases of before keep the rule they were made under.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns import circle_names, perk_names
from campaigns import terms as campaign_terms
from campaigns.models import Benefit, Campaign, CampaignStatus, RewardRule
from campaigns.terms import AmbassadorEarns, FriendGets, Terms
from core import clock
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

_CHOICES = 500  # campaigns in a menu
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MOVES = {  # from which states each state can be reached
    CampaignStatus.RUNNING: {CampaignStatus.DRAFT, CampaignStatus.PAUSED},
    CampaignStatus.PAUSED: {CampaignStatus.RUNNING},
    CampaignStatus.ENDED: {
        CampaignStatus.DRAFT, CampaignStatus.RUNNING, CampaignStatus.PAUSED,
    },
}  # fmt: skip
_ACTS = {
    CampaignStatus.RUNNING: "campaign.start",
    CampaignStatus.PAUSED: "campaign.pause",
    CampaignStatus.ENDED: "campaign.end",
}


class CampaignError(ConflictError):
    """The campaign's state does not allow this."""


def create(slug: str, terms: Terms, *, status: CampaignStatus = CampaignStatus.DRAFT) -> Campaign:
    """Add a campaign in the program's currency.

    Args:
        slug: Its name in addresses and commands: small letters, digits and dashes.
        terms: What was decided.
        status: `draft`, or `running` at once.

    Raises:
        InvalidInputError: The slug or a term cannot be.
        CampaignError: A campaign has this slug already.
    """
    if not _SLUG.fullmatch(slug) or len(slug) > 60 or slug == "new":
        detail = _("Use small letters, digits and dashes, such as winter-2026.")
        raise InvalidInputError(detail, faults=[Fault("/slug", detail)])
    campaign_terms.require(terms)
    perk_names.require(terms.reward)
    circle_names.require(terms.reward)
    now = clock.now()
    campaign_id = db.session.scalar(
        upsert_dialect()
        .insert(Campaign)
        .values(
            slug=slug, status=status, status_since=now, currency=program.current().currency,
            committed=0, rewarded=0, created_at=now, **_columns(terms),
        )
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Campaign.id)
    )  # fmt: skip
    if campaign_id is None:
        detail = _("A campaign has this name in its address already.")
        raise CampaignError(detail, faults=[Fault("/slug", detail)])
    campaign = db.session.get_one(Campaign, campaign_id)
    _write_benefits(campaign, terms.benefits)
    _add_rule(campaign, terms.reward, effective_from=None)
    db.session.flush()  # the caller reads its rules
    audit.record("campaign.create", "campaign", slug, {"status": status, **_plain(terms)})
    return campaign


def change(
    campaign: Campaign, terms: Terms, *, seen: str = "", effective_on: date | None = None
) -> None:
    """Write other terms; a changed reward becomes a new version, from now or a later day on.

    Args:
        campaign: Whose.
        terms: The new ones.
        seen: The digest of the terms that the person saw, or nothing.
        effective_on: The first day of a changed reward, in the program's time zone.

    Raises:
        InvalidInputError: A term cannot be, or that day is past.
        CampaignError: Its terms are not those seen, it has ended, or a limit is below what was
            taken of it.
    """
    campaign_terms.require(terms)
    perk_names.require(terms.reward)
    circle_names.require(terms.reward)
    db.session.refresh(campaign, with_for_update=True)  # commissions raise `committed`
    if campaign.status is CampaignStatus.ENDED:
        raise CampaignError(_("This campaign has ended: its terms stay as they were."))
    _require_room(campaign, terms)
    before = campaign_terms.of(campaign)
    if before == terms:
        return
    if seen and seen != campaign_terms.digest(before):
        raise CampaignError(
            _("These terms were changed since you opened them. Open them again: nothing was saved.")
        )
    for name, value in _columns(terms).items():
        setattr(campaign, name, value)
    if before.benefits != terms.benefits:
        _write_benefits(campaign, terms.benefits)
    if before.reward != terms.reward:
        _add_rule(campaign, terms.reward, effective_from=_from(effective_on))
    db.session.flush()  # the caller reads its rules
    audit.record("campaign.change", "campaign", campaign.slug, _difference(before, terms))


def _from(effective_on: date | None) -> datetime:
    """Return the instant from which a changed reward counts; earlier orders keep theirs."""
    now, timezone = clock.now(), program.current().timezone
    today = clock.local_day(now, timezone)
    if effective_on is None or effective_on == today:
        return now
    starts_at = campaign_terms.window(effective_on, None, timezone)[0]
    if starts_at is None or effective_on < today:
        detail = _("That day is past: purchases keep the reward of their day.")
        raise InvalidInputError(detail, faults=[Fault("/effective_on", detail)])
    return starts_at


def _require_room(campaign: Campaign, terms: Terms) -> None:
    """Refuse limits below what was taken of them."""
    if terms.budget is not None and terms.budget < campaign.committed:
        detail = _("The budget is below what is committed already.")
        raise CampaignError(detail, faults=[Fault("/budget", detail)])
    if terms.rewarded_limit is not None and terms.rewarded_limit < campaign.rewarded:
        detail = _("More purchases than that were rewarded already.")
        raise CampaignError(detail, faults=[Fault("/rewarded_limit", detail)])


def start(campaign: Campaign) -> None:
    """Let a draft or paused campaign's codes apply.

    Raises:
        CampaignError: It runs already, or has ended.
    """
    _move(campaign, CampaignStatus.RUNNING)


def pause(campaign: Campaign) -> None:
    """Stop a running campaign's codes for a while; raises CampaignError unless it runs."""
    _move(campaign, CampaignStatus.PAUSED)


def end(campaign: Campaign) -> None:
    """End a campaign for good; raises CampaignError if it has ended."""
    _move(campaign, CampaignStatus.ENDED)


def get(slug: str) -> Campaign:
    """Return a campaign.

    Raises:
        NotFoundError: There is none of this slug.
    """
    campaign = find(slug)
    if campaign is None:
        raise NotFoundError(_("There is no campaign %(slug)s.", slug=slug))
    return campaign


def find(slug: str) -> Campaign | None:
    """Return the campaign of this slug, or None."""
    return db.session.scalar(sa.select(Campaign).where(Campaign.slug == slug))


def names() -> list[tuple[str, str]]:
    """Return slug and name of the campaigns that were ever open, the newest first, for a menu."""
    query = (
        sa.select(Campaign.slug, Campaign.name)
        .where(Campaign.status != CampaignStatus.DRAFT)
        .order_by(Campaign.id.desc())
        .limit(_CHOICES)
    )
    return [(row.slug, row.name) for row in db.session.execute(query)]


def newest(
    *, status: CampaignStatus | None = None, before: int | None = None, limit: int = 50
) -> list[Campaign]:
    """Return campaigns, the newest first, going on before an id."""
    query = sa.select(Campaign).order_by(Campaign.id.desc()).limit(limit)
    if status:
        query = query.where(Campaign.status == status)
    if before is not None:
        query = query.where(Campaign.id < before)
    return list(db.session.scalars(query))


def after(after_id: int, *, status: CampaignStatus | None, limit: int) -> list[Campaign]:
    """Return campaigns in the order of their ids, for machines."""
    query = sa.select(Campaign).where(Campaign.id > after_id).order_by(Campaign.id).limit(limit)
    return list(db.session.scalars(query.where(Campaign.status == status) if status else query))


def _move(campaign: Campaign, to: CampaignStatus) -> None:
    db.session.refresh(campaign, with_for_update=True)
    before = campaign.status
    if before not in _MOVES[to]:
        raise CampaignError(_("This campaign cannot do that in its present state."))
    now = clock.now()
    if before is CampaignStatus.PAUSED:
        campaign.breaks = (*campaign.breaks, (campaign.status_since, now))
    campaign.status, campaign.status_since = to, now
    db.session.flush()  # a later act reads it under its lock
    audit.record(_ACTS[to], "campaign", campaign.slug, {"before": before.value})


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "name": terms.name.strip(), "objective": terms.objective,
        "starts_at": terms.starts_at, "ends_at": terms.ends_at,
        "countries": list(terms.countries), "currencies": list(terms.currencies),
        "products": list(terms.products), "minimum_basket": terms.minimum_basket,
        "new_customers_only": terms.new_customers_only,
        "uses_per_code": terms.uses_per_code, "uses_per_customer": terms.uses_per_customer,
        "refund_frees_use": terms.refund_frees_use, "budget": terms.budget,
        "rewarded_limit": terms.rewarded_limit, "points_months": terms.points_months,
        "landing_url": terms.landing_url,
    }  # fmt: skip


def _write_benefits(campaign: Campaign, benefits: tuple[FriendGets, ...]) -> None:
    db.session.execute(sa.delete(Benefit).where(Benefit.campaign_id == campaign.id))
    db.session.add_all(
        Benefit(campaign_id=campaign.id, position=position, **dataclasses.asdict(benefit))
        for position, benefit in enumerate(benefits)
    )
    db.session.flush()  # the collection is read anew
    db.session.expire(campaign, ["benefits"])


def _add_rule(
    campaign: Campaign, reward: AmbassadorEarns, *, effective_from: datetime | None
) -> None:
    rule = RewardRule(
        version=len(campaign.rules) + 1, effective_from=effective_from, created_at=clock.now(),
        **dataclasses.asdict(reward),
    )  # fmt: skip
    campaign.rules.append(rule)


def _difference(before: Terms, after: Terms) -> dict[str, Any]:
    old, new = _plain(before), _plain(after)
    changed = [name for name in old if old[name] != new[name]]
    return {
        "before": {name: old[name] for name in changed},
        "after": {name: new[name] for name in changed},
    }


def _plain(terms: Terms) -> dict[str, Any]:
    """Return terms as the audit log keeps them: texts, numbers and lists."""
    plain: dict[str, Any] = _plain_value(dataclasses.asdict(terms))
    return plain


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value
