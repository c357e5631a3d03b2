"""Self-billing: the brand writes the invoices of ambassadors who asked for it.

One invoice for each payout that arrived, one credit note for what was taken back after it.
At any time invoices less credit notes are what was paid less what is owed back: a credit note
for a clawback makes the next invoice larger by what the next payout was smaller.  A payout is
the whole price: with VAT, the tax is part of it.

Source: CGI, art. 289, I-2 and 293 B; annexe II, art. 242 nonies A; BOI-TVA-DECLA-30-20-10.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import aliased

from accounts import audit
from ambassadors import program
from ambassadors.models import Ambassador
from core import clock, money
from core.db import affected, db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError, NotFoundError
from core.money import BASIS_POINTS
from rewards.models import Account, Posting
from rewards.models_billing import (
    BillingMandate,
    BillingTerms,
    Invoice,
    InvoiceCounter,
    InvoiceKind,
    VatStatus,
)  # fmt: skip
from rewards.models_payouts import Payout, PayoutState

LONGEST = 20_000  # letters of the mandate's words


def terms() -> BillingTerms:
    """Return the terms in force; they say whether self-billing is on."""
    query = sa.select(BillingTerms).order_by(BillingTerms.version.desc()).limit(1)
    return db.session.scalars(query).one()


def publish(
    *, is_on: bool, customer: str, text_en: str, text_fr: str, by: str
) -> BillingTerms:  # fmt: skip
    """Put other terms in force; the same again change nothing.

    Raises:
        InvalidInputError: A text is missing or too long.
        ConflictError: Somebody published others at this moment.
    """
    told = {"customer": _clean(customer), "text_en": _clean(text_en), "text_fr": _clean(text_fr)}
    faults = [
        Fault(f"/{name}", _("Write some words, at most %(most)s characters.", most=most))
        for name, most in (("customer", 500), ("text_en", LONGEST), ("text_fr", LONGEST))
        if not 0 < len(told[name]) <= most
    ]
    if faults:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    last = terms()
    if told | {"is_on": is_on} == {name: getattr(last, name) for name in (*told, "is_on")}:
        return last
    made = db.session.scalar(
        upsert_dialect()
        .insert(BillingTerms)
        .values(
            version=last.version + 1, is_on=is_on, published_at=clock.now(), published_by=by, **told
        )
        .on_conflict_do_nothing(index_elements=["version"])
        .returning(BillingTerms.id)
    )  # fmt: skip
    if made is None:
        raise ConflictError(_("Somebody published another version just now. Read it first."))
    audit.record("billing_terms.publish", "billing_terms", last.version + 1, {"is_on": is_on})
    return db.session.get_one(BillingTerms, made)


def mandate_of(ambassador_id: int) -> BillingMandate | None:
    """Return the mandate that counts, or None."""
    query = (
        sa.select(BillingMandate)
        .where(BillingMandate.ambassador_id == ambassador_id)
        .order_by(BillingMandate.id.desc())
        .limit(1)
    )
    found = db.session.scalar(query)
    return found if found and found.withdrawn_at is None else None


def accept(
    ambassador_id: int, *, version: int, name: str, address: str, tax_id: str
) -> BillingMandate:
    """Record that an ambassador accepted the terms, with what stands on their invoices.

    Raises:
        ConflictError: Self-billing is off, or the terms are others by now.
        InvalidInputError: Name or address is missing.
    """
    current = terms()
    if not current.is_on or current.version != version:
        raise ConflictError(_("The terms were changed meanwhile. Read them once more."))
    told = {"name": _clean(name), "address": _clean(address), "tax_id": _clean(tax_id)}
    faults = [
        Fault(f"/{field}", _("This is needed on each invoice."))
        for field, most in (("name", 200), ("address", 500))
        if not 0 < len(told[field]) <= most
    ]
    if faults or len(told["tax_id"]) > 40:
        raise InvalidInputError(_("Some fields need a correction."), faults=faults)
    mandate = BillingMandate(
        ambassador_id=ambassador_id, terms_version=version, accepted_at=clock.now(), **told
    )
    db.session.add(mandate)
    db.session.flush()  # invoices and the audit log name it
    audit.record("billing_mandate.accept", "ambassador", ambassador_id, {"version": version})
    return mandate


def withdraw(ambassador_id: int) -> None:
    """End an ambassador's mandate; what was issued stays."""
    done = db.session.execute(
        sa.update(BillingMandate)
        .where(
            BillingMandate.ambassador_id == ambassador_id, BillingMandate.withdrawn_at.is_(None)
        )
        .values(withdrawn_at=clock.now())
    )  # fmt: skip
    if affected(done):
        audit.record("billing_mandate.withdraw", "ambassador", ambassador_id, {})


def forget(ambassador_id: int) -> None:
    """End an erased person's mandate; one that carried no invoice is forgotten with them.

    A mandate that stands on an invoice is kept with it, as the law asks (ten years, article
    L123-22 of the French code of commerce).
    """
    withdraw(ambassador_id)
    carried = sa.exists().where(Invoice.mandate_id == BillingMandate.id)
    db.session.execute(
        sa.delete(BillingMandate).where(BillingMandate.ambassador_id == ambassador_id, ~carried)
    )


def set_vat(
    ambassador_id: int, *, effective_from: date, rate: int, vat_number: str
) -> None:  # fmt: skip
    """Say whether an ambassador charges VAT from a day on; a rate of 0 is exempt.

    Args:
        ambassador_id: Whose.
        effective_from: Today or later: what was issued stays as it is.
        rate: Basis points; 20 % is 2000.
        vat_number: Needed with a rate.

    Raises:
        InvalidInputError: The rate cannot be, or a rate came without a number.
        ConflictError: Something was said for that day already.
    """
    number = vat_number.replace(" ", "").upper()
    if not 0 <= rate < BASIS_POINTS:
        detail = _("Write a rate such as 20.")
        raise InvalidInputError(detail, faults=[Fault("/rate", detail)])
    if rate and not (4 <= len(number) <= 20 and number.isalnum() and number.isascii()):
        detail = _("Who charges VAT has a VAT number, such as FR12345678901.")
        raise InvalidInputError(detail, faults=[Fault("/vat_number", detail)])
    if effective_from < _today():
        detail = _("Choose today or a later day: what was issued stays as it is.")
        raise InvalidInputError(detail, faults=[Fault("/effective_from", detail)])
    known = vat_at(ambassador_id, effective_from)
    if known and (known.rate, known.vat_number) == (rate, number if rate else ""):
        return
    made = db.session.scalar(
        upsert_dialect()
        .insert(VatStatus)
        .values(
            ambassador_id=ambassador_id, effective_from=effective_from, rate=rate,
            vat_number=number if rate else "", recorded_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["ambassador_id", "effective_from"])
        .returning(VatStatus.id)
    )  # fmt: skip
    if made is None:
        detail = _("You said so for that day already. Choose a later one.")
        raise ConflictError(detail, faults=[Fault("/effective_from", detail)])
    details = {"from": str(effective_from), "rate": rate}
    audit.record("vat_status.set", "ambassador", ambassador_id, details)


def vat_at(ambassador_id: int, on: date) -> VatStatus | None:
    """Return an ambassador's VAT status on a day; None before they said anything: exempt."""
    query = sa.select(VatStatus).where(
        VatStatus.ambassador_id == ambassador_id, VatStatus.effective_from <= on
    )
    return db.session.scalar(query.order_by(VatStatus.effective_from.desc()).limit(1))


def on_paid(payout: Payout) -> None:
    """Write the invoice of a payout that arrived, if its ambassador has given a mandate."""
    if not terms().is_on:
        return
    mandate = mandate_of(payout.ambassador_id)
    if mandate is None:
        return
    _lock(payout.ambassador_id)
    db.session.flush()  # the payout is paid
    paid = _paid(payout.ambassador_id, payout.currency) + payout.amount
    gross = paid - _issued(payout.ambassador_id, payout.currency)
    _invoice(mandate, payout, gross)
    correct(payout.ambassador_id, payout.currency)


def correct(ambassador_id: int, currency: str) -> list[Invoice]:
    """Write credit notes for what was taken back, or came back, since it was invoiced.

    An invoice whose payout came back is corrected first, then the latest, and none by more
    than what is left of it.
    """
    _lock(ambassador_id)
    paid = _paid(ambassador_id, currency)
    debt = min(paid, max(0, _owed_back(ambassador_id, currency)))
    gross = _issued(ambassador_id, currency) - (paid - debt)
    made = []
    for invoice, left in _uncorrected(ambassador_id, currency) if gross > 0 else ():
        taken = min(gross, left)
        made.append(_credit(invoice, taken, left=left))
        gross -= taken
        if not gross:
            break
    return made


def to_correct() -> list[tuple[int, str]]:
    """Return whose invoices may need a credit note: who owes money back, by currency."""
    owed = sa.func.sum(Posting.amount)
    query = (
        sa.select(Posting.ambassador_id, Posting.currency)
        .where(
            Posting.account == Account.PAYABLE,
            Posting.ambassador_id.in_(sa.select(Invoice.ambassador_id)),
        )
        .group_by(Posting.ambassador_id, Posting.currency)
        .having(owed > 0)
        .order_by(Posting.ambassador_id, Posting.currency)
    )
    return [(row.ambassador_id, row.currency) for row in db.session.execute(query)]


def of_ambassador(ambassador_id: int) -> list[Invoice]:
    """Return what was issued for an ambassador, the latest first."""
    query = sa.select(Invoice).where(Invoice.ambassador_id == ambassador_id)
    return list(db.session.scalars(query.order_by(Invoice.number.desc())))


def latest(*, limit: int = 200) -> list[Invoice]:
    """Return what was issued last."""
    return list(db.session.scalars(sa.select(Invoice).order_by(Invoice.id.desc()).limit(limit)))


def find(invoice_id: int, ambassador_id: int | None = None) -> Invoice:
    """Return an invoice; for an ambassador only their own.

    Raises:
        NotFoundError: There is none, or it is somebody else's.
    """
    found = db.session.get(Invoice, invoice_id)
    if found is None or ambassador_id not in {None, found.ambassador_id}:
        raise NotFoundError(_("There is no such invoice."))
    return found


def _invoice(mandate: BillingMandate, payout: Payout, gross: int) -> None:
    status = vat_at(mandate.ambassador_id, _today())
    rate = status.rate if status else 0
    _issue(
        mandate, kind=InvoiceKind.INVOICE, payout_id=payout.id, currency=payout.currency,
        gross=gross, net=_net(gross, rate), vat_rate=rate,
        vat_number=status.vat_number if status else "",
    )  # fmt: skip


def _credit(invoice: Invoice, gross: int, *, left: int) -> Invoice:
    """Take back a part of an invoice, at the rate it was written with (CGI, art. 272, 1).

    The net amount is the difference of what is left before and after, so that the credit
    notes of a whole invoice come to its very net amount and VAT.
    """
    rate = invoice.vat_rate
    return _issue(
        invoice.mandate, kind=InvoiceKind.CREDIT_NOTE, corrects_id=invoice.id, gross=gross,
        currency=invoice.currency, net=_net(left, rate) - _net(left - gross, rate), vat_rate=rate,
        vat_number=invoice.vat_number,
    )  # fmt: skip


def _issue(mandate: BillingMandate, *, gross: int, net: int, **told: Any) -> Invoice:
    made = Invoice(
        ambassador_id=mandate.ambassador_id, number=_next_number(mandate.ambassador_id),
        mandate_id=mandate.id, issued_on=_today(), issued_at=clock.now(), gross=gross, net=net,
        vat=gross - net, customer=terms().customer, **told,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()  # the audit log names it
    details = {
        "number": made.label, "gross": gross, "currency": made.currency, "kind": made.kind.value,
    }  # fmt: skip
    audit.record("invoice.issue", "invoice", made.id, details)
    return made


def _net(gross: int, rate: int) -> int:
    return money.divide_half_up(gross * BASIS_POINTS, BASIS_POINTS + rate)


def _next_number(ambassador_id: int) -> int:
    """Take the next number; an act that is undone gives it back, so there is never a gap."""
    statement = upsert_dialect().insert(InvoiceCounter).values(ambassador_id=ambassador_id, last=1)
    taken = db.session.scalar(
        statement.on_conflict_do_update(
            index_elements=["ambassador_id"], set_={"last": InvoiceCounter.last + 1}
        ).returning(InvoiceCounter.last)
    )
    return int(taken or 0)


def _issued(ambassador_id: int, currency: str) -> int:
    signed = sa.case((Invoice.kind == InvoiceKind.CREDIT_NOTE, -Invoice.gross), else_=Invoice.gross)
    query = sa.select(sa.func.coalesce(sa.func.sum(signed), 0)).where(
        Invoice.ambassador_id == ambassador_id, Invoice.currency == currency
    )
    return int(db.session.scalars(query).one())


def _paid(ambassador_id: int, currency: str) -> int:
    """Return what invoiced payouts brought that did not come back."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Payout.amount), 0))
        .join(Invoice, Invoice.payout_id == Payout.id)
        .where(
            Payout.ambassador_id == ambassador_id, Payout.currency == currency,
            Payout.state == PayoutState.PAID,
        )
    )  # fmt: skip
    return int(db.session.scalars(query).one())


def _owed_back(ambassador_id: int, currency: str) -> int:
    """Return how far the payable balance is below zero."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0)).where(
        Posting.ambassador_id == ambassador_id, Posting.currency == currency,
        Posting.account == Account.PAYABLE,
    )  # fmt: skip
    return int(db.session.scalars(query).one())


def _uncorrected(ambassador_id: int, currency: str) -> list[tuple[Invoice, int]]:
    """Return invoices of which something is left, and how much, in the order of correction."""
    note = aliased(Invoice)
    taken = (
        sa.select(sa.func.coalesce(sa.func.sum(note.gross), 0))
        .where(note.corrects_id == Invoice.id)
        .scalar_subquery()
    )
    left = (Invoice.gross - taken).label("left")
    query = (
        sa.select(Invoice, left)
        .join(Payout, Payout.id == Invoice.payout_id)
        .where(Invoice.ambassador_id == ambassador_id, Invoice.currency == currency, left > 0)
        .order_by(
            sa.case((Payout.state == PayoutState.PAID, 1), else_=0), Invoice.number.desc()
        )
    )  # fmt: skip
    return [(row.Invoice, int(row.left)) for row in db.session.execute(query)]


def _lock(ambassador_id: int) -> None:
    """Let one act at a time write documents of an ambassador."""
    db.session.execute(
        sa.select(Ambassador.id)
        .where(Ambassador.id == ambassador_id)
        .with_for_update(key_share=True)
    ).all()


def _today() -> date:
    return clock.local_day(clock.now(), program.current().timezone)


def _clean(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("\0", "").splitlines()).strip()
