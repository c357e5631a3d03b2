"""The staff's door of spend: what each channel cost by month, and a form to add a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import audit, permissions
from ambassadors import program
from campaigns import spend, wording
from campaigns.forms_spend import KIND_NAMES, SpendForm
from campaigns.models import SpendKind
from core import clock, forms, i18n, money, sheets
from core.db import db, writing
from core.errors import DomainError, InvalidInputError
from core.web import month_asked
from integrations import cells

door = permissions.guard(
    Blueprint("spend", __name__, url_prefix="/console/spend"), permissions.STAFF
)

PAGE = 50


@door.get("")
def show() -> str:
    """Show the sums by month and the lines, each with its filters."""
    return _page(_new_form())


@door.post("")
def add() -> ResponseReturnValue:
    """Record one line."""
    form = SpendForm()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        line = _line(form)
        (state,) = spend.record([line])
    except DomainError as error:
        forms.show(form, error)
        return _page(form), error.status
    db.session.commit()
    if state is spend.State.CONFLICT:
        flash(_("This form recorded another line already; nothing changed. Add a new line."))
    elif state is spend.State.CREATED:
        flash(_("The line is recorded. A mistake is corrected by a negative line."))
        _say_if_late(line)
    else:
        flash(_("This line was recorded already."))
    return redirect(url_for("spend.show"))


def _say_if_late(line: spend.Line) -> None:
    """Say that a line counts later, as its own month is closed."""
    later = spend.booked_on(line.on, spend.closed_through())
    if later:
        month, day = i18n.month(f"{line.on:%Y-%m}"), i18n.day(later)
        flash(
            _(
                "%(month)s is closed and does not change: the line counts on %(day)s, as a "
                "correction that keeps its own day.",
                month=month, day=day,
            )
        )  # fmt: skip


@door.get("/lines.csv")
def download() -> Response:
    """Give the lines as CSV, with the columns that `flask import spend` reads."""
    wanted = _wanted()
    with writing():
        audit.record("spend.export", "spend", "lines", {"filters": dict(request.args)})
        db.session.commit()
    heads = ["channel", "on", "amount", "currency", "kind", "note", "key"]
    return sheets.download("spend.csv", heads, list(_rows(wanted)))


def _rows(wanted: dict[str, Any]) -> Iterator[list[Any]]:
    for one in spend.every(**wanted):
        amount = money.to_major(one.amount, one.currency)
        yield [one.channel, one.on.isoformat(), amount, one.currency, one.kind.value, one.note,
               one.key]  # fmt: skip


def _page(form: SpendForm) -> str:
    wanted = _wanted()
    after = request.args.get("after", "")
    if after and not re.fullmatch("[0-9]{1,18}", after):
        raise InvalidInputError(_("Use the address of the page before."))
    lines = spend.page(**wanted, after=int(after) if after else None, limit=PAGE + 1)
    return render_template(
        "campaigns/console/spend.html", form=form, sums=_sums(wanted), lines=lines[:PAGE],
        next_after=lines[PAGE - 1].id if len(lines) > PAGE else None, kind_names=KIND_NAMES,
        channel_words=wording.channel, known=sorted(set(wording.CHANNELS) - {"unattributed"}),
        first=f"{wanted['start']:%Y-%m}", last=f"{_before(wanted['end']):%Y-%m}",
        channel=wanted["channel"], kind=wanted["kind"],
    )  # fmt: skip


def _sums(wanted: dict[str, Any]) -> list[spend.Sum]:
    return [
        one
        for one in spend.months(wanted["start"], wanted["end"])
        if wanted["channel"] in {None, one.channel}
        and wanted["kind"] in {None, one.kind}
        and wanted["currency"] in {None, one.currency}
    ]


def _wanted() -> dict[str, Any]:
    """Return the filters of the address; the last twelve months unless told."""
    present = clock.local_day(clock.now(), program.current().timezone).replace(day=1)
    asked = _first_day("from")
    last = _first_day("to") or max(present, asked or present)
    first = asked or _shifted(last, -11)
    kind = request.args.get("kind")
    if kind and kind not in set(SpendKind):
        raise InvalidInputError(_("There is no such kind of spend."))
    return {
        "start": first, "end": _shifted(last, 1),
        "channel": request.args.get("channel") or None,
        "kind": SpendKind(kind) if kind else None,
        "currency": request.args.get("currency") or None,
    }  # fmt: skip


def _first_day(name: str) -> date | None:
    month = month_asked(name)
    return date.fromisoformat(f"{month}-01") if month else None


def _shifted(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _before(day: date) -> date:
    return _shifted(day, -1)


def _new_form() -> SpendForm:
    rules = program.current()
    today = clock.local_day(clock.now(), rules.timezone)
    return SpendForm(formdata=None, currency=rules.currency, on=today)


def _line(form: SpendForm) -> spend.Line:
    """Return the line that the form tells.

    Raises:
        InvalidInputError: An amount, currency, channel or day that cannot be.
    """
    text = str(form.amount.data).strip()
    currency = str(form.currency.data).upper()
    try:
        money.require_currency(currency)
        decimal = cells.decimal_sign([text])[0] or "."
        amount = cells.amount(text.replace("\N{MINUS SIGN}", "-"), currency, decimal)
    except ValueError as error:
        raise InvalidInputError(str(error)) from None
    return spend.line(
        channel=form.channel.data, on=form.on.data, amount=amount, currency=currency,
        kind=SpendKind(form.kind.data), key=f"page:{form.token.data}"[:200],
        note=form.note.data or "",
    )  # fmt: skip
