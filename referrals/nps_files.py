"""Files of NPS scores: `email` or `customer`, `score` and `answered_on`, one person a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from itertools import islice

from flask_babel import gettext as _

from ambassadors import program
from core import clock
from core.db import BATCH_ROWS
from core.errors import DomainError, InvalidInputError
from integrations.tables import Row, Table
from referrals import nps
from referrals.models_survey import ToldBy

COLUMNS = {
    "email": ("email", "e-mail", "mail", "adresse e-mail"),
    "customer": ("customer", "customer_external_id", "customer_id", "client"),
    "score": ("score", "nps", "note"),
    "answered_on": ("answered_on", "answered_at", "date", "jour"),
    "source": ("source",),
}
_SAID = {
    nps.State.CONFLICT: "This person has another score of that moment; a score is not replaced.",
    nps.State.UNKNOWN: "Nobody is known by this address or id; import their orders first.",
}


def places(table: Table) -> dict[str, int]:
    """Return where each column of a file stands, -1 for one that is not there.

    Raises:
        InvalidInputError: A column is missing.
    """
    header = [name.strip().lower() for name in table.header]
    found = {
        name: next((header.index(word) for word in words if word in header), -1)
        for name, words in COLUMNS.items()
    }
    if min(found["score"], found["answered_on"], max(found["email"], found["customer"])) < 0:
        raise InvalidInputError(
            _("The file needs the columns email or customer, score and answered_on.")
        )
    return found


def take(
    table: Table, *, source: str, refuse: Callable[[Row], None], end: Callable[[], None]
) -> Counter[str]:
    """Record the scores of a file; return how many became what.

    Args:
        table: The file.
        source: The shop of customers' ids, where a line names none.
        refuse: Takes each line that was refused, with its reason.
        end: Called after each batch, to commit or to take it back.

    Raises:
        InvalidInputError: A column is missing.
    """
    found, counts, lines = places(table), Counter[str](), iter(table)
    while rows := list(islice(lines, BATCH_ROWS)):
        for row, state, problem in _recorded(rows, found, source):
            counts[state] += 1
            if problem:
                refuse(row._replace(problem=problem))
        end()
    return counts


def _recorded(
    rows: list[Row], found: Mapping[str, int], source: str
) -> Iterator[tuple[Row, str, str | None]]:
    """Record the scores of some lines; yield each with what became of it, and why."""
    told: list[tuple[Row, nps.Told]] = []
    for row in rows:
        try:
            told.append((row, _read(row, found, source)))
        except DomainError as error:
            yield row, "rejected", error.detail
    states = nps.record([one for _row, one in told], ToldBy.FILE)
    for (row, _one), state in zip(told, states, strict=True):
        yield row, "rejected" if state in _SAID else state.value, _SAID.get(state)


def _read(row: Row, found: Mapping[str, int], source: str) -> nps.Told:
    if row.problem:
        raise InvalidInputError(row.problem)
    cell = {name: row.cells[at].strip() if at >= 0 else "" for name, at in found.items()}
    score = int(cell["score"]) if cell["score"].isascii() and cell["score"].isdigit() else -1
    return nps.checked(
        nps.Told(
            score=score, answered_at=_instant(cell["answered_on"]), email=cell["email"] or None,
            external_id=cell["customer"] or None, source=cell["source"] or source,
        )
    )  # fmt: skip


def _instant(text: str) -> datetime:
    """Return when somebody answered: the start of a day in the program's zone, or an instant."""
    try:
        if len(text) > len("2026-03-01"):
            return clock.parse_instant(text)
        day = date.fromisoformat(text)
        return datetime.combine(day, time.min, clock.zone(program.current().timezone))
    except (ValueError, OverflowError):
        raise InvalidInputError(_("Write the day of the answer such as 2026-03-01.")) from None
