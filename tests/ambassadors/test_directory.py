"""Ambassadors looked up by words, state and kind, page by page."""

from __future__ import annotations

import pytest
from flask import Flask

from ambassadors import directory
from ambassadors.directory import Search
from ambassadors.models import AmbassadorKind, AmbassadorStatus
from core import emails
from tests.factories import make_ambassador, make_member


@pytest.fixture
def people(app: Flask) -> None:
    for name, email, kind, status in (
        ("Zoé Martin", "zoe@gmail.com", AmbassadorKind.CUSTOMER, AmbassadorStatus.ACTIVE),
        ("Élodie 100%", "elodie@example.com", AmbassadorKind.PARTNER, AmbassadorStatus.ACTIVE),
        ("Ana", None, AmbassadorKind.CUSTOMER, AmbassadorStatus.SUSPENDED),
    ):
        member = make_member(
            name=name, email=email, email_hash=emails.digest(email), external_id=f"id-{name[0]}"
        )
        make_ambassador(member=member, kind=kind, status=status)


def _names(**search: object) -> list[str]:
    return [a.member.name for a in directory.ambassadors(Search(**search))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Ana", "Élodie 100%", "Zoé Martin"]),
        ("martin", ["Zoé Martin"]),
        ("élodie", ["Élodie 100%"]),
        ("ZOÉ", ["Zoé Martin"]),
        ("example.com", ["Élodie 100%"]),
        ("Z.o.e+x@gmail.com", ["Zoé Martin"]),
        ("id-a", ["Ana"]),
        ("100%", ["Élodie 100%"]),
        ("%", ["Élodie 100%"]),
        ("_", []),
        ("\x00", []),
        ("'; DROP TABLE member", []),
    ],
)
def test_a_text_is_looked_for_in_name_address_and_id(
    people: None, text: str, names: list[str]
) -> None:
    assert _names(text=text) == names


def test_status_and_kind_narrow_the_list(people: None) -> None:
    assert _names(status=AmbassadorStatus.SUSPENDED) == ["Ana"]
    assert _names(kind=AmbassadorKind.CUSTOMER) == ["Ana", "Zoé Martin"]
    assert _names(kind=AmbassadorKind.PARTNER, status=AmbassadorStatus.LEFT) == []


def test_pages_are_cut_by_key_and_miss_nobody(app: Flask) -> None:
    ids = [make_ambassador().id for _ in range(7)]
    seen: list[int] = []
    while page := directory.ambassadors(Search(), before=seen[-1] if seen else None, limit=3):
        seen += [ambassador.id for ambassador in page]
    assert seen == ids[::-1]
    assert [a.id for a in directory.every_ambassador(Search())] == ids


def test_every_status_is_counted_also_when_nobody_has_it(people: None) -> None:
    assert directory.counts() == {
        AmbassadorStatus.INVITED: 0, AmbassadorStatus.ACTIVE: 2,
        AmbassadorStatus.SUSPENDED: 1, AmbassadorStatus.LEFT: 0,
    }  # fmt: skip
