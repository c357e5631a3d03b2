"""Which reports there are, by name, and the period a reader gets unless they ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flask_babel import gettext as _

from ambassadors import program
from core import clock, money
from core.errors import InvalidInputError, NotFoundError
from reports import (
    acquisition,
    cac,
    codes,
    cohorts,
    engine,
    grouping,
    holdout_report,
    members,
    prediction,
    prediction_segments,
)
from reports.models import Period, Report, following, period

USUAL_MONTHS = 12


class Maker(Protocol):
    """Makes a report for a period and a currency."""

    def __call__(
        self, period: Period, currency: str, *, most_rows: int | None = None
    ) -> Report: ...


REPORTS: Mapping[str, Maker] = {
    acquisition.NAME: acquisition.report,
    codes.NAME: codes.report,
    cac.NAME: cac.report,
    cohorts.NAME: cohorts.report,
    cohorts.LTV: cohorts.ltv_report,
    prediction.NAME: prediction.report,
    prediction_segments.NAME: prediction_segments.report,
    members.NAME: members.report,
    holdout_report.NAME: holdout_report.report,
}


def make(name: str, asked: Mapping[str, str | None], *, most_rows: int | None = None) -> Report:
    """Return a report as somebody asks for it.

    Args:
        name: One of `REPORTS`.
        asked: `from` and `to` as `YYYY-MM`, `currency`, `group_by`; each may be absent.
        most_rows: See `lake.refresh`.

    Raises:
        NotFoundError: There is no report of this name.
        InvalidInputError: A month or currency that cannot be.
    """
    if name not in REPORTS:
        raise NotFoundError(
            _("There is no such report; use one of %(known)s.", known=", ".join(REPORTS))
        )
    span, currency = asked_period(asked), asked_currency(asked)
    by = grouping.asked(name, asked.get("group_by"))
    plain = REPORTS[name](span, currency, most_rows=most_rows)
    if by is None:
        return plain
    return grouping.report(plain, by, engine.fresh(most_rows=most_rows))


def asked_period(asked: Mapping[str, str | None]) -> Period:
    """Return the months asked for; the twelve up to the present one unless told."""
    last = asked.get("to") or _default_end(asked.get("from"))
    return period(asked.get("from") or _default_start(last), last)


def asked_currency(asked: Mapping[str, str | None]) -> str:
    """Return the currency asked for; the program's unless told."""
    try:
        return money.require_currency(asked.get("currency") or program.current().currency)
    except money.MoneyError as error:
        raise InvalidInputError(f"{error}.") from None


def _default_end(first: str | None) -> str:
    present = clock.local_month(clock.now(), program.current().timezone)
    return max(present, first) if first else present


def _default_start(last: str) -> str:
    period(last, last)  # a month that can be counted back from
    return following(last, 1 - USUAL_MONTHS)
