"""Pages of strangers: only public addresses are reached, and nothing large, slow or elsewhere."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from integrations import public_pages
from integrations.public_pages import PageError

PUBLIC = "93.184.216.34"


@contextmanager
def server(answer: bytes, *, drip: float = 0.0) -> Iterator[tuple[socket.socket, list[bytes]]]:
    """Yield our end of a connection whose other end answers so."""
    ours, theirs = socket.socketpair()
    asked: list[bytes] = []

    def serve() -> None:
        try:
            asked.append(theirs.recv(65536))
            pieces = [answer] if not drip else [answer[i : i + 1] for i in range(len(answer))]
            for piece in pieces:
                theirs.sendall(piece)
                time.sleep(drip)
        except OSError:
            pass  # they hung up, as they should on some answers
        finally:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ours, asked
    finally:
        ours.close()
        thread.join()


def page(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n" + more + b"\r\n" + body


def test_a_page_is_asked_of_the_address_that_was_vetted() -> None:
    reached: list[tuple[str, str]] = []
    with server(page("Zoé cercle-abc".encode())) as (link, asked):

        def connect(ip: str, host: str) -> socket.socket:
            reached.append((ip, host))
            return link

        text = public_pages.fetch(
            "https://pages.example/zoe?a=1#bio", resolve=lambda _h: [PUBLIC], connect=connect
        )
    assert text == "Zoé cercle-abc"
    assert reached == [(PUBLIC, "pages.example")]
    assert asked[0].startswith(b"GET /zoe?a=1 HTTP/1.1\r\nHost: pages.example\r\n")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "2001:0:1::1", "",
        "localhost",
    ],
)  # fmt: skip
def test_no_address_inside_is_ever_reached(address: str) -> None:
    def connect(_ip: str, _host: str) -> socket.socket:
        raise AssertionError("connected")

    with pytest.raises(PageError, match="public internet"):
        public_pages.fetch(
            "https://pages.example/", resolve=lambda _h: [PUBLIC, address], connect=connect
        )


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(PageError):
        public_pages.vetted_ip([])
    assert public_pages.vetted_ip([PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"]) == PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "http://pages.example/", "https://pages.example:8443/", "https://user@pages.example/",
        "https://pages.example\\@inside/", "ftp://pages.example/", "file:///etc/passwd", "",
        "https://pages.example/\r\nHost: inside", "//pages.example/", "https://[::1]/",
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_not_even_resolved(address: str) -> None:
    def resolve(_host: str) -> list[str]:
        raise AssertionError("resolved")

    with pytest.raises(PageError, match="https"):
        public_pages.fetch(address, resolve=resolve)


def test_a_numeric_host_is_vetted_like_any_other() -> None:
    for host in ("127.0.0.1", "2130706433", "0x7f000001"):
        with pytest.raises(PageError):
            public_pages.fetch(f"https://{host}/", resolve=lambda _h: ["127.0.0.1"])


@pytest.mark.parametrize("status", [b"302 Found", b"404 Not Found", b"500 Oops", b"204 Nothing"])
def test_no_redirect_is_followed_and_only_a_page_is_a_page(status: bytes) -> None:
    more = b"Location: https://127.0.0.1/\r\n"
    with server(page(b"cercle-abc", status, more)) as (link, _asked), pytest.raises(PageError):
        public_pages.fetch(
            "https://pages.example/", resolve=lambda _h: [PUBLIC], connect=lambda _i, _h: link
        )


def test_no_more_than_half_a_megabyte_is_read() -> None:
    with server(page(b"x" * (public_pages.LARGEST + 100_000))) as (link, _asked):
        text = public_pages.fetch(
            "https://pages.example/", resolve=lambda _h: [PUBLIC], connect=lambda _i, _h: link
        )
    assert len(text) == public_pages.LARGEST


def test_a_page_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_pages, "TIME_LIMIT", 0.3)
    begun = time.monotonic()
    with server(page(b"x" * 200), drip=0.02) as (link, _asked), pytest.raises(PageError):
        public_pages.fetch(
            "https://pages.example/", resolve=lambda _h: [PUBLIC], connect=lambda _i, _h: link
        )
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("garbage", [b"", b"\x00\x01\x02", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_answer_is_an_error_of_ours(garbage: bytes) -> None:
    with server(garbage) as (link, _asked), pytest.raises(PageError):
        public_pages.fetch(
            "https://pages.example/", resolve=lambda _h: [PUBLIC], connect=lambda _i, _h: link
        )


def test_a_refused_connection_is_an_error_of_ours() -> None:
    def connect(_ip: str, _host: str) -> socket.socket:
        raise ConnectionRefusedError

    with pytest.raises(PageError, match="no connection"):
        public_pages.fetch("https://pages.example/", resolve=lambda _h: [PUBLIC], connect=connect)
