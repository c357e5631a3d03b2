"""The ambassadors' door of campaigns: what each asks and gives, and what to share of it.

A campaign is mine when I have a code or a link in it; another's is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload
from wtforms.fields.choices import SelectChoice

from accounts import permissions
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from campaigns import briefs, images, offers, wording
from campaigns.models import Brief, Campaign, Mention
from campaigns.terms import in_force as terms_of
from core import clock, i18n
from core.db import db
from core.errors import NotFoundError
from core.i18n import LANGUAGES
from referrals import landings, links, sharing
from referrals.sharing import Shared
from rewards import sprints, steps
from rewards.forms_portal import ContentForm
from rewards.portal import me

door = permissions.guard(
    Blueprint("portal_campaigns", __name__, url_prefix="/portal/campaigns"), permissions.AMBASSADOR
)


@dataclass(frozen=True, slots=True)
class Words:
    """A text to share, with the mention in front."""

    language: str
    mention: str | None
    text: str

    @property
    def whole(self) -> str:
        return f"{self.mention}\n{self.text}" if self.mention else self.text


@door.get("")
def everything() -> ResponseReturnValue:
    """Show the campaigns that I share, those that run first."""
    shared = _shared(me())
    each = {one.campaign_id: one for one in reversed(shared)}.values()
    order = ("running", "paused", "ended", "draft")
    return render_template(
        "rewards/portal_campaigns/list.html",
        campaigns=sorted(each, key=lambda one: (order.index(one.campaign_status), one.campaign)),
    )


@door.get("/<int:campaign_id>")
def one(campaign_id: int) -> ResponseReturnValue:
    """Show a campaign of mine: what it asks and gives, its words, images and mention."""
    ambassador = me()
    mine, campaign = _mine(ambassador, campaign_id)
    code = next((one.text for one in mine if one.kind == sharing.CODE), None)
    link = next((one.text for one in mine if one.kind == sharing.LINK), None)
    brief, terms, progress = briefs.of(campaign), terms_of(campaign), sprints.progress(campaign)
    mention = _mention(campaign)
    page = _page(link) if link else None
    form = ContentForm(formdata=None)
    form.campaign.choices = [SelectChoice(campaign.id, campaign.name)]
    return render_template(
        "rewards/portal_campaigns/one.html",
        campaign=campaign, code=code, link=link, page=page, mention=mention, form=form,
        name=landings.name_of(ambassador),
        offer=offers.read(terms, campaign.currency, i18n.language(), has_code=code is not None),
        asks=wording.asks(briefs.format_of(campaign), program.current().name),
        reward=wording.reward(terms.reward, campaign.currency, is_own=True),
        words=_words(campaign, brief, mention, code=code, page=page) if code or page else [],
        images=images.of_campaign(campaign.id), progress=progress,
        last_day=campaign.ends_at - timedelta(microseconds=1) if campaign.ends_at else None,
        left=steps.left(progress) if progress else "",
    )  # fmt: skip


@door.post("/<int:campaign_id>/link")
def make_link(campaign_id: int) -> ResponseReturnValue:
    """Give me a link beside my code; a second tap changes nothing."""
    ambassador = me()
    _mine(ambassador, campaign_id)
    links.ensure(ambassador, campaign_id)
    db.session.commit()
    flash(_("Your link is ready."))
    return redirect(url_for(".one", campaign_id=campaign_id), code=303)


def _shared(ambassador: Ambassador) -> list[Shared]:
    """Return an ambassador's active codes and links, the newest first; none while they rest."""
    if ambassador.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
        return []
    return [one for one in sharing.of_ambassador(ambassador.id) if one.is_active]


def _mine(ambassador: Ambassador, campaign_id: int) -> tuple[list[Shared], Campaign]:
    mine = [one for one in _shared(ambassador) if one.campaign_id == campaign_id]
    together = [joinedload(Campaign.benefits), joinedload(Campaign.rules)]
    campaign = db.session.get(Campaign, campaign_id, options=together) if mine else None
    if campaign is None:
        raise NotFoundError(_("There is no such campaign."))
    return mine, campaign


def _words(
    campaign: Campaign, brief: Brief | None, mention: Mention | None, *,
    code: str | None, page: str | None,
) -> list[Words]:  # fmt: skip
    """Return what one may say, the reader's language first; honest words of ours where none are."""
    told = []
    benefits = terms_of(campaign).benefits
    for language in sorted(LANGUAGES, key=lambda one: one != i18n.language()):
        text = (brief.text_fr if language == "fr" else brief.text_en) if brief else ""
        said = briefs.filled(text, code=code, link=page) if text else None
        if said is None:
            with force_locale(language):
                gets = [wording.benefit(one, campaign.currency) for one in benefits]
                said = "\n".join(filter(None, (sharing.words(code, gets), page)))
        told.append(Words(language, mention.text_in(language) if mention else None, said))
    return told


def _mention(campaign: Campaign) -> Mention | None:
    today = clock.local_day(clock.now(), program.current().timezone)
    return briefs.mention(briefs.format_of(campaign), today)


def _page(link: str) -> str:
    """Return the whole address of the page on which friends land."""
    host: str = current_app.extensions["settings"].base_url
    return host + url_for("referrals_public.offer", slug=link)
