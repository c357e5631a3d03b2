"""The 3-6-12 board: what was expected at the launch, as ranges, and what came after it.

Patience is built in: until the third month is over the board says "too early" and shows no
figure.  A range can be written and changed until then, and never afterwards, so nobody moves
the goal once the result is known.

Source: rule 26 of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from ambassadors import program
from campaigns import campaigns as plans
from core import clock, money
from core.db import db, upsert_dialect
from core.errors import ConflictError, InvalidInputError
from reports import acquisition, cac, campaigns, engine
from reports.models import Period, following, period
from reports.models_kept import Expectation, Measure

PROGRAM = ""  # the scope of the whole program
HORIZONS = (3, 6, 12)  # months from the launch
MILLION = 1_000_000  # a share of 28.6 % is 286,000
MEASURES = {
    True: (Measure.NEW_CUSTOMERS, Measure.CAC, Measure.SHARE),  # of the program
    False: (Measure.NEW_CUSTOMERS, Measure.CAC),
}


class Verdict(StrEnum):
    """How what came stands to what was expected."""

    TOO_EARLY = "too_early"
    NOBODY = "nobody"  # nobody came, so there is no CAC
    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Line:
    """One expectation with what came; the figure is None while it is too early."""

    expected: Expectation
    until: str  # the last month that counts
    actual: int | None
    verdict: Verdict


def launched(scope: str, month: str | None = None) -> str:
    """Return the first month that counts for a scope.

    Args:
        scope: A campaign's slug, or `PROGRAM`.
        month: Of the program's launch, where nothing is written yet.

    Raises:
        NotFoundError: There is no such campaign.
        InvalidInputError: No month.
    """
    if scope != PROGRAM:
        one = plans.get(scope)
        return clock.local_month(one.starts_at or one.created_at, program.current().timezone)
    wanted = _first_written(PROGRAM) or month or _present()
    return period(wanted, wanted).first


def write(
    scope: str, measure: Measure, after_months: int, *, low: int, high: int, currency: str,
    month: str | None = None,
) -> None:  # fmt: skip
    """Write what is expected; again before the third month is over changes it.

    Args:
        scope: A campaign's slug, or `PROGRAM`.
        measure: What it is about.
        after_months: One of `HORIZONS`.
        low: The least; a count, minor units or millionths.
        high: The most.
        currency: Of the CAC.
        month: See `launched`.

    Raises:
        NotFoundError: There is no such campaign.
        InvalidInputError: A range, a measure or a month that cannot be.
        ConflictError: The third month is over.
    """
    if after_months not in HORIZONS or measure not in MEASURES[scope == PROGRAM]:
        raise InvalidInputError(_("Choose one of the measures and months offered."))
    largest = MILLION if measure is Measure.SHARE else money.LARGEST
    if not 0 <= low <= high <= largest:
        raise InvalidInputError(_("Write a range whose first figure is not above the second."))
    first = launched(scope, month)
    if not is_early(min(first, _first_written(scope) or first)):  # a new start opens nothing again
        raise ConflictError(
            _("The third month is over: what was expected is not changed any more.")
        )
    values = {
        "scope": scope, "measure": measure, "after_months": after_months, "launched": first,
        "currency": currency, "low": low, "high": high, "written_at": clock.now(),
    }  # fmt: skip
    new = upsert_dialect().insert(Expectation).values(values)
    changed = {
        name: values[name] for name in ("launched", "currency", "low", "high", "written_at")
    }  # a campaign put off before its third month counts from its new start
    db.session.execute(
        new.on_conflict_do_update(index_elements=["scope", "measure", "after_months"], set_=changed)
    )
    told = {"measure": measure.value, "months": after_months, "low": low, "high": high}
    audit.record("expectation.write", "campaign" if scope else "program", scope or "-", told)


def _first_written(scope: str) -> str | None:
    """Return the earliest month of launch that ranges of a scope were written for."""
    months = sa.select(sa.func.min(Expectation.launched)).where(Expectation.scope == scope)
    return db.session.scalar(months)


def is_early(first: str) -> bool:
    """Tell whether the third month since a launch is not over yet."""
    return not is_over(first, HORIZONS[0])


def is_over(first: str, after_months: int) -> bool:
    """Tell whether so many months since a launch are over."""
    return _present() >= following(first, after_months)


def scopes() -> list[str]:
    """Return the scopes with expectations, the program first."""
    found = sa.select(Expectation.scope).distinct().order_by(Expectation.scope)
    return list(db.session.scalars(found))


def board(scope: str, copy: engine.Copy) -> list[Line]:
    """Return the expectations of a scope beside what came."""
    query = (
        sa.select(Expectation)
        .where(Expectation.scope == scope)
        .order_by(Expectation.measure, Expectation.after_months)
    )
    return [_line(one, copy) for one in db.session.scalars(query)]


def _line(one: Expectation, copy: engine.Copy) -> Line:
    until = following(one.launched, one.after_months - 1)
    if is_early(one.launched):
        return Line(one, until, None, Verdict.TOO_EARLY)
    actual = _actual(one, copy, Period(one.launched, min(until, _present())))
    if not is_over(one.launched, one.after_months):
        return Line(one, until, actual, Verdict.TOO_EARLY)
    return Line(one, until, actual, _verdict(one, actual))


def _verdict(one: Expectation, actual: int | None) -> Verdict:
    if actual is None:
        return Verdict.NOBODY
    if actual < one.low:
        return Verdict.BELOW
    return Verdict.ABOVE if actual > one.high else Verdict.WITHIN


def _actual(one: Expectation, copy: engine.Copy, span: Period) -> int | None:
    if one.scope != PROGRAM:
        brought = campaigns.of_one(copy, one.scope, span, one.currency)
        if one.measure is Measure.NEW_CUSTOMERS:
            return brought.new_customers
        return cac.cac(brought.cost, brought.new_customers)
    if one.measure is Measure.CAC:
        told: cac.Totals = cac.report(span, one.currency, copy=copy).totals
        return told.cac_community
    came: acquisition.Totals = acquisition.report(span, one.currency, copy=copy).totals
    if one.measure is Measure.NEW_CUSTOMERS:
        return came.new_customers_community
    return None if came.share_tracked is None else int(came.share_tracked * MILLION)


def offered(scope: str) -> Sequence[Measure]:
    """Return what can be expected of a scope."""
    return MEASURES[scope == PROGRAM]


def _present() -> str:
    return clock.local_month(clock.now(), program.current().timezone)
