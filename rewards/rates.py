"""Rates of currency: what was published, and which rate holds for a day (rule 19).

Central banks publish no rate on days off, so the last one on or before a day holds; one
that is older than the program allows (`rate_days`) counts as missing.  A rate is never
guessed: it was told for the pair, for the pair the other way round, or for both
currencies against a third one by the same source on the same day.

Of several sources on one day the brand's own comes before the European Central Bank.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from core import clock, money
from core.db import db, many, upsert_dialect
from core.errors import InvalidInputError
from rewards.models import CurrencyRate

ECB = "ecb"
FIRST_YEAR = 1990
_DERIVED = Context(prec=12, rounding=ROUND_HALF_UP)  # digits of a rate that nobody published
_LONGEST = 12  # digits of a published rate before and after the point
_Pairs = dict[tuple[str, str], Decimal]


class Told(NamedTuple):
    """A rate as a source published it: one unit of the base is worth `value` of the quote."""

    on: date
    base: str
    quote: str
    value: Decimal
    source: str


class Wanted(NamedTuple):
    """A pair of currencies and the day for which a rate is asked."""

    base: str
    quote: str
    on: date


class State(StrEnum):
    """What became of a rate that was told."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    CORRECTED = "corrected"  # another value was recorded for the same day, pair and source


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The rate that holds, and how amounts go from one currency to the other."""

    base: str
    quote: str
    value: Decimal
    on: date
    source: str

    def convert(self, amount: int) -> int:
        """Return an amount of the base in the quote, half-up."""
        return money.convert(amount, self.value, self.base, self.quote)

    def convert_back(self, amount: int) -> int:
        """Return an amount of the quote in the base, half-up."""
        return money.convert_back(amount, self.value, self.base, self.quote)

    def limit(self, limit: int) -> int:
        """Return the most of the quote that a limit in the base allows."""
        return money.convert_limit(limit, self.value, self.base, self.quote)


@dataclass(frozen=True, slots=True)
class Book:
    """Rates that were loaded for some days, by day and source."""

    days: dict[date, dict[str, _Pairs]]
    longest: int  # days for which a rate holds

    def at(self, wanted: Wanted) -> Rate | None:
        """Return the last rate published on or before a day, None if it is missing."""
        for back in range(self.longest + 1):
            on = wanted.on - timedelta(days=back)
            sources = self.days.get(on, {})
            for source in sorted(sources, key=lambda name: (name == ECB, name)):
                value = _value(sources[source], wanted.base, wanted.quote)
                if value is not None:
                    return Rate(
                        base=wanted.base, quote=wanted.quote, value=value, on=on, source=source
                    )
        return None


def _value(pairs: _Pairs, base: str, quote: str) -> Decimal | None:
    """Return what a source said of a pair: as published, turned round, or through a third one."""
    if (base, quote) in pairs:
        return pairs[base, quote]
    if (quote, base) in pairs:
        return _DERIVED.divide(Decimal(1), pairs[quote, base])
    for third in sorted({one for one, _quote in pairs}):
        if (third, base) in pairs and (third, quote) in pairs:
            return _DERIVED.divide(pairs[third, quote], pairs[third, base])
    return None


def rate_at(base: str, quote: str, on: date) -> Rate | None:
    """Return what one unit of a currency was worth in another on a day; None if it is missing."""
    wanted = Wanted(base, quote, on)
    return load([wanted]).at(wanted)


_NEEDED = sa.select(
    CurrencyRate.on, CurrencyRate.source, CurrencyRate.base, CurrencyRate.quote, CurrencyRate.value
).where(
    CurrencyRate.on.between(sa.bindparam("first"), sa.bindparam("last")),
    CurrencyRate.quote.in_(many("codes")),
)


def load(wanted: Iterable[Wanted], *, known_at: datetime | None = None) -> Book:
    """Return the rates that these questions need, in one statement; none asks nothing.

    Args:
        wanted: The questions.
        known_at: Only rates that had been recorded, as they are now, by then.
    """
    asked, longest = list(wanted), program.current().rate_days
    book = Book({}, longest)
    if not asked:
        return book
    parameters = {
        "first": min(one.on for one in asked) - timedelta(days=longest),
        "last": max(one.on for one in asked),
        "codes": sorted({code for one in asked for code in (one.base, one.quote)}),
    }
    query = _NEEDED if known_at is None else _NEEDED.where(CurrencyRate.recorded_at <= known_at)
    for row in db.session.execute(query, parameters):
        sources = book.days.setdefault(row.on, {})
        sources.setdefault(row.source, {})[row.base, row.quote] = row.value
    return book


def told(*, on: date, base: str, quote: str, value: Decimal, source: str) -> Told:
    """Return a rate that can be recorded.

    Raises:
        InvalidInputError: A currency, day or value that cannot be.
    """
    try:
        pair = money.require_currency(base), money.require_currency(quote)
    except money.MoneyError as error:
        raise InvalidInputError(str(error)) from None
    if pair[0] == pair[1]:
        raise InvalidInputError(_("A rate is between two currencies."))
    digits = f"{value:f}".split(".")
    if not value.is_finite() or value <= 0 or max(map(len, digits)) > _LONGEST:
        raise InvalidInputError(_("“%(text)s” is not a rate such as 1.0823.", text=value))
    today = clock.local_day(clock.now(), program.current().timezone)
    if on.year < FIRST_YEAR or on > today + timedelta(days=1):
        raise InvalidInputError(_("%(day)s is no day whose rate is known.", day=on.isoformat()))
    return Told(on, *pair, value, source)


def compare(rates: Sequence[Told]) -> list[tuple[State, Decimal | None]]:
    """Return what recording rates would do, and the value each has now; writes nothing."""
    known = _known(rates)
    return [_state(one, known.get(one[:3] + one[4:])) for one in rates]


def _state(one: Told, before: Decimal | None) -> tuple[State, Decimal | None]:
    if before is None:
        return State.CREATED, None
    return State.UNCHANGED if before == one.value else State.CORRECTED, before


def _known(rates: Sequence[Told]) -> dict[tuple[Any, ...], Decimal]:
    columns = (
        CurrencyRate.on, CurrencyRate.base, CurrencyRate.quote, CurrencyRate.source,
        CurrencyRate.value,
    )  # fmt: skip
    rows = db.session.execute(
        sa.select(*columns).where(
            CurrencyRate.on.in_({one.on for one in rates}),
            CurrencyRate.source.in_({one.source for one in rates}),
        )
    )
    return {tuple(row[:4]): row.value for row in rows}


def record(rates: Sequence[Told]) -> list[tuple[State, Decimal | None]]:
    """Record rates, the last of the same day, pair and source; return what became of each.

    Args:
        rates: Of `told`, at most some hundreds at a time.
    """
    states = compare(rates)
    last = {one[:3] + one[4:]: one for one in rates}
    rows = [
        {**one._asdict(), "recorded_at": clock.now()}
        for key, one in sorted(last.items())  # two imports lock the rows in one order
    ]
    insert = upsert_dialect().insert(CurrencyRate)
    insert = insert.on_conflict_do_update(
        index_elements=[CurrencyRate.on, CurrencyRate.base, CurrencyRate.quote,
                        CurrencyRate.source],
        set_={"value": insert.excluded.value, "recorded_at": insert.excluded.recorded_at},
        where=CurrencyRate.value != insert.excluded.value,
    )  # fmt: skip
    if rows:
        db.session.execute(insert, rows)
    return states


def page(
    *, currency: str | None = None, before: int | None = None, limit: int = 100
) -> list[CurrencyRate]:
    """Return recorded rates, the latest day first, going on before one.

    Args:
        currency: Only those of pairs with it.
        before: The last rate of the page before.
        limit: Rates at most.
    """
    query = sa.select(CurrencyRate).order_by(CurrencyRate.on.desc(), CurrencyRate.id.desc())
    if currency:
        query = query.where(sa.or_(CurrencyRate.quote == currency, CurrencyRate.base == currency))
    known = db.session.get(CurrencyRate, before) if before else None
    if known:
        query = query.where(sa.tuple_(CurrencyRate.on, CurrencyRate.id) < (known.on, known.id))
    return list(db.session.scalars(query.limit(limit)))
