"""Self-billing: an invoice for each payout, a credit note for what was taken back, no gaps."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from accounts.models import RoleName
from ambassadors.models import Ambassador
from core import clock
from core.db import db
from core.errors import ConflictError, InvalidInputError, NotFoundError
from rewards import erasure, intake, jobs_billing, payouts, self_billing, statements, verify
from rewards.commissions import due, release
from rewards.models import EntryKind
from rewards.models_billing import BillingMandate, Invoice, InvoiceKind
from rewards.models_payouts import Payout, PayoutState
from tests.conftest import NOW
from tests.factories import make_user, must, purchase_fact, refund_fact, sign_in
from tests.rewards.test_payouts import LATER, approved, earner, later, rules
from tests.rewards.test_vouchers import at_once

__all__ = ["rules"]


@pytest.fixture(autouse=True)
def is_on(app: Flask, rules: None) -> None:
    """Let the program write invoices."""
    words = self_billing.terms()
    self_billing.publish(
        is_on=True, customer="Maison Givre SA\nLausanne", text_en=words.text_en,
        text_fr=words.text_fr, by="user:1",
    )  # fmt: skip
    db.session.commit()


def mandated(total: int = 10_000) -> int:
    """Return an ambassador with 10 % payable who gave a mandate."""
    who = earner(total)
    version = self_billing.terms().version
    self_billing.accept(who, version=version, name="Zoé Martin", address="Lyon", tax_id="123")
    db.session.commit()
    return who


def pay(by: str = "user:2") -> Payout:
    (payout,) = approved(by=by)
    payout.state = PayoutState.SENT
    payouts.settle(payout, reference="wire")
    db.session.commit()
    return payout


def issued(who: int) -> list[tuple[str, int, int]]:
    """Return kind, number and gross of what was issued, in order."""
    return [(one.kind.value, one.number, one.gross) for one in self_billing.of_ambassador(who)][
        ::-1
    ]


def holds() -> None:
    assert [str(one) for one in verify.breaches()] == []


def test_each_payout_that_arrived_has_one_invoice(app: Flask) -> None:
    who = mandated()
    with later():
        payout = pay()
        payouts.settle(payout)
        made = self_billing.of_ambassador(who)[0]
    assert issued(who) == [("invoice", 1, 1_000)]
    assert (made.payout_id, made.net, made.vat, made.customer) == (
        payout.id, 1_000, 0, "Maison Givre SA\nLausanne",
    )  # fmt: skip
    holds()


def test_without_mandate_or_option_nothing_is_issued(app: Flask) -> None:
    first, second = earner(), mandated()
    words = self_billing.terms()
    with later():
        self_billing.withdraw(second)
        for payout in approved():
            payout.state = PayoutState.SENT
            payouts.settle(payout)
    assert issued(first) == issued(second) == []
    self_billing.publish(is_on=False, customer="x", text_en=words.text_en, text_fr=words.text_fr,
                         by="user:1")  # fmt: skip
    with pytest.raises(ConflictError):
        self_billing.accept(first, version=words.version, name="Z", address="L", tax_id="")


def test_vat_counts_from_its_day_and_is_part_of_what_was_paid(app: Flask) -> None:
    who = mandated(12_000)
    day = LATER.date()
    self_billing.set_vat(who, effective_from=day, rate=2_000, vat_number="FR 123 456")
    db.session.commit()
    with later():
        pay()
    made = self_billing.of_ambassador(who)[0]
    assert (made.net, made.vat_rate, made.vat, made.gross) == (1_000, 2_000, 200, 1_200)
    assert made.vat_number == "FR123456"
    assert self_billing.vat_at(who, day - timedelta(days=1)) is None
    for wrong in ({"rate": 2_000, "vat_number": ""}, {"rate": 10_000}, {"rate": -1},
                  {"effective_from": NOW.date() - timedelta(days=1)}):  # fmt: skip
        good = {"effective_from": day, "rate": 0, "vat_number": "FR123456"}
        with pytest.raises(InvalidInputError):
            self_billing.set_vat(who, **(good | wrong))  # type: ignore[arg-type]


def test_a_clawback_after_the_payout_has_a_credit_note_and_the_next_invoice_makes_up(
    app: Flask,
) -> None:
    who = mandated()
    with later():
        pay()
    fact = purchase_fact(codes=(), total=10_000, external_id=f"e{who}")
    with later(days=1):
        intake.take_refunds([refund_fact(fact, 4_000)])
        db.session.commit()
        jobs_billing.correct_invoices()
        jobs_billing.correct_invoices()
        assert issued(who) == [("invoice", 1, 1_000), ("credit_note", 2, 400)]
        note = self_billing.of_ambassador(who)[0]
        assert must(note.corrects).number == 1
        intake.take_purchases([purchase_fact(codes=(f"EARN{who}",), total=30_000)])
        db.session.commit()
    with clock.frozen(LATER + timedelta(days=40)):
        release(due())
        db.session.commit()
        second = pay(by="user:3")
    assert second.amount == 2_600
    assert issued(who)[2] == ("invoice", 3, 3_000)
    holds()


def test_a_payout_that_came_back_has_a_credit_note_of_all_of_it(app: Flask) -> None:
    who = mandated()
    with later():
        payout = pay()
        payouts.fail(payout, "account closed")
        db.session.commit()
        again = pay(by="user:3")
    assert again.amount == 1_000
    assert issued(who) == [
        ("invoice", 1, 1_000), ("credit_note", 2, 1_000), ("invoice", 3, 1_000),
    ]  # fmt: skip
    holds()


def test_an_act_that_is_undone_leaves_no_gap(app: Flask) -> None:
    who = mandated()
    with later():
        (payout,) = approved()
        payout.state = PayoutState.SENT
        db.session.commit()
        payouts.settle(payout)
        db.session.rollback()
        payouts.settle(payouts.locked(payout.id))
        db.session.commit()
    assert issued(who) == [("invoice", 1, 1_000)]
    holds()


def test_what_was_issued_never_changes(app: Flask) -> None:
    who = mandated()
    with later():
        pay()
    for statement in (
        "UPDATE invoice SET gross = 1", "DELETE FROM invoice", "DELETE FROM billing_mandate",
        "UPDATE billing_mandate SET name = 'x'", "UPDATE billing_terms SET is_on = false",
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError, match="keeps its history"):
            db.session.execute(sa.text(statement))
        db.session.rollback()
    assert issued(who) == [("invoice", 1, 1_000)]


def test_an_invoice_of_another_is_not_found(app: Flask) -> None:
    who = mandated()
    with later():
        pay()
    made = db.session.scalars(sa.select(Invoice)).one()
    assert made.kind is InvoiceKind.INVOICE
    assert self_billing.find(made.id, who) is made
    with pytest.raises(NotFoundError):
        self_billing.find(made.id, who + 1)


def test_pages_take_a_mandate_and_show_the_invoice_with_its_mentions(app: Flask) -> None:
    who = earner()
    mine, finance = app.test_client(), app.test_client()
    with later():
        user = make_user(RoleName.AMBASSADOR)
        db.session.get_one(Ambassador, who).user_id = user.id
        sign_in(mine, user)
        sign_in(finance, make_user(RoleName.FINANCE))
        version = str(self_billing.terms().version)
        assert "Autofacturation" in mine.get("/portal/invoices?lang=en").text
        told = {"version": version, "name": "Zoé Martin", "address": "1 rue Haute\nLyon"}
        assert mine.post("/portal/invoices/mandate", data=told | {"name": ""}).status_code == 422
        assert (
            mine.post("/portal/invoices/mandate", data=told | {"version": "x"}).status_code == 422
        )
        assert mine.post("/portal/invoices/mandate", data=told).status_code == 303
        for wrong in ({"rate": "x"}, {"rate": "20"}, {"rate": "NaN"}, {"effective_from": "x"}):
            form = {"effective_from": "2026-05-01", "rate": "0", "vat_number": ""} | wrong
            assert mine.post("/portal/invoices/vat", data=form).status_code == 422, wrong
        good = {"effective_from": "2026-05-01", "rate": "20", "vat_number": "FR123456"}
        assert mine.post("/portal/invoices/vat", data=good).status_code == 303
        pay()
        made = db.session.scalars(sa.select(Invoice)).one()
        page = mine.get(f"/portal/invoices/{made.id}?lang=en").text
        for words in ("Autofacturation", f"{who}-0001", "1 rue Haute", "Maison Givre SA", "293 B"):
            assert words in page, words
        assert f"{who}-0001" in finance.get("/console/invoices?lang=en").text
        assert "1 rue Haute" in finance.get(f"/console/invoices/{made.id}").text
        assert mine.get("/portal/invoices/999999").status_code == 404
        assert mine.post("/portal/invoices/withdraw").status_code == 303
        assert self_billing.mandate_of(who) is None


def test_finance_turns_self_billing_off_on_its_page(app: Flask) -> None:
    finance = app.test_client()
    sign_in(finance, make_user(RoleName.FINANCE))
    words = self_billing.terms()
    told = {"customer": "Maison Givre SA", "text_en": words.text_en, "text_fr": words.text_fr}
    assert finance.post("/console/invoices", data=told | {"customer": ""}).status_code == 422
    assert finance.post("/console/invoices", data=told).status_code == 303
    assert self_billing.terms().is_on is False


def refunded(who: int, amount: int, *, at: str) -> None:
    """Give a customer a part of their money back, and let the hourly job correct invoices."""
    fact = purchase_fact(codes=(), total=10_000, external_id=f"e{who}")
    intake.take_refunds([refund_fact(fact, amount, external_id=at)])
    db.session.commit()
    jobs_billing.correct_invoices()


def test_a_credit_note_keeps_the_rate_and_the_mention_of_the_invoice_it_corrects(
    app: Flask,
) -> None:
    who = mandated()
    with later():
        pay()  # exempt
        day = (LATER + timedelta(days=1)).date()
        self_billing.set_vat(who, effective_from=day, rate=2_000, vat_number="FR123456")
        db.session.commit()
    with later(days=1):
        refunded(who, 4_000, at="r1")
    note, invoice = self_billing.of_ambassador(who)
    assert (invoice.vat_rate, invoice.vat) == (0, 0)
    assert (note.net, note.vat_rate, note.vat, note.vat_number) == (400, 0, 0, "")
    assert note.corrects_id == invoice.id
    holds()


def test_an_invoice_carries_the_status_of_its_day_in_a_month_in_which_it_changed(
    app: Flask,
) -> None:
    who = mandated()
    with later():
        day = (LATER + timedelta(days=1)).date()
        self_billing.set_vat(who, effective_from=day, rate=2_000, vat_number="FR123456")
        later_day = day + timedelta(days=35)
        self_billing.set_vat(who, effective_from=later_day, rate=0, vat_number="")
        intake.take_purchases(
            [purchase_fact(codes=(f"EARN{who}",), total=12_000, external_id="second")]
        )
        db.session.commit()
        pay()
    with clock.frozen(LATER + timedelta(days=32)):
        release(due())
        db.session.commit()
        pay(by="user:3")
    second, first = self_billing.of_ambassador(who)
    assert (first.vat_rate, first.net, first.vat) == (0, 1_000, 0)
    assert (second.vat_rate, second.net, second.vat) == (2_000, 1_000, 200)
    assert self_billing.vat_at(who, later_day).rate == 0  # type: ignore[union-attr]
    assert (second.vat_rate, second.vat_number) == (2_000, "FR123456")


def test_credit_notes_of_parts_come_to_the_very_net_amount_and_vat_of_the_invoice(
    app: Flask,
) -> None:
    who = mandated()
    self_billing.set_vat(who, effective_from=LATER.date(), rate=2_000, vat_number="FR123456")
    db.session.commit()
    with later():
        pay()
        for at, part in (("r1", 3_330), ("r2", 3_330), ("r3", 3_340)):
            refunded(who, part, at=at)
    *notes, invoice = self_billing.of_ambassador(who)
    assert (invoice.net, invoice.vat, invoice.gross) == (833, 167, 1_000)
    assert [one.gross for one in notes] == [334, 333, 333]
    assert (sum(one.net for one in notes), sum(one.vat for one in notes)) == (833, 167)
    holds()


def test_each_credit_note_names_an_invoice_that_it_fits_into(app: Flask) -> None:
    """Two invoices; the first payout came back, then more is taken back than the first was."""
    who = mandated()
    with later():
        intake.take_purchases(
            [purchase_fact(codes=(f"EARN{who}",), total=5_000, external_id="second")]
        )
        first = pay()
    with clock.frozen(LATER + timedelta(days=32)):
        release(due())
        db.session.commit()
        pay(by="user:3")
        payouts.fail(first, "account closed")
        db.session.commit()
    found = [
        (one.label[-4:], one.gross, one.corrects.label[-4:] if one.corrects else None)
        for one in self_billing.of_ambassador(who)
    ][::-1]
    assert found == [("0001", 1_000, None), ("0002", 500, None), ("0003", 1_000, "0001")]
    holds()


def test_twenty_payouts_of_one_supplier_at_once_have_consecutive_numbers(app: Flask) -> None:
    who = mandated()
    with later():
        (payout,) = approved()
        batch_id = payout.batch_id
        ids = []
        for _one in range(20):
            made = Payout(
                batch_id=batch_id, ambassador_id=who, amount=100, currency="EUR",
                method=payout.method, state=PayoutState.SENT, created_at=clock.now(),
            )  # fmt: skip
            db.session.add(made)
            db.session.flush()
            ids.append(made.id)
    ends = at_once(app, [partial(_arrives, id_) for id_ in ids], now=LATER)
    db.session.expire_all()
    assert ends == {"done": 20}
    found = self_billing.of_ambassador(who)
    assert [one.number for one in found] == list(range(20, 0, -1))
    assert {one.payout_id for one in found} == set(ids)
    assert {one.gross for one in found if one.kind is InvoiceKind.INVOICE} == {100}


def _arrives(payout_id: int) -> None:
    payouts.settle(payouts.locked(payout_id))


def test_a_withdrawn_mandate_ends_invoices_and_a_later_one_numbers_on(app: Flask) -> None:
    who = mandated()
    with later():
        pay()
        self_billing.withdraw(who)
        intake.take_purchases(
            [
                purchase_fact(codes=(f"EARN{who}",), total=5_000, external_id=str(one))
                for one in (1, 2)
            ]
        )
        db.session.commit()
        refunded(who, 1_000, at="r1")  # what was issued is still corrected
    assert issued(who) == [("invoice", 1, 1_000), ("credit_note", 2, 100)]
    with clock.frozen(LATER + timedelta(days=32)):
        release(due())
        db.session.commit()
        pay(by="user:3")
        assert len(issued(who)) == 2
    holds()


def test_an_erased_person_keeps_invoices_and_what_stands_on_them(app: Flask) -> None:
    who, other = mandated(), mandated(20_000)
    with later():
        member = db.session.get_one(Ambassador, who).member
        without = db.session.get_one(Ambassador, other).member
        erasure.erase(without)  # before anything was invoiced
        db.session.commit()
        pay()
        erasure.erase(member)
        db.session.commit()
        refunded(who, 4_000, at="r1")
    note, invoice = self_billing.of_ambassador(who)
    assert (invoice.mandate.name, invoice.mandate.address) == ("Zoé Martin", "Lyon")
    assert (note.kind, note.gross) == (InvoiceKind.CREDIT_NOTE, 400)
    assert self_billing.mandate_of(who) is None
    assert self_billing.of_ambassador(other) == []
    kept = db.session.scalars(sa.select(BillingMandate)).all()
    assert [one.ambassador_id for one in kept] == [who]  # the other one proves nothing
    holds()


def test_invoices_less_credit_notes_are_what_the_statement_says_was_paid(app: Flask) -> None:
    who = mandated(9_990)
    self_billing.set_vat(who, effective_from=LATER.date(), rate=2_000, vat_number="FR123456")
    db.session.commit()
    with later():
        pay()
        found = statements.of_month(who, f"{LATER:%Y-%m}")
    paid = -sum(
        line.amounts.total for one in found for line in one.lines
        if line.kind is EntryKind.PAYOUT_SETTLED
    )  # fmt: skip
    (invoice,) = self_billing.of_ambassador(who)
    assert invoice.gross == paid == invoice.net + invoice.vat == 999
