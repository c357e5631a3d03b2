"""The books: every cent is somewhere, and a closed month never changes."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors import program
from campaigns import spend
from campaigns.models import SpendKind
from core import clock
from core.db import db
from reports import cac, closing, ledger_checks
from reports import wording_books as words
from reports.models import Period
from rewards import books, intake, journal, ledger, verify
from rewards.commissions import due, release
from rewards.models import Account, Entry, EntryKind, Posting
from tests import workbooks
from tests.factories import (
    make_ambassador,
    make_code,
    make_user,
    purchase_fact,
    refund_fact,
    sign_in,
)
from tests.rewards.test_verify import unprotected
from tests.rewards.test_vouchers import at_once

MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)
APRIL = datetime(2026, 4, 12, 12, tzinfo=UTC)
IN_MARCH = timedelta(days=5)


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    with clock.frozen(instant):
        yield


@pytest.fixture
def sold(app: Flask) -> tuple[int, object]:
    """A purchase of 100.00 in March that earns 10.00; April has begun."""
    who = make_ambassador().id
    make_code("ZOE10", ambassador_id=who)
    fact = purchase_fact(codes=("ZOE10",), occurred_at=MARCH, external_id="1001")
    with at(MARCH):
        intake.take_purchases([fact])
    db.session.commit()
    return who, fact


def close(month: str = "2026-03") -> None:
    closing.close(month, by="user:1")
    db.session.commit()


def kept(month: str = "2026-03") -> object:
    """Return all that a month was closed with, as bytes and figures."""
    db.session.expire_all()
    papers = {name: books.document(month, name) for name in books.documents(month)}
    return books.closed_balance(month), papers


def table(month: str) -> dict[Account, tuple[int, int, int, int]]:
    found = books.trial_balance(*closing.bounds(month))
    return {one.account: (one.opening, one.debit, one.credit, one.closing) for one in found}


def test_a_month_shows_openings_movements_and_closings(sold: tuple[int, object]) -> None:
    with at(APRIL):
        release(due())
        assert table("2026-03") == {
            Account.EXPENSE: (0, 1000, 0, 1000), Account.PENDING: (0, 0, 1000, -1000),
        }  # fmt: skip
        assert table("2026-04") == {
            Account.EXPENSE: (1000, 0, 0, 1000), Account.PENDING: (-1000, 1000, 0, 0),
            Account.PAYABLE: (0, 0, 1000, -1000),
        }  # fmt: skip


def test_what_was_accrued_is_all_somewhere(sold: tuple[int, object]) -> None:
    _who, fact = sold
    with at(APRIL):
        release(due())
        intake.take_refunds([refund_fact(fact, 4_000)])  # type: ignore[arg-type]
        (proof,) = books.proofs(closing.end_of_today())
    assert (proof.accrued, proof.reversed, proof.difference) == (1000, 400, 0)
    assert {account: amount for account, amount in proof.stands.items() if amount} == {
        Account.PAYABLE: 600
    }


def test_a_late_refund_leaves_a_closed_month_as_it_was(sold: tuple[int, object]) -> None:
    _who, fact = sold
    with at(APRIL):
        close()
        before = kept()
        late = refund_fact(fact, 10_000, occurred_at=MARCH + IN_MARCH)  # type: ignore[arg-type]
        intake.take_refunds([late])
        db.session.commit()
        assert kept() == before
        start, end = closing.bounds("2026-04")
        (correction, other) = journal.lines(journal.Wanted(start=start, end=end, corrections=True))
        assert {correction.account, other.account} == {Account.EXPENSE, Account.PENDING}
        assert correction.occurred_at.date() == (MARCH + IN_MARCH).date()
        assert correction.booked_at == APRIL
        assert (correction.kind, correction.purchase) == ("clawback", "api:1001")
        assert table("2026-03")[Account.EXPENSE] == (0, 1000, 0, 1000)
        assert table("2026-04")[Account.EXPENSE] == (1000, 0, 1000, 0)
        assert {one.figure for one in closing.moved("2026-03")} >= {"refunds"}
        assert [str(one) for one in verify.breaches()] == []


def test_an_order_that_is_told_late_counts_in_the_open_month(app: Flask) -> None:
    with at(MARCH - timedelta(days=9)):
        make_code("ZOE10")
        db.session.commit()
    with at(APRIL):
        close()
        intake.take_purchases([purchase_fact(codes=("ZOE10",), occurred_at=MARCH)])
        db.session.commit()
        assert table("2026-03") == {}
        assert table("2026-04")[Account.EXPENSE] == (0, 1000, 0, 1000)


def test_months_close_one_after_the_other_once_they_are_over(app: Flask) -> None:
    with at(APRIL):
        with pytest.raises(books.NotOverError):
            close("2026-04")
        close("2026-02")
        with pytest.raises(books.NotOverError):
            close("2026-02")
        close("2026-03")
    assert [one.month for one in books.closed_months()] == ["2026-03", "2026-02"]


def test_a_month_is_closed_once_by_many_at_once(app: Flask, sold: tuple[int, object]) -> None:
    def act() -> None:
        closing.close("2026-03", by="user:1")

    with at(APRIL):
        ends = at_once(app, [act] * 6, now=APRIL)
    assert (ends["done"], sum(ends.values())) == (1, 6)


def test_orders_that_come_while_a_month_closes_are_in_it_or_after_it(app: Flask) -> None:
    for number in range(8):
        make_code(f"CODE{number}")
    db.session.commit()

    def sell(number: int) -> None:
        fact = purchase_fact(
            codes=(f"CODE{number}",), occurred_at=MARCH, email=f"{number}@x.example"
        )
        intake.take_purchases([fact])

    def shut() -> None:
        closing.close("2026-03", by="user:1")

    with at(APRIL):
        acts = [partial(sell, number) for number in range(8)]
        at_once(app, [*acts[:4], shut, *acts[4:]], now=APRIL)
        frozen = {one.account: one.debit for one in books.closed_balance("2026-03")}
        live = table("2026-03")
        assert frozen.get(Account.EXPENSE, 0) == live.get(Account.EXPENSE, (0, 0, 0, 0))[1]
        total = db.session.scalar(
            sa.select(sa.func.sum(Posting.amount)).where(Posting.account == Account.EXPENSE)
        )
        assert table("2026-04")[Account.EXPENSE][3] == total == 8_000


def test_a_kept_figure_that_was_changed_breaks_its_seal(
    app: Flask, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        close()
        assert list(books.broken_seals()) == []
        with unprotected():
            db.session.execute(sa.text("UPDATE closed_balance SET debit = debit + 1"))
        db.session.expire_all()
        assert {month for month, _said in books.broken_seals()} == {"2026-03"}


def test_an_entry_that_slipped_into_a_closed_month_is_named(
    app: Flask, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        close()
        legs = ledger.move(7, "EUR", debit=Account.BONUS, credit=Account.PAYABLE,
                           ambassador_id=sold[0])  # fmt: skip
        draft = ledger.Draft(kind=EntryKind.BONUS, source="test:late", occurred_at=MARCH, legs=legs)
        ledger.post([draft])
        assert list(books.broken_seals()) == []  # it is a correction of April
        with unprotected():
            db.session.execute(sa.text("UPDATE ledger_entry SET booked_at = NULL"))
        db.session.expire_all()
        assert [month for month, _said in books.broken_seals()] == ["2026-03"]


def test_reports_that_missed_an_entry_are_made_again_before_a_month_is_closed(
    app: Flask, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        who, made = sold[0], list[int]()

        def papers() -> dict[str, str]:
            spent = sum(one.debit for one in books.trial_balance(*bounds))
            made.append(spent)
            if len(made) == 1:  # somebody books a bonus of March meanwhile
                legs = ledger.move(
                    7, "EUR", debit=Account.BONUS, credit=Account.PAYABLE, ambassador_id=who
                )
                draft = ledger.Draft(
                    kind=EntryKind.BONUS, source="test:late", occurred_at=MARCH, legs=legs
                )
                ledger.post([draft])
                db.session.commit()
            return {"spent.json": str(spent)}

        bounds = closing.bounds("2026-03")
        books.close("2026-03", bounds, by="user:1", papers=papers)
        assert made == [1000, 1007]
        assert books.document("2026-03", "spent.json") == "1007"


def test_no_entry_falls_between_two_months_when_the_time_zone_changes(app: Flask) -> None:
    who = make_ambassador().id
    edge = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    legs = ledger.move(500, "EUR", debit=Account.BONUS, credit=Account.PAYABLE, ambassador_id=who)
    draft = ledger.Draft(kind=EntryKind.BONUS, source="test:edge", occurred_at=edge, legs=legs)
    with at(edge):
        program.set_rules({"timezone": "America/New_York"})
        ledger.post([draft])
        db.session.commit()
    with at(APRIL + timedelta(days=30)):
        close("2026-03")  # to 04:00 of 1 April, UTC
        program.set_rules({"timezone": "Europe/Paris"})
        close("2026-04")  # which would begin at 22:00 of 31 March
        march, april = books.closed_balance("2026-03"), books.closed_balance("2026-04")
    assert {one.account: one.closing for one in march} == {
        one.account: one.opening for one in april
    }
    assert all((one.debit, one.credit) == (0, 0) for one in april)


def test_the_database_refuses_to_change_a_closed_month(sold: tuple[int, object]) -> None:
    with at(APRIL):
        close()
        for statement in ("UPDATE closed_month SET closed_by = 'x'", "DELETE FROM closed_document"):
            with pytest.raises(sa.exc.DatabaseError):
                db.session.execute(sa.text(statement))
            db.session.rollback()


def test_the_journal_file_balances_and_has_the_brands_codes(
    app: Flask, client: FlaskClient, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        sign_in(client, make_user(RoleName.FINANCE))
        db.session.commit()
        told = {"code_expense": "6222", "label_expense": "Commissions"}
        client.post("/console/ledger/codes", data=told)
        file = client.post("/console/ledger/journal.csv", data={"month": "2026-03"}).text
        rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [(row["account"], row["account_code"], row["debit"], row["credit"]) for row in rows] == [
        ("expense", "6222", "10.00", ""), ("pending", "", "", "10.00"),
    ]  # fmt: skip
    assert db.session.scalar(sa.select(AuditLine.id).where(AuditLine.act == "books.export"))


def _late_cost(key: str = "late") -> spend.Line:
    return spend.line(channel="community", on=MARCH.date(), amount=4_200, currency="EUR",
                      kind=SpendKind.BOXES, key=key, note="Invoice of March")  # fmt: skip


def _boxes(month: str) -> int:
    span = Period(month, month)
    return int(cac.report(span, "EUR").totals.boxes)


def test_a_cost_of_a_closed_month_counts_in_the_open_one_and_names_its_own(
    app: Flask, client: FlaskClient, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        spend.record([_late_cost("in time")])
        db.session.commit()
        close()
        before = kept()
        states = [spend.record([_late_cost()])[0] for _ in range(2)]
        db.session.commit()
        assert states == [spend.State.CREATED, spend.State.UNCHANGED]
        assert kept() == before
        assert closing.moved("2026-03") == []  # the live reports still say what was closed
        assert (_boxes("2026-03"), _boxes("2026-04")) == (4_200, 4_200)
        (late,) = closing.late_costs("2026-04", limit=10)
        assert (late.on, late.booked_on) == (MARCH.date(), APRIL.date())
        assert closing.late_costs("2026-03", limit=10) == []
        sign_in(client, make_user(RoleName.FINANCE))
        page = client.get("/console/ledger?month=2026-04&lang=en").text
        assert "Costs of closed months" in page
        assert "Invoice of March" in page
        lines = client.get("/console/spend?from=2026-04&to=2026-04&lang=en").text
        assert "counts on 12 April 2026" in lines
        assert "42.00" not in client.get("/console/spend?from=2026-05&to=2026-05&lang=en").text


def test_the_page_says_that_a_cost_came_too_late_for_its_month(
    app: Flask, client: FlaskClient
) -> None:
    with at(APRIL):
        close()
        sign_in(client, make_user(RoleName.FINANCE))
        told = {"channel": "community", "on": "2026-03-10", "amount": "42", "currency": "EUR",
                "kind": "boxes", "token": "t-1"}  # fmt: skip
        page = client.post("/console/spend?lang=en", data=told, follow_redirects=True).text
        assert "Mar 2026 is closed and does not change: the line counts on 12 April 2026" in page
        client.post("/console/spend", data={**told, "on": "2026-04-01", "token": "t-2"})
        assert [one.booked_on for one in spend.every(start=MARCH.date(), end=date(2026, 5, 1))] == [
            None, APRIL.date(),
        ]  # fmt: skip


def test_costs_that_come_while_a_month_closes_are_in_it_or_after_it(app: Flask) -> None:
    def tell(number: int) -> None:
        spend.record([_late_cost(f"late-{number}")])

    def shut() -> None:
        closing.close("2026-03", by="user:1")

    with at(APRIL):
        acts = [partial(tell, number) for number in range(4)]
        at_once(app, [*acts[:2], shut, *acts[2:]], now=APRIL)
        frozen = json.loads(books.document("2026-03", "cac-EUR.json"))["totals"]["boxes"]
        assert frozen == _boxes("2026-03")
        assert frozen + _boxes("2026-04") == 4 * 4_200


def test_the_database_keeps_every_line_of_spend(app: Flask) -> None:
    spend.record([_late_cost()])
    db.session.commit()
    for act in ("UPDATE spend SET amount = 1", "DELETE FROM spend"):
        with pytest.raises(sa.exc.DatabaseError, match="history"):
            db.session.execute(sa.text(act))
        db.session.rollback()


def test_finance_closes_a_month_on_the_page(
    app: Flask, client: FlaskClient, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        sign_in(client, make_user(RoleName.FINANCE))
        db.session.commit()
        page = client.get("/console/ledger?month=2026-03&lang=en").text
        assert "Close Mar 2026?" in page
        client.post("/console/ledger/close", data={"month": "2026-03"})
        page = client.get("/console/ledger?month=2026-03&lang=en").text
        assert "These figures do not change any more." in page
        paper = client.get("/console/ledger/2026-03/cac-EUR.json")
        assert paper.text == books.document("2026-03", "cac-EUR.json")
        for path in ("journal?month=2026-03", "owed?on=2026-03-31", "checks", "codes"):
            assert client.get(f"/console/ledger/{path}").status_code == 200
        for day in ("x", "9999-12-31"):
            assert client.get(f"/console/ledger/owed?on={day}").status_code == 422
        assert client.get("/console/ledger?month=x").status_code == 422


def test_marketers_do_not_read_the_books(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_user(RoleName.MARKETER))
    db.session.commit()
    assert client.get("/console/ledger").status_code == 403


def test_what_is_owed_at_a_day_is_what_the_ledger_held_then(sold: tuple[int, object]) -> None:
    who, _fact = sold
    with at(APRIL):
        release(due())
        then = books.liabilities(closing.end_of("2026-03-31"))
        now = books.liabilities(closing.end_of_today())
    assert [(row.ambassador_id, row.pending, row.payable) for row in then] == [(who, 1000, 0)]
    assert [(row.ambassador_id, row.pending, row.payable) for row in now] == [(who, 0, 1000)]


def test_a_check_keeps_what_it_found_and_runs_once_a_night(
    app: Flask, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        assert ledger_checks.is_due()
        assert ledger_checks.run().breaches == []
        assert not ledger_checks.is_due()
    with at(APRIL + timedelta(hours=21)):
        assert ledger_checks.is_due()
    assert db.session.scalar(sa.select(sa.func.count(Entry.id))) == 1


def test_the_commands_say_what_the_page_says(
    app: Flask, sold: tuple[int, object], tmp_path: object
) -> None:
    run = app.test_cli_runner().invoke
    with at(APRIL):
        said = run(args=["ledger", "balance", "2026-03"]).output
        assert "EUR expense" in said
        assert "EUR difference" in said
        assert "is closed" in run(args=["ledger", "close", "2026-03"]).output
        assert run(args=["ledger", "close", "2026-03"]).exit_code == 1
        file = f"{tmp_path}/journal.csv"
        assert run(args=["ledger", "journal", "2026-03", "--out", file]).exit_code == 0
        assert run(args=["ledger", "verify"]).exit_code == 0
    with Path(file).open(encoding="utf-8-sig") as written:
        assert tuple(next(csv.reader(written))) == tuple(words.HEADS)


def test_csv_and_workbook_of_the_journal_hold_what_the_page_means(
    client: FlaskClient, sold: tuple[int, object]
) -> None:
    with at(MARCH + timedelta(days=2)):
        intake.take_refunds([refund_fact(sold[1], 2_000)])  # type: ignore[arg-type]
        db.session.commit()
    sign_in(client, make_user(RoleName.FINANCE))
    for asked in (
        "month=2026-03", "month=2026-03&account=expense", "month=2026-04&since=beginning",
        "year=2026&kind=clawback", f"ambassador={sold[0]}&side=credit&since=beginning",
        "on=2026-03-31&account=pending&currency=EUR",
    ):  # fmt: skip
        page = client.get(f"/console/ledger/journal?{asked}&lang=en").text
        text = client.post(f"/console/ledger/journal.csv?{asked}").text
        told = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        book = client.post(f"/console/ledger/journal.xlsx?{asked}").data
        again = workbooks.rows(book)
        assert len(told) == len(again) == page.count('<th scope="row" class="text-nowrap">')
        assert told, asked
        for one, other in zip(told, again, strict=True):
            for head in set(one) - {"booked_at", "occurred_at"}:
                assert workbooks.same(one[head], other[head]), (asked, head)
            for head in ("debit", "credit"):
                assert not one[head] or f">{one[head]}</" in page
        for head in ("debit", "credit"):  # the foot of the page is the sum of the file
            total = sum(Decimal(one[head] or 0) for one in told)
            assert f">{total:.2f}</" in page, asked
    assert workbooks.rows(book, sheet=2)  # what each column holds


def test_each_figure_of_the_books_leads_to_lines_that_sum_up_to_it(
    client: FlaskClient, sold: tuple[int, object]
) -> None:
    with at(APRIL):
        release(due())
        intake.take_refunds([refund_fact(sold[1], 2_000)])  # type: ignore[arg-type]
        db.session.commit()
        sign_in(client, make_user(RoleName.FINANCE))
        for path in (
            "/console/ledger?month=2026-03", "/console/ledger?month=2026-04",
            "/console/ledger/owed", "/console/ledger/owed?on=2026-03-31",
            "/console/statements?year=2026",
            f"/console/ambassadors/{sold[0]}",
        ):  # fmt: skip
            page = client.get(f"{path}{'&' if '?' in path else '?'}lang=en").text
            found = re.findall(r'<a href="(/console/ledger/journal\?[^"]+)">([^<]*\d)</a>', page)
            assert found, path
            for href, figure in found:
                behind = client.get(html.unescape(href) + "&lang=en").text
                assert "<tfoot>" in behind, (path, href, figure)
                assert _figure(figure) in _sums(behind), (path, href, figure)


def _figure(text: str) -> Decimal:
    """Return a figure as a number, without its sign: sides are told by the account."""
    return Decimal(re.sub(r"[^0-9.]", "", text))


def _sums(page: str) -> set[Decimal]:
    """Return debit, credit and balance at the foot of a journal."""
    foot = page[page.index("<tfoot>") : page.index("</tfoot>")]
    return {_figure(one) for one in re.findall(r">[^<>]*?(\d[\d,.]*)[^<>]*<", foot)}


@pytest.mark.parametrize("name", ["balance", "owed"])
def test_files_of_balance_and_of_what_is_owed_equal_the_page(
    client: FlaskClient, sold: tuple[int, object], name: str
) -> None:
    with at(APRIL):
        sign_in(client, make_user(RoleName.FINANCE))
        asked = "month=2026-03" if name == "balance" else "on=2026-03-31"
        path = "/console/ledger" if name == "balance" else "/console/ledger/owed"
        page = client.get(f"{path}?{asked}&lang=en").text
        text = client.post(f"/console/ledger/{name}.csv?{asked}").text
        told = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        again = workbooks.rows(client.post(f"/console/ledger/{name}.xlsx?{asked}").data)
        assert told
        for one, other in zip(told, again, strict=True):
            assert all(workbooks.same(one[head], other[head]) for head in one)
            amounts = [cell for cell in one.values() if re.fullmatch(r"-?\d+\.\d\d", cell)]
            assert amounts
            assert all(amount.lstrip("-") in page for amount in amounts)
        act = sa.select(AuditLine.details).where(AuditLine.act == "books.export")
        assert {line["format"] for line in db.session.scalars(act)} == {"csv", "xlsx"}


def test_an_entry_shows_its_legs_and_leads_to_its_purchase(
    client: FlaskClient, sold: tuple[int, object]
) -> None:
    sign_in(client, make_user(RoleName.FINANCE))
    entry = db.session.scalars(sa.select(Entry).order_by(Entry.id)).first()
    assert entry
    page = client.get(f"/console/ledger/entries/{entry.id}?lang=en").text
    assert page.count("10.00") == 2
    assert "/console/purchases/api/1001" in page
    assert client.get("/console/ledger/entries/999999").status_code == 404
    assert client.get("/console/ledger/journal?year=20x6").status_code == 422
    assert client.get("/console/ledger/journal?on=2026-02-30").status_code == 422
