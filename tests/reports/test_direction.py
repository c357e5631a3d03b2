"""The direction report: its page, and its mail, once a month for each address."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import RoleName
from core import clock
from core.db import db
from core.errors import InvalidInputError
from core.outbox import OutboxMessage
from referrals.models import Code
from reports import direction, jobs
from reports.models import Period
from tests.factories import make_user, sign_in
from tests.reports.conftest import buy

MARCH = clock.parse_instant("2026-03-10T12:00:00Z")


def _two_months() -> None:
    for n, (day, codes) in enumerate(
        [("2026-01-10", ()), ("2026-02-10", ("ZOE10",)), ("2026-02-11", ())]
    ):
        buy(f"{day}T10:00+00:00", 1_000, codes=codes, external_id=f"o{n}",
            email=f"c{n}@example.com", heard_from="press" if n == 2 else None)  # fmt: skip


def _mails() -> list[OutboxMessage]:
    return list(db.session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))


def test_the_report_stands_beside_the_period_before(zoe: Code) -> None:
    _two_months()
    report = direction.made(Period("2026-02", "2026-02"), "GBP")
    assert report.before == Period("2026-01", "2026-01")
    changes = {one.column.name: (one.now, one.before, one.difference) for one in report.changes}
    assert changes["new_customers"] == (2, 1, 1)
    assert changes["cac_community"][1:] == (None, None)
    assert report.unattributed == 1
    assert direction.before(Period("2026-01", "2026-03")) == Period("2025-10", "2025-12")


def test_staff_reads_one_page_in_both_languages(zoe: Code, client: FlaskClient) -> None:
    _two_months()
    sign_in(client, make_user(RoleName.MARKETER))
    url = "/console/reports/direction?from=2026-02&to=2026-02"
    page = client.get(f"{url}&lang=en").text
    for heading in ("What came in", "What it cost", "How sure we are", "What changed"):
        assert heading in page
    assert "By e-mail each month" not in page
    assert client.get(f"{url}&lang=fr").status_code == 200
    assert client.get("/console/reports/direction").status_code == 200
    refused = client.post("/console/reports/direction/readers", data={"email": "a@example.com"})
    assert refused.status_code == 403


def test_each_address_gets_a_month_once(zoe: Code) -> None:
    with clock.frozen(clock.parse_instant("2026-02-10T12:00:00Z")):
        _two_months()
        direction.add_reader("Chief@example.com", "fr")
        direction.add_reader("chief@example.com", "en")  # known: nothing changes
        db.session.commit()
        assert jobs.send_direction() == 0  # the next report is the first
    with clock.frozen(clock.parse_instant("2026-03-03T12:00:00Z")):
        assert jobs.send_direction() == 0  # too early
    with clock.frozen(MARCH):
        assert jobs.send_direction() == 1
        assert jobs.send_direction() == 0
    (mail,) = _mails()
    assert mail.key.startswith("direction:2026-02:")
    assert mail.payload["to"] == "chief@example.com"
    assert "févr. 2026" in mail.payload["subject"]
    assert "from=2026-02" in mail.payload["text"]
    assert "50" in mail.payload["text"]  # the share of acquisition
    with clock.frozen(clock.parse_instant("2026-04-10T12:00:00Z")):
        assert jobs.send_direction() == 1


def test_finance_chooses_the_addresses(zoe: Code, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    url = "/console/reports/direction"
    for sent in ({"email": "cfo@example.com", "locale": "en"}, {"email": "x", "locale": "en"},
                 {"email": "a@example.com", "locale": "de"}):  # fmt: skip
        assert client.post(f"{url}/readers", data=sent).status_code == 303
    assert "cfo@example.com" in client.get(f"{url}?lang=en").text
    (reader,) = direction.readers()
    number = reader.id
    db.session.rollback()
    assert client.post(f"{url}/readers/{number}/remove").status_code == 303
    assert client.post(f"{url}/readers/{number}/remove").status_code == 404
    assert direction.readers() == []


def test_an_address_is_one(app: Flask) -> None:
    for odd in ("", "a@b@c", "a\nb@example.com"):
        with pytest.raises(InvalidInputError):
            direction.add_reader(odd, "en")
