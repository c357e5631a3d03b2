"""Messages: variables only, looked at, tried, sent once to whom the guard lets through."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors import choices, guard, program
from ambassadors.audiences import Audience
from ambassadors.guard import Spared
from ambassadors.models import Member, SuppressionReason
from campaigns import jobs, mail_events, mailing, messages
from campaigns.messages import Draft
from campaigns.models import MailEvent, Message, MessageReader, MessageStatus
from core import clock, emails, outbox
from core.db import db
from core.errors import ConflictError, InvalidInputError
from core.outbox import OutboxMessage
from integrations import facts, mail
from integrations import jobs as integrations_jobs
from tests import queries
from tests.factories import make_member, make_user, sign_in
from tests.fake_sendgrid import FakeSendGrid, Fault

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 10 in the morning in Paris, not quiet


class KilledError(BaseException):
    """The process ends here."""


class RefusedError(Exception):
    """The provider answered 429 or 500: nothing was sent."""


class Provider:
    """A fake of SendGrid that does as it is told, call by call."""

    def __init__(self, *does: BaseException | str) -> None:
        self.does = list(does)
        self.sent: list[tuple[str, str]] = []  # key and address

    def __call__(self, payload: dict[str, Any], key: str) -> None:
        do = self.does.pop(0) if self.does else ""
        if isinstance(do, RefusedError):
            raise do
        self.sent.append((key, payload["to"]))
        if isinstance(do, BaseException):  # it was sent, and nobody heard that
            raise do


def was_refused(error: Exception) -> bool:
    return isinstance(error, RefusedError)


def draft(**overrides: Any) -> Draft:
    values: dict[str, Any] = {
        "name": "Pear season", "subject_fr": "Bonjour {first_name}", "body_fr": "Ami de {brand}",
        "subject_en": "Hello {first_name}", "body_en": "Friend of {brand}: {portal}",
        "audience": Audience(),
    }  # fmt: skip
    return Draft(**values | overrides)


def person(name: str, **values: Any) -> Member:
    email = f"{name.split()[0].lower()}@example.com"
    return make_member(name=name, email=email, email_hash=emails.digest(email), **values)


def drain(provider: Provider) -> int:
    sender = mailing.sender(provider, was_refused=was_refused)
    return outbox.drain({messages.KIND: sender})


def readers() -> list[MessageReader]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(MessageReader).order_by(MessageReader.id)))


@pytest.fixture
def started(app: Flask) -> Message:
    """A message that is decided for one person, and waits in the outbox."""
    clock.set_now(MONDAY)
    person("Ana Blanc", locale="en")
    message = messages.create(draft())
    messages.start(message)
    db.session.commit()
    while messages.decide(message.id):
        db.session.commit()
    db.session.commit()
    return message


def test_a_letter_fills_variables_once_and_runs_nothing(app: Flask) -> None:
    mean = person("{brand} {{7*7}}<script>", locale="en")
    text = "Hi {name}, see https://shop.example/a?b=1&c=2.\n\n{% if 1 %}{{ config }}"
    with pytest.raises(InvalidInputError, match="correction"):
        messages.create(draft(body_en=text))
    ana = messages.create(draft(body_en=text.replace("{{ config }}", "").replace("{%", "%")))
    letter = mailing.letter(ana, mean)
    assert "Hi {brand} {{7*7}}<script>, see" in letter.text
    assert "&lt;script&gt;" in letter.html
    assert "<script>" not in letter.html
    assert '<a href="https://shop.example/a?b=1&amp;c=2">' in letter.html
    assert choices.link(mean.id) in letter.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""}, {"subject_fr": " "}, {"body_en": ""}, {"body_fr": "x" * 10_001},
        {"subject_en": "{password}"}, {"audience": Audience(countries=("XX",))},
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_is_refused(app: Flask, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        messages.create(draft(**wrong))


def test_each_person_gets_their_own_language_else_the_programs(app: Flask) -> None:
    message = messages.create(draft())
    told = {name: mailing.letter(message, person(name, locale=locale)).subject
            for name, locale in (("Ana", "en"), ("Bob", "fr"), ("Cleo", None))}  # fmt: skip
    assert told == {"Ana": "Hello Ana", "Bob": "Bonjour Bob", "Cleo": "Bonjour Cleo"}


def test_before_sending_one_sees_who_is_reached_and_who_is_spared_and_why(app: Flask) -> None:
    for name in ("Ana", "Bob"):
        person(name)
    choices.unsubscribe(person("Cleo"))
    make_member()
    weighed = messages.preview(Audience())
    assert weighed == {None: 2, Spared.UNSUBSCRIBED: 1, Spared.NO_ADDRESS: 1}
    message = messages.create(draft())
    messages.start(message)
    assert messages.decide(message.id) == 4
    assert messages.decide(message.id) == 0
    counts = messages.counts([message.id])[message.id]
    assert (counts.reached, counts.spared) == (
        2, {Spared.UNSUBSCRIBED: 1, Spared.NO_ADDRESS: 1},
    )  # fmt: skip
    assert message.status is MessageStatus.SENT


def test_a_message_starts_once_and_not_for_nobody(app: Flask) -> None:
    message = messages.create(draft())
    with pytest.raises(ConflictError, match="Nobody"):
        messages.start(message)
    person("Ana")
    messages.start(message)
    with pytest.raises(ConflictError):
        messages.start(message)
    with pytest.raises(ConflictError):
        messages.change(message, draft())
    query = sa.select(AuditLine.act).where(AuditLine.object_kind == "message")
    acts = db.session.scalars(query.order_by(AuditLine.id))
    assert list(acts) == ["message.create", "message.send"]


def test_a_worker_killed_between_two_batches_goes_on_and_asks_nobody_twice(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "BATCH_ROWS", 2)
    ids = [person(f"P{n}").id for n in range(5)]
    message = messages.create(draft())
    messages.start(message)
    db.session.commit()
    assert messages.decide(message.id) == 2
    db.session.commit()
    assert messages.decide(message.id) == 2
    db.session.rollback()  # killed before the commit
    assert messages.sending() == [message.id]
    while messages.decide(message.id):
        db.session.commit()
    db.session.commit()
    assert [reader.member_id for reader in readers()] == ids
    assert db.session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) == 5
    assert {guard.balance(member_id) for member_id in ids} == {(1, 0)}


def test_a_mail_goes_out_once_with_the_headers_of_one_click_unsubscribing(
    app: Flask, started: Message
) -> None:
    seen: list[dict[str, Any]] = []
    send = mailing.sender(lambda payload, key: seen.append(payload), was_refused=was_refused)
    assert outbox.drain({messages.KIND: send}) == 1
    assert outbox.drain({messages.KIND: send}) == 0
    [payload] = seen
    assert payload["to"] == "ana@example.com"
    assert payload["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = choices.link(readers()[0].member_id)
    assert payload["headers"]["List-Unsubscribe"] == f"<{link}>"
    assert mail.read(payload).headers == payload["headers"]
    assert readers()[0].sent_at == MONDAY


@pytest.mark.parametrize("tries", [1, 3])
def test_an_answer_of_500_or_429_is_tried_again_and_sent_once(
    app: Flask, started: Message, tries: int
) -> None:
    provider = Provider(*[RefusedError("429")] * tries)
    for _ in range(tries):
        assert drain(provider) == 0
        assert provider.sent == []
        assert readers()[0].tried_at is None
        clock.set_now(clock.now() + timedelta(minutes=1))
    assert drain(provider) == 1
    assert len(provider.sent) == 1


def test_a_worker_killed_before_the_call_loses_nothing(
    app: Flask, started: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dead:
        dead.setattr(mailing, "_prepare", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            drain(Provider())
    db.session.rollback()
    clock.set_now(clock.now() + outbox.LEASE)
    provider = Provider()
    assert drain(provider) == 1
    assert len(provider.sent) == 1


@pytest.mark.parametrize("end", [KilledError(), TimeoutError("10 s")])
def test_a_call_of_unknown_end_is_not_made_again_when_the_provider_says_it_was_sent(
    app: Flask, started: Message, end: BaseException
) -> None:
    provider = Provider(end)
    _try(provider, end)
    clock.set_now(clock.now() + outbox.LEASE)
    assert drain(provider) == 0  # no word yet: it waits
    [(key, _to)] = provider.sent
    db.session.add(MailEvent(event_id="e1", mail_key=key, kind="other", occurred_at=MONDAY))
    db.session.commit()
    clock.set_now(clock.now() + timedelta(hours=9))
    assert drain(provider) == 1
    assert len(provider.sent) == 1
    assert readers()[0].sent_at == MONDAY


@pytest.mark.parametrize("end", [KilledError(), TimeoutError("10 s")])
def test_a_call_of_unknown_end_is_made_again_when_the_provider_says_nothing(
    app: Flask, started: Message, end: BaseException
) -> None:
    lost = Provider(end)
    _try(lost, end)
    clock.set_now(clock.now() + mailing.NO_WORD_AFTER)
    provider = Provider()
    assert drain(provider) == 1
    assert len(provider.sent) == 1


def test_a_worker_killed_after_the_answer_sends_nothing_more(
    app: Flask, started: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    with monkeypatch.context() as dead:
        dead.setattr(outbox, "_settle", lambda *_: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            drain(provider)
    db.session.rollback()
    clock.set_now(clock.now() + timedelta(hours=1))
    assert drain(provider) == 1
    assert len(provider.sent) == 1


def _try(provider: Provider, end: BaseException) -> None:
    if isinstance(end, KilledError):
        with pytest.raises(KilledError):
            drain(provider)
        db.session.rollback()
    else:
        assert drain(provider) == 0


@pytest.mark.parametrize("act", [choices.unsubscribe, choices.snooze])
def test_who_decides_against_it_while_it_waits_is_spared_and_not_counted_as_asked(
    app: Flask, started: Message, act: Any
) -> None:
    member_id = readers()[0].member_id
    act(db.session.get_one(Member, member_id))
    db.session.commit()
    provider = Provider()
    drain(provider)
    assert provider.sent == []
    assert readers()[0].spared is not None
    assert guard.balance(member_id) == (0, 0)


def test_in_quiet_time_messages_wait_and_transactional_mail_does_not(
    app: Flask, started: Message
) -> None:
    ana = db.session.get_one(Member, readers()[0].member_id)
    choices.suppress(ana.email_hash or "", SuppressionReason.BOUNCE)
    outbox.enqueue("email", {"to": ana.email, "subject": "1234", "text": "x"}, key="t")
    db.session.commit()
    clock.set_now(datetime(2026, 3, 2, 22, tzinfo=UTC))
    assert jobs.send_messages() == 0
    assert integrations_jobs.send_messages() == 1
    assert readers()[0].sent_at is None
    clock.set_now(datetime(2026, 3, 3, 9, tzinfo=UTC))
    jobs.send_messages()
    assert readers()[0].spared == Spared.BOUNCED


FORM = {
    "name": "Pear season", "subject_fr": "Bonjour {first_name}", "body_fr": "Un mot de {brand}",
    "subject_en": "Hello {first_name}", "body_en": "A word of {brand}",
}  # fmt: skip


def test_staff_write_look_try_send_and_follow_a_message(app: Flask, client: FlaskClient) -> None:
    clock.set_now(MONDAY)
    user = sign_in(client, make_user(RoleName.MARKETER))
    ana = person("Ana Blanc", locale="fr")
    choices.snooze(person("Bob"))
    assert "No message yet" in client.get("/console/messages?lang=en").text
    wrong = client.post("/console/messages/new", data=FORM | {"body_en": "{secret}"})
    assert wrong.status_code == 422
    assert "is no variable" in wrong.text
    here = client.post("/console/messages/new", data=FORM).location
    page = client.get(here).text
    assert "1 reached, 1 spared" in page
    assert "said “not now”" in page
    assert page.index("Bonjour Ana") < page.index("Hello Ana")
    for _tap in range(2):
        client.post(f"{here}/try", data={"key": "one"})
    integrations_jobs.send_messages()
    tried = [kept for kept in mail.kept(app.extensions["settings"]) if kept.mail.to == user.email]
    assert {kept.mail.subject for kept in tried} == {"Try: Bonjour Ana", "Try: Hello Ana"}
    assert "Hello" in client.get(f"{here}/edit").text
    client.post(f"{here}/send")
    assert "on its way" in client.get(here).text
    assert client.post(f"{here}/send").status_code == 409
    assert client.get(f"{here}/edit").location == here
    assert client.post(f"{here}/edit", data=FORM).status_code == 422
    assert jobs.send_messages() == 1
    page = client.get(here).text
    assert "Ana Blanc" in page
    assert "spared" in page
    with queries.counted() as statements:
        assert "Pear season" in client.get("/console/messages").text
    assert len(statements) <= queries.MOST
    assert "A message was sent" in client.get(f"/console/members/{ana.id}").text
    kept = next(
        one for one in mail.kept(app.extensions["settings"]) if one.key.startswith("message:")
    )
    assert kept.mail.subject == "Bonjour Ana"


def test_the_program_decides_how_often_members_are_asked(app: Flask, client: FlaskClient) -> None:
    program.set_rules({"asks_per_week": "0"})
    person("Ana")
    assert messages.preview(Audience()) == {Spared.WEEKLY_LIMIT: 1}


@pytest.mark.parametrize(
    ("fault", "is_told", "times"),
    [
        (500, False, 1), (Fault.BUSY, False, 1), (Fault.HANG, False, 1),
        (Fault.HANG_AFTER, True, 1), (Fault.CUT, True, 1), (Fault.CUT, False, 2),
    ],
)  # fmt: skip
def test_a_message_through_a_sendgrid_that_fails_is_not_lost_and_not_sent_twice_where_it_tells(
    app: Flask, started: Message, monkeypatch: pytest.MonkeyPatch, fault: Fault | int,
    times: int, *, is_told: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(mail, "TIME_LIMIT", 0.2)
    with FakeSendGrid() as fake:
        settings = dataclasses.replace(
            app.extensions["settings"], sendgrid_api_key="SG.x", sendgrid_api_base=fake.url
        )
        monkeypatch.setitem(app.extensions, "settings", settings)
        fake.faults = [fault]
        assert jobs.send_messages() == 0
        [reader] = readers()
        key = messages.key(started.id, reader.member_id)
        if is_told:
            told = facts.MailEvent(
                event_id="e1", mail_key=key, kind=facts.MailEventKind.DELIVERED,
                email="ana@example.com", occurred_at=clock.now(),
            )  # fmt: skip
            mail_events.take(told)
        db.session.commit()
        clock.set_now(clock.now() + mailing.NO_WORD_AFTER)
        assert jobs.send_messages() == 1
        assert fake.keys == [key] * times
    assert readers()[0].sent_at is not None
