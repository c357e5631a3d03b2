"""The door of friends: `/offer/<slug>` says what they get, `/r/<slug>` leads on to the shop.

The page of the offer notes nothing; the visit counts when somebody goes on to the shop.
Who tries ends of links that do not exist is slowed down, for the page shows codes.

Consent reaches us in one of two ways: `?consent=1`, which the shop's own banner
adds to a link, or our cookie that remembers such an answer; `?consent=0` takes
it back.  Only with consent does the browser get a cookie and the shop's address
a `click_id`; without it the visit is counted and nothing follows the visitor.
Codes need neither.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug import Response

from accounts import permissions
from ambassadors import program
from campaigns import briefs, images, offers
from campaigns.models import Campaign
from campaigns.terms import of as terms_of
from core import clock, i18n, limits, redirects
from referrals import clicks, landings
from referrals.landings import Standing
from referrals.models import ClickKind

CONSENT_COOKIE = "cercle_consent"
CLICK_COOKIE = "cercle_click"
CLICK_PARAMETER = "click_id"  # what the shop hands back with the purchase
_DAY = 86400  # seconds
MISSES_A_MINUTE, MISSES_AN_HOUR = 10, 100  # of one network
_MISSES = ((MISSES_A_MINUTE, timedelta(minutes=1)), (MISSES_AN_HOUR, timedelta(hours=1)))

door = permissions.guard(Blueprint("referrals_public", __name__), permissions.PUBLIC)


@door.record_once
def _init(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    clicks.init_app(app)


@door.get("/r/<slug>")
def follow(slug: str) -> ResponseReturnValue:
    """Note the visit and redirect to the shop."""
    known = clicks.of_app()
    link = known.link(slug.lower())
    kind = clicks.kind_of(request.method, dict(request.headers))
    has_consent = _consents()
    visit = clicks.visit(
        link, kind=kind, has_consent=has_consent, query=request.args,
        address=request.remote_addr, referrer=request.referrer,
    )  # fmt: skip
    known.buffer.add(visit)
    target = redirects.vetted(request.args.get("to", ""), link.hosts) or link.destination
    is_followed = has_consent and kind is ClickKind.VISIT
    if is_followed:
        target = redirects.with_query(target, {CLICK_PARAMETER: visit.token})
    answer = redirect(target, code=302)
    answer.headers["Cache-Control"] = "no-store"
    if is_followed:
        _remember(answer, visit.token, link.days)
    elif request.args.get("consent") == "0":
        _forget(answer)
    return answer


@door.get("/offer/<slug>")
def offer(slug: str) -> ResponseReturnValue:
    """Show a friend what they get, from whom, and where to use it."""
    caller = limits.network(request.remote_addr)
    for most, per in _MISSES:
        limits.require_room("offer_miss", caller, limit=most, per=per)
    found = landings.find(slug)
    if found is None:
        for most, per in _MISSES:
            limits.hit("offer_miss", caller, limit=most, per=per)
        return _closed("unknown"), 404
    if found.standing is not Standing.OPEN:
        page = _closed(found.standing, found.campaign)
        return page, 410 if found.standing is Standing.OVER else 200
    shown = images.of_campaign(found.campaign.id)
    return render_template(
        "referrals/public/offer.html",
        landing=found, image=shown[0] if shown else None, mention=_mention(found.campaign),
        offer=offers.read(
            terms_of(found.campaign), found.campaign.currency, i18n.language(),
            has_code=found.code is not None,
        ),
    )  # fmt: skip


def _closed(standing: str, campaign: Campaign | None = None) -> str:
    return render_template(
        "referrals/public/closed.html",
        standing=standing, starts_at=campaign.starts_at if campaign else None,
        shop_url=program.current().shop_url,
    )  # fmt: skip


def _mention(campaign: Campaign) -> str | None:
    """Return what the law asks to say beside a recommendation, in the reader's language."""
    today = clock.local_day(clock.now(), program.current().timezone)
    found = briefs.mention(briefs.format_of(campaign), today)
    return found.text_in(i18n.language()) if found else None


def _consents() -> bool:
    said = request.args.get("consent")
    return said == "1" or (said is None and request.cookies.get(CONSENT_COOKIE) == "1")


def _remember(answer: Response, token: str, days: int) -> None:
    for name, value in ((CONSENT_COOKIE, "1"), (CLICK_COOKIE, token)):
        answer.set_cookie(
            name, value, max_age=max(days, 1) * _DAY, path="/r/", secure=request.is_secure,
            httponly=True, samesite="Lax",
        )  # fmt: skip


def _forget(answer: Response) -> None:
    for name in (CONSENT_COOKIE, CLICK_COOKIE):
        answer.delete_cookie(name, path="/r/", httponly=True, samesite="Lax")
