"""Finance's door of the books: trial balance, closing, what is owed, the checks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, identities, permissions, users
from ambassadors import enrolment
from campaigns import wording as campaign_words
from campaigns.forms_spend import KIND_NAMES
from core import sheets
from core.db import db, retried
from core.errors import DomainError
from reports import closing, ledger_checks
from reports import wording_books as words
from reports.forms_books import CodesForm
from reports.models import following, period
from rewards import account_codes, books, journal

SHOWN = 200  # corrections; the journal has all of them

door = permissions.guard(
    Blueprint("books", __name__, url_prefix="/console/ledger"), permissions.FINANCE
)


@door.get("")
def balance() -> ResponseReturnValue:
    """Show a month's trial balance, and that what was accrued is all somewhere."""
    month = _asked_month()
    start, end = closing.bounds(month)
    closed, found = books.closed(month), _balance(month)
    wanted = journal.Wanted(start=start, end=end, corrections=True)
    late = list(journal.lines(wanted, limit=SHOWN))
    return render_template(
        "reports/console_books/balance.html",
        month=month, found=found, closed=closed, proofs=books.proofs(end), words=words,
        codes=account_codes.known(), before=following(month, -1), after=_after(month),
        papers=books.documents(month) if closed else [],
        moved=closing.moved(month) if closed else [],
        closers=users.actor_names([closed.closed_by]) if closed else {}, corrections=late,
        names=enrolment.names({one.ambassador_id for one in late if one.ambassador_id}),
        late_costs=closing.late_costs(month, limit=SHOWN), kinds=KIND_NAMES,
        channel_words=campaign_words.channel,
        can_close=_can_close(month), check=ledger_checks.last(),
    )  # fmt: skip


@door.post(f"/balance.{sheets.ENDING}")
def balance_file(ending: str) -> ResponseReturnValue:
    """Send a month's trial balance as a file."""
    month = _asked_month()
    rows = list(words.balance_rows(month, _balance(month)))
    _note_export("balance", month, ending)
    return sheets.download(f"balance-{month}.{ending}", words.BALANCE_HEADS, rows)


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


@door.get("/<month>/<name>")
def paper(month: str, name: str) -> ResponseReturnValue:
    """Send a report as its month was closed with."""
    answer = Response(books.document(month, name), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{month}-{name}"'
    return answer


@door.get("/owed")
def owed() -> ResponseReturnValue:
    """Show what each ambassador was owed at the end of a day."""
    day = request.args.get("on", "")
    last = day or closing.today()
    found = books.liabilities(closing.asked_end(last))
    return render_template(
        "reports/console_books/owed.html",
        found=found, day=day, last=last, sums=_sums(found),
        names=enrolment.names({row.ambassador_id for row in found}),
    )  # fmt: skip


@door.post(f"/owed.{sheets.ENDING}")
def owed_file(ending: str) -> ResponseReturnValue:
    """Send what each ambassador was owed at the end of a day as a file."""
    day = request.args.get("on") or closing.today()
    found = books.liabilities(closing.asked_end(day))
    names = enrolment.names({row.ambassador_id for row in found})
    rows = list(words.owed_rows(day, found, names))
    _note_export("owed", day, ending)
    return sheets.download(f"owed-{day}.{ending}", words.OWED_HEADS, rows)


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


def _balance(month: str) -> list[books.Balance]:
    """Return a month's trial balance: as it was closed with, or as the ledger has it."""
    if books.closed(month):
        return books.closed_balance(month)
    return books.trial_balance(*closing.bounds(month))


def _note_export(what: str, span: str, ending: str) -> None:
    audit.record("books.export", "month", span[:7], {"what": what, "on": span, "format": ending})
    db.session.commit()


def _asked_month() -> str:
    asked = request.values.get("month") or closing.default_month()
    return period(asked, asked).first


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
