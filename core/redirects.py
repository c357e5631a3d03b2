r"""Where a redirect may lead: only to named hosts, by an address rebuilt from its parts.

Browsers and Python read a doubtful address differently (`https://evil.tld\@shop.example`
is shop.example to one and evil.tld to the other), so whatever two readers could
disagree on is refused, and what is left is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

LONGEST = 2000  # characters of an address
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


def host_of(address: str) -> str | None:
    """Return the host of an address that `vetted` would accept, whatever the host."""
    parts = _parts(address)
    return parts[0] if parts else None


def vetted(target: str, hosts: Collection[str]) -> str | None:
    """Return the address rebuilt from its parts, or None where it may not lead.

    Args:
        target: What a stranger sent, such as `?to=`.
        hosts: Exact host names in lower case; no wildcard, no port.
    """
    parts = _parts(target)
    if parts is None or parts[0] not in hosts:
        return None
    host, path, query = parts
    return urlunsplit(("https", host, path, query, ""))


def with_query(address: str, values: Mapping[str, str]) -> str:
    """Return an address with these values in its query string, replacing those of the same name."""
    parts = urlsplit(address)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in values
    ]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))


def _parts(target: str) -> tuple[str, str, str] | None:
    """Return host, path and query of an https address without anything doubtful in it."""
    if not target or len(target) > LONGEST or not target.isascii():
        return None
    if any(not "!" <= ch <= "~" or ch in '\\<>"`{}|^' for ch in target):
        return None
    if not target.lower().startswith("https://"):
        return None
    try:
        parts = urlsplit(target)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a bracket or a port that is none
        return None
    if port is not None or parts.netloc.lower() != host or not _HOST.fullmatch(host):
        return None
    return (
        host,
        quote(parts.path or "/", safe=_PATH_SAFE),
        quote(parts.query, safe=_PATH_SAFE + "?"),
    )
