"""Thresholds: amounts that the law sets, as rows with the day from which they count.

None is a constant of the program.  A row is never edited: another one counts from its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from accounts import audit
from core import clock, money
from core.db import db, upsert_dialect
from core.errors import ConflictError, Fault, InvalidInputError
from rewards.models_contracts import Threshold, ThresholdKind


@dataclass(frozen=True, slots=True)
class Limit:
    """The amount that counts, in minor units."""

    amount: int
    currency: str


def at(kind: ThresholdKind, on: date, *, known_at: datetime | None = None) -> Limit | None:
    """Return what counts on a day, or None where nothing does.

    Args:
        kind: What it decides.
        on: A day in the program's time zone.
        known_at: Only what had been recorded by then.
    """
    query = sa.select(Threshold).where(Threshold.kind == kind, Threshold.effective_from <= on)
    if known_at is not None:
        query = query.where(Threshold.recorded_at <= known_at)
    found = db.session.scalar(query.order_by(Threshold.effective_from.desc()).limit(1))
    return Limit(found.amount, found.currency) if found and found.amount else None


def of_year(kind: ThresholdKind, year: int) -> Limit | None:
    """Return what counts for the sums of a calendar year: what holds on its last day."""
    return at(kind, date(year, 12, 31))


def everything() -> Sequence[Threshold]:
    """Return every threshold, kind by kind, the newest first."""
    query = sa.select(Threshold).order_by(Threshold.kind, Threshold.effective_from.desc())
    return db.session.scalars(query).all()


def add(
    kind: ThresholdKind, *, amount: str, currency: str, effective_from: date, source: str, by: str
) -> Threshold:
    """Record what counts from a day on.

    Args:
        kind: What it decides.
        amount: Decimal in major units; empty: from that day on there is no threshold.
        currency: ISO 4217.
        effective_from: A day in the program's time zone.
        source: The law and its article, or who decided.
        by: Who says so, as the audit log names people.

    Raises:
        InvalidInputError: An amount, a currency or a source that cannot be.
        ConflictError: There is one from that day already.
    """
    minor, code = _amount(amount, currency)
    told = source.strip()
    if not 0 < len(told) <= 300:
        detail = _("Name the source: the law and its article, or who decided.")
        raise InvalidInputError(detail, faults=[Fault("/source", detail)])
    values = {
        "kind": kind, "amount": minor, "currency": code, "effective_from": effective_from,
        "source": told, "recorded_at": clock.now(), "recorded_by": by,
    }  # fmt: skip
    found = db.session.scalar(
        upsert_dialect()
        .insert(Threshold)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["kind", "effective_from"])
        .returning(Threshold.id)
    )
    if found is None:
        detail = _("One counts from that day already. It stays; choose a later day.")
        raise ConflictError(detail, faults=[Fault("/effective_from", detail)])
    details = {"amount": minor, "currency": code, "from": str(effective_from), "source": told}
    audit.record("threshold.add", "threshold", kind.value, details)
    return db.session.get_one(Threshold, found)


def _amount(amount: str, currency: str) -> tuple[int | None, str]:
    try:
        code = money.require_currency(currency)
    except money.MoneyError as error:
        raise InvalidInputError(str(error), faults=[Fault("/currency", str(error))]) from None
    if not amount.strip():
        return None, code
    try:
        minor = money.to_minor(amount.strip().replace(",", "."), code)
    except money.MoneyError as error:
        raise InvalidInputError(str(error), faults=[Fault("/amount", str(error))]) from None
    if minor <= 0:
        detail = _("Write an amount above zero, or none.")
        raise InvalidInputError(detail, faults=[Fault("/amount", detail)])
    return minor, code
