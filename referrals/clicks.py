"""Clicks: what a request for a link was, and its way into the database.

Only a top-level GET navigation by a person's browser counts (rule 13); what
prefetches, embeds, asks for the head only or names itself a robot is kept
apart under its own kind.  A link is looked up through a memory of some seconds
per process and clicks wait in a buffer, so a locked database stops no redirect.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import gettext as _

from ambassadors import program
from core import changes, clock
from core.buffers import Buffer
from core.db import db, writing
from core.errors import NotFoundError
from referrals.models import Click, ClickKind, Link

REMEMBERED = 5.0  # seconds a link is served from memory
_MOST_LINKS = 20_000  # in memory
_BOT = re.compile(
    r"bot\b|bot[/;_-]|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|telegram|skype"
    r"|discord|slack|embedly|quora link|pinterest/|vkshare|curl/|wget/|python-|httpx|aiohttp"
    r"|go-http-client|java/|okhttp|axios|node-fetch|undici|libwww|headless|phantomjs|lighthouse"
    r"|monitor|uptime|pingdom|scanner|validator|ia_archiver|apachebench",
    re.IGNORECASE,
)
_PAID = frozenset({"gclid", "gbraid", "wbraid", "dclid", "gclsrc", "gad_source", "msclkid",
                   "ttclid", "twclid", "li_fat_id", "epik", "yclid"})  # fmt: skip
_PAID_MEDIUM = frozenset({"cpc", "ppc", "cpm", "paid", "paid_social", "paidsocial", "paid-social",
                          "display", "sponsored"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link as the redirect needs it."""

    id: int
    destination: str
    hosts: frozenset[str]  # that `?to=` may name
    days: int  # how long a click may earn
    timezone: str  # of the program


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a link, as it waits to be written."""

    token: str
    link_id: int
    clicked_at: datetime
    kind: ClickKind
    has_consent: bool
    is_paid_traffic: bool
    ip_hash: str | None
    referrer_host: str | None
    month: str


class Clicks:
    """What one process remembers: links for some seconds, clicks until they are written."""

    def __init__(self, app: Flask, *, at_once: bool) -> None:
        self._app = app
        self._links: dict[str, tuple[float, KnownLink | None]] = {}
        self.buffer: Buffer[Visit] = Buffer(self._write, at_once=at_once)

    def forget(self) -> None:
        """Look every link up anew."""
        self._links.clear()

    def link(self, slug: str) -> KnownLink:
        """Return a link; while the database is away, as it was last known.

        Raises:
            NotFoundError: There is no such link.
        """
        until, known = self._links.get(slug, (0.0, None))
        if time.monotonic() >= until:
            known = self._look_up(slug, known)
        if known is None:
            raise NotFoundError(_("There is no such link."))
        return known

    def _look_up(self, slug: str, last: KnownLink | None) -> KnownLink | None:
        try:
            known = find(slug)
        except sa.exc.OperationalError:
            if last is None:
                raise
            known = last
        finally:
            db.session.rollback()  # a reader left open would keep the clicks from being written
        if len(self._links) >= _MOST_LINKS:
            self._links.clear()
        self._links[slug] = (time.monotonic() + REMEMBERED, known)
        return known

    def _write(self, visits: Sequence[Visit]) -> None:
        with self._app.app_context(), writing():
            record(visits)
            db.session.commit()


def init_app(app: Flask) -> None:
    """Give the application its memory of links and its buffer of clicks."""
    settings = app.extensions["settings"]
    at_once = settings.click_durable or settings.mode == "test"
    app.extensions["clicks"] = Clicks(app, at_once=at_once)


def of_app() -> Clicks:
    """Return the memory and buffer of the current application."""
    clicks: Clicks = current_app.extensions["clicks"]
    return clicks


def record(visits: Sequence[Visit]) -> None:
    """Write visits, in two statements; part of the caller's transaction."""
    if visits:
        db.session.execute(sa.insert(Click), [_row(visit) for visit in visits])
        changes.mark("clicks", {visit.month for visit in visits})


def find(slug: str) -> KnownLink | None:
    """Return a link from the database, or None."""
    row = db.session.execute(
        sa.select(Link.id, Link.destination).where(Link.slug == slug)
    ).one_or_none()
    if row is None:
        return None
    rules = program.current()
    return KnownLink(
        row.id, row.destination, rules.redirect_hosts, rules.attribution_days, rules.timezone
    )


def kind_of(method: str, headers: Mapping[str, str]) -> ClickKind:
    """Tell what a request for a link is.

    Source: W3C Fetch Metadata Request Headers; `Sec-Purpose` of the Fetch standard.
    Browsers from before Fetch Metadata are judged by what they accept.
    """
    if method == "HEAD":
        return ClickKind.HEAD
    purposes = (headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    if any("prefetch" in purpose or "preview" in purpose for purpose in map(str.lower, purposes)):
        return ClickKind.PREFETCH
    agent = headers.get("User-Agent", "")
    if not agent or _BOT.search(agent):
        return ClickKind.BOT
    mode = headers.get("Sec-Fetch-Mode")
    if mode is not None:
        is_page = mode == "navigate" and headers.get("Sec-Fetch-Dest", "document") == "document"
        return ClickKind.VISIT if is_page else ClickKind.EMBEDDED
    accepts = headers.get("Accept", "")
    if "text/html" in accepts:
        return ClickKind.VISIT
    return ClickKind.EMBEDDED if accepts and accepts != "*/*" else ClickKind.BOT


def is_paid_traffic(query: Mapping[str, str]) -> bool:
    """Tell whether an address carries what advertising networks add to paid clicks."""
    medium = query.get("utm_medium", "").lower()
    return medium in _PAID_MEDIUM or any(name in query for name in _PAID)


def visit(
    link: KnownLink,
    *,
    kind: ClickKind,
    has_consent: bool,
    query: Mapping[str, str],
    address: str | None,
    referrer: str | None,
) -> Visit:
    """Return the click of one request, to be added to the buffer.

    Args:
        link: Which link was asked for.
        kind: What the request was.
        has_consent: Whether the visitor agreed to be remembered.
        query: Of the address asked for.
        address: The visitor's IP address; only a keyed hash of it is kept.
        referrer: The page they came from; only its host is kept.
    """
    now = clock.now()
    return Visit(
        token=secrets.token_urlsafe(16), link_id=link.id, clicked_at=now, kind=kind,
        has_consent=has_consent, is_paid_traffic=is_paid_traffic(query),
        ip_hash=_hash_address(address), referrer_host=_host(referrer),
        month=clock.local_month(now, link.timezone),
    )  # fmt: skip


def _hash_address(address: str | None) -> str | None:
    """Return a keyed hash of an IP address, of its /64 network for IPv6."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if known.version == 6:
        known = ipaddress.ip_network(f"{known}/64", strict=False).network_address
    salt = hashlib.sha256(b"click address:" + str(current_app.secret_key).encode()).digest()
    return hmac.new(salt, known.packed, hashlib.sha256).hexdigest()


def _host(referrer: str | None) -> str | None:
    try:
        host = urlsplit(referrer or "").hostname
    except ValueError:
        return None
    return host[:200] if host and host.isascii() and host.isprintable() else None


def _row(visit: Visit) -> dict[str, object]:
    return {
        "token": visit.token, "link_id": visit.link_id, "clicked_at": visit.clicked_at,
        "kind": visit.kind, "has_consent": visit.has_consent,
        "is_paid_traffic": visit.is_paid_traffic, "ip_hash": visit.ip_hash,
        "referrer_host": visit.referrer_host,
    }  # fmt: skip
