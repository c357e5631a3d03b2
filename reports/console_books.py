"""Finance's door of the books: trial balance, journal, closing, what is owed, the checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, identities, permissions, users
from ambassadors import enrolment
from campaigns import wording as campaign_words
from campaigns.forms_spend import KIND_NAMES
from core import money, sheets
from core.db import db, retried
from core.errors import DomainError, InvalidInputError
from reports import closing, ledger_checks
from reports import wording_books as words
from reports.forms_books import CodesForm
from reports.models import following, period
from rewards import account_codes, books
from rewards.models import Account

SHOWN = 200  # lines of a journal's page; the file holds all

door = permissions.guard(
    Blueprint("books", __name__, url_prefix="/console/ledger"), permissions.FINANCE
)


@door.get("")
def balance() -> ResponseReturnValue:
    """Show a month's trial balance, and that what was accrued is all somewhere."""
    month = _asked_month()
    start, end = closing.bounds(month)
    closed = books.closed(month)
    found = books.closed_balance(month) if closed else books.trial_balance(start, end)
    return render_template(
        "reports/console_books/balance.html",
        month=month, found=found, closed=closed, proofs=books.proofs(end), words=words,
        codes=account_codes.known(), before=following(month, -1), after=_after(month),
        papers=books.documents(month) if closed else [],
        moved=closing.moved(month) if closed else [],
        names=users.actor_names([closed.closed_by]) if closed else {},
        corrections=list(books.journal(start, end, corrections=True, limit=SHOWN)),
        late_costs=closing.late_costs(month, limit=SHOWN), kinds=KIND_NAMES,
        channel_words=campaign_words.channel,
        can_close=_can_close(month), check=ledger_checks.last(),
    )  # fmt: skip


@door.post("/close")
@permissions.fresh
@retried
def close() -> ResponseReturnValue:
    """Close a month for good."""
    month = period(request.form.get("month", ""), request.form.get("month", "")).first
    try:
        closing.close(month, by=identities.current().name)
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        flash(error.detail, "error")
    else:
        flash(_("Closed. What comes later is a correction in the open month."))
    return redirect(url_for(".balance", month=month), code=303)


@door.get("/journal")
def journal() -> ResponseReturnValue:
    """Show the entries of a month, of one account if asked."""
    month, account = _asked_month(), _asked_account()
    start, end = closing.bounds(month)
    found = list(books.journal(start, end, account=account, limit=SHOWN + 1))
    return render_template(
        "reports/console_books/journal.html",
        month=month, account=account, found=found[:SHOWN], more=len(found) > SHOWN, words=words,
        choices=[
            (name, url_for(".journal", month=month, account=one.value), one is account)
            for one, name in words.ACCOUNTS.items()
        ],
        names=enrolment.names({one.ambassador_id for one in found if one.ambassador_id}),
    )  # fmt: skip


@door.post("/journal.csv")
def journal_file() -> ResponseReturnValue:
    """Send the journal of a month, with the account codes of the brand's bookkeeping."""
    month = _asked_month()
    audit.record("books.export", "month", month, {})
    db.session.commit()
    return sheets.download(f"journal-{month}.csv", HEADS, journal_rows(month))


@door.get("/<month>/<name>")
def paper(month: str, name: str) -> ResponseReturnValue:
    """Send a report as its month was closed with."""
    answer = Response(books.document(month, name), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{month}-{name}"'
    return answer


@door.get("/owed")
def owed() -> ResponseReturnValue:
    """Show what each ambassador was owed at the end of a day."""
    day = _asked_day()
    found = books.liabilities(day)
    return render_template(
        "reports/console_books/owed.html",
        found=found, day=request.args.get("on", ""), at=day, sums=_sums(found),
        names=enrolment.names({row.ambassador_id for row in found}),
    )  # fmt: skip


@door.get("/checks")
def checks() -> ResponseReturnValue:
    """Show what the last check of the money invariants found."""
    return render_template(
        "reports/console_books/checks.html", runs=ledger_checks.latest(), words=words
    )


@door.post("/checks")
def check_now() -> ResponseReturnValue:
    """Run the checks."""
    ledger_checks.run()
    return redirect(url_for(".checks"), code=303)


@door.route("/codes", methods=["GET", "POST"])
def codes() -> ResponseReturnValue:
    """Say what the brand's own bookkeeping calls each account."""
    form = CodesForm.of(account_codes.known())
    if form.validate_on_submit():
        account_codes.keep(form.told())
        db.session.commit()
        flash(_("Saved. The next journal has these codes."))
        return redirect(url_for(".codes"), code=303)
    page = render_template("reports/console_books/codes.html", form=form, words=words)
    return page, 422 if form.is_submitted() else 200


HEADS = (
    "entry", "booked_at", "occurred_at", "kind", "source", "purchase", "account", "account_code",
    "account_label", "debit", "credit", "currency", "ambassador", "correction",
)  # fmt: skip


def journal_rows(month: str) -> Iterator[tuple[object, ...]]:
    """Yield the lines of a journal file; amounts in major units."""
    known = account_codes.known()
    start, end = closing.bounds(month)
    for one in books.journal(start, end):
        amount = money.to_major(abs(one.amount), one.currency)
        code = known.get(one.account)
        yield (
            one.entry_id, one.booked_at.isoformat(), one.occurred_at.isoformat(), one.kind,
            one.source, one.purchase or "", one.account.value, code.code if code else "",
            code.label if code else "",
            amount if one.amount > 0 else "", amount if one.amount < 0 else "", one.currency,
            one.ambassador_id or "", "yes" if one.is_correction else "",
        )  # fmt: skip


def _asked_month() -> str:
    asked = request.values.get("month") or closing.default_month()
    return period(asked, asked).first


def _asked_account() -> Account | None:
    asked = request.args.get("account")
    return Account(asked) if asked in set(Account) else None


def _asked_day() -> datetime:
    """Return the first instant after the day that was asked for; now unless one was."""
    asked = request.args.get("on")
    if not asked:
        return closing.end_of_today()
    try:
        return closing.end_of(asked)
    except (ValueError, OverflowError):  # 9999-12-31 has no day after it
        said = _("“%(text)s” is not a day such as 2026-03-31.", text=asked[:40])
        raise InvalidInputError(said) from None


def _after(month: str) -> str | None:
    after = following(month)
    return after if after <= closing.default_month() else None


def _can_close(month: str) -> bool:
    try:
        books.require_closable(month)
    except DomainError:
        return False
    return True


def _sums(found: list[Any]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for row in found:
        by = sums.setdefault(row.currency, {})
        for kind in ("pending", "held", "payable", "transit"):
            by[kind] = by.get(kind, 0) + int(getattr(row, kind))
    return sums
