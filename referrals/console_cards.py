"""The staff's door of cards to print: several on a page, in French or English."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from accounts import permissions
from campaigns import terms as campaign_terms
from campaigns import wording
from campaigns.models import Campaign
from core import countries, i18n
from core.db import db
from core.web import row_asked
from referrals import code_batches, code_qr
from referrals.console_code import required
from referrals.models import Code

OF_ONE = 8  # cards of one code: a page
OF_BATCH = 80  # codes of a batch: ten pages

door = permissions.guard(
    Blueprint("code_cards", __name__, url_prefix="/console/codes"), permissions.MARKETER
)


@dataclass(frozen=True, slots=True)
class Card:
    """What one card says."""

    code: str
    qr: Markup


@dataclass(frozen=True, slots=True)
class Words:
    """What every card of a page says, in the language of the cards."""

    benefits: list[str]
    how: str
    scope: str


@door.get("/<int:code_id>/cards")
def one(code_id: int) -> str:
    """Show a page of cards of one code."""
    code = required(code_id)
    text = code_qr.target(code, current_app.extensions["settings"].base_url)
    return _page([_card(code.text, text)] * OF_ONE, code.campaign_id, back=code)


@door.get("/batches/<int:job_id>/cards")
def batch(job_id: int) -> str:
    """Show cards of a batch, eighty codes at a time."""
    job = code_batches.find(job_id)
    rows = code_batches.page(job_id, after=row_asked("after") or 0, limit=OF_BATCH + 1)
    cards = [_card(row.text, row.text) for row in rows[:OF_BATCH]]
    after = rows[OF_BATCH - 1].id if len(rows) > OF_BATCH else None
    return _page(cards, job.payload["campaign_id"], job_id=job_id, after=after)


def _page(
    cards: list[Card],
    campaign_id: int,
    *,
    back: Code | None = None,
    job_id: int | None = None,
    after: int | None = None,
) -> str:
    asked = request.args.get("in")
    language = asked if asked in i18n.LANGUAGES else i18n.language()
    with force_locale(language):
        words = _words(db.session.get_one(Campaign, campaign_id))
    return render_template(
        "referrals/console/cards.html", cards=cards, words=words, language=language, back=back,
        job_id=job_id, after=after,
    )  # fmt: skip


def _card(code: str, text: str) -> Card:
    drawn = code_qr.inline(text, _("QR code of %(code)s", code=code))
    return Card(code, Markup(drawn))  # noqa: S704  segno escapes the title, the rest is numbers


def _words(campaign: Campaign) -> Words:
    terms = campaign_terms.of(campaign)
    named = ", ".join(countries.name(code) for code in terms.countries)
    scope = [str(_("Only in: %(countries)s.", countries=named))] if named else []
    if terms.ends_at:
        scope.append(str(_("Until %(day)s.", day=i18n.day(terms.ends_at))))
    return Words(
        benefits=[wording.benefit(one, campaign.currency) for one in terms.benefits],
        how=str(_("Enter this code at the checkout, or scan.")),
        scope=" ".join(scope),
    )
