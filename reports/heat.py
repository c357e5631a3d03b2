"""The heat map of cohorts: a real table with a figure in every cell, darker where more buy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ambassadors import program
from core import clock
from reports.cohorts import Row
from reports.models import following

STEPS = (Decimal("0.10"), Decimal("0.20"), Decimal("0.35"), Decimal("0.60"))  # looks q1 to q5


@dataclass(frozen=True, slots=True)
class Cell:
    """One age of a cohort."""

    month: str
    active: int
    retention: Decimal | None
    look: str
    is_running: bool  # its month is not over: the share will still grow


@dataclass(frozen=True, slots=True)
class Line:
    """One cohort; None for ages that it has not reached."""

    cohort: str
    size: int
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Cohorts by age."""

    ages: tuple[int, ...]
    lines: tuple[Line, ...]


def table(rows: Sequence[Row]) -> Table:
    """Return the heat map of rows, one for each cohort and age."""
    ages = tuple(range(1 + max((row.age_months for row in rows), default=-1)))
    cohorts: dict[str, dict[int, Row]] = {}
    for row in rows:
        cohorts.setdefault(row.cohort, {})[row.age_months] = row
    present = clock.local_month(clock.now(), program.current().timezone)
    lines = (
        Line(
            name, known[0].size,
            tuple(_cell(known[age], present) if age in known else None for age in ages),
        )
        for name, known in sorted(cohorts.items())
    )  # fmt: skip
    return Table(ages, tuple(lines))


def _cell(row: Row, present: str) -> Cell:
    month = following(row.cohort, row.age_months)
    return Cell(month, row.active, row.retention, _look(row.retention), month >= present)


def _look(retention: Decimal | None) -> str:
    if not retention:
        return "none"
    return f"q{1 + sum(retention >= step for step in STEPS)}"
