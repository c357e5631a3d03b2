"""What a cell of a table says: an amount, an instant, a country.

How figures and dates are written is decided once for a file, from many of its rows, and
shown before anything is written; a cell that then reads differently is refused, never
guessed.  Amounts become minor units exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale
from flask_babel import gettext as _

from core import clock, countries, money

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
FIRST_YEAR, LAST_YEAR = 1990, 2100

_SPACES = " '’\u00a0\u202f"
_SYMBOLS = re.compile(r"^[€$£¥₣\s\u00a0\u202f]+|[€$£¥₣\s\u00a0\u202f]+$")
_AMOUNT = {
    ".": re.compile(rf"([+-]?)(\d+|\d{{1,3}}(?:[,{_SPACES}]\d{{3}})+)(?:\.(\d+))?"),
    ",": re.compile(rf"([+-]?)(\d+|\d{{1,3}}(?:[.{_SPACES}]\d{{3}})+)(?:,(\d+))?"),
}
_DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:[\sT,]+(\d{1,2})[:h](\d{2})(?::(\d{2}))?(?:\s*([AaPp])\.?[Mm]\.?)?)?"
)
_OFFSET = re.compile(r"\s+([+-]\d{2}:?\d{2}|Z|UTC)$")


class CellError(ValueError):
    """A cell that cannot be what its column promises; the message says why."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a file writes figures and dates."""

    decimal: str = "."  # or a comma
    dates: str = DAY_FIRST  # of dates like 03/04/2026: dmy or mdy
    timezone: str = "UTC"  # IANA; of instants without an offset


def amount(text: str, currency: str, decimal: str) -> int:
    """Return an amount in minor units.

    Args:
        text: As a file writes it: `1'234.50`, `1 234,50`, `£12.00`.
        currency: ISO 4217; the same code may stand beside the figure.
        decimal: The decimal sign of the file, a point or a comma.

    Raises:
        CellError: Not an amount, or with more decimals than the currency has.
    """
    try:
        return _amount(text, currency, decimal)
    except money.MoneyError:
        raise CellError(_("“%(text)s” is no amount that can be recorded.", text=text)) from None


@lru_cache(maxsize=8192)
def _amount(text: str, currency: str, decimal: str) -> int:
    places = money.exponent(currency)
    sign, whole, fraction = _parts(text, currency, decimal)
    fraction = fraction.rstrip("0")
    if len(fraction) > places:
        raise CellError(
            _("“%(text)s” has more decimals than %(currency)s has.", text=text, currency=currency)
        )
    return money.to_minor(f"{sign}{whole}.{fraction or 0}", currency)


def line_amount(price: str, quantity: int, discount: str, currency: str, decimal: str) -> int:
    """Return price x quantity - discount in minor units, half-up, not below zero.

    Unit prices may have more decimals than the currency has.
    """
    total = _decimal(price, currency, decimal) * quantity
    if discount:
        total -= _decimal(discount, currency, decimal)
    scaled = total.scaleb(money.exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP)
    return max(int(scaled), 0)


def figure(text: str, decimal: str) -> Decimal:
    """Return a figure of any number of decimals, exactly.

    Raises:
        CellError: Not a figure.
    """
    return _decimal(text, "", decimal)


@lru_cache(maxsize=8192)
def _decimal(text: str, currency: str, decimal: str) -> Decimal:
    sign, whole, fraction = _parts(text, currency, decimal)
    return Decimal(f"{sign}{whole}.{fraction or 0}")


def _parts(text: str, currency: str, decimal: str) -> tuple[str, str, str]:
    bare = _SYMBOLS.sub("", text.strip().removeprefix(currency).removesuffix(currency))
    found = _AMOUNT[decimal].fullmatch(bare)
    if not found or (not bare.isascii() and not _only_known(bare)) or len(bare) > 40:
        example = "12,50" if decimal == "," else "12.50"
        raise CellError(_("“%(text)s” is not an amount such as %(example)s.", text=text[:60],
                          example=example))  # fmt: skip
    sign, whole, fraction = found.groups(default="")
    return sign, "".join(ch for ch in whole if ch.isdigit()), fraction


def _only_known(text: str) -> bool:
    """Refuse digits of other scripts, which a pattern for digits matches too."""
    return all(ch.isascii() or ch in _SPACES for ch in text)


def decimal_sign(texts: Iterable[str]) -> tuple[str | None, bool]:
    """Return the decimal sign of many amounts, and whether some could be read both ways.

    Args:
        texts: Cells of the amount columns.

    Returns:
        The sign, None where nothing tells; and True where a cell such as `1,234`
        is one thousand under one sign and one under the other.
    """
    votes = {".": 0, ",": 0}
    is_open = False
    for text in texts:
        points, commas = text.count("."), text.count(",")
        if points and commas:
            votes["." if text.rfind(".") > text.rfind(",") else ","] += 1
        elif points > 1 or commas > 1:
            votes["," if points else "."] += 1
        elif points or commas:
            tail = re.split("[.,]", text.strip())[-1]
            if re.match(r"\d{3}(?!\d)", tail) and not re.match(r"\D*0[.,]", text.strip()):
                is_open = True
            else:
                votes["." if points else ","] += 1
    if votes["."] == votes[","]:
        return None, is_open or votes["."] > 0
    return max(votes, key=lambda sign: votes[sign]), False


def date_order(texts: Iterable[str]) -> tuple[str | None, bool]:
    """Return the order of day and month in many dates, and whether some could be read both ways.

    It stops reading at the first date that tells.
    """
    is_open = False
    for text in texts:
        found = _DATE.match(text.strip())
        if not found or found[2] == ".":
            continue
        first, second = int(found[1]), int(found[3])
        if first > 12 >= second:
            return DAY_FIRST, False
        if second > 12 >= first:
            return MONTH_FIRST, False
        is_open = is_open or first != second
    return None, is_open


def instant(text: str, notation: Notation) -> datetime:
    """Return an instant in UTC.

    Args:
        text: ISO 8601 with or without an offset, or a date of the file's own order.
        notation: Of the file; its time zone holds where there is no offset.

    Raises:
        CellError: Not a date, one that does not exist, or one out of all reason.
    """
    bare = text.strip()
    try:
        moment = datetime.fromisoformat(_OFFSET.sub(_offset, bare))
    except ValueError:
        moment = _written(bare, notation)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise CellError(_("“%(text)s” is not a date of our time.", text=text[:40]))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=clock.zone(notation.timezone))
    return moment.astimezone(UTC)


def _offset(found: re.Match[str]) -> str:
    return "Z" if found[1] == "UTC" else found[1]


def _written(text: str, notation: Notation) -> datetime:
    found = _DATE.fullmatch(text)
    if not found:
        raise CellError(_("“%(text)s” is not a date such as 2026-03-31 18:42.", text=text[:40]))
    first, dot, second, year, hour, minute, seconds, half = found.groups()
    is_day_first = dot == "." or notation.dates == DAY_FIRST
    day, month = (first, second) if is_day_first else (second, first)
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half in "Pp" else 0)
    try:
        return datetime(  # noqa: DTZ001  the caller gives it the file's time zone
            int(year) + (2000 if len(year) == 2 else 0), int(month), int(day), hours,
            int(minute or 0), int(seconds or 0),
        )  # fmt: skip
    except ValueError:
        raise CellError(_("The date “%(text)s” does not exist.", text=text[:40])) from None


def currency(text: str) -> str:
    """Return an ISO 4217 code in upper case.

    Raises:
        CellError: Missing or unknown.
    """
    if not text.strip():
        raise CellError(_("The currency is missing."))
    try:
        return money.require_currency(text)
    except money.MoneyError:
        raise CellError(
            _("“%(text)s” is not a currency such as CHF or EUR.", text=text[:20])
        ) from None


def quantity(text: str) -> int:
    """Return a whole number of pieces.

    Raises:
        CellError: Not a number, or too large.
    """
    found = re.fullmatch(r"(-?[0-9]{1,9})(?:[.,]0+)?", text.strip())
    if not found:
        raise CellError(_("“%(text)s” is not a number of pieces.", text=text[:40]))
    return int(found[1])


def country(text: str) -> str | None:
    """Return the ISO 3166-1 code of a country told by code or by name; None if unknown."""
    return _countries().get(_folded(text)) if text else None


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(".", "").split())


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Return codes by code and by name, in the languages of our shops."""
    known: dict[str, str] = {}
    for language in ("en", "fr", "de", "it", "es"):
        names: dict[str, str] = dict(Locale(language).territories)
        for code, name in names.items():
            if re.fullmatch("[A-Z]{2}", code) and code not in countries.UNREAL:
                known.setdefault(code.casefold(), code)
                known.setdefault(_folded(name), code)
    return known | {"eire": "IE", "usa": "US", "uk": "GB", "czech republic": "CZ", "rsa": "ZA"}


def yes_or_no(text: str) -> bool | None:
    """Return what a cell agrees to; None for one that is empty or says neither."""
    word = text.strip().lower()
    if word in {"yes", "true", "1", "oui", "subscribed"}:
        return True
    return False if word in {"no", "false", "0", "non", "unsubscribed"} else None
