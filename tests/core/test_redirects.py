"""A redirect leads to the hosts we named, and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import redirects

HOSTS = ("shop.example", "blog.shop.example")


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("https://shop.example", "https://shop.example/"),
        ("https://SHOP.example/pear?a=1&b=%20", "https://shop.example/pear?a=1&b=%20"),
        ("HTTPS://blog.shop.example/x#part", "https://blog.shop.example/x"),
        ("https://shop.example//evil.tld", "https://shop.example//evil.tld"),
        (
            "https://shop.example/a?next=https://evil.tld",
            "https://shop.example/a?next=https://evil.tld",
        ),
    ],
)
def test_an_address_of_a_named_host_is_rebuilt(target: str, address: str) -> None:
    assert redirects.vetted(target, HOSTS) == address


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/pear",
        "//shop.example",
        "//evil.tld",
        "shop.example",
        "http://shop.example/",
        "ftp://shop.example/",
        "javascript:alert(1)//https://shop.example",
        "data:text/html,x",
        "https:shop.example",
        "https:/shop.example",
        "https:///shop.example",
        "https:\\\\shop.example",
        "https://evil.tld",
        "https://evil.tld/shop.example",
        "https://evil.tld\\@shop.example",
        "https://evil.tld\\.shop.example",
        "https://evil.tld#@shop.example",
        "https://evil.tld?@shop.example",
        "https://shop.example@evil.tld",
        "https://user:secret@shop.example/",
        "https://@shop.example/",
        "https://shop.example:443/",
        "https://shop.example:/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shop.example./",
        "https://shop.example.evil.tld/",
        "https://evilshop.example/",
        "https://other.shop.example/",
        "https://shop%2eexample/",
        "https://shop.example%00.evil.tld/",
        "https://shop。example/",
        "https://ｓhop.example/",
        "https://shöp.example/",
        "https://[::1]/",
        "https://[shop.example]/",
        "https://[shop.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        " https://shop.example/",
        "https://shop.example/ ",
        "https://shop.example/a b",
        "https://shop.example/\tpear",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.\nexample/",
        "https://shop.example/\x00",
        "https://shop.example/\x7f",
        "https://shop.example/\\evil",
        "https://shop.example/<script>",
        "https://shop.example/é",
        "https://shop.example/" + "a" * 2000,
    ],
)
def test_a_doubtful_address_is_refused(target: str) -> None:
    assert redirects.vetted(target, HOSTS) is None


def test_no_host_is_named_by_default() -> None:
    assert redirects.vetted("https://shop.example/", ()) is None


@given(
    st.text(max_size=60), st.sampled_from(["", "https://", "https://shop.example", "https://a@"])
)
def test_whatever_is_sent_only_a_named_host_comes_out(text: str, start: str) -> None:
    address = redirects.vetted(start + text, HOSTS)
    if address is not None:
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.netloc in HOSTS
        assert address.isascii()
        assert "\\" not in address


def test_a_query_value_is_added_and_replaces_its_like() -> None:
    address = redirects.with_query("https://shop.example/a?b=1&click_id=old#x", {"click_id": "new"})
    assert address == "https://shop.example/a?b=1&click_id=new#x"
