"""Finance's door of the journal: the lines that a figure of the books is made of, as page and file.

The address says which lines are meant, so a figure leads to exactly what it sums up.  The files
take the same address and hold every line of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import pgettext

from accounts import audit, permissions
from ambassadors import enrolment, program
from core import clock, i18n, sheets
from core.db import db
from core.errors import InvalidInputError
from core.web import row_asked
from reports import closing
from reports import wording_books as words
from reports.models import period
from rewards import journal
from rewards.journal import Side, Wanted
from rewards.models import Account, EntryKind

_TICK = timedelta(microseconds=1)
SHOWN = 200  # lines of the page; the file holds all
_NAMES = ("month", "year", "on", "since", "account", "kind", "ambassador", "currency", "side",
          "payout", "corrections")  # fmt: skip
_Word = TypeVar("_Word", bound=StrEnum)

door = permissions.guard(
    Blueprint("journal", __name__, url_prefix="/console/ledger"), permissions.FINANCE
)


@door.get("/journal")
def page() -> ResponseReturnValue:
    """Show the lines that the address means, and what all of them come to."""
    wanted = _wanted()
    found = list(journal.lines(wanted, limit=SHOWN + 1))
    return render_template(
        "reports/console_books/journal.html",
        wanted=wanted, found=found[:SHOWN], more=len(found) > SHOWN, sums=journal.sums(wanted),
        words=words, span=_span(wanted), month=_month(wanted), asked=_asked(),
        choices=_choices(wanted), narrowed=_narrowed(wanted),
        names=enrolment.names({one.ambassador_id for one in found if one.ambassador_id}),
    )  # fmt: skip


@door.post(f"/journal.{sheets.ENDING}")
def file(ending: str) -> ResponseReturnValue:
    """Send every line that the address means, with the brand's account codes."""
    wanted, asked = _wanted(), _asked()
    name = asked.get("on") or asked.get("year") or _month(wanted)
    audit.record("books.export", "month", _month(wanted), {**asked, "format": ending})
    db.session.commit()
    return sheets.download(f"journal-{name}.{ending}", words.HEADS, words.journal_rows(wanted))


@door.get("/entries/<int:entry_id>")
def entry(entry_id: int) -> ResponseReturnValue:
    """Show an entry: every leg, and the fact behind it."""
    found = journal.of_entry(entry_id)
    return render_template(
        "reports/console_books/entry.html",
        found=found, one=found[0], words=words, payout=journal.payout_of(found[0]),
        names=enrolment.names({one.ambassador_id for one in found if one.ambassador_id}),
    )  # fmt: skip


def _wanted() -> Wanted:
    """Return what the address means; a word that it does not know narrows nothing.

    `month` counts what is booked in it, `year` what happened in it, `on` what was booked up to
    the end of a day; with `since=beginning` the first two begin with the ledger.
    """
    start, end = _bounds()
    is_since = request.values.get("since") == "beginning"
    sides = _known(Side, "side")
    return Wanted(
        start=None if is_since else start, end=end,
        as_occurred=bool(request.values.get("year")), accounts=_known(Account, "account"),
        kinds=_known(EntryKind, "kind"), ambassador_id=row_asked("ambassador"),
        currency=request.values.get("currency", "")[:3] or None,
        side=sides[0] if len(sides) == 1 else None,
        payout_id=row_asked("payout"), corrections=request.values.get("corrections") == "1",
    )  # fmt: skip


def _bounds() -> tuple[datetime | None, datetime]:
    day, year = request.values.get("on"), request.values.get("year", "")
    if day:
        return None, closing.asked_end(day)
    if year:
        if not (year.isascii() and year.isdecimal() and len(year) == 4 and year >= "1900"):
            raise InvalidInputError(_("“%(text)s” is not a year such as 2026.", text=year[:40]))
        return clock.year_bounds(int(year), program.current().timezone)
    asked = request.values.get("month") or closing.default_month()
    return closing.bounds(period(asked, asked).first)


def _known(known: type[_Word], name: str) -> tuple[_Word, ...]:
    return tuple(known(one) for one in request.values.getlist(name) if one in set(known))


def _asked() -> dict[str, Any]:
    """Return what the address asks for, to ask for it once more."""
    found = {name: request.values.getlist(name) for name in _NAMES}
    return {name: got[0] if len(got) == 1 else got for name, got in found.items() if got}


def _month(wanted: Wanted) -> str:
    """Return the month in which the lines end."""
    last = wanted.end - _TICK
    return clock.local_month(last, program.current().timezone)


def _span(wanted: Wanted) -> str:
    zone = program.current().timezone
    if wanted.start is None:
        day = i18n.day(clock.local_day(wanted.end - _TICK, zone))
        return str(_("up to %(day)s", day=day))
    return str(request.values.get("year") or i18n.month(_month(wanted)))


def _choices(wanted: Wanted) -> list[tuple[str, str, bool]]:
    """Return a chip for each account, which keeps whatever else was asked for."""
    rest = {name: value for name, value in _asked().items() if name != "account"}
    found = [(_("All accounts"), url_for(".page", **rest), not wanted.accounts)]
    found += [
        (str(name), url_for(".page", **rest, account=one.value), one in wanted.accounts)
        for one, name in words.ACCOUNTS.items()
    ]
    return found


def _narrowed(wanted: Wanted) -> list[str]:
    """Say in words what narrows the lines, beside accounts and the span."""
    kinds = [str(words.kind(one)) for one in wanted.kinds]
    sides = {Side.DEBIT: _("Debit"), Side.CREDIT: pgettext("ledger", "Credit")}
    name = enrolment.names({wanted.ambassador_id}) if wanted.ambassador_id else {}
    told = (
        *name.values(), wanted.currency, ", ".join(kinds),
        str(sides[wanted.side]) if wanted.side else None,
        _("Payout %(number)s", number=wanted.payout_id) if wanted.payout_id else None,
        _("Corrections of closed months") if wanted.corrections else None,
    )  # fmt: skip
    return [one for one in told if one]
