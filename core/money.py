"""Money: integers in minor units beside an ISO 4217 currency, never a float.

Rates are basis points (10 % is 1000).  Rounding is half-up, away from zero;
an amount that is split keeps its sum by the largest remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor

from flask_babel import gettext as _

BASIS_POINTS = 10_000
LARGEST = 10**15  # minor units; a sum of many still fits 64 bits
POINTS = "PTS"  # a unit beside the currencies: whole points, never a currency of an order
_DIGITS = 28  # of a decimal: beyond them it would be rounded

# ISO 4217 list one (2026-01): active currencies and the exponents that are not 2.
_ACTIVE = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL
    GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN
    NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK
    SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS
    VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG""".split()  # noqa: SIM905
)
_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITH_THREE = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = {
    **dict.fromkeys(_WITHOUT_DECIMALS.split(), 0),
    **dict.fromkeys(_WITH_THREE.split(), 3),
    "CLF": 4,
    POINTS: 0,
}


class MoneyError(ValueError):
    """An amount or a currency that cannot be what it claims to be."""


def require_currency(code: str) -> str:
    """Return the ISO 4217 code in upper case.

    Raises:
        MoneyError: No active currency has this code.
    """
    upper = code.strip().upper()
    if upper not in _ACTIVE:
        raise MoneyError(_("“%(text)s” is not an ISO 4217 currency such as CHF or EUR", text=code))
    return upper


def exponent(currency: str) -> int:
    """Return how many decimals the currency's major unit has."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: str | Decimal, currency: str) -> int:
    """Return a decimal amount in major units as minor units.

    Args:
        amount: Such as "12.50"; a point is the decimal sign.
        currency: An ISO 4217 code.

    Raises:
        MoneyError: Not a number, not finite, too large, or with more decimals
            than the currency has.
    """
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise MoneyError(_("“%(text)s” is not an amount such as 12.50", text=amount)) from None
    if isinstance(amount, str) and ("_" in amount or not amount.isascii()):
        raise MoneyError(_("“%(text)s” is not an amount such as 12.50", text=amount))
    most = to_major(LARGEST, currency)
    if not value.is_finite() or abs(value) > most or len(value.as_tuple().digits) > _DIGITS:
        raise MoneyError(_("“%(text)s” is not an amount that can be recorded", text=amount))
    scaled = value.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise MoneyError(
            _("“%(text)s” has more decimals than %(currency)s has", text=amount, currency=currency)
        )
    return int(scaled)


def to_major(minor: int, currency: str) -> Decimal:
    """Return minor units as a decimal in major units, exactly."""
    return Decimal(minor).scaleb(-exponent(currency))


def divide_half_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded half-up, away from zero.

    Args:
        numerator: Any integer.
        denominator: Above zero.
    """
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def share(amount: int, basis_points: int) -> int:
    """Return that many basis points of an amount, rounded half-up."""
    return divide_half_up(amount * basis_points, BASIS_POINTS)


def convert(amount: int, rate: Decimal, base: str, quote: str) -> int:
    """Return an amount of one currency in another, rounded half-up once.

    Args:
        amount: Minor units of the base.
        rate: What one major unit of the base is worth in major units of the quote; above zero.
        base: ISO 4217, as the quote; their decimals are told by `exponent`.
        quote: The currency of the result.
    """
    exact = amount * factor(rate, base, quote)
    return _recordable(divide_half_up(exact.numerator, exact.denominator))


def convert_back(amount: int, rate: Decimal, base: str, quote: str) -> int:
    """Return an amount of the quote in the base, rounded half-up once; as in `convert`."""
    exact = amount / factor(rate, base, quote)
    return _recordable(divide_half_up(exact.numerator, exact.denominator))


def convert_limit(limit: int, rate: Decimal, base: str, quote: str) -> int:
    """Return the most of the quote that a limit in the base allows: rounded down.

    What is not above it is, converted back, not above the limit.
    """
    return _recordable(floor(limit * factor(rate, base, quote)))


def factor(rate: Decimal, base: str, quote: str) -> Fraction:
    """Return how many minor units of the quote one minor unit of the base is worth, exactly."""
    return Fraction(rate) * Fraction(10) ** (exponent(quote) - exponent(base))


def _recordable(amount: int) -> int:
    return max(-LARGEST, min(amount, LARGEST))


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount out in proportion to weights; the parts sum to it exactly.

    Each part gets its quotient rounded down, and the minor units left over go
    to the largest remainders, earlier ones first among equals.

    Args:
        amount: Minor units, zero or more.
        weights: Zero or more each; all zero puts everything on the first.

    Source: largest remainder method (Hamilton).
    """
    total = sum(weights)
    if not total:
        return [amount, *[0] * (len(weights) - 1)] if weights else []
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return parts
