"""What every page has to be: open to all, inside a phone's screen, in light and dark."""

from __future__ import annotations

from importlib import resources
from typing import Any

from playwright.sync_api import Page

AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WIDE, NARROW = (1280, 900), (360, 740)
GRAVE = {"serious", "critical"}
_ALL = "axe.run({resultTypes: ['violations'], preload: false})"
_COLOURS = "axe.run({resultTypes: ['violations'], preload: false, runOnly: ['color-contrast']})"
# Every rule in both widths and both themes; their other pairs differ in colours only
VIEWS = (
    ("light", WIDE, _ALL), ("dark", WIDE, _COLOURS), ("dark", NARROW, _ALL),
    ("light", NARROW, _COLOURS),
)  # fmt: skip
_WIDTH = "document.scrollingElement.scrollWidth - window.innerWidth"


def faults(page: Page) -> list[str]:
    """Return what is wrong with the page that is open, a line each."""
    found: list[str] = []
    page.evaluate(AXE)
    for theme, size, run in VIEWS:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="light" if theme == "light" else "dark")
        where = f"{page.url} {size[0]} {theme}"
        if (over := page.evaluate(_WIDTH)) > 0:
            found.append(f"{where}: {over} px wider than the screen")
        found += [f"{where}: {line}" for line in _violations(page.evaluate(run))]
    return found


def _violations(result: dict[str, Any]) -> list[str]:
    return [
        f"{one['id']}: {one['help']} at {', '.join(str(node['target']) for node in one['nodes'])}"
        for one in result["violations"]
        if one["impact"] in GRAVE
    ]
