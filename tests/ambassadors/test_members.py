"""Members are known by one mailbox or by the brand's own id."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask

from ambassadors import members
from ambassadors.members import Person
from core.errors import InvalidInputError, NotFoundError


def test_a_member_joins_today_unless_said_otherwise(app: Flask) -> None:
    member = members.create(Person(name=" Zoé Martin ", email="Zoe+x@Example.com", country="ch"))
    assert member.name == "Zoé Martin"
    assert member.email == "Zoe+x@Example.com"
    assert member.country == "CH"
    assert member.joined_on == date(2026, 3, 1)


@pytest.mark.parametrize(
    "again",
    [{"email": "zoe@EXAMPLE.com"}, {"email": "z.o.e@example.com", "external_id": "c-1"}],
)
def test_one_mailbox_or_one_id_is_one_member(app: Flask, again: dict[str, Any]) -> None:
    members.create(Person(name="Zoé", email="zoe+shop@example.com", external_id="c-1"))
    with pytest.raises(members.MemberKnownError) as refusal:
        members.create(Person(name="Zoé", **again))
    pointer = "/external_id" if "external_id" in again else "/email"
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def test_two_members_may_both_be_unknown_by_mail(app: Flask) -> None:
    one, two = (members.create(Person(name="A member")) for _ in range(2))
    assert one.id != two.id


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "  "}, "/name"),
        ({"name": "a" * 201}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"email": "no address"}, "/email"),
        ({"external_id": "x" * 101}, "/external_id"),
        ({"country": "Switzerland"}, "/country"),
        ({"country": "QX"}, "/country"),
        ({"locale": "de"}, "/locale"),
    ],
)
def test_a_field_that_cannot_be_is_named(app: Flask, wrong: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        members.create(Person(**{"name": "Zoé"} | wrong))
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def test_a_member_cannot_take_the_address_of_another(app: Flask) -> None:
    members.create(Person(name="Zoé", email="zoe@example.com"))
    other = members.create(Person(name="Ana", email="ana@example.com"))
    with pytest.raises(members.MemberKnownError):
        members.change(other, Person(name="Ana", email="zoe@example.com"))
    members.change(other, Person(name="Anaïs", email="ana@example.com"))
    assert other.name == "Anaïs"


def test_a_member_is_found_by_any_spelling_of_their_address(app: Flask) -> None:
    member = members.create(Person(name="Zoé", email="zo.e@gmail.com", external_id="c-1"))
    assert members.find(email="ZOE+news@googlemail.com") is member
    assert members.find(external_id="c-1", email="else@example.com") is member
    assert members.find(email="else@example.com") is None


def test_nobody_is_a_refusal_not_a_crash(app: Flask) -> None:
    with pytest.raises(NotFoundError):
        members.get(999)
