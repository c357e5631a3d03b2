"""Two spellings of one mailbox are one customer."""

from __future__ import annotations

import pytest

from core import emails


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Zoe@Example.COM ", "zoe@example.com"),
        ("zoe+shop@example.com", "zoe@example.com"),
        ("z.o.e+x@gmail.com", "zoe@gmail.com"),
        ("Z.oe@GoogleMail.com", "zoe@gmail.com"),
        ("z.o.e@example.com", "z.o.e@example.com"),
        ("+tag@example.com", "+tag@example.com"),
        ("zoé@exämple.com", "zoé@exämple.com"),
        ("zoe@example.com.", "zoe@example.com"),
    ],
)
def test_spellings_of_one_mailbox_have_one_normal_form(written: str, normal: str) -> None:
    assert emails.normalise(written) == normal
    assert emails.digest(written) == emails.digest(normal)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "  ",
        "zoe",
        "@example.com",
        "zoe@",
        "a@b@c",
        "a b@c.ch",
        "a\x00@b.ch",
        "\ud800@b.ch",
    ],
)
def test_what_is_no_address_has_no_identity(text: str | None) -> None:
    assert emails.normalise(text) is None
    assert emails.digest(text) is None


def test_an_address_too_long_for_mail_is_refused() -> None:
    assert emails.normalise("a" * 250 + "@example.com") is None


def test_the_dots_of_other_hosts_tell_people_apart() -> None:
    assert emails.digest("a.b@example.com") != emails.digest("ab@example.com")
