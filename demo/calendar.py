"""The demo's year: which days it covers, and how instants are drawn on them.

The demo ends yesterday and begins with the shop's history, six months before
the program; the program begins on the first of the month twelve months ago.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core import clock
from demo import brand

HISTORY_MONTHS = 6
_HOURS = tuple(range(7, 24))
_BUSY = (1, 2, 3, 3, 4, 6, 6, 4, 4, 5, 6, 8, 10, 11, 9, 5, 2)  # how often each hour is chosen


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of the demo, seen from the day it is loaded."""

    today: date

    @property
    def launch(self) -> date:
        """The program's first day."""
        return self.today.replace(year=self.today.year - 1, day=1)

    @property
    def opening(self) -> date:
        """The first day of the shop's history."""
        month = self.launch.month - HISTORY_MONTHS
        year = self.launch.year if month > 0 else self.launch.year - 1
        return date(year, month if month > 0 else month + 12, 1)

    def days(self) -> list[date]:
        """Return every day from the opening to yesterday."""
        count = (self.today - self.opening).days
        return [self.opening + timedelta(days=n) for n in range(count)]

    def months(self) -> list[date]:
        """Return the first of every month from the opening to the present one."""
        return [day for day in [*self.days(), self.today] if day.day == 1]

    def weeks(self) -> list[date]:
        """Return the days at whose first instant the demo's clock stops: Mondays, and today."""
        found = [self.launch + timedelta(days=1)]
        monday = found[0] + timedelta(days=7 - found[0].weekday())
        while monday < self.today:
            found.append(monday)
            monday += timedelta(days=7)
        return [*found, self.today]

    def progress(self, day: date) -> float:
        """Return how much of the program's year is over on a day, from 0 to 1."""
        return max(0.0, (day - self.launch).days / (self.today - self.launch).days)


def midnight(day: date) -> datetime:
    """Return the first instant of a day."""
    return datetime.combine(day, time(), clock.zone(brand.TIMEZONE)).astimezone(UTC)


def moment(day: date, rng: random.Random) -> datetime:
    """Return an instant of a day, in the evening more often than in the morning."""
    hour = rng.choices(_HOURS, _BUSY)[0]
    local = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)))
    return local.replace(tzinfo=clock.zone(brand.TIMEZONE)).astimezone(UTC)
