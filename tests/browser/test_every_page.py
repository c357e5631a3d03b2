"""Every page that a person can reach by links: nobody is shut out, nothing sticks out."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from werkzeug.exceptions import HTTPException

from accounts import endpoints, keys
from accounts.models import RoleName, Scope
from ambassadors import choices, circles, guard, segments, tags
from ambassadors.audiences import Audience
from ambassadors.models import Ambassador, SuppressionReason
from ambassadors.segments import Rule
from campaigns import messages, spend
from campaigns.message_holdouts import Lot
from campaigns.messages import Draft
from campaigns.models import SpendKind
from core import clock
from referrals import invitations, invitees, links
from referrals.invitations import Manner
from referrals.invitees import Target
from rewards import badges, intake, invitation_codes, mission_takes, missions, perks
from rewards.models import PerkKind
from rewards.models_missions import Proof
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor
from tests.factories import (
    make_ambassador,
    make_campaign,
    make_code,
    make_member,
    purchase_fact,
    refund_fact,
)

LEA = "lea@ambassadors.example"
NO_PAGES = (".csv", ".xlsx", ".svg", ".png", ".json")
ALONE = ("/r/", "/sign-out", "/static/")  # not pages of ours, or the end of the visit
ROLES = {  # where each starts, and how many kinds of pages they reach at least
    RoleName.ADMIN: ("/console", 26),
    RoleName.AMBASSADOR: ("/portal/", 3),
}


@pytest.fixture
def shop(site: Site) -> Site:
    """A shop with something on every page: codes, purchases of each kind, spend, a key."""
    person_id = site.add_person(RoleName.AMBASSADOR, LEA)
    lea = make_ambassador(member=make_member(name="Léa Monnier", email=LEA), user_id=person_id)
    invited = make_ambassador(member=make_member(name="Hugo Perrin"), status="invited")
    campaign = make_campaign(name="Bring a friend", slug="friend")
    code = make_code("LEA15", ambassador_id=lea.id, campaign_id=campaign.id)
    make_code("HUGO15", ambassador_id=invited.id, campaign_id=campaign.id)
    links.create(campaign_id=campaign.id, ambassador_id=lea.id, slug="lea")
    sold = [purchase_fact(codes=(code.text,), discount=1_500) for _ in range(3)]
    own = purchase_fact(codes=(code.text,), email=LEA)
    intake.take_purchases([*sold, own, purchase_fact(email=None)])
    intake.take_refunds([refund_fact(sold[0], 4_000), refund_fact(sold[1], 10_000)])
    today = clock.now().date()
    for channel, kind in (("paid_social", SpendKind.MEDIA), ("community", SpendKind.TOOLS)):
        spend.record(
            [
                spend.Line(
                    channel=channel, on=today, amount=12_000, currency="EUR", kind=kind, key=channel
                )
            ]
        )
    keys.create("checkout", frozenset({Scope.PURCHASES}))
    endpoint, _ = endpoints.create("https://hooks.example/cercle", ["code.frozen"])
    endpoints.send_test(endpoint)
    _add_lists(lea.member_id)
    _add_invitations(lea, campaign.id)
    _add_mission(lea.id, campaign.id)
    site.settle()
    return site


def _add_lists(member_id: int) -> None:
    """Add a circle, a segment, and a message that is a draft beside one that is decided."""
    circles.join(circles.create("VIP", purpose="First", capacity=30), member_id)
    segments.create("Three purchases", Rule(brought_at_least=3))
    tags.tag([member_id], "panel")
    tags.write_note(member_id, "Loves pear", user_id=None)
    guard.gave([member_id], what="box", key="given")
    choices.suppress("0" * 64, SuppressionReason.BOUNCE)
    for name in ("Sent", "Draft"):
        draft = Draft(
            name=name, audience=Audience(), lot=Lot(share=2_000), subject_fr="Bonjour",
            body_fr="A", subject_en="Hello", body_en="A",
        )  # fmt: skip
        message = messages.create(draft)
        if name == "Sent":
            messages.start(message)
            while messages.decide(message.id):
                pass


def _add_mission(ambassador_id: int, campaign_id: int) -> None:
    """Add a badge that is held, an experience with seats, and a mission whose proof waits."""
    badge = badges.create(name_en="Pioneer", name_fr="Pionnière")
    badges.give(badge.id, ambassador_id)
    perks.create(
        perks.Terms(
            kind=PerkKind.EXPERIENCE, name_en="A morning", name_fr="Une matinée", price=100,
            stock=8, happens_at=clock.now() + timedelta(days=9), place="1 Lake Road",
        )
    )  # fmt: skip
    mission = missions.create(
        missions.Terms(
            campaign_id=campaign_id, proof=Proof.CONTENT, name_en="Show it", name_fr="Montrez",
            text_en="Publish.", text_fr="Publiez.", points=30, badge_id=badge.id,
        )
    )  # fmt: skip
    mission_takes.hand_in(mission.id, ambassador_id, "https://social.example/p/1")


def _add_invitations(inviter: Ambassador, campaign_id: int) -> None:
    """Add somebody invited by e-mail, a code with places, and an ambassador's invitation."""
    target, manner = Target(campaign_id=campaign_id), Manner(locale="en", brand="Cercle")
    invitations.send(invitees.read("Ana Lopez, ana@friends.example"), target, manner)
    invitation_codes.create(target, text="COME-ALONG", places=10, ends_at=None)
    invitation_codes.invite(inviter, note="Ben")
    circles.join(circles.find(1), make_member(name="Cleo", email="cleo@friends.example").id)


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_a_role_is_accessible_and_fits_a_phone(
    shop: Site, visit: Opener, role: RoleName
) -> None:
    if role is RoleName.ADMIN:
        shop.add_person(role, "admin@brand.example")
    visitor = visit()
    visitor.sign_in("admin@brand.example" if role is RoleName.ADMIN else LEA)
    start, least = ROLES[role]
    seen, faults = _walk(visitor, start)
    assert faults == []
    assert len(seen) >= least, sorted(seen)


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_pages_for_strangers_are_accessible_and_fit_a_phone(site: Site, visit: Opener) -> None:
    visitor = visit("fr")
    seen, faults = _walk(visitor, "/sign-in")
    for path in ("/sign-in/link/used-up", "/no/such/page", "/api/docs"):
        visitor.page.goto(path)
        faults += looks.faults(visitor.page)
    assert faults == []
    assert len(seen) >= 3, sorted(seen)


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_an_empty_shop_says_on_every_list_what_to_do_next(site: Site, visit: Opener) -> None:
    site.add_person(RoleName.ADMIN, "admin@brand.example")
    visitor = visit()
    visitor.sign_in("admin@brand.example")
    for name in ("Ambassadors", "Campaigns", "Codes", "CAC and acquisition", "Imports", "API keys"):
        visitor.go(name)
        expect(visitor.main.locator(".empty").first).to_be_visible()


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
def test_the_look_at_a_page_sees_what_is_wrong_with_it(site: Site, visit: Opener) -> None:
    page = visit().page
    page.goto("/sign-in")
    page.evaluate(
        """() => {
            const wide = document.createElement("div");
            wide.className = "pill pending";
            wide.textContent = "x".repeat(200);
            document.querySelector("main").append(wide, document.createElement("input"));
            document.querySelector("h1").style.color = "#aaa";
        }"""
    )
    told = " ".join(looks.faults(page))
    assert "wider than the screen" in told
    assert "label:" in told
    assert "color-contrast:" in told


def _walk(visitor: Visitor, start: str) -> tuple[set[str], list[str]]:
    """Follow links from a page, each kind of page once; return the kinds and what is wrong."""
    seen: set[str] = set()
    waiting, faults = [start], list[str]()
    while waiting:
        path = waiting.pop(0)
        kind = _kind(visitor.site, path)
        if kind is None or kind in seen:
            continue
        seen.add(kind)
        visitor.page.goto(path)
        expect(visitor.heading).to_have_count(1)
        addresses = visitor.page.locator("a[href]").evaluate_all("all => all.map(a => a.href)")
        waiting += [_path(address) for address in addresses if address.startswith(visitor.site.url)]
        faults += looks.faults(visitor.page)
    return seen, faults


def _kind(site: Site, path: str) -> str | None:
    """Return the endpoint behind an address, or None for what is no page."""
    bare = urlsplit(path).path
    if bare.endswith(NO_PAGES) or bare.startswith(ALONE):
        return None
    with contextlib.suppress(HTTPException):
        return str(site.app.url_map.bind("localhost").match(bare, method="GET")[0])
    return None


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
