"""Costs that follow from a rule: recurring ones, and hours of the team at their rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from campaigns import costs, jobs
from campaigns.models import Spend, SpendKind
from campaigns.models_costs import HoursEntry, RecurringCost
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError
from tests.factories import make_user, sign_in

MARCH = clock.parse_instant("2026-03-10T12:00:00Z")
MAY = clock.parse_instant("2026-05-02T12:00:00Z")


def _lines() -> list[tuple[str, str, int]]:
    query = sa.select(Spend.on, Spend.kind, Spend.amount).order_by(Spend.on, Spend.id)
    return [
        (f"{on:%Y-%m-%d}", kind.value, amount) for on, kind, amount in db.session.execute(query)
    ]


def _recur(**overrides: Any) -> bool:
    told: dict[str, Any] = {
        "channel": "community", "kind": SpendKind.TOOLS, "amount": 4900, "currency": "EUR",
        "first_month": "2026-02", "last_month": None, "note": "Mail tool", "key": "one",
    }  # fmt: skip
    return costs.recur(**told | overrides)


def test_each_month_is_recorded_once(app: Flask) -> None:
    with clock.frozen(MARCH):
        assert _recur()
        assert not _recur()
        db.session.commit()
        assert _lines() == [("2026-02-01", "tools", 4900), ("2026-03-01", "tools", 4900)]
        assert jobs.record_costs() == 0
    with clock.frozen(MAY):
        assert jobs.record_costs() == 2
        assert jobs.record_costs() == 0
    assert [on for on, _, _ in _lines()] == ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]


def test_an_end_stops_the_months_after_it_and_keeps_those_before(app: Flask) -> None:
    with clock.frozen(MARCH):
        _recur()
        (cost,) = costs.costs()
        with pytest.raises(InvalidInputError):
            costs.end(cost.id, "2026-01")
        costs.end(cost.id, "2026-04")
        with pytest.raises(ConflictError):
            costs.end(cost.id, "2026-05")
        db.session.commit()
    with clock.frozen(MAY):
        assert jobs.record_costs() == 1


def test_hours_cost_the_rate_of_their_month_rounded_half_up(app: Flask) -> None:
    with pytest.raises(InvalidInputError, match="rate"):
        costs.add_hours(
            month="2026-03", channel="community", activity="Care", hours=Decimal(1), key="a"
        )
    costs.set_rate(effective_on=date(2026, 1, 1), amount=4550, currency="EUR")
    costs.set_rate(effective_on=date(2026, 3, 2), amount=6001, currency="EUR")
    with pytest.raises(ConflictError):
        costs.set_rate(effective_on=date(2026, 1, 1), amount=1, currency="EUR")
    for month, hours, key in (("2026-03", "1.5", "a"), ("2026-03", "1.5", "a"),
                              ("2026-04", "0.5", "b"), ("2026-04", "-0.5", "c")):  # fmt: skip
        costs.add_hours(
            month=month, channel="community", activity="Care", hours=Decimal(hours), key=key
        )
    assert _lines() == [("2026-03-01", "people", 6825), ("2026-04-01", "people", 3001),
                        ("2026-04-01", "people", -3001)]  # fmt: skip
    assert sum(db.session.scalars(sa.select(HoursEntry.amount))) == 6825


def test_a_person_keeps_the_costs_on_their_page(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    form = {"note": "Mail tool", "channel": "community", "kind": "tools", "amount": "49,00",
            "currency": "eur", "first_month": "2026-02", "token": "t"}  # fmt: skip
    for _twice in range(2):
        assert client.post("/console/costs/recurring", data=form).status_code == 303
    (cost,) = db.session.scalars(sa.select(RecurringCost))
    cost_id = cost.id
    db.session.rollback()
    rate = {"effective_on": "2025-01-01", "amount": "60", "currency": "EUR"}
    assert client.post("/console/costs/rate", data=rate).status_code == 303
    assert client.post("/console/costs/rate", data=rate).status_code == 409
    hours = {"month": "2026-02", "channel": "community", "activity": "Boxes", "hours": "2,5",
             "token": "h"}  # fmt: skip
    assert client.post("/console/costs/hours", data=hours).status_code == 303
    page = client.get("/console/costs?lang=en").text
    assert "Mail tool" in page
    assert "150.00" in page
    wrong: tuple[tuple[str, dict[str, str]], ...] = (
        ("hours", hours | {"hours": "x", "token": "i"}), ("hours", hours | {"month": "2026-13"}),
        ("recurring", form | {"amount": "a", "token": "u"}), ("rate", {}),
    )  # fmt: skip
    for path, data in wrong:
        assert client.post(f"/console/costs/{path}", data=data).status_code == 422
    ended = client.post(f"/console/costs/recurring/{cost_id}/end", data={"last_month": "2026-03"})
    assert ended.status_code == 303
    assert "Boxes (2.5 h)" in client.get("/console/spend?from=2026-02&to=2026-02&lang=en").text


def test_only_finance_sets_the_rate(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    assert client.post("/console/costs/rate", data={}).status_code == 403
    assert client.get("/console/costs").status_code == 200
