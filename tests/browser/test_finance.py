"""Finance finds last quarter's CAC by channel, its orders and its file, within 3 clicks each."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from accounts.models import RoleName
from ambassadors import program
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site, Visitor
from tests.reports.conftest import buy, give_zoe_a_code

MOST_CLICKS = 3
BOUGHT = (
    ("A-1", "2025-10-01T00:30+01:00", 1_000, "ana", ("ZOE10",)),
    ("A-2", "2025-12-31T23:30+00:00", 2_000, "bob", ("ZOE10",)),
    ("A-3", "2025-12-31T23:40+00:00", 2_000, "bob", ("ZOE10",)),  # not new any more
    ("B-1", "2025-11-02T10:00+00:00", 4_000, "cyd", ()),
    ("C-1", "2025-09-30T22:59+00:00", 1_000, "dee", ("ZOE10",)),  # the quarter before
    ("C-2", "2026-01-01T00:00+00:00", 1_000, "eve", ("ZOE10",)),  # the present one
)
BEHIND = ["A-2", "A-1"]  # the two new customers through the community, the latest first
FRENCH = {"CAC of last quarter": "CAC du trimestre dernier", "Last quarter": "Trimestre dernier"}


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_cac_of_last_quarter_its_orders_and_its_file_are_three_clicks_away(
    site: Site, visit: Opener, language: str, tmp_path: Path
) -> None:
    program.set_rules({"currency": "GBP", "timezone": "Europe/London"})
    give_zoe_a_code()
    for order, at, total, who, codes in BOUGHT:
        buy(at, total, external_id=order, email=f"{who}@example.com", codes=codes)
    site.add_person(RoleName.FINANCE, "finance@brand.example")
    finance = visit(language)
    if language == "fr":
        assert {text: finance.said(text) for text in FRENCH} == FRENCH
    report = ["CAC of last quarter"]
    _sign_in_and_click(finance, report)
    row = _community(finance)
    expect(row).to_contain_text("1,50" if language == "fr" else "1.50")  # 10 % of 30 for two
    expect(finance.main).to_contain_text(finance.said("Last quarter"))
    assert looks.faults(finance.page) == []
    _click(row.get_by_role("link", name="2", exact=True), clicks=len(report) + 1)
    expect(finance.heading).to_have_text(finance.said("Purchases behind a figure"))
    assert finance.main.get_by_role("rowheader").get_by_role("link").all_inner_texts() == BEHIND
    _sign_in_and_click(finance, report)
    with finance.page.expect_download() as download:
        _click(finance.main.get_by_role("link", name="XLSX"), clicks=len(report) + 1)
    assert download.value.suggested_filename == "cac-by-channel-2025-10-2025-12-GBP.xlsx"
    download.value.save_as(tmp_path / "cac.xlsx")
    assert _line(tmp_path / "cac.xlsx", "community")[-2:] == ["2", "1.50"]


def _sign_in_and_click(finance: Visitor, names: list[str]) -> None:
    """Sign in anew, and follow links of the first page."""
    finance.page.context.clear_cookies()
    finance.sign_in("finance@brand.example")
    for clicks, name in enumerate(names, start=1):
        _click(finance.main.get_by_role("link", name=finance.said(name)), clicks=clicks)


def _click(link: Locator, *, clicks: int) -> None:
    assert clicks <= MOST_CLICKS
    link.click()


def _community(finance: Visitor) -> Locator:
    word = finance.said("Community")
    named = finance.page.get_by_role("rowheader", name=word, exact=True)
    return finance.main.get_by_role("row").filter(has=named)


def _line(book: Path, first: str) -> list[str]:
    """Return the cells of the line of a workbook's first sheet that begins with a word."""
    with zipfile.ZipFile(book) as parts:
        rows = re.findall(r"<row .*?</row>", parts.read("xl/worksheets/sheet1.xml").decode())
    lines = [re.findall(r"<(?:v|t)[^>]*>([^<]*)</", row) for row in rows]
    (found,) = [line for line in lines if line[0] == first]
    return found
