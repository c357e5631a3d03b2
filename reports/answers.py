"""What new customers answered, and which channel each answer counts for.

The definition is `sql/answers.sql`; a marketer gives the channels (`referrals/survey.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from reports import engine
from reports.models import Period

NAME = "answers"


@dataclass(frozen=True, slots=True)
class Answer:
    """One folded answer with how many new customers gave it."""

    answer: str
    channel: str | None  # None: nobody has given it one yet
    customers: int
    tracked: int  # of them, those who came by code or link


@dataclass(frozen=True, slots=True)
class Declared:
    """How many new customers named a channel; None for answers without one."""

    channel: str | None
    customers: int


def found(copy: engine.Copy, span: Period) -> list[Answer]:
    """Return the answers of a period, those without a channel first, most often first."""
    answers = [Answer(**row) for row in engine.run(copy, NAME, span, {})]
    return sorted(answers, key=lambda one: one.channel is not None)


def by_channel(answers: list[Answer]) -> list[Declared]:
    """Return how many named each channel, most often first, answers without one last."""
    sums: dict[str | None, int] = {}
    for one in answers:
        sums[one.channel] = sums.get(one.channel, 0) + one.customers
    named = [Declared(name, count) for name, count in sums.items()]
    return sorted(named, key=lambda one: (one.channel is None, -one.customers))
