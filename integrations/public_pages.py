"""Public pages of strangers, looked at safely: does this page hold this text?

The address comes from somebody we do not know, so nothing inside our network
may answer.  Only https on its own port; the name is resolved once, every
address it has must be a public one, and the connection goes to an address that
was vetted, so a name that changes between the two looks changes nothing.  No
redirect is followed, 512 KB and 10 seconds at most.  In demo and tests a fake
finds the text on every page whose address does not hold `nothing`.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core import redirects
from core.config import Settings

LARGEST = 512 * 1024  # bytes of a page that are read
TIME_LIMIT = 10.0  # seconds for one look, names and handshake included
_PORT = 443
_INSIDE = tuple(  # networks that carry an IPv4 address inside, which could be any
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)

Look = Callable[[str, str], bool]  # address, text: whether the page holds it
Resolve = Callable[[str], list[str]]
Connect = Callable[[str, str], socket.socket]  # vetted address, host name for the certificate


class PageError(Exception):
    """A page that cannot be looked at; what is wrong is in its text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a stranger answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # at most `LARGEST`


def looker(settings: Settings) -> Look:
    """Return what looks at pages under these settings: the network, or the fake."""
    return _pretend if settings.mode in {"demo", "test"} else holds


def holds(address: str, text: str) -> bool:
    """Tell whether a public page holds a text, whatever the case.

    Raises:
        PageError: The address is none, leads inside, or the page does not answer well in time.
    """
    return text.lower() in fetch(address).lower()


def fetch(address: str, *, resolve: Resolve | None = None, connect: Connect | None = None) -> str:
    """Return the text of a public page.

    Args:
        address: An https address, as a stranger wrote it.
        resolve: In place of the system's names.
        connect: In place of TLS to port 443.

    Raises:
        PageError: See `holds`.
    """
    link, host, path = reach(address, resolve=resolve, connect=connect)
    answer = ask(link, host, path, headers={"Accept": "text/html"})
    if answer.status != http.HTTPStatus.OK:  # a redirect is an answer like any other: not a page
        raise PageError(f"the page answered {answer.status}")
    return answer.body.decode("utf-8", errors="replace")


def reach(
    address: str, *, resolve: Resolve | None = None, connect: Connect | None = None
) -> tuple[socket.socket, str, str]:
    """Return a connection to the vetted host of an address, the host, and the path to ask for.

    Raises:
        PageError: The address is none, leads inside, or nobody answers there.
    """
    host = redirects.host_of(address)
    clean = redirects.vetted(address, [host]) if host else None
    if host is None or clean is None:
        raise PageError("not an https address")
    ip = vetted_ip((resolve or _resolve)(host))
    try:
        link = (connect or _connect)(ip, host)
    except (OSError, ssl.SSLError) as error:
        raise PageError(f"no connection: {type(error).__name__}") from None
    return link, host, clean.removeprefix(f"https://{host}")


def ask(
    link: socket.socket, host: str, path: str, *, headers: Mapping[str, str], body: bytes = b""
) -> Answer:
    """Ask once over a connection, and close it: a GET, or a POST where there is a body.

    Raises:
        PageError: No answer in time, or one that is not HTTP.
    """
    is_over = threading.Event()
    over = threading.Timer(TIME_LIMIT, _cut, [link, is_over])  # a page that drips is cut off too
    over.start()
    try:
        answer = _read(link, _request(host, path, headers, body), "POST" if body else "GET")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise PageError(f"no answer: {type(error).__name__}") from None
    finally:
        over.cancel()
        link.close()
    if is_over.is_set():
        raise PageError("too slow")
    return answer


def vetted_ip(addresses: list[str]) -> str:
    """Return the first of a name's addresses, if every one of them is public.

    Raises:
        PageError: There is none, or one is private, loopback, link-local, metadata or the like.
    """
    if not addresses or not all(is_public(text) for text in addresses):
        raise PageError("the name does not lead to the public internet")
    return addresses[0]


def is_public(text: str) -> bool:
    """Tell whether an IP address is one of the public internet."""
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.ipv4_mapped or ip.teredo or any(ip in network for network in _INSIDE)
    ):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _resolve(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise PageError("the name does not exist") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _connect(ip: str, host: str) -> socket.socket:
    plain = socket.create_connection((ip, _PORT), timeout=TIME_LIMIT / 2)
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _request(host: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    told = {"Host": host, "User-Agent": "Cercle", **headers, "Accept-Encoding": "identity"}
    if body:
        told["Content-Length"] = str(len(body))
    lines = [f"{name}: {value}" for name, value in {**told, "Connection": "close"}.items()]
    verb = "POST" if body else "GET"
    head = "\r\n".join([f"{verb} {path} HTTP/1.1", *lines, "", ""])
    return head.encode("ascii") + body


def _read(link: socket.socket, request: bytes, method: str) -> Answer:
    link.settimeout(TIME_LIMIT / 2)
    link.sendall(request)
    answer = http.client.HTTPResponse(link, method=method)
    answer.begin()
    return Answer(answer.status, dict(answer.headers.items()), answer.read(LARGEST))


def _cut(link: socket.socket, is_over: threading.Event) -> None:
    is_over.set()
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it ended by itself


def _pretend(address: str, text: str) -> bool:
    if redirects.host_of(address) is None:
        raise PageError("not an https address")
    return "nothing" not in address
