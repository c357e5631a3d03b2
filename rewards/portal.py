"""The ambassadors' door: my codes and links, what they brought, what I earned and why.

An ambassador sees their own things only; another's answers as one that does
not exist.  Who bought is never shown.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import segno
import sqlalchemy as sa
from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from accounts import identities, permissions
from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from campaigns import terms as campaign_terms
from campaigns import wording as campaign_wording
from campaigns.models import BenefitKind, Brief, Campaign
from core import clock
from core.db import db
from core.errors import NotFoundError
from core.web import row_asked
from referrals import sharing
from referrals.models import Purchase
from referrals.sharing import Shared
from rewards import (
    earnings,
    explained_words,
    explanations,
    ledger,
    questions,
    sprints,
    steps,
    wording,
)  # fmt: skip
from rewards.earnings import Brought
from rewards.models import Account
from rewards.sprints import Progress

PAGE = 20
ON_HOME = 5  # purchases, and cards of codes
_ICONS = {
    BenefitKind.PERCENT: "percent", BenefitKind.AMOUNT: "money",
    BenefitKind.FREE_SHIPPING: "truck", BenefitKind.FREE_PRODUCT: "gift",
}  # fmt: skip

door = permissions.guard(
    Blueprint("rewards_portal", __name__, url_prefix="/portal"), permissions.AMBASSADOR
)


@dataclass(frozen=True, slots=True)
class Card:
    """A campaign's code and link of one ambassador, with what it gives."""

    campaign_id: int
    name: str
    code: str | None
    url: str | None
    qr: Markup | None
    benefits: list[tuple[str, str]]  # words and icon
    reward: str
    is_running: bool
    slug: str | None  # of the link, for its QR code to print
    share_text: str  # what one may say beside the link
    progress: Progress | None  # of a sprint


@dataclass(frozen=True, slots=True)
class Wallet:
    """What an ambassador has in one currency, in minor units."""

    currency: str
    pending: int
    held: int
    payable: int
    paid: int
    on_its_way: int = 0


@door.get("/")
def home() -> ResponseReturnValue:
    """Show what I share, what it brought and what I earned."""
    ambassador = me()
    if ambassador.status in {AmbassadorStatus.SUSPENDED, AmbassadorStatus.LEFT}:
        return render_template(
            "rewards/portal/resting.html", me=ambassador, wallets=wallets(ambassador.id)
        )
    found = earnings.brought(ambassador.id, limit=ON_HOME + 1)
    figures = earnings.figures(ambassador.id, since=month_start())
    asked, has_answer = questions.lately(ambassador.id, [one.id for one in found[:ON_HOME]])
    cards, owed = _cards(ambassador, limit=ON_HOME), wallets(ambassador.id)
    return render_template(
        "rewards/portal/home.html",
        me=ambassador, cards=cards, figures=figures, wallets=owed, story=steps.story(figures),
        checklist=steps.checklist(ambassador, figures, has_code=bool(cards)),
        step=steps.next_one(
            has_answer=has_answer,
            needs_details=not figures.has_payout_details and _is_enough(owed),
            sprint=_sprint(cards), contract_id=figures.contract_to_sign,
        ),
        asked=asked,
        purchases=found[:ON_HOME], more=len(found) > ON_HOME, why=wording.why,
    )  # fmt: skip


@door.get("/share")
def share() -> ResponseReturnValue:
    """Show every code and link of mine."""
    ambassador = me()
    return render_template(
        "rewards/portal/share.html", me=ambassador, cards=_cards(ambassador, limit=100)
    )


@door.get("/purchases")
def purchases() -> ResponseReturnValue:
    """Show the purchases of my list, page by page."""
    ambassador = me()
    only = row_asked("only")  # the one that a line of a statement speaks of
    found = earnings.brought(ambassador.id, before=_before(), limit=PAGE + 1, only=only)
    return render_template(
        "rewards/portal/purchases.html",
        asked=questions.of_purchases(ambassador.id, [one.id for one in found[:PAGE]]),
        purchases=found[:PAGE], next_before=found[PAGE - 1].id if len(found) > PAGE else None,
        before=request.args.get("before"), only=only, why=wording.why,
        worked_out=_worked_out(ambassador.id, found[:PAGE]),
    )  # fmt: skip


@door.get("/qr/<text>.svg")
def qr(text: str) -> ResponseReturnValue:
    """Send the QR code of one of my links as a file to print."""
    slugs = {one.text for one in sharing.of_ambassador(me().id) if one.kind == sharing.LINK}
    if text not in slugs:
        raise NotFoundError(_("There is no such link."))
    out = io.BytesIO()
    segno.make(link_url(text), error="m").save(out, kind="svg", scale=8, border=4)
    return Response(out.getvalue(), mimetype="image/svg+xml")


def _worked_out(ambassador_id: int, found: list[Brought]) -> dict[int, str]:
    """Return how the money of purchases came about, by purchase, for those that earn."""
    ids = [one.id for one in found if one.is_credited and one.commission]
    known = explanations.of_ambassador(ambassador_id, ids)
    rules = explanations.rules_of([one.reward for one in found if one.reward])
    return {
        **{id_: explained_words.simple(one) for id_, one in known.items()},
        **{id_: explained_words.of_thing(*rule, is_own=True) for id_, rule in rules.items()},
    }


def month_start() -> datetime:
    """Return when the present month began in the program's time zone."""
    zone = ZoneInfo(program.current().timezone)
    now = clock.now().astimezone(zone)
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _is_enough(owed: list[Wallet]) -> bool:
    """Tell whether there is as much available as the program pays at once."""
    rules = program.current()
    enough = max(rules.minimum_payout, 1)
    return any(one.currency == rules.currency and one.payable >= enough for one in owed)


def link_url(slug: str) -> str:
    """Return the whole address of a link."""
    return f"{current_app.extensions['settings'].base_url}/r/{slug}"


def wallets(ambassador_id: int) -> list[Wallet]:
    """Return what an ambassador has, a wallet for each currency, the program's first."""
    own = program.current().currency
    found = ledger.balances(ambassador_id)
    return [
        Wallet(
            currency, by.get(Account.PENDING, 0), by.get(Account.HELD, 0),
            by.get(Account.PAYABLE, 0),
            by.get(Account.CASH, 0) + by.get(Account.STORE_CREDIT, 0),
            by.get(Account.TRANSIT, 0),
        )
        for currency, by in sorted(found.items(), key=lambda item: (item[0] != own, item[0]))
    ] or [Wallet(own, 0, 0, 0, 0)]  # fmt: skip


def cards_of(ambassador: Ambassador, *, campaign_id: int | None) -> list[Card]:
    """Return the cards of an ambassador in one campaign."""
    if campaign_id is None:
        return []
    shared = sharing.of_ambassador(ambassador.id)
    return _cards_of([one for one in shared if one.campaign_id == campaign_id], limit=3)


def me() -> Ambassador:
    """Return the ambassador who is signed in.

    Raises:
        NotFoundError: They have the role, and no ambassador is theirs.
    """
    user_id = identities.current().user_id
    ambassador = db.session.scalar(sa.select(Ambassador).where(Ambassador.user_id == user_id))
    if ambassador is None:
        raise NotFoundError(_("Your account is not linked to an ambassador yet. Ask the team."))
    return ambassador


def _cards(ambassador: Ambassador, *, limit: int) -> list[Card]:
    """Return a card for each code, with the link of the same campaign, then the links left over."""
    return _cards_of(sharing.of_ambassador(ambassador.id), limit=limit)


def _cards_of(found: list[Shared], *, limit: int) -> list[Card]:
    shared = [one for one in found if one.is_active]
    links = {one.campaign_id: one for one in reversed(shared) if one.kind == sharing.LINK}
    codes = [one for one in shared if one.kind == sharing.CODE]
    with_code = {one.campaign_id for one in codes}
    pairs: list[tuple[Shared, Shared | None]] = [(one, links.get(one.campaign_id)) for one in codes]
    pairs += [
        (one, one) for one in shared
        if one.kind == sharing.LINK and one.campaign_id not in with_code
    ]  # fmt: skip
    campaigns = _campaigns({one.campaign_id for one, _link in pairs[:limit]})
    return [_card(one, link, *campaigns[one.campaign_id]) for one, link in pairs[:limit]]


def _campaigns(ids: set[int]) -> dict[int, tuple[Campaign, Progress | None]]:
    """Return campaigns with the counter of those that are a sprint, in one statement."""
    query = (
        sa.select(
            Campaign, Brief.goal, sa.case((Brief.goal.is_not(None), sprints.reached()), else_=0)
        )
        .outerjoin(Brief, Brief.campaign_id == Campaign.id)
        .where(Campaign.id.in_(ids))
        .options(sa.orm.joinedload(Campaign.benefits), sa.orm.joinedload(Campaign.rules))
    )
    if not ids:
        return {}
    return {
        one.id: (one, Progress(goal, reached, one.ends_at) if goal else None)
        for one, goal, reached in db.session.execute(query).unique()
    }


def _sprint(cards: list[Card]) -> tuple[int, str, Progress] | None:
    """Return the campaign whose sprint ends next, with its name, or None."""
    running = [
        (one.progress.ends_at, one.campaign_id, one.name, one.progress)
        for one in cards
        if one.is_running and one.progress and one.progress.ends_at and one.progress.is_on
    ]
    return min(running, key=lambda one: one[:2])[1:] if running else None


def _card(
    shared: Shared, link: Shared | None, campaign: Campaign, progress: Progress | None
) -> Card:
    terms = campaign_terms.in_force(campaign)
    url = link_url(link.text) if link else None
    return Card(
        campaign_id=campaign.id, name=campaign.name,
        code=shared.text if shared.kind == sharing.CODE else None,
        url=url, qr=_qr(url) if url else None,
        benefits=[
            (campaign_wording.benefit(one, campaign.currency), _ICONS[one.kind])
            for one in terms.benefits
        ],
        reward=campaign_wording.reward(terms.reward, campaign.currency, is_own=True),
        is_running=campaign.status == "running", slug=link.text if link else None,
        share_text=sharing.words(
            shared.text if shared.kind == sharing.CODE else None,
            [campaign_wording.benefit(one, campaign.currency) for one in terms.benefits],
        ),
        progress=progress,
    )  # fmt: skip


def _qr(url: str) -> Markup:
    """Return the QR code of an address as SVG in attributes and classes only."""
    drawn = segno.make(url, error="m").svg_inline(
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        border=2,
        title=_("QR code of %(url)s", url=url),
    )
    return Markup(drawn)  # noqa: S704  segno escapes the title, and the rest is numbers


def _before() -> tuple[datetime, int] | None:
    purchase_id = row_asked("before")
    purchase = db.session.get(Purchase, purchase_id) if purchase_id else None
    return (purchase.occurred_at, purchase.id) if purchase else None
