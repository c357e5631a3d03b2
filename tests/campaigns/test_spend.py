"""Spend: lines by API, page and file; told twice they are recorded once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from campaigns import spend
from campaigns.models import Spend, SpendKind
from core.changes import FactChange
from core.db import db
from core.errors import InvalidInputError
from tests.factories import make_key, make_user, sign_in


def _line(**overrides: Any) -> spend.Line:
    values: dict[str, Any] = {
        "channel": "paid", "on": date(2026, 1, 31), "amount": 1000, "currency": "EUR",
        "kind": SpendKind.MEDIA, "key": "k1",
    }  # fmt: skip
    return spend.line(**values | overrides)


def _all() -> list[Spend]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(Spend).order_by(Spend.id)))


def test_a_line_told_twice_is_recorded_once(app: Flask) -> None:
    created, unchanged, conflict = spend.State
    states = spend.record([_line(), _line(), _line(amount=2000), _line(key="k2")])
    assert states == [created, unchanged, conflict, created]
    assert spend.record([_line()]) == [unchanged]
    db.session.commit()
    assert [line.amount for line in _all()] == [1000, 1000]


def test_recording_marks_its_months_and_leaves_an_audit_line(app: Flask) -> None:
    spend.record([_line(), _line(key="k2", on=date(2026, 2, 1)), _line(key="k3")])
    db.session.commit()
    marks = db.session.execute(sa.select(FactChange.fact, FactChange.month)).all()
    assert sorted(map(tuple, marks)) == [("spend", "2026-01"), ("spend", "2026-02")]
    line = db.session.scalars(sa.select(AuditLine).where(AuditLine.act == "spend.record")).one()
    assert line.details == {"lines": 3, "totals": {"EUR": 3000}}


def test_nothing_new_leaves_no_mark(app: Flask) -> None:
    spend.record([_line()])
    db.session.execute(sa.delete(FactChange))
    spend.record([_line()])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FactChange)) == 0


def test_many_lines_are_recorded_in_batches(app: Flask) -> None:
    lines = [_line(key=f"k{n}", amount=n) for n in range(1203)]
    assert spend.record(lines) == [spend.State.CREATED] * 1203
    assert spend.record(lines) == [spend.State.UNCHANGED] * 1203


@pytest.mark.parametrize(
    "wrong",
    [{"channel": ""}, {"channel": "a" * 61}, {"channel": "unattributed"}, {"channel": "<b>"},
     {"currency": "XXQ"}, {"currency": "€"}, {"amount": 10**16}, {"on": date(1970, 1, 1)},
     {"key": ""}, {"key": "x" * 300}, {"note": "\0"}],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        _line(**wrong)


def test_channels_are_written_one_way() -> None:
    assert spend.channel_name(" Paid-Social ") == "paid_social"


BODY = {
    "channel": "Paid Social", "on": "2026-01-31", "amount": 125_050, "currency": "eur",
    "kind": "media",
}  # fmt: skip


def test_the_api_records_a_line(app: Flask, client: FlaskClient) -> None:
    key = make_key("spend")
    first = client.post("/api/v1/spend", json={**BODY, "key": "jan"}, headers=key)
    assert first.status_code == 201
    assert first.json == {
        "channel": "paid_social", "on": "2026-01-31", "amount": 125_050, "currency": "EUR",
        "kind": "media", "key": "jan", "note": "",
    }  # fmt: skip
    assert client.post("/api/v1/spend", json={**BODY, "key": "jan"}, headers=key).status_code == 200
    other = client.post("/api/v1/spend", json={**BODY, "key": "jan", "amount": 1}, headers=key)
    assert other.status_code == 409
    assert client.post("/api/v1/spend", json=BODY, headers=key).status_code == 201
    assert [line.amount for line in _all()] == [125_050, 125_050]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [({"amount": 1.5}, "/amount"), ({"amount": "1"}, "/amount"), ({"kind": "fun"}, "/kind"),
     ({"on": "31/01/2026"}, "/on"), ({"channel": 7}, "/channel"), ({"amount": None}, "/amount")],
)  # fmt: skip
def test_the_api_points_at_what_is_wrong(
    app: Flask, client: FlaskClient, wrong: dict[str, Any], pointer: str
) -> None:
    answer = client.post("/api/v1/spend", json=BODY | wrong, headers=make_key("spend"))
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.get_json()["errors"][0]["pointer"] == pointer


def test_the_api_refuses_unknown_fields_and_strangers(app: Flask, client: FlaskClient) -> None:
    key = make_key("spend")
    for body in (BODY | {"extra": 1}, BODY | {"currency": "ZZZ"}, BODY | {"amount": 10**17}):
        assert client.post("/api/v1/spend", json=body, headers=key).status_code == 422
    assert client.post("/api/v1/spend", data=b"{", headers=key).status_code in {400, 422}
    assert client.post("/api/v1/spend", json=BODY, headers=make_key("read")).status_code == 403
    assert client.post("/api/v1/spend", json=BODY).status_code == 401
    assert _all() == []


FORM = {
    "channel": "community", "on": "2026-02-03", "amount": "1 250,50", "currency": "EUR",
    "kind": "tools", "note": "Newsletter", "token": "abc",
}  # fmt: skip


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    """The browser of someone in marketing."""
    sign_in(client, make_user(RoleName.MARKETER))
    return client


def test_the_page_records_a_line_once(app: Flask, staff: FlaskClient) -> None:
    for _ in range(2):
        answer = staff.post("/console/spend", data=FORM)
        assert answer.status_code == 302
    (line,) = _all()
    assert (line.amount, line.kind, line.on) == (125_050, SpendKind.TOOLS, date(2026, 2, 3))
    assert "Newsletter" in staff.get("/console/spend").text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_opens_empty(app: Flask, staff: FlaskClient, language: str) -> None:
    answer = staff.get(f"/console/spend?lang={language}")
    assert answer.status_code == 200
    assert 'class="empty"' in answer.text


@pytest.mark.parametrize(
    "wrong",
    [{"amount": "much"}, {"amount": ""}, {"amount": "1.005"}, {"currency": "ZZZ"}, {"on": "soon"},
     {"kind": "fun"}, {"channel": "unattributed"}, {"note": "x" * 201}, {"on": "1066-10-14"}],
)  # fmt: skip
def test_the_page_says_what_is_wrong(app: Flask, staff: FlaskClient, wrong: dict[str, str]) -> None:
    answer = staff.post("/console/spend", data=FORM | wrong)
    assert answer.status_code == 422
    assert "error-summary" in answer.text
    assert _all() == []


def test_an_empty_field_is_told_in_the_words_of_all_our_forms(
    app: Flask, staff: FlaskClient
) -> None:
    answer = staff.post("/console/spend?lang=fr", data=FORM | {"channel": ""})
    assert "Ce champ est nécessaire." in answer.text
    assert "requis" not in answer.text


def test_the_page_filters_and_gives_a_file_that_can_be_imported(
    app: Flask, staff: FlaskClient, tmp_path: Path
) -> None:
    spend.record([_line(), _line(key="k2", channel="community", kind=SpendKind.EVENTS, amount=-5)])
    text = staff.get("/console/spend?from=2026-01&to=2026-01&channel=community").text
    assert "Events" in text
    assert ">paid<" not in text
    file = tmp_path / "spend.csv"
    file.write_bytes(staff.get("/console/spend/lines.csv").data)
    assert "-0.05" in file.read_text()
    line = db.session.scalars(sa.select(AuditLine).where(AuditLine.act == "spend.export")).one()
    assert line.actor.startswith("user:")
    assert "2 created" in _import(app, file)


def test_nonsense_in_the_pages_address_is_refused(app: Flask, staff: FlaskClient) -> None:
    for query in ("from=x", "kind=fun", "after=x", "to=2026-99"):
        assert staff.get(f"/console/spend?{query}").status_code == 422


def _import(app: Flask, file: Path, *options: str) -> str:
    db.session.remove()
    done = app.test_cli_runner().invoke(args=["import", "spend", str(file), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_file_is_imported_once(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "spend.csv"
    file.write_text(
        "channel;on;amount;currency;kind\n"
        "paid;2026-01-31;1 250,50;EUR;media\n"
        "paid;2026-01-31;1 250,50;EUR;media\n"
        "community;03/02/2026;12,5;;tools\n"
        "paid;2026-02-30;1,00;EUR;media\n"
        "paid;2026-02-03;1,00;EUR;fun\n",
        encoding="cp1252",
    )
    assert "3 created, 0 unchanged, 2 rejected" in _import(app, file, "--dry-run")
    assert _all() == []
    assert "3 created, 0 unchanged, 2 rejected" in _import(app, file)
    assert [line.amount for line in _all()] == [125_050, 125_050, 1250]
    assert _all()[2].on == date(2026, 2, 3)
    assert "0 created, 3 unchanged" in _import(app, file)
    rejected = (tmp_path / "spend.csv.rejected.csv").read_text()
    assert "2026-02-30" in rejected
    assert "fun" in rejected


def test_a_file_we_do_not_know_is_refused(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    done = app.test_cli_runner().invoke(args=["import", "spend", str(file)])
    assert done.exit_code == 1
    assert "column names" in done.output


@pytest.mark.parametrize(
    ("name", "channel", "currency", "days"),
    [
        ("meta_ads_en.csv", "paid_social", "USD",
         {date(2026, 9, 20): 1250, date(2026, 9, 21): 101_500}),
        ("meta_ads_fr_semicolon.csv", "paid_social", "EUR",
         {date(2026, 8, 1): 123_456, date(2026, 8, 2): 100_200}),
        ("google_ads_en.csv", "paid_search", "USD",
         {date(2026, 9, 1): 420, date(2026, 9, 2): 116_510}),
        ("tiktok_ads_en.csv", "paid_social", "EUR", {date(2026, 9, 20): 800}),
    ],
)  # fmt: skip
def test_advertising_exports_give_their_days(
    app: Flask, shared_data: Path, tmp_path: Path, name: str, channel: str, currency: str,
    days: dict[date, int],
) -> None:  # fmt: skip
    file = tmp_path / name
    file.write_bytes((shared_data / "csv_headers" / name).read_bytes())
    assert "0 rejected" in _import(app, file)
    lines = _all()
    assert {line.on: line.amount for line in lines} == days
    assert {(line.channel, line.currency, line.kind) for line in lines} == {
        (channel, currency, SpendKind.MEDIA)
    }
    assert "0 created" in _import(app, file)


def test_a_day_told_with_another_amount_waits_for_a_person(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "meta.csv"
    head = "Day,Campaign name,Amount spent (EUR)\n"
    file.write_text(head + "2026-01-01,Brand,10.00\n")
    assert "1 created" in _import(app, file)
    file.write_text(head + "2026-01-01,Brand,11.00\n2026-01-02,Brand,5.00\n")
    assert "1 created, 0 unchanged, 1 rejected" in _import(app, file)
    assert [line.amount for line in _all()] == [1000, 500]


def test_a_form_sent_again_with_other_facts_says_that_nothing_changed(staff: FlaskClient) -> None:
    staff.post("/console/spend", data=FORM)
    page = staff.post("/console/spend", data=FORM | {"amount": "77.00"}, follow_redirects=True)
    assert "recorded another line already" in page.text
    assert len(_all()) == 1


def test_a_line_sent_again_with_its_idempotency_key_is_recorded_once(client: FlaskClient) -> None:
    headers = {**make_key("spend"), "Idempotency-Key": "k1"}
    answers = [client.post("/api/v1/spend", json=BODY, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    assert len(_all()) == 1


@pytest.mark.parametrize(
    ("row", "why", "option"),
    [
        ("paid,04/03/2026,12.50,EUR,media", "day/month", ["--dates", "mdy"]),
        ('paid,2026-04-03,"1,234",EUR,media', "decimal sign", ["--decimal", "."]),
    ],
)
def test_figures_that_could_be_read_in_two_ways_are_asked_about(
    app: Flask, tmp_path: Path, row: str, why: str, option: list[str]
) -> None:
    file = tmp_path / "spend.csv"
    file.write_text(f"channel,on,amount,currency,kind\n{row}\n")
    done = app.test_cli_runner().invoke(args=["import", "spend", str(file)])
    assert done.exit_code == 1
    assert why in done.output
    assert _all() == []
    assert "1 created" in _import(app, file, *option)
    assert [(line.on, line.amount) for line in _all()] in [
        [(date(2026, 4, 3), 1250)], [(date(2026, 4, 3), 123_400)],
    ]  # fmt: skip


def test_a_campaign_called_total_is_spend_and_a_total_is_not(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "meta.csv"
    file.write_text(
        "Campaign name,Day,Amount spent (EUR)\n"
        "Total Care,2026-01-01,10.00\n"
        ",2026-01-01,10.00\n"
        "Total,,10.00\n"
    )
    assert "1 created, 0 unchanged, 1 rejected" in _import(app, file)
    assert "names no campaign" in (tmp_path / "meta.csv.rejected.csv").read_text()


def test_a_row_about_several_days_is_not_put_on_the_first(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "meta.csv"
    file.write_text(
        "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR)\n"
        "2026-01-01,2026-03-31,Brand,900.00\n"
        "2026-01-02,2026-01-02,Brand,10.00\n"
    )
    assert "1 created, 0 unchanged, 1 rejected" in _import(app, file)
    assert [line.on for line in _all()] == [date(2026, 1, 2)]
    assert "export the report by day" in (tmp_path / "meta.csv.rejected.csv").read_text()


@pytest.mark.parametrize("option", [("--channel", "bad!"), ("--currency", "XXQ")])
def test_an_option_that_cannot_be_is_refused_before_any_line(
    app: Flask, tmp_path: Path, option: tuple[str, str]
) -> None:
    file = tmp_path / "meta.csv"
    file.write_text("Day,Campaign name,Amount spent\n2026-01-01,Brand,10.00\n")
    done = app.test_cli_runner().invoke(args=["import", "spend", str(file), *option])
    assert done.exit_code == 1
    assert option[1] in done.output
    assert list(tmp_path.iterdir()) == [file]
