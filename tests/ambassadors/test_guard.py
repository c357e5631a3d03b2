"""The guard: who may be asked, who is spared and why, quiet time, and what members decide."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import audiences, choices, circles, guard, program, segments
from ambassadors.audiences import Audience
from ambassadors.guard import Spared
from ambassadors.models import AmbassadorKind, AmbassadorStatus, Member, SuppressionReason
from ambassadors.segments import Rule
from core import clock, emails
from core.db import db
from core.errors import ConflictError, NotFoundError
from tests.conftest import NOW
from tests.factories import make_ambassador, make_member, make_user, sign_in


def person(name: str = "ana", **values: object) -> Member:
    email = f"{name}@example.com"
    return make_member(email=email, email_hash=emails.digest(email), **values)


def ask(member: Member, key: str) -> Spared | None:
    return guard.ask([member.id], what="message", key=key).get(member.id)


def test_two_asks_a_week_pass_and_the_third_is_spared_until_the_week_is_over(app: Flask) -> None:
    ana = person()
    guard.gave([ana.id], what="box", key="g1")
    assert (ask(ana, "1"), ask(ana, "2")) == (None, None)
    assert ask(ana, "3") is Spared.WEEKLY_LIMIT
    with clock.frozen(NOW + guard.WEEK):
        assert ask(ana, "3") is None


def test_the_same_ask_twice_counts_once(app: Flask) -> None:
    ana = person()
    assert (ask(ana, "1"), ask(ana, "1")) == (None, None)
    assert guard.balance(ana.id) == (1, 0)


def test_after_two_asks_a_give_is_due_within_ninety_days(app: Flask) -> None:
    ana = person()
    for key, days in (("1", 0), ("2", 10)):
        with clock.frozen(NOW + timedelta(days=days)):
            assert ask(ana, key) is None
    with clock.frozen(NOW + timedelta(days=20)):
        assert ask(ana, "3") is Spared.GIVE_FIRST
        guard.gave([ana.id], what="early access", key="g")
        assert ask(ana, "3") is None
        assert ask(ana, "4") is None
    with clock.frozen(NOW + timedelta(days=40)):
        assert ask(ana, "5") is Spared.GIVE_FIRST
        program.set_rules({"asks_per_give": "0"})
        assert ask(ana, "5") is None


def test_each_reason_is_told(app: Flask) -> None:
    cases = {
        Spared.NO_ADDRESS: make_member(),
        Spared.UNSUBSCRIBED: person("u"),
        Spared.BOUNCED: person("b"),
        Spared.REPORTED: person("r"),
        Spared.LEFT: person("l"),
        Spared.SNOOZED: person("s"),
    }
    choices.unsubscribe(cases[Spared.UNSUBSCRIBED])
    choices.snooze(cases[Spared.SNOOZED])
    for word, reason in (
        (Spared.BOUNCED, SuppressionReason.BOUNCE),
        (Spared.REPORTED, SuppressionReason.SPAM_REPORT),
    ):
        choices.suppress(cases[word].email_hash or "", reason)
    make_ambassador(member=cases[Spared.LEFT], status=AmbassadorStatus.SUSPENDED)
    fine = person("fine")
    told = guard.spared([*(member.id for member in cases.values()), fine.id])
    assert told == {member.id: word for word, member in cases.items()}
    counted = guard.preview(sa.select(Member.id))
    assert counted == {None: 1} | dict.fromkeys(cases, 1)
    assert set(guard.WORDS) == set(Spared)
    with clock.frozen(NOW + choices.NOT_NOW):
        assert cases[Spared.SNOOZED].id not in guard.spared([cases[Spared.SNOOZED].id])


def test_many_sendings_at_once_never_pass_the_weekly_limit(app: Flask) -> None:
    members = [person(f"m{n}").id for n in range(5)]
    program.set_rules({"asks_per_give": "0"})
    db.session.commit()
    start = Barrier(12)

    def send(number: int) -> int:
        with app.app_context():
            start.wait()
            for _ in range(30):
                try:
                    refused = guard.ask(members, what="message", key=f"m{number}")
                    db.session.commit()
                    return len(members) - len(refused)
                except sa.exc.OperationalError:
                    db.session.rollback()
            raise AssertionError("never got through")

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(send, range(12))) == 2 * len(members)
    db.session.expire_all()
    assert {guard.balance(member_id) for member_id in members} == {(2, 0)}


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2026-03-02T09:00:00+01:00", None),  # a Monday morning in Paris
        ("2026-03-02T21:30:00+01:00", "2026-03-03T08:00:00+01:00"),
        ("2026-03-03T07:59:00+01:00", "2026-03-03T08:00:00+01:00"),
        ("2026-02-28T20:00:00+01:00", "2026-03-02T08:00:00+01:00"),  # over the quiet Sunday
        ("2026-03-29T01:30:00+01:00", "2026-03-30T08:00:00+02:00"),  # summer time begins
    ],
)
def test_quiet_hours_and_days_are_those_of_the_program(
    app: Flask, local: str, opens: str | None
) -> None:
    told = guard.quiet_until(datetime.fromisoformat(local).astimezone(UTC))
    assert told == (datetime.fromisoformat(opens) if opens else None)


def test_the_same_hour_twice_is_never_quiet(app: Flask) -> None:
    program.set_rules({"quiet_from": "8", "quiet_until": "8", "quiet_days": ""})
    assert guard.quiet_until(datetime(2026, 3, 1, 2, tzinfo=UTC)) is None


def test_one_click_of_a_mail_program_unsubscribes_and_opening_the_link_does_not(
    app: Flask, client: FlaskClient
) -> None:
    ana = person()
    path = choices.link(ana.id).removeprefix(app.extensions["settings"].base_url)
    assert "Fewer messages" in client.get(f"{path}?lang=en").text
    assert guard.spared([ana.id]) == {}
    db.session.commit()
    clicked = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert clicked.status_code == 303
    db.session.expire_all()
    assert guard.spared([ana.id]) == {ana.id: Spared.UNSUBSCRIBED}
    assert "You get no more messages" in client.get(path).text
    client.post(path, data={"act": "subscribe"})
    db.session.expire_all()
    assert guard.spared([ana.id]) == {}
    client.post(path, data={"act": "not_now"})
    assert "We write to you again after 15 March 2026" in client.get(path).text
    for broken in (f"{path}x", "/unsubscribe/nothing"):
        assert client.get(broken).status_code == 404
        assert client.post(broken).status_code == 404


def test_only_a_bounce_can_be_lifted_by_staff(app: Flask) -> None:
    for name, reason in (("b", SuppressionReason.BOUNCE), ("r", SuppressionReason.SPAM_REPORT)):
        choices.suppress(person(name).email_hash or "", reason)
    rows = {row.reason: row.id for row, _member in choices.suppressions()}
    choices.lift(rows[SuppressionReason.BOUNCE])
    with pytest.raises(ConflictError):
        choices.lift(rows[SuppressionReason.SPAM_REPORT])
    with pytest.raises(NotFoundError):
        choices.lift(rows[SuppressionReason.BOUNCE])
    assert len(choices.suppressions()) == 1


def test_an_ambassador_pauses_unsubscribes_and_chooses_a_language_in_the_portal(
    client: FlaskClient,
) -> None:
    user = make_user(RoleName.AMBASSADOR)
    ana = person()
    make_ambassador(member=ana, user_id=user.id)
    sign_in(client, user)
    here = "/portal/notifications"
    client.post(here, data={"act": "not_now"})
    assert "after 15 March 2026" in client.get(f"{here}?lang=en").text
    client.post(here, data={"act": "unsubscribe"})
    assert "You get no messages since 1 March 2026" in client.get(here).text
    client.post(here, data={"act": "subscribe"})
    assert client.post(here, data={"act": "nonsense"}).status_code == 404
    answer = client.post(f"{here}/language", data={"language": "fr"}, follow_redirects=True)
    assert '<html lang="fr"' in answer.text
    db.session.expire_all()
    assert db.session.get_one(Member, ana.id).locale == "fr"
    assert client.post(f"{here}/language", data={"language": "de"}).status_code == 404


def test_an_audience_narrows_by_what_people_are_and_adds_up_its_lists(app: Flask) -> None:
    ana, bob, cleo = person("a", country="CH", locale="fr"), person("b", country="FR"), person("c")
    make_ambassador(member=ana, kind=AmbassadorKind.PARTNER)
    circle = circles.create("VIP")
    circles.join(circle, bob.id)
    segment = segments.create("Swiss", Rule(countries=("ch",)))
    every = [ana.id, bob.id, cleo.id]

    def reached(**what: object) -> list[int]:
        return audiences.member_ids(audiences.checked(Audience(**what)))  # type: ignore[arg-type]

    assert reached() == every
    assert reached(kinds=(AmbassadorKind.PARTNER,)) == [ana.id]
    assert reached(countries=("ch", "fr")) == [ana.id, bob.id]
    assert reached(languages=("fr",)) == every  # the program's language counts where none is told
    assert reached(languages=("en",)) == []
    assert reached(circle_ids=(circle.id,), segment_ids=(segment.id,)) == [ana.id, bob.id]
    assert reached(circle_ids=(circle.id,), countries=("CH",)) == []
    both = Audience(circle_ids=(circle.id,), segment_ids=(segment.id,))
    assert audiences.read(audiences.told(both)) == both
    assert audiences.count(both) == 2
    assert audiences.member_ids(Audience(), after=ana.id, limit=1) == [bob.id]
    assert Counter(audiences.member_ids(Audience())) == Counter(every)
    for wrong in ({"countries": ("XX",)}, {"circle_ids": (99,)}, {"segment_ids": (99,)}):
        with pytest.raises(Exception, match="correction"):
            reached(**wrong)
