"""Circles: named groups of members, with seats that are never given twice.

`seated` is a counter that moves in the transaction that moves a seat, by a
conditional UPDATE, so a capacity holds whoever asks at the same moment.  Who
comes when a circle is full waits in the order of asking, and gets the first
seat that comes free.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import stays, timeline
from ambassadors.models import Circle, CircleSeat, Member, SeatState
from core import clock
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError

LARGEST = 1_000_000  # seats


class CircleError(ConflictError):
    """What is recorded of the circle does not allow this."""


def create(name: str, *, purpose: str = "", capacity: int | None = None) -> Circle:
    """Add a circle.

    Args:
        name: 1 to 100 characters, of no other circle.
        purpose: What it is for.
        capacity: Seats; None: as many as come.

    Raises:
        InvalidInputError: A field cannot be.
        CircleError: Another circle has this name.
    """
    name = _named(name, capacity)
    circle_id = db.session.scalar(
        upsert_dialect()
        .insert(Circle)
        .values(
            name=name, purpose=purpose.strip()[:500], capacity=capacity, seated=0,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(Circle.id)
    )  # fmt: skip
    if circle_id is None:
        raise _taken()
    audit.record("circle.create", "circle", circle_id, {"name": name, "capacity": capacity})
    return db.session.get_one(Circle, circle_id)


def change(circle: Circle, *, name: str, purpose: str, capacity: int | None) -> None:
    """Write another name, purpose or capacity; new seats go to who waits.

    Raises:
        InvalidInputError: A field cannot be.
        CircleError: Another circle has this name, or more members are in it than seats.
    """
    name = _named(name, capacity)
    _lock(circle.id)
    if db.session.scalar(sa.select(Circle.id).where(Circle.name == name, Circle.id != circle.id)):
        raise _taken()
    if capacity is not None and capacity < circle.seated:
        detail = _("More members than that are in this circle already.")
        raise CircleError(detail, faults=[Fault("/capacity", detail)])
    before = circle.capacity
    circle.name, circle.purpose, circle.capacity = name, purpose.strip()[:500], capacity
    db.session.flush()  # the seats below are counted against the new capacity
    audit.record("circle.change", "circle", circle.id, {"before": before, "after": capacity})
    _fill(circle)


def find(circle_id: int) -> Circle:
    """Return a circle.

    Raises:
        NotFoundError: There is none of this id.
    """
    circle = db.session.get(Circle, circle_id)
    if circle is None:
        raise NotFoundError(_("There is no such circle."))
    return circle


def everything() -> list[tuple[Circle, int]]:
    """Return all circles by name, each with how many wait."""
    waiting = (
        sa.select(sa.func.count())
        .where(CircleSeat.circle_id == Circle.id, CircleSeat.state == SeatState.WAITING)
        .scalar_subquery()
    )
    rows = db.session.execute(sa.select(Circle, waiting).order_by(Circle.name))
    return [(row[0], row[1]) for row in rows]


def names() -> dict[int, str]:
    """Return the names of all circles by their ids."""
    rows = db.session.execute(sa.select(Circle.id, Circle.name).order_by(Circle.name))
    return {row.id: row.name for row in rows}


def join(circle: Circle, member_id: int) -> SeatState:
    """Give a member a seat, or a place in the waiting list; again changes nothing."""
    _lock(circle.id)  # a seat that comes free meanwhile must see who waits
    seat_id = db.session.scalar(
        upsert_dialect()
        .insert(CircleSeat)
        .values(
            circle_id=circle.id, member_id=member_id, state=SeatState.WAITING, since=clock.now()
        )
        .on_conflict_do_nothing(index_elements=["circle_id", "member_id"])
        .returning(CircleSeat.id)
    )
    if seat_id is None:
        known = _seat(circle.id, member_id)
        return known.state if known else SeatState.WAITING
    state = SeatState.SEATED if _take_seat(circle, seat_id, member_id) else SeatState.WAITING
    _note(f"circle.{state.value}", circle, member_id)
    return state


def leave(circle: Circle, member_id: int) -> bool:
    """Take a member out; the first who waits gets the seat.  False if they were not there."""
    _lock(circle.id)
    seat = _seat(circle.id, member_id)
    if seat is None:
        return False
    was_seated = seat.state is SeatState.SEATED
    db.session.delete(seat)
    db.session.flush()
    if was_seated:
        stays.end(circle.id, member_id)
        _count(circle, -1)
        _fill(circle)
    _note("circle.left", circle, member_id)
    return True


def people(
    circle_id: int, state: SeatState, *, after: int = 0, limit: int = 50
) -> list[tuple[CircleSeat, Member]]:
    """Return who is in a circle or waits for it, in the order of asking."""
    rows = db.session.execute(
        sa.select(CircleSeat, Member)
        .join(Member, Member.id == CircleSeat.member_id)
        .where(CircleSeat.circle_id == circle_id, CircleSeat.state == state, CircleSeat.id > after)
        .order_by(CircleSeat.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def member_ids(circle_id: int, *, limit: int) -> list[int]:
    """Return the members who have a seat, in the order of asking."""
    query = sa.select(CircleSeat.member_id).where(
        CircleSeat.circle_id == circle_id, CircleSeat.state == SeatState.SEATED
    )
    return list(db.session.scalars(query.order_by(CircleSeat.id).limit(limit)))


def of_member(member_id: int) -> list[tuple[Circle, SeatState]]:
    """Return the circles of a member, those they wait for too."""
    rows = db.session.execute(
        sa.select(Circle, CircleSeat.state)
        .join(CircleSeat, CircleSeat.circle_id == Circle.id)
        .where(CircleSeat.member_id == member_id)
        .order_by(Circle.name)
    )
    return [(row[0], row[1]) for row in rows]


def _seat(circle_id: int, member_id: int) -> CircleSeat | None:
    return db.session.scalar(
        sa.select(CircleSeat)
        .where(CircleSeat.circle_id == circle_id, CircleSeat.member_id == member_id)
        .execution_options(populate_existing=True)
    )


def _lock(circle_id: int) -> None:
    """Let one unit of work at a time move the seats of a circle."""
    db.session.execute(sa.select(Circle.id).where(Circle.id == circle_id).with_for_update())


def _take_seat(circle: Circle, seat_id: int, member_id: int) -> bool:
    is_free = sa.or_(Circle.capacity.is_(None), Circle.seated < Circle.capacity)
    taken = db.session.execute(
        sa.update(Circle).where(Circle.id == circle.id, is_free).values(seated=Circle.seated + 1)
    )
    if not affected(taken):
        return False
    db.session.execute(
        sa.update(CircleSeat)
        .where(CircleSeat.id == seat_id)
        .values(state=SeatState.SEATED, since=clock.now())
    )
    stays.begin(circle.id, member_id)
    db.session.refresh(circle)
    return True


def _fill(circle: Circle) -> None:
    """Give the free seats to who waits."""
    while waiting := people(circle.id, SeatState.WAITING, limit=1):
        seat, member = waiting[0]
        if not _take_seat(circle, seat.id, member.id):
            return
        db.session.refresh(seat)
        _note("circle.seated", circle, member.id)


def _count(circle: Circle, by: int) -> None:
    db.session.execute(
        sa.update(Circle).where(Circle.id == circle.id).values(seated=Circle.seated + by)
    )
    db.session.refresh(circle)


def _note(kind: str, circle: Circle, member_id: int) -> None:
    key = f"circle:{circle.id}:{secrets.token_hex(8)}"  # one may come and go more than once
    timeline.add(kind, [member_id], key=key, about=circle.name)


def _named(name: str, capacity: int | None) -> str:
    faults = []
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        faults.append(Fault("/name", _("Write a name of 1 to 100 characters.")))
    if capacity is not None and not 1 <= capacity <= LARGEST:
        faults.append(Fault("/capacity", _("Write a number of seats from 1, or nothing.")))
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    return name


def _taken() -> CircleError:
    detail = _("Another circle has this name.")
    return CircleError(detail, faults=[Fault("/name", detail)])
