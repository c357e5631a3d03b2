"""Segments: computed from what people are, brought and earned; saved, counted, shown."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import audiences, circles, tags
from ambassadors import segments as saved
from ambassadors.audiences import Audience
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from ambassadors.segments import Rule
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError
from rewards import intake, segments
from tests.conftest import NOW
from tests.factories import (
    make_ambassador,
    make_code,
    make_member,
    make_user,
    must,
    purchase_fact,
    sign_in,
)


def members_of(rule: Rule) -> list[int]:
    return [member.id for member in saved.people(segments.condition(rule))]


@pytest.fixture
def busy(app: Flask) -> int:
    """A member who brought two purchases today, beside one who brought none."""
    code = make_code("ZOE10")
    for _ in range(2):
        outcome = intake.take_purchases([purchase_fact(codes=("ZOE10",))])[0]
        assert outcome.problem is None
    make_ambassador()
    return db.session.get_one(Ambassador, must(code.ambassador_id)).member_id


def test_a_rule_asks_for_what_people_are(app: Flask) -> None:
    ana = make_member(country="CH", locale="fr", joined_on=date(2025, 5, 1))
    make_ambassador(member=ana, kind=AmbassadorKind.PARTNER, status=AmbassadorStatus.INVITED)
    bob = make_member(joined_on=date(2026, 2, 1))
    circle = circles.create("VIP")
    circles.join(circle, bob.id)
    tags.tag([ana.id], "Panel")
    for rule, found in (
        (Rule(), [ana.id, bob.id]),
        (Rule(kinds=("partner",)), [ana.id]),
        (Rule(statuses=("active",)), []),
        (Rule(countries=("CH",), languages=("fr",)), [ana.id]),
        (Rule(joined_from="2026-01-01"), [bob.id]),
        (Rule(joined_until="2025-05-01"), [ana.id]),
        (Rule(circles=(circle.id,)), [bob.id]),
        (Rule(tags=("panel",)), [ana.id]),
        (Rule(tags=("panel",), circles=(circle.id,)), []),
    ):
        assert members_of(rule) == found, rule


def test_a_rule_asks_for_what_people_brought_and_earned(app: Flask, busy: int) -> None:
    assert members_of(Rule(brought_at_least=2, brought_days=30)) == [busy]
    assert members_of(Rule(brought_at_least=3)) == []
    assert members_of(Rule(earned_at_least=2000)) == [busy]  # 10 % of 200.00, still pending
    assert members_of(Rule(earned_at_least=2001)) == []
    assert busy not in members_of(Rule(silent_days=30))
    with clock.frozen(NOW + timedelta(days=31)):
        assert members_of(Rule(brought_at_least=1, brought_days=30)) == []
        assert busy in members_of(Rule(silent_days=30))


def test_lower_rooms_read_who_was_in_such_a_segment_when_it_was_computed(
    app: Flask, busy: int
) -> None:
    segment = saved.create("Two or more", Rule(brought_at_least=2, brought_days=30))
    audience = Audience(segment_ids=(segment.id,))
    assert audiences.member_ids(audience) == []
    segments.refresh(segment)
    assert audiences.member_ids(audience) == [busy]
    with clock.frozen(NOW + timedelta(days=31)):
        assert segments.refresh_due() == 1
        assert audiences.member_ids(audience) == []


def test_a_segment_that_cannot_be_is_refused(app: Flask) -> None:
    saved.create("One", Rule())
    with pytest.raises(ConflictError):
        saved.create("One", Rule())
    for rule in (
        Rule(countries=("XX",)), Rule(silent_days=0), Rule(brought_at_least=10_000),
        Rule(joined_from="2026-02-01", joined_until="2026-01-01"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError):
            saved.create("Other", rule)


def test_staff_save_a_segment_and_see_who_is_in_it(client: FlaskClient, busy: int) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    assert "No segment yet" in client.get("/console/segments?lang=en").text
    wrong = client.post("/console/segments/new", data={"name": "Busy", "brought_at_least": "two"})
    assert wrong.status_code == 422
    told = {
        "name": "Busy", "brought_at_least": "2", "brought_days": "30", "earned_at_least": "5,00",
        "kinds": "customer",
    }  # fmt: skip
    here = client.post("/console/segments/new", data=told).location
    page = client.get(here).text
    assert "1 member now" in page
    assert "Brought at least 2 purchases in the last 30 days." in page
    assert "Earned at least EUR\xa05.00 in all." in page
    assert 'value="5.00"' in client.get(f"{here}/edit").text
    assert client.post(f"{here}/edit", data=told | {"silent_days": "5"}).location == here
    assert "Nobody fits now" in client.get(here).text
    assert "Busy" in client.get("/console/segments").text
