"""A message leaves a share of its audience out by lot, and says beforehand what that will tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from ambassadors import choices, guard, holdout_size, holdouts
from ambassadors.guard import Spared
from ambassadors.models_holdouts import Holdout, HoldoutMember
from campaigns import message_holdouts, messages
from campaigns.message_holdouts import Lot
from campaigns.models import Message, MessageReader
from core import clock, emails
from core.db import db
from core.errors import InvalidInputError
from core.outbox import OutboxMessage
from tests.campaigns.test_messages import FORM, draft
from tests.factories import make_campaign, make_member, make_user, sign_in

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)  # 10 in the morning in Paris, not quiet


def people(count: int) -> list[int]:
    addresses = [f"p{n}@example.com" for n in range(count)]
    return [make_member(email=one, email_hash=emails.digest(one)).id for one in addresses]


def sent(lot: Lot, *, name: str = "Pear season") -> Message:
    message = messages.create(draft(name=name, lot=lot))
    messages.start(message)
    db.session.commit()
    while messages.decide(message.id):
        db.session.commit()
    db.session.commit()
    return message


def left_out(message: Message) -> list[int]:
    query = sa.select(MessageReader.member_id).where(
        MessageReader.message_id == message.id, MessageReader.spared == Spared.WITHHELD
    )
    return list(db.session.scalars(query.order_by(MessageReader.member_id)))


def test_who_is_left_out_by_lot_gets_no_mail_and_is_not_asked(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "BATCH_ROWS", 7)
    clock.set_now(MONDAY)
    ids = people(40)
    out = left_out(sent(Lot(share=5_000)))
    assert 5 < len(out) < 35
    assert {guard.balance(one) for one in out} == {(0, 0)}
    assert {guard.balance(one) for one in set(ids) - set(out)} == {(1, 0)}
    mails = db.session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage))
    assert mails == 40 - len(out)
    assert holdouts.draw(holdouts.find("Pear season"), ids).withheld == tuple(out)


def test_whom_the_guard_spares_is_not_drawn(app: Flask) -> None:
    clock.set_now(MONDAY)
    ids = people(12)
    member = make_member(email="no@example.com", email_hash=emails.digest("no@example.com"))
    choices.unsubscribe(member)
    sent(Lot(share=5_000))
    drawn = db.session.scalars(sa.select(HoldoutMember.member_id).order_by(HoldoutMember.member_id))
    assert list(drawn) == ids


def test_who_was_left_out_once_stays_left_out_of_the_holdouts_next_message(app: Flask) -> None:
    clock.set_now(MONDAY)
    people(30)
    first = sent(Lot(share=5_000))
    running = message_holdouts.of(first.id)
    assert running is not None
    with clock.frozen(datetime(2026, 4, 13, 9, tzinfo=UTC)):
        second = sent(Lot(holdout_id=running.holdout_id), name="Plum season")
    assert left_out(second) == left_out(first)
    assert [one.name for one in holdouts.everything()] == ["Pear season"]


def test_two_messages_of_one_name_have_two_holdouts(app: Flask) -> None:
    clock.set_now(MONDAY)
    people(3)
    sent(Lot(share=1_000))
    with clock.frozen(datetime(2026, 4, 13, 9, tzinfo=UTC)):
        second = sent(Lot(share=1_000))
    names = [one.name for one in holdouts.everything()]
    assert names == [f"Pear season ({second.id})", "Pear season"]


def test_without_a_share_nobody_is_drawn(app: Flask) -> None:
    clock.set_now(MONDAY)
    people(3)
    assert left_out(sent(Lot())) == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Holdout)) == 0


@pytest.mark.parametrize("lot", [Lot(share=5_001), Lot(holdout_id=9), Lot(campaign_id=9)])
def test_a_lot_that_cannot_be_is_refused(app: Flask, lot: Lot) -> None:
    with pytest.raises(InvalidInputError):
        messages.create(draft(lot=lot))


def test_a_campaign_knows_the_holdouts_of_its_messages(app: Flask) -> None:
    clock.set_now(MONDAY)
    people(3)
    campaign = make_campaign()
    message = sent(Lot(share=1_000, campaign_id=campaign.id))
    (found,) = message_holdouts.of_campaign(campaign.id)
    assert message_holdouts.messages_of(found.id) == [(message, campaign)]


def test_the_smallest_rise_is_the_first_that_so_many_people_show(app: Flask) -> None:
    rise = holdout_size.smallest(2_000, 581, 5_000)
    assert rise == 1_000
    assert holdout_size.to_draw(2_000, rise - 1, 5_000) > 581
    assert holdout_size.to_draw(2_000, 7_000, 1_000) == 300  # 30 of them are left out
    assert holdout_size.smallest(2_000, 299, 1_000) is None


def test_a_draft_says_beforehand_whether_its_lot_can_tell(app: Flask, client: FlaskClient) -> None:
    clock.set_now(MONDAY)
    sign_in(client, make_user(RoleName.MARKETER))
    people(100)
    wrong = client.post("/console/messages/new", data=FORM | {"share": "60"})
    assert wrong.status_code == 422
    assert "from 0 to 50" in wrong.text
    here = client.post("/console/messages/new", data=FORM | {"share": "50"}).location
    assert 'value="50"' in client.get(f"{here}/edit").text
    few = client.get(f"{here}?base=20&rise=10").text
    assert "Too few to tell" in few
    assert "581 people are needed, 100 are reached." in few
    assert "Enough to tell" in client.get(f"{here}?base=20&rise=40").text
    assert "stay below 100 together" in client.get(f"{here}?base=90&rise=20").text
    client.post(f"{here}/edit", data=FORM | {"share": "0"})
    assert "Too few to tell" not in client.get(here).text
