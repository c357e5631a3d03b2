"""The door of referral links: `/r/<slug>` notes the visit and leads on to the shop.

Consent reaches us in one of two ways: `?consent=1`, which the shop's own banner
adds to a link, or our cookie that remembers such an answer; `?consent=0` takes
it back.  Only with consent does the browser get a cookie and the shop's address
a `click_id`; without it the visit is counted and nothing follows the visitor.
Codes need neither.
"""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug import Response

from accounts import permissions
from core import redirects
from referrals import clicks
from referrals.models import ClickKind

CONSENT_COOKIE = "cercle_consent"
CLICK_COOKIE = "cercle_click"
CLICK_PARAMETER = "click_id"  # what the shop hands back with the purchase
_DAY = 86400  # seconds

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
