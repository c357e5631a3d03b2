"""The 3-6-12 board: expectations of the launch beside what came, and patience before month 3."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from accounts.models import RoleName
from campaigns.models import Campaign
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from referrals.models import Code
from reports import engine, expectations
from reports.expectations import PROGRAM, Verdict
from reports.models_kept import Measure
from tests.factories import make_user, sign_in
from tests.reports.conftest import buy


def _board(scope: str) -> dict[tuple[str, int], tuple[int | None, Verdict]]:
    return {
        (line.expected.measure.value, line.expected.after_months): (line.actual, line.verdict)
        for line in expectations.board(scope, engine.fresh())
    }


@pytest.fixture
def launched(zoe: Code) -> None:
    """What is expected of the program in January, and two new customers through Zoé."""
    with clock.frozen(clock.parse_instant("2026-01-15T12:00:00Z")):
        wanted = (
            (Measure.NEW_CUSTOMERS, 3, 3, 9), (Measure.CAC, 3, 50, 200),
            (Measure.SHARE, 3, 100_000, 300_000), (Measure.NEW_CUSTOMERS, 6, 2, 9),
        )  # fmt: skip
        for measure, months, low, high in wanted:
            expectations.write(
                PROGRAM, measure, months, low=low, high=high, currency="GBP", month="2026-01"
            )
        db.session.commit()
    with clock.frozen(clock.parse_instant("2026-03-20T12:00:00Z")):
        for n, codes in enumerate((("ZOE10",), ("ZOE10",), ())):
            buy("2026-03-10T10:00+00:00", 1_000, codes=codes, external_id=f"o{n}",
                email=f"c{n}@example.com")  # fmt: skip


def test_before_the_third_month_is_over_it_is_too_early(launched: None) -> None:
    with clock.frozen(clock.parse_instant("2026-03-31T12:00:00Z")):
        assert set(_board(PROGRAM).values()) == {(None, Verdict.TOO_EARLY)}


def test_after_it_each_range_has_its_verdict(launched: None) -> None:
    with clock.frozen(clock.parse_instant("2026-04-01T12:00:00Z")):
        assert _board(PROGRAM) == {
            ("new_customers", 3): (2, Verdict.BELOW), ("cac", 3): (100, Verdict.WITHIN),
            ("share", 3): (666_667, Verdict.ABOVE),
            ("new_customers", 6): (2, Verdict.TOO_EARLY),  # so far
        }  # fmt: skip


def test_a_range_is_changed_until_then_and_never_after(launched: None) -> None:
    with clock.frozen(clock.parse_instant("2026-03-30T12:00:00Z")):
        expectations.write(PROGRAM, Measure.NEW_CUSTOMERS, 3, low=1, high=2, currency="GBP")
        db.session.commit()
    with clock.frozen(clock.parse_instant("2026-04-01T12:00:00Z")):
        assert _board(PROGRAM)["new_customers", 3] == (2, Verdict.WITHIN)
        with pytest.raises(ConflictError):
            expectations.write(PROGRAM, Measure.NEW_CUSTOMERS, 3, low=0, high=9, currency="GBP")


def test_a_campaign_has_its_own_board(zoe: Code) -> None:
    db.session.execute(sa.update(Campaign).values(starts_at=clock.now()))
    expectations.write("spring", Measure.CAC, 3, low=1, high=2, currency="GBP")
    db.session.commit()
    assert list(_board("spring").values()) == [(None, Verdict.TOO_EARLY)]
    for scope, measure, months, low, high, wrong in (
        ("spring", Measure.SHARE, 3, 1, 2, InvalidInputError),
        ("spring", Measure.CAC, 4, 1, 2, InvalidInputError),
        ("spring", Measure.CAC, 3, 3, 2, InvalidInputError),
        ("winter", Measure.CAC, 3, 1, 2, NotFoundError),
    ):
        with pytest.raises(wrong):
            expectations.write(scope, measure, months, low=low, high=high, currency="GBP")


def test_a_campaign_whose_start_moves_later_does_not_open_its_ranges_again(zoe: Code) -> None:
    db.session.execute(sa.update(Campaign).values(starts_at=clock.now()))
    expectations.write("spring", Measure.NEW_CUSTOMERS, 3, low=1, high=2, currency="GBP")
    db.session.commit()
    with clock.frozen(clock.parse_instant("2026-07-01T12:00:00Z")):
        db.session.execute(sa.update(Campaign).values(starts_at=clock.now()))
        with pytest.raises(ConflictError):
            expectations.write("spring", Measure.NEW_CUSTOMERS, 3, low=0, high=9, currency="GBP")


def test_a_marketer_writes_and_all_staff_reads(zoe: Code, client: FlaskClient) -> None:
    url = "/console/reports/board"
    good = {"scope": "", "measure": "share", "after_months": "3", "low": "10", "high": "25,5"}
    sign_in(client, make_user(RoleName.MARKETER))
    assert client.post(url, data=good).status_code == 303
    page = client.get(f"{url}?lang=en").text
    assert "25.5\u202f%" in page
    assert "Too early" in page
    wrong: tuple[dict[str, str], ...] = (
        {"low": "x"}, {"low": "90"}, {"measure": "x"}, {"after_months": "4"}, {"scope": "none"},
        {"high": "200"}, {"low": "NaN"}, {"measure": "cac", "low": "1.234"}, {"scope": "spring"},
    )  # fmt: skip
    for change in wrong:
        assert client.post(url, data=good | change).status_code == 422
    sign_in(client, make_user(RoleName.FINANCE))
    assert client.get(url).status_code == 200
    assert client.post(url, data=good).status_code == 403
