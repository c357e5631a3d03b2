"""The menus with the keyboard alone, and the pages without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import RoleName
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor

PHONE = {"width": looks.NARROW[0], "height": looks.NARROW[1]}
pytestmark = pytest.mark.parametrize("app", ["sqlite"], indirect=True)


def in_console(site: Site, visitor: Visitor) -> Visitor:
    site.add_person(RoleName.MARKETER, "marketer@brand.example")
    visitor.sign_in("marketer@brand.example")
    expect(visitor.heading).to_be_visible()
    return visitor


def test_the_main_menu_is_walked_in_its_order_and_opened_with_enter(
    site: Site, visit: Opener
) -> None:
    marketer = in_console(site, visit())
    page = marketer.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    menu = page.get_by_role("navigation", name="Main navigation").get_by_role("link")
    names = [name.strip() for name in menu.all_inner_texts()]
    for place in range(len(names)):
        page.keyboard.press("Tab")
        expect(menu.nth(place)).to_be_focused()
        ring = menu.nth(place).evaluate("link => getComputedStyle(link).outlineStyle")
        assert ring == "solid", names[place]
    menu.filter(has_text="Campaigns").focus()
    page.keyboard.press("Enter")
    expect(marketer.heading).to_have_text("Campaigns")
    expect(menu.filter(has_text="Campaigns")).to_have_attribute("aria-current", "page")


def test_the_first_tab_skips_the_menu(site: Site, visit: Opener) -> None:
    page = in_console(site, visit()).page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_the_menu_of_a_phone_opens_and_escape_leads_back_to_its_button(
    site: Site, visit: Opener
) -> None:
    page = in_console(site, visit(viewport=PHONE)).page
    button = page.locator(".nav-drawer > summary")
    first = page.locator(".nav-drawer a").first
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).to_be_visible()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(first).to_be_hidden()
    expect(button).to_be_focused()


def test_a_menu_closes_when_the_focus_leaves_it(site: Site, visit: Opener) -> None:
    page = in_console(site, visit()).page
    account = page.locator(".topbar details.menu", has=page.locator(".avatar"))
    account.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(account.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("searchbox").focus()
    expect(account.get_by_role("button", name="Sign out")).to_be_hidden()


def test_without_javascript_one_can_sign_in_open_the_menu_and_leave(
    site: Site, visit: Opener
) -> None:
    marketer = in_console(site, visit(java_script_enabled=False, viewport=PHONE))
    page = marketer.page
    page.locator(".nav-drawer > summary").click()
    page.locator(".nav-drawer").get_by_role("link", name="Codes", exact=True).click()
    expect(marketer.heading).to_have_text("Codes")
    page.locator(".avatar-button").click()
    page.get_by_role("button", name="Sign out").click()
    expect(marketer.heading).to_have_text("Sign in")
