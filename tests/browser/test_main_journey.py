"""From a campaign to a reward, as four people live it, in their language and on each database."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import RoleName
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor

LEA = "lea@ambassadors.example"
FRENCH = {  # what a French reader has to find on the way
    "Campaigns": "Campagnes",
    "Ambassadors": "Ambassadeurs",
    "Purchases": "Achats",
    "Sign in": "Se connecter",
    "Password": "Mot de passe",
    "Why?": "Pourquoi",
}


@pytest.mark.parametrize(
    ("app", "language"),
    [("sqlite", "en"), ("postgresql", "fr")],
    indirect=["app"],
)
def test_a_purchase_with_a_code_is_seen_by_finance_and_understood_by_the_ambassador(
    site: Site, visit: Opener, language: str
) -> None:
    for role in (RoleName.MARKETER, RoleName.FINANCE, RoleName.ADMIN):
        site.add_person(role, f"{role.value}@brand.example")
    marketer, admin, finance, lea = (visit(language) for _ in range(4))
    if language == "fr":
        _reads_french(marketer)
    _sets_up_campaign(marketer)
    _enrols(marketer)
    key = _makes_key(admin)
    _shop_reports_purchases(marketer.page, key)
    _reads_cac(finance)
    _signs_in_by_link(lea, admin)
    _understands(lea)


def _reads_french(someone: Visitor) -> None:
    someone.page.goto("/sign-in")
    expect(someone.page.locator("html")).to_have_attribute("lang", "fr")
    expect(someone.main).to_contain_text("Mot de passe")
    for text, french in FRENCH.items():
        assert french in someone.said(text)


def _sets_up_campaign(marketer: Visitor) -> None:
    marketer.sign_in("marketer@brand.example")
    marketer.go("Campaigns")
    marketer.follow("New campaign")
    marketer.page.get_by_text(marketer.said("Something else"), exact=True).click()
    marketer.press("Begin")
    marketer.press("Continue")  # too early: the step says what it needs and keeps what was written
    expect(marketer.page.get_by_role("alert")).to_contain_text(marketer.said("Name"))
    marketer.page.get_by_text(marketer.said("Win new customers"), exact=True).click()
    marketer.fill("Name", "Friend")
    marketer.press("Continue")
    marketer.press("Continue")  # everybody
    marketer.fill("Percent off", "15")
    marketer.field("The codes are for new customers only").check()
    marketer.press("Continue")
    marketer.fill("Share of the purchase", "10")
    marketer.fill("Days before it is given", "30")
    for _ in ("reward", "budget", "brief"):
        marketer.press("Continue")
    marketer.press("Launch")
    expect(marketer.heading).to_have_text("Friend")
    expect(marketer.main).to_contain_text(marketer.said("running"))
    marketer.press("Change the terms")  # the same steps, with what was written
    marketer.fill("Name", "Bring a friend")
    for _ in ("goal", "audience", "benefit", "reward", "budget", "brief"):
        marketer.press("Continue")
    marketer.press("Save the changes")
    expect(marketer.heading).to_have_text("Bring a friend")
    expect(marketer.main).to_contain_text(marketer.said("running"))


def _enrols(marketer: Visitor) -> None:
    marketer.go("Ambassadors")
    marketer.follow("Enrol an ambassador")
    marketer.fill("Name", "Léa Monnier")
    marketer.fill("E-mail", LEA)
    marketer.field("Language").select_option(marketer.language)
    marketer.field("Give access to the portal").check()
    marketer.press("Enrol")
    expect(marketer.heading).to_have_text("Léa Monnier")
    marketer.follow("Create a code or link")
    marketer.fill("Code", "LEA15")
    marketer.fill("End of the link", "lea")
    marketer.press("Create")
    expect(marketer.main.get_by_role("row", name="LEA15")).to_contain_text("Léa Monnier")


def _makes_key(admin: Visitor) -> str:
    admin.sign_in("admin@brand.example")
    admin.go("API keys")
    admin.follow("Make a key")
    admin.fill("Name", "checkout")
    admin.field("Report purchases and refunds").check()
    admin.press("Make the key")
    expect(admin.main).to_contain_text(admin.said("Your new key"))
    return admin.page.locator(".code-line > span").inner_text()


def _shop_reports_purchases(page: Page, key: str) -> None:
    """A friend's first purchase, their second one, and one by the ambassador herself."""
    friend = {"email": "friend@mail.example", "country": "FR"}
    first = _report(page, key, "A-1", friend, "2026-02-27T10:00:00+01:00")
    assert first["commission"]["amount"] == 1_000
    second = _report(page, key, "A-2", friend, "2026-02-28T10:00:00+01:00")
    own = _report(page, key, "A-3", {"email": LEA}, "2026-02-28T11:00:00+01:00")
    assert second["commission"] is own["commission"] is None


def _report(page: Page, key: str, order: str, customer: dict[str, str], at: str) -> Any:
    answer = page.request.post(
        "/api/v1/purchases",
        headers={"Authorization": f"Bearer {key}"},
        data={
            "external_id": order, "occurred_at": at, "currency": "EUR", "total": 11_500,
            "discount": 1_500, "tax": 1_000, "shipping": 500, "codes": ["lea 15"],
            "customer": customer,
        },
    )  # fmt: skip
    assert answer.status == 201, answer.text()
    return answer.json()


def _reads_cac(finance: Visitor) -> None:
    finance.sign_in("finance@brand.example")
    finance.go("CAC and acquisition")
    tile = finance.page.locator(".tile", has_text=finance.said("Community CAC")).first
    expect(tile.locator(".tile-value")).to_contain_text(_figure(finance, "25.00"))
    tile.locator(".tile-value a").click()
    expect(finance.heading).to_have_text(finance.said("Purchases behind a figure"))
    rows = finance.main.get_by_role("row")
    expect(rows.filter(has_text="A-1")).to_contain_text("LEA15")
    expect(rows.filter(has_text="A-2")).to_have_count(0)
    finance.main.get_by_role("link", name="A-1").click()
    expect(finance.main).to_contain_text(finance.said("The code was entered at the checkout."))
    expect(finance.main).to_contain_text(finance.said("Ledger entries"))
    expect(finance.main).to_contain_text(_figure(finance, "10.00"))


def _signs_in_by_link(lea: Visitor, admin: Visitor) -> None:
    lea.page.goto("/sign-in")
    lea.fill("E-mail", LEA)
    lea.press("Send me a sign-in link")
    expect(lea.heading).to_have_text(lea.said("Look at your mail"))
    lea.site.send_mails()
    admin.go("Mailbox")
    link = admin.main.get_by_role("link", name="/sign-in/link/").first
    once = "This link signs you in. It works once, for %(minutes)s minutes:"
    expect(admin.main).to_contain_text(lea.said(once, minutes=15))
    lea.page.goto(link.inner_text())
    lea.press("Sign in")
    expect(lea.heading).to_have_text(lea.said("Hello, %(name)s", name="Léa"))


def _understands(lea: Visitor) -> None:
    expect(lea.main).to_contain_text("LEA15")
    expect(lea.main.get_by_role("link", name="/r/lea")).to_be_visible()
    _purchase_says(lea, "27", _figure(lea, "10.00"), lea.said("pending"), "LEA15")
    lea.go("Purchases")
    existing = "This person had bought before; the code is for new customers."
    for reason in (existing, "One’s own purchase does not count."):
        counted_not = lea.main.get_by_role("listitem").filter(has_text=lea.said(reason))
        expect(counted_not).to_contain_text(lea.said("not counted"))
        counted_not.get_by_text(lea.said("Why?")).click()
        expect(counted_not.get_by_text(lea.said(reason))).to_be_visible()
    expect(lea.main).not_to_contain_text("friend@mail.example")


def _purchase_says(lea: Visitor, day: str, *words: str) -> None:
    bought = lea.main.get_by_role("listitem").filter(has_text=lea.said("First purchase"))
    bought = bought.filter(has_text=words[0])
    bought.get_by_text(lea.said("Why?")).click()
    why = bought.locator(".whybox p")
    expect(why).to_be_visible()
    for word in (day, *words):
        expect(bought).to_contain_text(word)


def _figure(reader: Visitor, text: str) -> str:
    return text.replace(".", ",") if reader.language == "fr" else text
