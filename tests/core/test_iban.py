"""Account numbers are accepted as people write them, and refused when a character is wrong."""

from __future__ import annotations

import pytest

from core import iban

# The examples of the SWIFT registry of ISO 13616.
GOOD = ("CH93 0076 2011 6238 5295 7", "fr14 2004 1010 0505 0001 3M02 606", "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19", "BE68 5390 0754 7034")  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_the_examples_of_the_registry_are_good(text: str) -> None:
    assert iban.normalise(text) == text.replace(" ", "").upper()


@pytest.mark.parametrize("text", GOOD)
def test_two_neighbours_changed_over_are_found_out(text: str) -> None:
    number = text.replace(" ", "").upper()
    for place in range(4, len(number) - 1):
        if number[place] != number[place + 1]:
            swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
            assert iban.normalise(swapped) is None


@pytest.mark.parametrize(
    "text",
    ["", "CH", "CH93", "US64SVBKUS6S3300958879", "CH93 0076 2011 6238 5295", "ＣＨ93", "CH9३"],
)
def test_what_cannot_be_one_is_refused(text: str) -> None:
    assert iban.normalise(text) is None


@pytest.mark.parametrize(
    ("text", "bic"),
    [
        ("PSSTFRPPXXX", "PSSTFRPPXXX"), ("psst fr pp", "PSSTFRPP"), ("PSSTFRP", None),
        ("PSSTFRPPXX", None), ("1SSTFRPP", None), ("", None),
    ],
)  # fmt: skip
def test_a_bank_is_known_by_eight_or_eleven_signs(text: str, bic: str | None) -> None:
    assert iban.normalise_bic(text) == bic
