"""Statements and yearly totals: figures equal to the ledger, on each page and in each file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from accounts.models import AuditLine, RoleName
from ambassadors.models import Ambassador
from core import clock
from core.db import db
from core.errors import NotFoundError
from core.money import POINTS
from rewards import exchanges, intake, ledger, payouts, perks, points, statements, year_totals
from rewards.models import Account, EntryKind, PerkKind
from rewards.models_contracts import ThresholdKind
from rewards.models_payouts import Payout, PayoutState
from tests import workbooks
from tests.conftest import NOW
from tests.factories import make_user, purchase_fact, refund_fact, sign_in
from tests.rewards.test_contract_meter import signed
from tests.rewards.test_payouts import LATER, approved, earner, later, rules

__all__ = ["rules"]


def paid(*totals: int) -> list[int]:
    """Return ambassadors to whom 10 % of a purchase each was paid, 31 days after NOW."""
    found = [earner(total) for total in totals or [10_000]]
    with later():
        for who in found:
            signed(who)
        for one in approved():
            one.state = PayoutState.SENT
            payouts.settle(one, reference="wire")
        db.session.commit()
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def cells(page: str) -> list[str]:
    """Return the cells of a page's first table as they read, whatever they lead to."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [one for one in re.split(r"<[^>]*>", body) if one.strip()]


def test_a_statement_opens_with_what_the_one_before_closed_with(app: Flask) -> None:
    (who,) = paid()
    fact = purchase_fact(codes=(f"EARN{who}",), total=20_000)
    intake.take_purchases([fact])
    with clock.frozen(LATER + timedelta(days=40)):
        intake.take_refunds([refund_fact(fact, 5_000)])
        found = [statements.of_month(who, month)[0] for month in reversed(statements.months(who))]
    assert [one.month for one in found] == ["2026-03", "2026-04", "2026-05"]
    assert [one.closing for one in found[:-1]] == [one.opening for one in found[1:]]
    assert found[0].opening.total == 0
    assert [line.kind for line in found[1].lines][-2:] == [
        EntryKind.PAYOUT, EntryKind.PAYOUT_SETTLED,
    ]  # fmt: skip


def test_each_closing_balance_is_the_ledgers(app: Flask) -> None:
    (who,) = paid()
    intake.take_purchases([purchase_fact(codes=(f"EARN{who}",), total=20_000)])
    with later():
        for month in statements.months(who):
            _, end = clock.month_bounds(month, "Europe/Paris")
            (one,) = statements.of_month(who, month)
            for account, amount in (
                (Account.PENDING, one.closing.pending), (Account.HELD, one.closing.held),
                (Account.PAYABLE, one.closing.payable), (Account.TRANSIT, one.closing.transit),
            ):  # fmt: skip
                last = end - timedelta(microseconds=1)
                assert ledger.owed(who, account, "EUR", as_of=last) == amount


def test_what_is_told_after_the_month_says_so(app: Flask) -> None:
    who = earner()
    with clock.frozen(NOW + timedelta(days=60)):
        late = purchase_fact(codes=(f"EARN{who}",), total=5_000, occurred_at=NOW)
        intake.take_purchases([late])
        (one,) = statements.of_month(who, "2026-03")
    assert sorted(line.told_at is not None for line in one.lines if line.amounts.total) == [
        False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("month", ["2026-02", "2026-04", "2026-13", "x", "2026-3"])
def test_a_month_that_was_not_is_not_found(app: Flask, month: str) -> None:
    who = earner()
    with pytest.raises(NotFoundError):
        statements.of_month(who, month)


def test_portal_console_and_file_show_the_same(app: Flask) -> None:
    (who,) = paid()
    mine, finance = app.test_client(), app.test_client()
    with later():
        user = make_user(RoleName.AMBASSADOR)
        db.session.get_one(Ambassador, who).user_id = user.id
        sign_in(mine, user)
        sign_in(finance, make_user(RoleName.FINANCE))
        page = mine.get("/portal/statements/2026-04?lang=en").text
        other = finance.get(f"/console/statements/of/{who}/2026-04?lang=en").text
        assert cells(page) == cells(other)
        assert '/portal/statements/2026-03"' in page  # the opening balance closes that month
        assert "/console/ledger/entries/" in other
        assert "2026-04" in mine.get("/portal/statements").text
        told = rows(mine.get("/portal/statements/2026-04/statement.csv").text)
        again = finance.get(f"/console/statements/of/{who}/2026-04/statement.csv").text
        assert rows(again) == told
        for book in (
            mine.get("/portal/statements/2026-04/statement.xlsx").data,
            finance.get(f"/console/statements/of/{who}/2026-04/statement.xlsx").data,
        ):
            for one, other_one in zip(workbooks.rows(book), told, strict=True):
                for head in set(one) - {"occurred_at", "told_at"}:
                    assert workbooks.same(one[head], other_one[head]), head
            assert workbooks.rows(book, sheet=2)
        for line in told:
            assert line["total"].lstrip("-") in page
        assert [line["row"] for line in told] == [
            "opening", "release", "payout", "payout_settled", "closing",
        ]  # fmt: skip
        assert Decimal(told[-1]["total"]) == sum(Decimal(line["total"]) for line in told[:-1])
        assert mine.get(f"/console/statements/of/{who}/2026-04").status_code == 403
        assert mine.get("/portal/statements/2027-01").status_code == 404
        assert finance.get("/console/statements/of/999999").status_code == 404


def test_the_totals_of_a_year_are_the_ledgers(app: Flask) -> None:
    (who,) = paid()
    fact = purchase_fact(codes=(f"EARN{who}",), total=20_000)
    intake.take_purchases([fact])
    intake.take_refunds([refund_fact(fact, 5_000)])
    (one,) = year_totals.totals(2026)
    assert (one.earned, one.clawed_back, one.paid, one.owed) == (3_000, -500, 1_000, 1_500)
    assert one.earned + one.clawed_back - one.paid == one.owed
    assert year_totals.totals(2025) == []


def test_das2_names_who_got_more_than_the_threshold_gifts_included(app: Flask) -> None:
    _below, above = paid(2_400_000, 2_390_000)
    points.grant(above, 100, reason="thanks", key="p")
    box = perks.create(
        perks.Terms(kind=PerkKind.PRODUCT, name_en="Box", name_fr="Coffret", price=100,
                    unit=POINTS, cost=1_001)
    )  # fmt: skip
    with later():  # their contract is signed by then
        exchanges.exchange(above, box.id, seen=100, key="k")
    limit, found = year_totals.declared(ThresholdKind.DAS2, 2026)
    assert limit
    assert [(one.ambassador_id, one.paid, one.gifts) for one in found] == [
        (above, 239_000, 1_001),
    ]  # fmt: skip


def test_a_payout_that_came_back_is_not_declared(app: Flask) -> None:
    paid(2_500_000)
    with later():
        payouts.fail(db.session.scalars(sa.select(Payout)).one(), "account closed")
    assert year_totals.declared(ThresholdKind.DAS2, 2026)[1] == []


def test_form_1099_is_about_people_in_the_united_states_or_names_a_missing_rate(app: Flask) -> None:
    (who,) = paid(2_500_000)
    _, found = year_totals.declared(ThresholdKind.NEC, 2026)
    assert [(one.ambassador_id, one.unknown) for one in found] == [(who, {"EUR"})]


@pytest.fixture
def finance(client: FlaskClient) -> FlaskClient:
    """A browser in which finance is signed in."""
    with later():
        sign_in(client, make_user(RoleName.FINANCE))
        db.session.commit()
    return client


def test_files_of_a_year_are_taken_with_a_trace(app: Flask, finance: FlaskClient) -> None:
    (who,) = paid(2_500_000)
    with later():
        assert "2,500.00" in finance.get("/console/statements?lang=en").text
        (total,) = rows(finance.post("/console/statements/2026/totals.csv").text)
        (told,) = rows(finance.post("/console/statements/2026/das2.csv").text)
        assert finance.post("/console/statements/2026/contract.csv").status_code == 404
        assert finance.post("/console/statements/1999/das2.csv").status_code == 404
    assert (total["ambassador"], total["paid"]) == (str(who), "2500.00")
    assert (told["commissions"], told["seuil"], told["total"]) == ("2500.00", "2400.00", "2500.00")
    acts = list(db.session.scalars(sa.select(AuditLine.act).order_by(AuditLine.id.desc())))
    assert acts[:2] == ["declaration.export", "year_totals.export"]


def test_the_command_writes_what_the_page_sends(app: Flask, finance: FlaskClient) -> None:
    paid(2_500_000)
    with later():
        page = finance.post("/console/statements/2026/das2.csv").text
        done = app.test_cli_runner().invoke(args=["statements", "das2", "--year", "2026"])
        assert done.exit_code == 0, done.output
        assert rows(done.output) == rows(page)
        none = app.test_cli_runner().invoke(args=["statements", "das2", "--year", "2001"])
    assert none.exit_code == 1
    assert "No threshold" in none.output
