"""Circles: a seat is never given twice, who waits comes next; lists can be acted on and undone."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors import bulk, circles, guard, tags, timeline
from ambassadors.bulk import Act, Wish
from ambassadors.models import BulkAct, Circle, CircleSeat, SeatState
from core.db import db, retrying
from core.errors import ConflictError, InvalidInputError
from tests.factories import make_member, make_user, sign_in

CLIENTS, SEATS = 50, 5


def _states(circle: Circle) -> Counter[SeatState]:
    db.session.expire_all()
    found = db.session.scalars(sa.select(CircleSeat.state).where(CircleSeat.circle_id == circle.id))
    return Counter(found)


def test_fifty_who_ask_at_once_for_five_seats_fill_exactly_five(app: Flask) -> None:
    circle = circles.create("VIP", capacity=SEATS)
    ids = [make_member().id for _ in range(CLIENTS)]
    circle_id = circle.id
    db.session.commit()
    start = Barrier(CLIENTS)

    def ask(member_id: int) -> SeatState:
        with app.app_context():
            start.wait()

            def work() -> SeatState:
                state = circles.join(circles.find(circle_id), member_id)
                db.session.commit()
                return state

            for _ in range(30):
                try:
                    return retrying(work)
                except sa.exc.OperationalError:
                    db.session.rollback()
            raise AssertionError("never got through")

    with ThreadPoolExecutor(CLIENTS) as pool:
        told = Counter(pool.map(ask, ids))
    assert told == {SeatState.SEATED: SEATS, SeatState.WAITING: CLIENTS - SEATS}
    assert _states(circle) == told
    assert circles.find(circle_id).seated == SEATS


def test_who_waits_gets_the_seat_that_comes_free_in_the_order_of_asking(app: Flask) -> None:
    circle = circles.create("Beta", capacity=1)
    first, second, third = (make_member() for _ in range(3))
    assert circles.join(circle, first.id) is SeatState.SEATED
    assert circles.join(circle, second.id) is SeatState.WAITING
    assert circles.join(circle, third.id) is SeatState.WAITING
    assert circles.join(circle, second.id) is SeatState.WAITING  # again changes nothing
    assert circles.leave(circle, first.id)
    assert not circles.leave(circle, first.id)
    assert [m.id for _s, m in circles.people(circle.id, SeatState.SEATED)] == [second.id]
    circles.change(circle, name="Beta", purpose="", capacity=2)
    assert _states(circle) == {SeatState.SEATED: 2}
    with pytest.raises(ConflictError):
        circles.change(circle, name="Beta", purpose="", capacity=1)
    assert {one.kind for one in timeline.of_member(second.id)} == {
        "circle.seated", "circle.waiting",
    }  # fmt: skip


def test_a_circle_needs_a_name_of_its_own_and_seats_that_can_be(app: Flask) -> None:
    circles.create("VIP")
    with pytest.raises(ConflictError):
        circles.create(" VIP ")
    for name, capacity in (("", None), ("x" * 101, None), ("Zero", 0)):
        with pytest.raises(InvalidInputError):
            circles.create(name, capacity=capacity)


def test_an_act_on_a_list_is_previewed_done_once_and_undone_for_whom_it_changed(
    app: Flask,
) -> None:
    ids = [make_member().id for _ in range(3)]
    tags.tag(ids[:1], "Tasting panel")
    wish = Wish(act=Act.TAG, target="tasting  PANEL", list_name="All", key="page-1")
    assert bulk.change_count(wish, ids) == 2
    act = bulk.do(wish, ids, user_id=None)
    assert bulk.do(wish, ids, user_id=None).id == act.id  # a second tap
    assert bulk.member_ids(act.id) == ids[1:]
    assert bulk.undo(act) == 2
    assert [len(tags.of_member(one)) for one in ids] == [1, 0, 0]
    with pytest.raises(ConflictError):
        bulk.undo(act)
    query = sa.select(AuditLine.act).where(AuditLine.object_kind == "bulk_act")
    lines = db.session.scalars(query.order_by(AuditLine.id))
    assert list(lines) == ["members.act", "members.undo"]


@pytest.mark.parametrize("act", [Act.SEAT, Act.GIVE])
def test_seats_and_gives_of_a_list_can_be_undone(app: Flask, act: Act) -> None:
    circle = circles.create("Club", capacity=2)
    ids = [make_member().id for _ in range(3)]
    target = str(circle.id) if act is Act.SEAT else "a box"
    done = bulk.do(Wish(act=act, target=target, list_name="All", key="k"), ids, user_id=None)
    assert len(bulk.member_ids(done.id)) == 3
    if act is Act.SEAT:
        assert _states(circle) == {SeatState.SEATED: 2, SeatState.WAITING: 1}
    else:
        assert guard.balance(ids[0]) == (0, 1)
    bulk.undo(done)
    assert _states(circle) == {}
    assert db.session.get_one(Circle, circle.id).seated == 0
    assert guard.balance(ids[0]) == (0, 0)


def test_a_list_that_is_too_long_is_refused_and_changes_nothing(app: Flask) -> None:
    wish = Wish(act=Act.TAG, target="x", list_name="All", key="k")
    with pytest.raises(ConflictError, match="5000"):
        bulk.do(wish, list(range(bulk.LARGEST + 1)), user_id=None)


def test_staff_make_a_circle_put_people_in_and_act_on_all_of_them(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    ana = make_member(name="Ana Blanc", email="ana@example.com")
    assert "No circle yet" in client.get("/console/circles?lang=en").text
    refused = client.post("/console/circles/new", data={"name": "VIP", "capacity": "many"})
    assert refused.status_code == 422
    assert "Write a whole number." in refused.text
    answer = client.post("/console/circles/new", data={"name": "VIP", "capacity": "30"})
    here = answer.location
    assert "Ana Blanc" in client.get(f"{here}?q=ana").text
    client.post(f"{here}/join", data={"member": ana.id})
    assert "1 of 30 seats" in client.get(here).text
    shown = client.post(f"{here}/act", data={"act": "tag", "word": "panel"}).text
    assert "1 person changes" in shown
    done = client.post(f"{here}/act", data={"act": "tag", "word": "panel", "key": "k", "go": "1"})
    assert done.location == "/console/acts"
    member = client.get(f"/console/members/{ana.id}").text
    assert "panel" in member
    assert "VIP" in member
    act = db.session.scalars(sa.select(BulkAct)).one()
    client.post(f"/console/acts/{act.id}/undo")
    assert "undone" in client.get("/console/acts").text
    assert tags.of_member(ana.id) == []
    client.post(f"{here}/leave", data={"member": ana.id})
    assert "Nobody yet" in client.get(here).text


def test_staff_tag_note_and_write_down_a_give_once(client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    here = f"/console/members/{make_member().id}"
    client.post(f"{here}/note", data={"text": "Loves <b>pear</b>"})
    client.post(f"{here}/tag", data={"text": "Tester"})
    for _tap in range(2):
        client.post(f"{here}/give", data={"text": "early access", "key": "one"})
    page = client.get(f"{here}?lang=en").text
    assert "Loves &lt;b&gt;pear&lt;/b&gt;" in page
    assert "0 asked, 1 given" in page
    assert client.post(f"{here}/note", data={"text": ""}, follow_redirects=True).status_code == 200
    client.post(f"{here}/untag", data={"text": "tester"})
    assert "No tag yet" in client.get(here).text
    assert client.get("/console/members/987654").status_code == 404
