"""A passkey is made on a device and opens the door, in a browser with a virtual authenticator."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from accounts.models import AuditLine, Passkey, RoleName
from core.db import db
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site
from tests.factories import make_ambassador, make_member

LEA = "lea@ambassadors.example"


@pytest.fixture
def named(site: Site) -> Iterator[Site]:
    """The site under a name, for numbers have no passkeys."""
    settings = site.app.extensions["settings"]
    url = site.url.replace("127.0.0.1", "localhost")
    site.app.extensions["settings"] = dataclasses.replace(settings, base_url=url)
    person_id = site.add_person(RoleName.AMBASSADOR, LEA)
    make_ambassador(member=make_member(name="Léa Monnier", email=LEA), user_id=person_id)
    site.settle()
    yield dataclasses.replace(site, url=url)
    site.app.extensions["settings"] = settings


def _device(page: Page, *, is_verified: bool = True) -> None:
    """Give the browser a device with a fingerprint reader."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": is_verified,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})


@pytest.mark.parametrize(
    ("app", "language"), [("sqlite", "en"), ("postgresql", "fr")], indirect=["app"]
)
def test_a_passkey_is_made_signs_in_and_is_removed(
    named: Site, visit: Opener, language: str
) -> None:
    lea = visit(language)
    _device(lea.page)
    lea.page.goto(f"{named.url}/sign-in")
    lea.fill("E-mail", LEA)
    lea.fill("Password", "correct horse battery")
    lea.press("Sign in")
    lea.page.goto(f"{named.url}/portal/me")
    lea.follow("My passkeys")
    lea.fill("Name of this device", "My phone")
    lea.press("Make a passkey on this device")
    expect(lea.main.get_by_text("My phone", exact=True)).to_be_visible()
    assert looks.faults(lea.page) == []
    lea.page.context.clear_cookies()
    lea.page.goto(f"{named.url}/sign-in?next=/portal/purchases")
    lea.press("Sign in with a passkey")
    expect(lea.page).to_have_url(f"{named.url}/portal/purchases")
    lea.page.goto(f"{named.url}/account/passkeys")
    lea.page.get_by_role(
        "button", name=lea.said("Remove the passkey %(name)s", name="My phone")
    ).click()
    expect(lea.main.get_by_text("My phone", exact=True)).to_have_count(0)
    query = sa.select(AuditLine.act).where(AuditLine.act.startswith("passkey."))
    acts = db.session.scalars(query.order_by(AuditLine.id))
    assert list(acts) == ["passkey.add", "passkey.remove"]
    assert db.session.scalar(sa.select(Passkey.id)) is None
