"""How a member becomes an ambassador, stops, comes back or leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import AuditLine
from ambassadors import enrolment
from ambassadors.models import Ambassador, AmbassadorKind, AmbassadorStatus
from core import clock
from core.db import db
from core.errors import InvalidInputError, NotFoundError
from tests.conftest import NOW
from tests.factories import make_ambassador, make_member


def _acts() -> list[tuple[str, str]]:
    lines = db.session.scalars(sa.select(AuditLine).order_by(AuditLine.id))
    return [(line.act, line.object_id) for line in lines]


def test_a_member_is_enrolled_once_and_it_is_written_down(app: Flask) -> None:
    member = make_member()
    ambassador = enrolment.enrol(member, kind=AmbassadorKind.PARTNER)
    assert ambassador.status is AmbassadorStatus.ACTIVE
    assert ambassador.enrolled_at == NOW
    assert member.ambassador is ambassador
    assert _acts() == [("ambassador.enrol", str(ambassador.id))]
    with pytest.raises(enrolment.EnrolmentError):
        enrolment.enrol(member, kind=AmbassadorKind.CUSTOMER)


def test_nobody_starts_suspended(app: Flask) -> None:
    with pytest.raises(InvalidInputError):
        enrolment.enrol(
            make_member(), kind=AmbassadorKind.CUSTOMER, status=AmbassadorStatus.SUSPENDED
        )


def test_a_suspension_keeps_its_moment_and_reason(app: Flask) -> None:
    ambassador = make_ambassador()
    with clock.frozen(NOW + timedelta(days=1)):
        enrolment.suspend(ambassador, reason="Codes on a coupon site")
    assert ambassador.status is AmbassadorStatus.SUSPENDED
    assert ambassador.status_since == NOW + timedelta(days=1)
    db.session.flush()
    line = db.session.scalars(sa.select(AuditLine)).one()
    assert line.act == "ambassador.suspend"
    assert line.details == {
        "before": "active", "after": "suspended", "reason": "Codes on a coupon site",
    }  # fmt: skip


def test_an_ambassador_can_come_back_after_leaving(app: Flask) -> None:
    ambassador = make_ambassador()
    enrolment.leave(ambassador)
    enrolment.reactivate(ambassador)
    assert ambassador.status is AmbassadorStatus.ACTIVE
    assert [act for act, _ in _acts()] == ["ambassador.leave", "ambassador.activate"]


@pytest.mark.parametrize(
    ("status", "move"),
    [
        (AmbassadorStatus.ACTIVE, enrolment.reactivate),
        (AmbassadorStatus.LEFT, enrolment.leave),
        (AmbassadorStatus.LEFT, lambda a: enrolment.suspend(a, reason="x")),
        (AmbassadorStatus.SUSPENDED, lambda a: enrolment.suspend(a, reason="x")),
    ],
)
def test_a_move_that_means_nothing_is_refused(app: Flask, status: AmbassadorStatus, move) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    ambassador = make_ambassador(status=status)
    with pytest.raises(enrolment.EnrolmentError):
        move(ambassador)
    assert ambassador.status is status
    assert _acts() == []


def test_another_kind_is_written_down(app: Flask) -> None:
    ambassador = make_ambassador()
    enrolment.change_kind(ambassador, AmbassadorKind.EMPLOYEE)
    enrolment.change_kind(ambassador, AmbassadorKind.EMPLOYEE)
    assert db.session.get_one(Ambassador, ambassador.id).kind is AmbassadorKind.EMPLOYEE
    assert [act for act, _ in _acts()] == ["ambassador.change"]


def test_nobody_is_a_refusal_not_a_crash(app: Flask) -> None:
    with pytest.raises(NotFoundError):
        enrolment.get(999)
