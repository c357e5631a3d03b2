"""The way through the pages: which doors a person sees in the sidebar and the tabs.

An entry names a path of `contract.md`'s kind (`/console/codes`).  It is shown when a
route answers there and the person's identity passes that route's policy, so a door
that does not exist yet, or is for others, leaves no dead link.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

from flask import Flask, current_app, request, url_for
from flask_babel import LazyString, lazy_gettext
from flask_security import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from accounts import identities, permissions
from accounts.models import RoleName


class Entry(NamedTuple):
    """One place to go."""

    path: str
    label: str | LazyString
    icon: str
    also: tuple[str, ...] = ()  # pages that are reached from it and lie elsewhere


class Group(NamedTuple):
    """Entries under one heading; the first group has none."""

    label: str | LazyString
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as this person sees it."""

    url: str
    label: str
    icon: str
    current: str | None  # what aria-current says: page, true (a page below it), or nothing


@dataclass(frozen=True, slots=True)
class Account:
    """The signed-in person, for the account menu."""

    name: str
    email: str
    role: str


CONSOLE = (
    Group("", (Entry("/console", lazy_gettext("Overview"), "home"),)),
    Group(
        lazy_gettext("Community"),
        (
            Entry("/console/ambassadors", lazy_gettext("Ambassadors"), "people"),
            Entry("/console/questions", lazy_gettext("Questions"), "help"),
            Entry("/console/content", lazy_gettext("Published content"), "heart"),
            Entry("/console/applications", lazy_gettext("Applications"), "inbox"),
            Entry("/console/invitations", lazy_gettext("Invitations"), "plus"),
            Entry("/console/circles", lazy_gettext("Circles"), "circle"),
            Entry("/console/segments", lazy_gettext("Segments"), "filter"),
            Entry("/console/messages", lazy_gettext("Messages"), "mail"),
            Entry("/console/customers", lazy_gettext("Customers"), "me"),
        ),
    ),
    Group(
        lazy_gettext("Program"),
        (
            Entry("/console/campaigns", lazy_gettext("Campaigns"), "campaign"),
            Entry("/console/codes", lazy_gettext("Codes"), "code"),
            Entry("/console/links", lazy_gettext("Links"), "link"),
            Entry("/console/perks", lazy_gettext("Perks"), "gift"),
            Entry("/console/missions", lazy_gettext("Missions"), "check"),
            Entry("/console/vouchers", lazy_gettext("Vouchers"), "receipt"),
            Entry("/console/purchases", lazy_gettext("Purchases"), "cart"),
            Entry("/console/commissions", lazy_gettext("Commissions"), "percent"),
            Entry("/console/ledger", lazy_gettext("Ledger"), "ledger"),
            Entry("/console/payouts", lazy_gettext("Payouts"), "money"),
            Entry("/console/statements", lazy_gettext("Statements"), "ledger"),
            Entry("/console/invoices", lazy_gettext("Invoices"), "receipt"),
            Entry("/console/contracts", lazy_gettext("Contracts"), "file"),
        ),
    ),
    Group(
        lazy_gettext("Reports"),
        (
            Entry("/console/reports/direction", lazy_gettext("Direction report"), "file"),
            Entry("/console/reports/cac", lazy_gettext("CAC and acquisition"), "chart"),
            Entry("/console/reports/acquisition", lazy_gettext("Acquisition"), "circle"),
            Entry("/console/reports/codes", lazy_gettext("What codes bring"), "receipt"),
            Entry("/console/reports/cohorts", lazy_gettext("Cohorts"), "people"),
            Entry("/console/reports/ltv", lazy_gettext("LTV"), "clock"),
            Entry("/console/reports/members", lazy_gettext("Members and others"), "people"),
            Entry("/console/reports/holdouts", lazy_gettext("Holdouts"), "check"),
            Entry("/console/reports/board", lazy_gettext("3-6-12 board"), "circle"),
            Entry("/console/survey", lazy_gettext("Survey"), "help"),
            Entry("/console/nps", "NPS", "heart"),
            Entry("/console/spend", lazy_gettext("Spend"), "money"),
        ),
    ),
    Group(
        lazy_gettext("Data"),
        (
            Entry("/console/imports", lazy_gettext("Imports"), "import"),
            Entry("/console/rates", lazy_gettext("Rates of currency"), "money"),
            Entry("/console/inbox", lazy_gettext("Webhooks"), "inbox"),
            Entry("/console/endpoints", lazy_gettext("Outgoing webhooks"), "share"),
            Entry("/console/settings/program", lazy_gettext("Program rules"), "gear"),
            Entry("/console/settings/mentions", lazy_gettext("Mentions"), "file"),
            Entry("/console/settings/thresholds", lazy_gettext("Thresholds"), "percent"),
            Entry("/console/mailbox", lazy_gettext("Mailbox"), "mail"),
            Entry("/console/users", lazy_gettext("Users"), "shield"),
            Entry("/console/keys", lazy_gettext("API keys"), "key"),
            Entry("/console/audit", lazy_gettext("Audit log"), "file"),
        ),
    ),
)

PORTAL = (
    Entry("/portal", lazy_gettext("Home"), "home"),
    Entry(
        "/portal/share", lazy_gettext("Share"), "share",
        also=("/portal/campaigns", "/portal/codes", "/portal/invite", "/portal/missions"),
    ),
    Entry("/portal/purchases", lazy_gettext("Purchases"), "cart", also=("/portal/questions",)),
    Entry("/portal/redeem", lazy_gettext("Redeem"), "gift"),
    Entry("/portal/circle", lazy_gettext("Circle"), "circle"),
    Entry(
        "/portal/me", lazy_gettext("Me"), "me",
        also=(
            "/portal/payouts", "/portal/statements", "/portal/invoices", "/portal/contracts",
            "/portal/notifications",
        ),
    ),
)  # fmt: skip

SEARCH = ("/console/search", "/console/ambassadors")

ROLE_NAMES = {
    RoleName.ADMIN: lazy_gettext("Administration"),
    RoleName.FINANCE: lazy_gettext("Finance"),
    RoleName.MARKETER: lazy_gettext("Marketing"),
    RoleName.AMBASSADOR: lazy_gettext("Ambassador"),
}


def init_app(app: Flask) -> None:
    """Give the shells their functions."""
    app.jinja_env.globals.update(
        console_links=console_links, portal_links=portal_links, search_url=search_url,
        account=account, page_url=page_url, door_url=door_url,
    )  # fmt: skip


def console_links() -> list[tuple[str, list[Link]]]:
    """Return the sidebar: headings with the entries this person may open."""
    groups = [(str(group.label), _open(group.entries)) for group in CONSOLE]
    return [(label, links) for label, links in groups if links]


def portal_links() -> list[Link]:
    """Return the tabs of the portal."""
    return _open(PORTAL)


def search_url() -> str | None:
    """Return where the search field of the console leads, or None."""
    found = (page_url(path) for path in SEARCH)
    return next((url for url in found if url), None)


def home_url() -> str | None:
    """Return where a signed-in person starts: the console, else the portal, or None."""
    console = [link.url for _, links in console_links() for link in links]
    return (console + [link.url for link in portal_links()] + [None])[0]


def page_url(path: str) -> str | None:
    """Return the address of a page that exists and is open to this person, or None.

    Args:
        path: Absolute path without arguments, such as `/console/codes`.
    """
    endpoint = _endpoint(current_app._get_current_object(), path)  # type: ignore[attr-defined]
    if endpoint is None:
        return None
    policy = permissions.policy_of(current_app, endpoint)
    if policy is None or not permissions.authorize(identities.current(), policy):
        return None
    return url_for(endpoint)


def door_url(endpoint: str) -> str | None:
    """Return the address of an endpoint without arguments, or None where there is none."""
    return url_for(endpoint) if endpoint in current_app.view_functions else None


def account() -> Account | None:
    """Return the signed-in person, or None."""
    if not current_user.is_authenticated:
        return None
    role = next((name for name in ROLE_NAMES if current_user.has_role(name.value)), None)
    title = str(ROLE_NAMES[role]) if role else ""
    return Account(current_user.name or current_user.email, current_user.email, title)


def _open(entries: tuple[Entry, ...]) -> list[Link]:
    seen = [(entry, page_url(entry.path)) for entry in entries]
    near = (e.path for e, url in seen if url and any(map(_is_at, (e.path, *e.also))))
    here = max(near, key=len, default=None)
    return [
        Link(url, str(entry.label), entry.icon, _current(entry.path, here))
        for entry, url in seen
        if url
    ]


def _is_at(path: str) -> bool:
    if path in {"/console", "/portal"}:  # the home of a shell is above all, so only itself
        return request.path.rstrip("/") == path
    return request.path == path or request.path.startswith(f"{path}/")


def _current(path: str, here: str | None) -> str | None:
    if path != here:
        return None
    return "page" if request.path.rstrip("/") == path else "true"


@functools.lru_cache(maxsize=512)
def _endpoint(app: Flask, path: str) -> str | None:
    """Find the endpoint that answers a GET of a path, with or without its last slash."""
    adapter = app.url_map.bind("localhost")
    for candidate in (path, f"{path}/"):
        try:
            endpoint, values = adapter.match(candidate, method="GET")
        except (HTTPException, RequestRedirect):
            continue
        return None if values else str(endpoint)
    return None
