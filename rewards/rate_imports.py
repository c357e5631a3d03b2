"""What importing a file of rates does, or would do: counted, with every correction named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from accounts import audit
from integrations.tables import Row
from rewards import rates
from rewards.rate_files import Found
from rewards.rates import State, Told

BATCH_RATES = 500
SHOWN = 50  # corrections and refused lines that are named one by one on a page

States = Sequence[tuple[State, Decimal | None]]


@dataclass(frozen=True, slots=True)
class Correction:
    """A rate that is told otherwise than before."""

    told: Told
    before: Decimal


@dataclass(slots=True)
class Outcome:
    """What became, or would become, of the rates of a file."""

    created: int = 0
    unchanged: int = 0
    corrected: int = 0
    rejected: int = 0  # lines
    first: date | None = None
    last: date | None = None
    corrections: list[Correction] = field(default_factory=list)  # the first of them
    refused: list[Row] = field(default_factory=list)  # the first of them
    newest: list[Told] = field(default_factory=list)  # of the last day

    def counts(self) -> dict[str, int]:
        """Return the counts by name."""
        names = ("created", "unchanged", "corrected", "rejected")
        return {name: getattr(self, name) for name in names}

    def details(self) -> dict[str, Any]:
        """Return what the audit log keeps of an import."""
        days = {"first": self.first, "last": self.last}
        return self.counts() | {name: day.isoformat() for name, day in days.items() if day}


def take(
    found: Iterator[Found],
    handle: Callable[[Sequence[Told]], States],
    refuse: Callable[[Row], None] = lambda row: None,
) -> Outcome:
    """Hand the rates of a file on in batches; return what became of all.

    Args:
        found: Its lines.
        handle: Records or compares a batch, and commits if it records.
        refuse: Takes each line that cannot be read.
    """
    outcome, batch = Outcome(), list[Told]()
    for row, told in found:
        if row.problem:
            _refused(outcome, row)
            refuse(row)
        batch += told
        if len(batch) >= BATCH_RATES:
            _count(outcome, batch, handle(batch))
            batch = []
    if batch:
        _count(outcome, batch, handle(batch))
    return outcome


def record(batch: Sequence[Told]) -> States:
    """Record a batch; the audit log keeps what it corrected."""
    states = rates.record(batch)
    corrected = [
        {"on": told.on.isoformat(), "pair": f"{told.base}/{told.quote}",
         "before": f"{before:f}", "after": f"{told.value:f}"}
        for told, (state, before) in zip(batch, states, strict=True)
        if state is State.CORRECTED and before is not None
    ]  # fmt: skip
    if corrected:
        audit.record("rates.correct", "rates", batch[0].source, {"rates": corrected})
    return states


def _refused(outcome: Outcome, row: Row) -> None:
    outcome.rejected += 1
    if len(outcome.refused) < SHOWN:
        outcome.refused.append(row)


def _count(outcome: Outcome, batch: Sequence[Told], states: States) -> None:
    for told, (state, before) in zip(batch, states, strict=True):
        setattr(outcome, state, getattr(outcome, state) + 1)
        if state is State.CORRECTED and before is not None and len(outcome.corrections) < SHOWN:
            outcome.corrections.append(Correction(told, before))
        outcome.first = min(outcome.first or told.on, told.on)
        if outcome.last is None or told.on > outcome.last:
            outcome.last, outcome.newest = told.on, []
        if told.on == outcome.last:
            outcome.newest.append(told)
