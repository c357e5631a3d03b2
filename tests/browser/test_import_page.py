"""A marketer brings a file of orders in, sees what was understood, and gets the bad lines back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import RoleName
from tests.browser import looks
from tests.browser.conftest import Opener
from tests.browser.site import Site

ORDERS = """\
Numéro;Jour;Devise;Montant;Courriel
F-1;2026-02-01 10:00;EUR;120,50;zoe@mail.example
F-2;2026-02-02 10:00;EUR;beaucoup;ana@mail.example
F-3;2026-02-03 10:00;EUR;60,00;bob@mail.example
"""
COLUMNS = {
    "Numéro": "external_id",
    "Jour": "occurred_at",
    "Devise": "currency",
    "Montant": "total",
    "Courriel": "email",
}


@pytest.mark.parametrize("app", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_of_unknown_columns_is_mapped_previewed_and_imported(
    site: Site, visit: Opener, language: str, tmp_path: Path
) -> None:
    site.add_person(RoleName.MARKETER, "marketer@brand.example")
    file = tmp_path / "commandes.csv"
    file.write_text(ORDERS, encoding="cp1252")
    marketer = visit(language)
    page = marketer.page
    marketer.sign_in("marketer@brand.example")
    marketer.go("Imports")
    marketer.field("File").set_input_files(file)
    marketer.press("Look at the file")
    expect(marketer.heading).to_have_text(marketer.said("Nothing is recorded yet"))
    for column, name in COLUMNS.items():
        label = marketer.said("Field of %(column)s", column=column)
        page.get_by_label(label, exact=True).select_option(name)
    marketer.press("Read it again so")
    errors = page.get_by_role("table", name=marketer.said("Lines to mend"))
    expect(errors.get_by_role("row").filter(has_text="F-2")).to_contain_text("beaucoup")
    orders = page.get_by_role("table", name=marketer.said("The first orders"))
    expect(orders.get_by_role("row").filter(has_text="F-1")).to_contain_text("120")
    assert looks.faults(page) == []
    marketer.press("Import the file")
    expect(marketer.heading).to_have_text(marketer.said("The import is done"))
    for name, count in (("New", "2"), ("Rejected", "1")):
        tile = page.locator(".tile", has_text=marketer.said(name)).first
        expect(tile.locator(".tile-value")).to_have_text(count)
    with page.expect_download() as download:
        marketer.follow("Download the refused lines")
    told = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "beaucoup" in told
    assert "F-1" not in told
