"""A mailbox is held against a name by its letters, and only hashes are compared."""

from __future__ import annotations

import pytest

from core import likeness


@pytest.mark.parametrize(
    "email",
    ["zoe.martin@gmail.com", "martin_zoe@example.com", "Zoe-Martin84+shop@example.org",
     "zoémartin@example.com", "zmartin.lausanne@post.example"],
)  # fmt: skip
def test_a_mailbox_spelt_like_a_name_or_their_own_mailbox_is_like_them(email: str) -> None:
    known = likeness.of_person("Zoé Martin", "zmartin.lausanne@example.com")
    assert likeness.of_mailbox(email) in known


@pytest.mark.parametrize(
    "email", ["anna.martin@example.com", "zoe@example.com", "martin@x.example"]
)
def test_another_mailbox_is_not(email: str) -> None:
    known = likeness.of_person("Zoé Martin", "zoe.m@example.com")
    assert likeness.of_mailbox(email) not in known


def test_every_turn_of_a_long_name_counts() -> None:
    known = likeness.of_person("Anne Marie Dupont", None)
    assert likeness.of_mailbox("dupont.anne-marie@example.com") in known


@pytest.mark.parametrize(
    "email", ["charlotte@example.com", "customer412@example.com", "zm@x.example"]
)
def test_a_first_name_a_word_for_everybody_or_few_letters_say_nothing(email: str) -> None:
    known = likeness.of_person("Charlotte Rey", email)
    assert likeness.of_mailbox("charlotte@other.example") not in known
    assert likeness.of_mailbox(email.replace("@", "7@")) not in known


@pytest.mark.parametrize("email", [None, "", "no address", "a@b@c", "12345678@example.com"])
def test_what_has_no_letters_has_no_hash(email: str | None) -> None:
    assert likeness.of_mailbox(email) is None
