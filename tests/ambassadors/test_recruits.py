"""Many people enrolled at once: told again nothing changes, and one bad line harms no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from ambassadors import program, recruits
from ambassadors.members import MemberKnownError, Person
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus, Member
from ambassadors.recruits import Recruit
from core.db import db
from tests.factories import make_member

ZOE = Recruit(
    person=Person(
        name="Zoé", email="zoe@example.com", external_id="c-1", joined_on=date(2025, 7, 1)
    ),
    kind=AmbassadorKind.MICRO_CREATOR,
)  # fmt: skip
ANA = Recruit(person=Person(name="Ana", email="ana@example.com", country="FR"))


def _states(*people: Recruit) -> list[str]:
    outcomes = recruits.record(people)
    db.session.commit()
    return [outcome.state for outcome in outcomes]


def test_people_are_enrolled_as_active_from_the_day_they_joined(app: Flask) -> None:
    assert _states(ZOE, ANA) == ["created", "created"]
    zoe = db.session.scalars(sa.select(Ambassador).order_by(Ambassador.id)).first()
    assert zoe is not None
    assert zoe.member.name == "Zoé"
    assert zoe.kind is AmbassadorKind.MICRO_CREATOR
    assert zoe.status is AmbassadorStatus.ACTIVE
    assert zoe.enrolled_at == datetime(2025, 6, 30, 22, tzinfo=UTC)  # midnight in Paris
    line = db.session.scalars(sa.select(AuditLine)).one()
    assert (line.act, line.details) == ("ambassador.import", {"created": 2, "updated": 0})


def test_told_again_nothing_changes(app: Flask) -> None:
    _states(ZOE, ANA)
    assert _states(ANA, ZOE) == ["unchanged", "unchanged"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 2


def test_what_is_left_out_keeps_what_is_known(app: Flask) -> None:
    _states(ZOE)
    told = Recruit(person=Person(name="Zoé M.", external_id="c-1"), kind=ZOE.kind)
    assert _states(told) == ["updated"]
    zoe = db.session.scalars(sa.select(Member)).one()
    assert (zoe.name, zoe.email, zoe.joined_on) == ("Zoé M.", "zoe@example.com", date(2025, 7, 1))


def test_a_known_member_becomes_an_ambassador(app: Flask) -> None:
    member = make_member(name="Ana", external_id="c-9")
    outcome = recruits.record([Recruit(person=Person(name="Ana", external_id="c-9"))])[0]
    assert outcome.state == "created"
    assert outcome.ambassador_id is not None
    assert db.session.get_one(Ambassador, outcome.ambassador_id).member_id == member.id


def test_a_person_who_stands_twice_in_a_list_is_one(app: Flask) -> None:
    again = Recruit(person=Person(name="Zoé", email="ZOE+2@example.com"), kind=ZOE.kind)
    assert _states(ZOE, again) == ["created", "updated"]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 1


def test_a_bad_line_harms_no_other(app: Flask) -> None:
    nobody = Recruit(person=Person(name="Nobody"))
    wrong = Recruit(person=Person(name="X", email="x@example.com", country="Nowhere"))
    assert _states(ZOE, nobody, wrong, ANA) == ["created", "refused", "refused", "created"]


def test_an_id_and_an_address_of_two_members_are_a_contradiction(app: Flask) -> None:
    _states(ZOE, ANA)
    mixed = Recruit(person=Person(name="Zoé", external_id="c-1", email="ana@example.com"))
    outcome = recruits.record([mixed])[0]
    assert outcome.state == "refused"
    assert isinstance(outcome.problem, MemberKnownError)


def test_the_number_of_questions_does_not_grow_with_the_list(app: Flask) -> None:
    many = [Recruit(person=Person(name="P", external_id=f"p-{n}")) for n in range(300)]
    program.current()
    asked: list[str] = []

    def note(*call: Any) -> None:
        asked.extend([call[2]] if call[2].startswith("SELECT") else [])

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        recruits.record(many)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 1
